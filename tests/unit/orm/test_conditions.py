"""How conditions are made and joined, against what they mean in plain Python."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import (
    LOOKUPS,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Native,
    Not,
    all_of,
    any_of,
    decide,
    is_same_condition,
    none_of,
    to_comparison,
    to_condition,
)
from tests.support.conditions import meets

NUMBERS = st.none() | st.integers(-2, 2)
ROWS = st.fixed_dictionaries({"a": NUMBERS, "b": NUMBERS})
LEAVES = st.builds(
    Comparison, st.sampled_from("ab"), st.sampled_from(["exact", "lt", "gte"]), NUMBERS
) | st.builds(Comparison, st.sampled_from("ab"), st.just("isnull"), st.booleans())
CONDITIONS: st.SearchStrategy[Condition | None] = st.none() | st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: AllOf(tuple(some)))
        | st.lists(inner, max_size=3).map(lambda some: AnyOf(tuple(some)))
        | inner.map(Not)
    ),
    max_leaves=6,
)
TEXTS = st.sampled_from(["", "x", "X", "x ", "y", "ß", "SS"]) | NUMBERS
GUESSES: st.SearchStrategy[Condition | None] = st.none() | st.recursive(
    st.builds(Comparison, st.sampled_from("ab"), st.sampled_from(["exact", "gte"]), NUMBERS)
    | st.builds(Comparison, st.just("a"), st.just("exact"), TEXTS)
    | st.builds(Comparison, st.just("a"), st.just("in"), st.lists(TEXTS, max_size=3)),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: AllOf(tuple(some)))
        | st.lists(inner, max_size=3).map(lambda some: AnyOf(tuple(some)))
        | inner.map(Not)
    ),
    max_leaves=6,
)
SOME = st.lists(CONDITIONS, max_size=4)

BIG = Comparison("a", "gt", 1)
SMALL = Comparison("a", "lt", 0)


@given(SOME, ROWS)
def test_all_of_lets_through_what_each_lets_through(some: list[Condition | None], row: Any):
    assert meets(all_of(some), row) is all(meets(one, row) for one in some)


@given(SOME, ROWS)
def test_any_of_lets_through_what_one_lets_through(some: list[Condition | None], row: Any):
    assert meets(any_of(some), row) is any(meets(one, row) for one in some)


@given(CONDITIONS, ROWS)
def test_none_of_lets_through_the_rest(condition: Condition | None, row: Any):
    assert meets(none_of(condition), row) is not meets(condition, row)


@given(CONDITIONS, ROWS)
def test_two_negations_change_nothing(condition: Condition | None, row: Any):
    assert meets(none_of(none_of(condition)), row) is meets(condition, row)


@given(SOME, ROWS)
def test_a_negated_any_of_is_all_of_the_negated(some: list[Condition | None], row: Any):
    assert meets(none_of(any_of(some)), row) is meets(all_of(map(none_of, some)), row)
    assert meets(none_of(all_of(some)), row) is meets(any_of(map(none_of, some)), row)


def test_negating_undoes_itself_without_piling_up():
    assert none_of(BIG) == Not(BIG)
    assert none_of(none_of(BIG)) == BIG
    assert none_of(None) == NOTHING
    assert none_of(NOTHING) is None


def test_one_condition_is_joined_with_nothing():
    assert all_of([None, BIG, None]) == BIG
    assert any_of([NOTHING, BIG]) == BIG
    assert all_of([]) is all_of([None]) is None
    assert any_of([]) == NOTHING
    assert any_of([BIG, None]) is None
    assert all_of([BIG, SMALL]) == AllOf((BIG, SMALL))
    assert any_of(iter([BIG, SMALL])) == AnyOf((BIG, SMALL))


@pytest.mark.parametrize("lookup", sorted(LOOKUPS))
def test_a_look_up_stands_behind_two_underscores(lookup: str):
    assert to_comparison(f"due__{lookup}", 5) == Comparison("due", lookup, 5)
    assert to_comparison(f"owner__due__{lookup}", 5) == Comparison("owner__due", lookup, 5)


@pytest.mark.parametrize("name", ["due", "owner__name", "due__regex", "lt", "exact"])
def test_a_name_without_a_look_up_is_compared_exactly(name: str):
    assert to_comparison(name, 5) == Comparison(name, "exact", 5)


def test_a_mapping_is_all_that_it_says():
    assert to_condition({"a__gt": 1}) == BIG
    assert to_condition({"a__gt": 1, "b": 2}) == AllOf((BIG, Comparison("b", "exact", 2)))
    assert to_condition({}) is None


@pytest.mark.parametrize("value", [None, BIG, NOTHING, Not(BIG), AllOf((BIG,)), Native("q")])
def test_a_condition_is_taken_as_it_is(value: Condition | None):
    assert to_condition(value) is value


def test_anything_else_is_an_expression_of_the_orm():
    expression = object()
    assert to_condition(expression) == Native(expression)


@pytest.mark.parametrize("value", [True, False])
def test_a_bool_is_no_condition(value: bool):
    with pytest.raises(DefinitionError, match=f"no {value}; None is all rows"):
        to_condition(value)


@given(GUESSES, NUMBERS | TEXTS, NUMBERS)
def test_what_is_decided_without_the_database_is_right(
    condition: Condition | None, a: Any, b: int | None
):
    row = {"a": a, "b": b}
    try:
        right = meets(condition, row)
    except TypeError:  # a text is no greater or less than a number
        return
    assert decide(condition, row.get) in (right, None)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (None, True),
        (NOTHING, False),
        (AllOf(()), True),
        (to_condition({"a": 1}), True),
        (to_condition({"a": 2}), False),
        (to_condition({"a__in": [2, 1]}), True),
        (to_condition({"a__in": []}), False),
        (to_condition({"a": "1"}), None),
        (to_condition({"a": True}), None),
        (to_condition({"a__gt": 0}), None),
        (to_condition({"text": "y"}), False),
        (to_condition({"text": "x"}), None),
        (to_condition({"text": "X "}), None),
        (to_condition({"text": "\u212a"}), None),
        (to_condition({"other": 1}), None),
        (to_condition({"other": None}), None),
        (Native("q"), None),
        (Not(to_condition({"a": 1})), False),
        (Not(Native("q")), None),
        (AllOf((Native("q"), NOTHING)), False),
        (AllOf((Native("q"), AllOf(()))), None),
        (AnyOf((Native("q"), AllOf(()))), True),
        (AnyOf((Native("q"), NOTHING)), None),
    ],
)
def test_only_what_no_database_sees_otherwise_is_decided(
    condition: Condition | None, verdict: bool | None
):
    assert decide(condition, {"a": 1, "text": "x"}.get) is verdict


@given(CONDITIONS, CONDITIONS, ROWS)
def test_the_same_conditions_let_the_same_rows_through(one: Any, other: Any, row: Any):
    if is_same_condition(one, other):
        assert meets(one, row) is meets(other, row)
    assert is_same_condition(one, other) is is_same_condition(other, one)
    assert is_same_condition(one, copy.deepcopy(one))


def test_expressions_of_an_orm_are_the_same_only_themselves():
    class Expression:
        def __eq__(self, other: object) -> Any:
            raise AssertionError("an expression makes SQL of this")

        __hash__ = None  # type: ignore[assignment]

    one, other = Native(Expression()), Native(Expression())
    assert is_same_condition(AllOf((one, BIG)), AllOf((one, BIG)))
    assert not is_same_condition(AllOf((BIG, one)), AllOf((BIG, other)))
    assert not is_same_condition(Not(one), Not(other))
    assert not is_same_condition(AllOf((BIG,)), AllOf((BIG, SMALL)))
    assert not is_same_condition(AllOf((BIG,)), AnyOf((BIG,)))
    assert not is_same_condition(BIG, None)
