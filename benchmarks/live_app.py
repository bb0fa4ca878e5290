"""Our side of `benchmarks.live`: a list that all peers watch, and saves on command."""

import os
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

# Models may be imported only now.
from benchmarks.commands import CommandApplication  # noqa: E402
from benchmarks.crud_models import FIELDS, Order  # noqa: E402
from benchmarks.messages import ORDERS_KEY  # noqa: E402
from benchmarks.order_database import fill, save, statements  # noqa: E402
from django_vortex import AllowAny, query, tuple_type, vortex_application  # noqa: E402

fill()
tuple_type("bench.Order", fields=FIELDS)(Order)


@query(ORDERS_KEY, permission=AllowAny, scope="all")
def find_orders(request: Any) -> Any:
    """Return all rows."""
    return Order.objects.order_by("id")


application: Final = vortex_application(
    CommandApplication({"save": save, "statements": statements})
)
