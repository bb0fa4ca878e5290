"""Conditions that are decided or compared without a database."""

import uuid
from typing import Any

import pytest
from django.db.models import Q

from django_vortex.orm.conditions import (
    NOTHING,
    Native,
    Not,
    all_of,
    any_of,
    decide,
    is_same_condition,
    to_condition,
)

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
ROW = {"owner": 5, "key": ONE, "name": "Ann", "place": "Zürich", "due": None, "flag": True}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, True),
        ({"owner": 5}, True),
        ({"owner": 6}, False),
        ({"owner": 5, "key": ONE}, True),
        ({"owner": 5, "key": TWO}, False),
        ({"owner__in": [4, 5]}, True),
        ({"owner__in": [4, 6]}, False),
        ({"owner__in": []}, False),
        ({"flag": True}, True),
        ({"flag": False}, False),
        ({"name": "Bob"}, False),
        (NOTHING, False),
        (Not(to_condition({"owner": 5})), False),  # type: ignore[arg-type]
        (Not(to_condition({"owner": 6})), True),  # type: ignore[arg-type]
    ],
)
def test_a_row_that_compares_its_own_fields_is_known(said: Any, expected: bool) -> None:
    assert decide(to_condition(said), ROW.get) is expected


@pytest.mark.parametrize(
    "said",
    [
        {"owner": "5"},
        {"owner__gt": 9},
        {"owner": None},
        {"due": 5},
        {"owner__team": 5},
        {"name": "Ann"},
        {"name": "ANN "},
        {"place": "Zurich"},
        {"owner__in": [None, 6]},
        Q(owner=6),
        Not(Native(Q(owner=6))),
    ],
)
def test_the_rest_is_left_to_the_database(said: Any) -> None:
    """Also what a collation may take for the same."""
    assert decide(to_condition(said), ROW.get) is None


def test_one_part_may_decide_what_others_leave_open() -> None:
    unknown, false = to_condition(Q(owner=6)), to_condition({"owner": 6})
    true = to_condition({"owner": 5})
    assert decide(all_of([unknown, false]), ROW.get) is False
    assert decide(all_of([unknown, true]), ROW.get) is None
    assert decide(any_of([unknown, true]), ROW.get) is True
    assert decide(any_of([unknown, false]), ROW.get) is None


def test_conditions_are_the_same_if_that_is_known() -> None:
    def make(value: int) -> Any:
        own = to_condition({"owner": value, "flag": True})
        return any_of([own, Not(to_condition({"key": ONE}))])  # type: ignore[arg-type]

    assert is_same_condition(make(5), make(5))
    assert not is_same_condition(make(5), make(6))
    assert not is_same_condition(make(5), None)
    assert not is_same_condition(all_of([make(5), NOTHING]), any_of([make(5), make(6)]))
    native = to_condition(Q(owner=5))
    assert is_same_condition(native, native)
    assert not is_same_condition(native, to_condition(Q(owner=5)))
