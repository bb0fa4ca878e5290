"""What `FiltPattern` takes for contained (PROTOCOL section 7)."""

import datetime
import decimal
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError
from django_vortex.routing.filt import FiltPattern, check_filt, freeze
from django_vortex.tuples import Tuple, TupleSelector

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.decimals(),
    st.datetimes(),
    st.uuids(),
)
KEYS = st.one_of(st.text(max_size=3), st.integers(), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.frozensets(st.integers(), max_size=3),
    ),
    max_leaves=12,
)
FILTS = st.dictionaries(KEYS, VALUES, max_size=5)


few = settings(max_examples=40, deadline=None)


class Person(Tuple):
    name: str


def matches(endpoint: dict[object, object], message: dict[object, object]) -> bool:
    return FiltPattern(endpoint).matches(message)


@few
@given(FILTS, FILTS)
def test_a_filt_is_contained_in_itself_and_in_one_with_more_names(
    filt: dict[object, object], more: dict[object, object]
) -> None:
    assert matches(filt, filt)
    assert matches(filt, {**more, **filt})
    for name in filt:
        assert not matches(filt, {key: value for key, value in filt.items() if key is not name})


@few
@given(FILTS, FILTS)
def test_no_pair_of_filts_raises(one: dict[object, object], other: dict[object, object]) -> None:
    assert matches(one, other) in (True, False)


@few
@given(st.lists(VALUES, max_size=5).flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_the_order_of_a_list_does_not_count(lists: tuple[list[object], list[object]]) -> None:
    assert matches({"a": lists[0]}, {"a": lists[1]})


@pytest.mark.parametrize("value", [1, 1.0, True, decimal.Decimal(1)])
def test_numbers_are_compared_by_value(value: object) -> None:
    assert matches({"a": 1}, {"a": value})
    assert matches({"a": [1]}, {"a": [value]})


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        (5, "5"),
        ("a", b"a"),
        (None, False),
        (0, None),
        ([1, 1, 2], [1, 2, 2]),
        ([1], 1),
        ([], None),
        ({}, []),
        ({}, None),
        ([], {}),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        ({"a": None}, {}),
        (TupleSelector("t.A", {"a": 1}), TupleSelector("t.A", {"a": 2})),
        (TupleSelector("t.A", {"a": 5}), TupleSelector("t.A", {"a": 5.0})),
        (Person(name="Ann"), Person(name="Bob")),
        (datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)),
    ],
)
def test_different_values_do_not_match(wanted: object, got: object) -> None:
    assert not matches({"a": wanted}, {"a": got})


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ([1, "a", None], [None, 1, "a"]),
        ([[1, 2], {"a": 1}], [{"a": 1}, [2, 1]]),
        ((1, 2), [2, 1]),
        ({1, 2}, [2, 1]),
        (bytearray(b"x"), b"x"),
        (float("nan"), float("nan")),
        ([float("nan")], [float("nan")]),
        (uuid.UUID(int=5), uuid.UUID(int=5)),
        (TupleSelector("t.A", {"a": 1, 2: "b"}), TupleSelector("t.A", {2: "b", "a": 1})),
        (Person(name="Ann"), Person(name="Ann")),
        ([Person(name="Ann"), 1], [1, Person(name="Ann")]),
    ],
)
def test_equal_values_match(wanted: object, got: object) -> None:
    assert matches({"a": wanted}, {"a": got})


def test_the_order_of_a_very_long_list_counts() -> None:
    numbers = list(range(1000))
    assert matches({"a": numbers}, {"a": list(numbers)})
    assert matches({"a": tuple(numbers)}, {"a": numbers})
    assert not matches({"a": numbers}, {"a": numbers[::-1]})
    assert not matches({"a": numbers}, {"a": numbers[:-1]})


def test_elements_of_a_very_long_list_are_not_hashed() -> None:
    class Colliding:
        def __hash__(self) -> int:
            raise AssertionError

    assert not matches({"a": [1]}, {"a": [Colliding() for _ in range(1000)]})
    assert not matches({"a": [1]}, {"a": [[Colliding() for _ in range(1000)]]})


def test_a_dict_in_the_message_may_contain_more() -> None:
    wanted = {"where": {"state": "open", "of": {"id": 7}}}
    assert matches(wanted, {"where": {"of": {"id": 7, "x": 1}, "state": "open", "y": 2}})


def test_a_dict_in_the_message_must_contain_what_is_asked_for() -> None:
    wanted = {"where": {"state": "open", "of": {"id": 7}}}
    assert not matches(wanted, {"where": {"state": "open", "of": {"id": 8}}})
    assert not matches(wanted, {"where": {"state": "open"}})


def test_a_value_whose_comparison_fails_does_not_match() -> None:
    signalling = decimal.Decimal("sNaN")
    assert not matches({"a": signalling}, {"a": decimal.Decimal("sNaN")})
    assert matches({"a": signalling}, {"a": signalling})


def test_changing_the_dict_later_changes_no_pattern() -> None:
    filt: dict[object, object] = {"ids": [1], "where": {"a": 1}}
    pattern = FiltPattern(filt)
    filt["ids"] = [2]
    filt["where"] = {"a": 2}
    assert pattern.matches({"ids": [1], "where": {"a": 1}})


@few
@given(VALUES, VALUES)
def test_frozen_values_can_be_used_as_keys(one: object, other: object) -> None:
    found = {freeze(one): "one", freeze(other): "other"}
    assert found[freeze(other)] == "other"


def test_a_filt_without_key_is_refused_with_what_came() -> None:
    with pytest.raises(DefinitionError) as refused:
        check_filt({"kex": "people"})
    text = "Filt {'kex': 'people'} has no 'key'; routing looks that up first"
    assert str(refused.value) == text


def test_a_long_filt_is_cut_in_the_text() -> None:
    with pytest.raises(DefinitionError) as refused:
        check_filt({"kex": "people" * 100})
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("filt", [None, "people", ["key"], {"key": 5}, {"key": None}])
def test_what_is_no_filt_is_refused(filt: object) -> None:
    with pytest.raises(DefinitionError, match=r"Expected `(dict|str)`, got"):
        check_filt(filt)
