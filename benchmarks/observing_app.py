"""The other side of `benchmarks.live`: peers of djangochannelsrestframework that observe a row."""

import os
from typing import Final

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

# Models may be imported only now.
from djangochannelsrestframework.generics import GenericAsyncAPIConsumer  # noqa: E402
from djangochannelsrestframework.observer.generics import ObserverModelInstanceMixin  # noqa: E402

from benchmarks.commands import CommandApplication  # noqa: E402
from benchmarks.crud import OrderSerializer  # noqa: E402
from benchmarks.crud_models import Order  # noqa: E402
from benchmarks.order_database import fill, save, statements  # noqa: E402

fill()


class OrderConsumer(ObserverModelInstanceMixin, GenericAsyncAPIConsumer):  # type: ignore[misc]
    """A peer that is told of changes of the rows that it has subscribed to."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer


application: Final = ProtocolTypeRouter(
    {
        "http": CommandApplication({"save": save, "statements": statements}),
        "websocket": URLRouter([path("orders", OrderConsumer.as_asgi())]),
    }
)
