"""Queries that tests ask."""

import enum
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

from django_vortex import Request, query


class Unit(enum.Enum):
    """How an answer is counted."""

    ONE = "one"
    DOZEN = "dozen"


@query("e2e.priced")
def priced(
    request: Request,
    *,
    day: date,
    price: Decimal = Decimal(1),
    count: int = 2,
    unit: Unit = Unit.ONE,
    names: list[str] | None = None,
) -> list[object]:
    """Return the arguments as they came, with a product."""
    return [day, price * count, unit, names or []]


@query("e2e.first")
async def first(request: Request, *, start: int) -> AsyncIterator[int]:
    """Count from a number on."""
    while True:
        yield start
        start += 1


@query("e2e.nearest")
def nearest(request: Request, *, day: date, price: Decimal) -> list[object]:
    """Return what came of arguments that released clients cannot write as they are."""
    return [day.isoformat(), float(price * 2)]


@query("e2e.of_plugin", observable="plugin", additional_filt={"plugin": "e2e"})
def of_plugin(request: Request) -> str:
    """Say that it was found."""
    return "here"
