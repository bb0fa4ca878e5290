"""Checking values against declared types."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import typing
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar, Union

import pytest

from django_vortex.exceptions import MalformedMessage
from django_vortex.wire.type_checks import make_check

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = "r"
    BLUE = 2


class Odd(enum.Enum):
    PAIR = (1, 2)
    DAY = dt.date(2024, 1, 2)
    ID = uuid.UUID(int=1)


@dataclasses.dataclass
class Point:
    x: int


class Bigger(Point):
    pass


def check(declared: object, value: Any) -> Any:
    made = make_check(declared)
    assert made is not None
    return made(value)


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (int, 5),
        (int, 2**80),
        (UserId, 5),
        (Annotated[int, "positive"], 5),
        (float, 1.5),
        (bool, True),
        (str, "x"),
        (bytes, b"x"),
        (bytearray, bytearray(b"x")),
        (dt.datetime, dt.datetime(2024, 1, 2)),
        (dt.date, dt.date(2024, 1, 2)),
        (decimal.Decimal, decimal.Decimal("1.10")),
        (list, [1, "x"]),
        (list[int], [1, 2]),
        (list[int | None], [1, None]),
        (Sequence[str], ["x"]),
        (Iterable[str], ["x"]),
        (tuple[int, str], (1, "x")),
        (tuple[int, ...], (1, 2, 3)),
        (set[int], {1}),
        (frozenset[int], frozenset({1})),
        (dict, {1: 2}),
        (dict[str, int], {"a": 1}),
        (Mapping[str, int], {"a": 1}),
        (int | str, "x"),
        (Union[int, str], 5),  # noqa: UP007 - the old spelling must do too
        (Optional[int], 5),  # noqa: UP045
        (Literal["a", 1], "a"),
        (Point, Bigger(1)),
        (Color, Color.RED),
        (type(None), None),
    ],
    ids=repr,
)
def test_value_of_the_declared_type_passes_as_it_is(declared: object, value: Any) -> None:
    checked = check(declared, value)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize("declared", [None, Any, object, T, typing.SupportsInt, int | Any])
def test_declaration_that_says_nothing_checks_nothing(declared: object) -> None:
    assert make_check(declared) is None


@pytest.mark.parametrize(
    ("declared", "value", "wanted"),
    [
        (float, 5, 5.0),
        (int, 1e21, 10**21),
        (int, "", None),
        (dt.date, dt.datetime(2024, 1, 2, tzinfo=dt.UTC), dt.date(2024, 1, 2)),
        (dt.time, "03:04:05", dt.time(3, 4, 5)),
        (dt.timedelta, 1.5, dt.timedelta(seconds=1.5)),
        (dt.timedelta, 2, dt.timedelta(seconds=2)),
        (decimal.Decimal, 1.1, decimal.Decimal("1.1")),
        (decimal.Decimal, 5, decimal.Decimal(5)),
        (uuid.UUID, str(uuid.UUID(int=1)), uuid.UUID(int=1)),
        (bytes, "AA==", b"\x00"),
        (bytearray, b"x", bytearray(b"x")),
        (Color, "r", Color.RED),
        (Color | None, 2, Color.BLUE),
        (Odd, [1, 2], Odd.PAIR),
        (Odd, dt.datetime(2024, 1, 2, tzinfo=dt.UTC), Odd.DAY),
        (list[Odd], [str(uuid.UUID(int=1))], [Odd.ID]),
        (list[decimal.Decimal], [1.5], [decimal.Decimal("1.5")]),
        (tuple[int, float], [1, 2], (1, 2.0)),
        (set[str], ["x"], {"x"}),
        (frozenset, [1], frozenset({1})),
        (dict[str, int], {5: 1, "a": 2}, {"5": 1, "a": 2}),
        (dict[str, Color], {"a": "r"}, {"a": Color.RED}),
        (dt.date | str, dt.datetime(2024, 1, 2), dt.date(2024, 1, 2)),
    ],
    ids=repr,
)
def test_what_old_dialects_send_instead_becomes_the_declared_type(
    declared: object, value: Any, wanted: Any
) -> None:
    checked = check(declared, value)
    assert checked == wanted
    assert type(checked) is type(wanted)


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        (int, "forty", "Expected `int`, got 'forty'"),
        (int, True, "Expected `int`, got True"),
        (int, 1.5, "Expected `int`, got 1.5"),
        (int, math.inf, "Expected `int`, got inf"),
        (float, True, "Expected `float`, got True"),
        (float, 10**400, "Expected `float`, got 1000"),
        (bool, 1, "Expected `bool`, got 1"),
        (str, 5, "Expected `str`, got 5"),
        (bytes, "A", "Expected `bytes`, got 'A'"),
        (dt.datetime, "2024-01-02", "Expected `datetime`, got '2024-01-02'"),
        (decimal.Decimal, "x", "Expected `Decimal`, got 'x'"),
        (uuid.UUID, "x", "Expected `UUID`, got 'x'"),
        (Color, "green", "Expected `Color`, got 'green'"),
        (Color, [], r"Expected `Color`, got \[\]"),
        (Odd, [1, 3], r"Expected `Odd`, got \[1, 3\]"),
        (list, {}, "Expected `list`, got {}"),
        (tuple[int, str], [1], r"Expected `tuple of 2`, got \[1\]"),
        (set[str], [[]], r"Expected `str`, got \[\] - at `\[0\]`"),
        (set, [[]], r"Expected `set`, got \[\[\]\]"),
        (list[int], [1, None], r"Expected `int`, got None - at `\[1\]`"),
        (dict[str, int], {"a": "x"}, r"Expected `int`, got 'x' - at `\['a'\]`"),
        (dict, [], r"Expected `dict`, got \[\]"),
        (int | str, 1.5, r"Expected `int | str`, got 1.5"),
        (Literal["a", 1], True, r"Expected `'a' | 1`, got True"),
        (Point, {"x": 1}, "Expected `Point`, got {'x': 1}"),
        (type(None), 5, "Expected `None`, got 5"),
    ],
    ids=repr,
)
def test_anything_else_is_refused_with_its_path(declared: object, value: Any, text: str) -> None:
    with pytest.raises(MalformedMessage, match=text):
        check(declared, value)


def test_long_values_are_cut_in_the_text() -> None:
    with pytest.raises(MalformedMessage) as caught:
        check(int, "x" * 1000)
    assert len(str(caught.value)) < 120
