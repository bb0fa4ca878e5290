"""Selectors: identity by canonical text."""

from __future__ import annotations

import datetime as dt

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import TupleSelector


def test_equal_conditions_are_one_key_whatever_their_order() -> None:
    one = TupleSelector("stock.Airport", {"state": "NY", "size": 5})
    other = TupleSelector("stock.Airport", {"size": 5, "state": "NY"})
    assert one == other
    assert {one: "found"}[other] == "found"


@pytest.mark.parametrize(
    "other",
    [
        TupleSelector("stock.Plane", {"size": 5}),
        TupleSelector("stock.Airport", {"size": 5.0}),
        TupleSelector("stock.Airport", {"size": "5"}),
        TupleSelector("stock.Airport", {"size": True}),
        TupleSelector("stock.Airport"),
        "stock.Airport",
    ],
)
def test_other_name_or_other_conditions_are_another_selector(other: object) -> None:
    assert TupleSelector("stock.Airport", {"size": 5}) != other


def test_canonical_text_is_that_of_the_protocol() -> None:
    selector = TupleSelector("t.A", {"b": 1, "a": "x"})
    assert selector.canonical == ('{"name":"t.A","selector":{"a":"x","b":{"_fd":1,"_ft":"int"}}}')


def test_keys_of_mixed_kinds_have_a_text() -> None:
    assert TupleSelector("t.A", {5: 1.5, "a": 2.5, None: True}).canonical == (
        '{"name":"t.A","selector":{"5":1.5,"a":2.5,"null":true}}'
    )


def test_selector_may_hold_selectors() -> None:
    inner = TupleSelector("t.B", {"when": dt.datetime(2024, 1, 2, tzinfo=dt.UTC)})
    assert TupleSelector("t.A", {"s": inner}) == TupleSelector(
        "t.A", {"s": TupleSelector("t.B", dict(inner.selector))}
    )


def test_what_cannot_travel_cannot_be_compared() -> None:
    with pytest.raises(DefinitionError, match="A selector cannot hold <object"):
        hash(TupleSelector("t.A", {"o": object()}))


def test_text_for_people_is_short() -> None:
    assert repr(TupleSelector("t.A", {"b": 1})) == "TupleSelector('t.A', {'b': 1})"
