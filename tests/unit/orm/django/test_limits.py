"""What a database cannot hold is known before it is asked."""

import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.backends.postgresql.operations import DatabaseOperations

from django_vortex.orm.django.limits import get_storage_error

POSTGRES = SimpleNamespace(vendor="postgresql", ops=DatabaseOperations(connection))
SQLITE = connection

TEXT: Any = models.TextField()
JSON: Any = models.JSONField()
SMALL: Any = models.SmallIntegerField()
BIG: Any = models.BigIntegerField()
FLOAT: Any = models.FloatField()
PRICE: Any = models.DecimalField(max_digits=5, decimal_places=2)
SMALLS: Any = ArrayField(models.SmallIntegerField())


@pytest.mark.parametrize(
    ("field", "value", "in_sqlite", "in_postgresql"),
    [
        (TEXT, None, True, True),
        (TEXT, "ä\U0001f600", True, True),
        (TEXT, "a\0", True, False),
        (TEXT, "\ud800", False, False),
        (JSON, {"a": ["\0"]}, True, False),
        (JSON, {"\ud800": 1}, True, False),
        (JSON, [1, None, {"a": math.pi}], True, True),
        (SMALL, 2**15 - 1, True, True),
        (SMALL, 2**15, True, False),
        (SMALL, -(2**15) - 1, True, False),
        (SMALL, True, True, True),
        (BIG, 2**63 - 1, True, True),
        (BIG, 2**63, False, False),
        (FLOAT, math.nan, False, True),
        (FLOAT, math.inf, True, True),
        (PRICE, Decimal("999.99"), True, True),
        (PRICE, Decimal("0.001"), True, True),
        (PRICE, Decimal("0E+9"), True, True),
        (PRICE, Decimal("-1000"), False, False),
        (PRICE, Decimal("1e400"), False, False),
        (PRICE, Decimal("NaN"), False, False),
        (PRICE, Decimal("sNaN"), False, False),
        (PRICE, Decimal("-Infinity"), False, False),
        (SMALLS, [1, None, 2**15], True, False),
        (SMALLS, [1, None], True, True),
    ],
)
def test_limits(field: Any, value: Any, in_sqlite: bool, in_postgresql: bool) -> None:
    assert (get_storage_error(field, value, SQLITE) is None) is in_sqlite
    assert (get_storage_error(field, value, POSTGRES) is None) is in_postgresql
