"""Queries that tests ask."""

import enum
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django_vortex import AllowAny, Request, endpoint, notify, notify_mapper, query


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


shelves: dict[str, list[Any]] = {}
"""What no database has: numbers, or anything else, by name."""


@query("e2e.shelf")
def shelf(request: Request, *, name: str, least: int = 0) -> list[int]:
    """Return the numbers of a shelf."""
    return [number for number in shelves.get(name, []) if number >= least]


@query("e2e.shelf_count")
def shelf_count(request: Request, *, name: str) -> int:
    """Return how many numbers a shelf has."""
    return len(shelves.get(name, []))


@query("e2e.kept")
def kept(request: Request, *, name: str) -> list[Any]:
    """Return whatever is on a shelf."""
    return list(shelves.get(name, []))


@notify_mapper(shelf)
def derived(*, name: str) -> Iterator[tuple[object, dict[str, str]]]:
    """Say what else changes with them."""
    yield shelf_count, {"name": name}
    yield kept, {"name": name}


@endpoint({"key": "e2e.fill_shelf"}, permission=AllowAny)
def fill_shelf(request: Request) -> None:
    """Put something else on a shelf."""
    name = request.filt["name"]
    shelves[name] = list(request.tuples)
    notify(shelf, name=name)


@query("e2e.lines")
def lines(request: Request, *, path: str) -> list[str]:
    """Return the lines of a file, which is the same for all processes."""
    return Path(path).read_text().splitlines()


@endpoint({"key": "e2e.add_line"}, permission=AllowAny)
def add_line(request: Request) -> None:
    """Add a line to a file."""
    path = Path(request.filt["path"])
    path.write_text(f"{path.read_text()}{request.filt['line']}\n")
    notify(lines, path=str(path))
