"""What error texts repeat of foreign values."""

import datetime as dt
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from django_vortex.quoting import (
    MAX_MESSAGE_CHARACTERS,
    MAX_QUOTED_CHARACTERS,
    quoted,
    shortened,
    with_path,
)
from django_vortex.tuples import Tuple
from tests.unit.orm.models import Author
from tests.unit.orm.tables import Country


class Mood(enum.Enum):
    GOOD = "g"


class Plain:
    pass


@dataclass
class Point:
    x: int = 0


class Person(Tuple):
    name: str


class Loud(Plain):
    def __repr__(self) -> str:
        raise AssertionError("The application was asked")


PLAIN = st.none() | st.booleans() | st.integers() | st.floats()
PLAIN |= st.dates() | st.decimals() | st.uuids()


def nested(texts: Any, binaries: Any) -> Any:
    return st.recursive(
        PLAIN | texts | binaries,
        lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    )


@given(nested(st.text(), st.binary()))
def test_what_is_not_cut_is_quoted_as_python_writes_it(value: Any) -> None:
    assume(len(repr(value)) <= MAX_QUOTED_CHARACTERS)
    assert quoted(value) == repr(value)


@given(
    nested(
        # Python takes the other quotation mark where this one is in a text, be it far behind.
        st.text().map(lambda text: text.replace("'", "")),
        st.binary().map(lambda data: data.replace(b"'", b"")),
    )
)
def test_values_are_quoted_as_python_writes_them_and_cut(value: Any) -> None:
    text = repr(value)
    assert quoted(value) == (
        text if len(text) <= MAX_QUOTED_CHARACTERS else text[: MAX_QUOTED_CHARACTERS - 1] + "…"
    )


def test_quotation_marks_that_are_not_shown_are_not_looked_for() -> None:
    assert quoted("a" * 100 + "'").startswith("'aaa")


@pytest.mark.parametrize(
    "value",
    [(), (1,), (1, 2), set(), {1}, frozenset({1}), Mood.GOOD, Plain, len, dt.UTC, uuid.UUID(int=5)],
)
def test_what_is_short_is_quoted_whole(value: Any) -> None:
    assert quoted(value) == repr(value)


@pytest.mark.parametrize("value", [Plain(), Point(), Person(), Loud(), Author(), Country()])
def test_instances_are_quoted_by_the_name_of_their_class(value: Any) -> None:
    name = type(value).__qualname__
    assert quoted(value) == f"{name}(…)"
    assert quoted([value, {"a": (value,)}]) == f"[{name}(…), {{'a': ({name}(…),)}}]"


@pytest.mark.parametrize(
    "value",
    [
        [[]] * 1_000_000,
        ["x" * 1_000_000] * 1000,
        "x" * 10_000_000,
        {number: [number] * 1000 for number in range(1000)},
        10**4999,
        [decimal.Decimal(1)] * 1_000_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_not_more_is_looked_at_than_is_shown(value: Any) -> None:
    assert len(quoted(value)) <= MAX_QUOTED_CHARACTERS


def test_texts_are_cut_and_say_where() -> None:
    assert shortened("x" * MAX_MESSAGE_CHARACTERS) == "x" * MAX_MESSAGE_CHARACTERS
    assert shortened("x" * (MAX_MESSAGE_CHARACTERS + 1)) == "x" * (MAX_MESSAGE_CHARACTERS - 1) + "…"
    assert with_path("Expected `int`", "$.filt.id") == "Expected `int` - at `$.filt.id`"
    assert with_path("Expected an object", "$") == "Expected an object"
