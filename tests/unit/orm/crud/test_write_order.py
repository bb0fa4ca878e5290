"""Rows come behind what they need, and in their order otherwise."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.orm.conditions import AllOf, AnyOf, Comparison, Native, Not
from django_vortex.orm.crud.write_order import Action, Step, Write, order_deletes, order_writes
from django_vortex.orm.model_spec import ModelField, ModelSpec
from django_vortex.orm.uniqueness import Unique

ITEM = ModelSpec(
    model="item",
    label="Item",
    fields={
        field.name: field
        for field in (
            ModelField("id", int, columns=frozenset({"item.id"})),
            ModelField("name", str, columns=frozenset({"item.name"})),
            ModelField("row", int, columns=frozenset({"item.row"})),
            ModelField("is_main", bool, columns=frozenset({"item.is_main"})),
            ModelField(
                "parent_id",
                int,
                columns=frozenset({"item.parent_id"}),
                refers_to=frozenset({"item.id"}),
            ),
            ModelField(
                "needed_id",
                int,
                is_nullable=False,
                columns=frozenset({"item.needed_id"}),
                refers_to=frozenset({"item.id"}),
            ),
            ModelField("friends", list, is_many=True, refers_to=frozenset({"item.id"})),
        )
    },
    key_names=("id",),
    unique=(
        Unique(("name",)),
        Unique(("row",), Comparison("is_main", "exact", True), ("is_main",)),
    ),
)

WRITE, PARK, COMPLETE = Action.WRITE, Action.PARK, Action.COMPLETE


def make(
    values: dict[str, Any], before: dict[str, Any] | None = None, *, defers: bool = False
) -> Write:
    whole = dict.fromkeys(ITEM.fields) | values
    changed = frozenset(before or ())
    return Write(
        ITEM,
        object(),
        before is None,
        changed,
        before or {},
        lambda names: {name: whole[name] for name in names},
        defers,
    )


def old(before: dict[str, Any], after: dict[str, Any], **more: Any) -> Write:
    return make({**more, **after}, before)


def steps(*writes: Write) -> list[tuple[Any, ...]]:
    return [
        (one.action, one.index, *([one.names] if one.names else [])) for one in order_writes(writes)
    ]


def order_of(*writes: Write) -> list[int]:
    made = order_writes(writes)
    assert {one.action for one in made} == {WRITE}
    return [one.index for one in made]


def test_rows_that_need_nothing_keep_their_order():
    assert order_writes([]) == []
    assert order_writes([make({})]) == [Step(WRITE, 0)]
    assert order_of(make({"id": 3}), make({"id": 2}), old({"name": "a"}, {"name": "b"})) == [
        0,
        1,
        2,
    ]


def test_rows_come_behind_what_they_refer_to():
    assert order_of(make({"id": 1, "parent_id": 2}), make({"id": 2})) == [1, 0]
    assert order_of(make({"id": 1, "friends": [3, 2]}), make({"id": 2}), make({"id": 3})) == [
        1,
        2,
        0,
    ]
    assert order_of(old({"parent_id": 5}, {"parent_id": 2}, id=1), make({"id": 2})) == [1, 0]


def test_what_a_row_refers_to_already_does_not_count():
    assert order_of(old({"name": "x"}, {"name": "y"}, id=1, parent_id=2), make({"id": 2})) == [0, 1]


def test_a_value_that_cannot_be_compared_refers_to_nothing():
    assert order_of(make({"id": 1, "parent_id": []}), make({"id": [], "friends": [[]]})) == [0, 1]


def test_values_are_given_up_before_they_are_taken():
    given_up = old({"name": "a"}, {"name": "b"})
    assert order_of(make({"name": "a"}), given_up) == [1, 0]
    assert order_of(make({"name": "A"}), given_up) == [1, 0]
    assert order_of(old({"name": "x"}, {"name": "a"}), given_up) == [1, 0]
    assert order_of(make({"name": None}), old({"name": None}, {"name": "b"})) == [0, 1]


def test_rows_that_exchange_values_park_one():
    first, second = old({"name": "a"}, {"name": "b"}), old({"name": "b"}, {"name": "a"})
    found = steps(first, second)
    assert [one[0] for one in found] == [PARK, WRITE, WRITE]
    parked = found[0][1]
    assert found[0][2] == ("name",)
    assert [one[1] for one in found[1:]] == [1 - parked, parked]


def test_who_leaves_the_condition_of_a_constraint_comes_first():
    leaving = old({"is_main": True}, {"is_main": False}, row=1)
    coming = old({"is_main": False}, {"is_main": True}, row=1)
    assert order_of(coming, leaving) == [1, 0]
    assert order_of(make({"row": 1, "is_main": True}), leaving) == [1, 0]
    assert order_of(make({"row": 1, "is_main": False}), leaving) == [0, 1]


def test_a_reference_in_a_circle_is_written_afterwards():
    one, other = make({"id": 1, "parent_id": 2}), make({"id": 2, "parent_id": 1})
    found = steps(one, other)
    assert [step[0] for step in found] == [WRITE, WRITE, COMPLETE]
    first = found[0]
    assert first[2] == ("parent_id",)
    assert found[2] == (COMPLETE, first[1], ("parent_id",))


def test_a_reference_that_is_needed_is_left_to_the_database():
    one, other = make({"id": 1, "needed_id": 2}), make({"id": 2, "needed_id": 1})
    assert sorted(order_of(one, other)) == [0, 1]
    mixed = make({"id": 1, "needed_id": 2}), make({"id": 2, "parent_id": 1})
    assert steps(*mixed) == [(WRITE, 1, ("parent_id",)), (WRITE, 0), (COMPLETE, 1, ("parent_id",))]


def test_a_database_that_looks_at_the_end_needs_no_circle_broken():
    one = make({"id": 1, "parent_id": 2}, defers=True)
    other = make({"id": 2, "parent_id": 1}, defers=True)
    assert sorted(order_of(one, other)) == [0, 1]


def test_a_row_that_is_written_twice_keeps_its_order():
    row = object()
    new = Write(ITEM, row, True, frozenset(), {}, lambda names: dict.fromkeys(names))
    again = Write(ITEM, row, False, frozenset({"row"}), {}, lambda names: dict.fromkeys(names))
    assert order_of(new, again) == [0, 1]


def test_deletions_begin_with_what_refers_to_others():
    rows = [make({"id": 1}), make({"id": 2, "parent_id": 1}), make({"id": 3, "parent_id": 2})]
    whole = [Write(ITEM, one.row, False, frozenset(ITEM.fields), {}, one.read) for one in rows]
    assert order_deletes(whole) == [Step(WRITE, 2), Step(WRITE, 1), Step(WRITE, 0)]
    assert order_deletes(whole[:1]) == [Step(WRITE, 0)]
    assert order_deletes([]) == []


def test_deletions_in_a_circle_begin_with_giving_up_a_reference():
    rows = [make({"id": 1, "parent_id": 2}), make({"id": 2, "parent_id": 1})]
    whole = [Write(ITEM, one.row, False, frozenset(ITEM.fields), {}, one.read) for one in rows]
    assert order_deletes(whole) == [Step(PARK, 1, ("parent_id",)), Step(WRITE, 0), Step(WRITE, 1)]
    itself = make({"id": 3, "parent_id": 3})
    whole = [Write(ITEM, itself.row, False, frozenset(ITEM.fields), {}, itself.read)]
    assert order_deletes(whole) == [Step(PARK, 0, ("parent_id",)), Step(WRITE, 0)]


@given(
    st.lists(st.tuples(st.integers(0, 7), st.booleans()), min_size=1, max_size=8),
    st.permutations(range(8)),
)
def test_every_message_of_moves_can_be_written(
    parents: Sequence[tuple[int, bool]], names: Sequence[int]
):
    """Carried out step by step, no step breaks a rule."""
    count = len(parents)
    stored = {index: f"n{index}" for index, (_, is_new) in enumerate(parents) if not is_new}
    writes = []
    for index, (parent, is_new) in enumerate(parents):
        after = {"name": f"n{names[index]}", "parent_id": parent if parent < count else None}
        if is_new:
            writes.append(make({"id": index, **after}))
        else:
            writes.append(old({"name": f"n{index}", "parent_id": None}, after, id=index))
    kept = dict(stored)
    for step in order_writes(writes):
        if step.action is PARK:
            kept[step.index] = f"parked {step.index}"
        elif step.action is WRITE:
            name = writes[step.index].read(["name"])["name"]
            assert name not in [kept[index] for index in kept if index != step.index]
            kept[step.index] = name
            parent = writes[step.index].read(["parent_id"])["parent_id"]
            if parent is not None and "parent_id" not in step.names and writes[step.index].is_new:
                assert parent in kept or parent == step.index
        else:
            assert writes[step.index].read(["parent_id"])["parent_id"] in kept
    assert kept == {index: f"n{names[index]}" for index in range(count)}


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (Comparison("name", "isnull", True), {"name": None}, True),
        (Comparison("name", "isnull", True), {"name": "a"}, False),
        (Comparison("name", "exact", None), {"name": None}, True),
        (Comparison("row", "exact", 5), {"row": None}, False),
        (Not(Comparison("name", "isnull", True)), {"name": None}, False),
        (AllOf((Comparison("row", "exact", 5), Native("?"))), {"row": 5}, True),
        (AllOf((Comparison("row", "exact", 5), Native("?"))), {"row": 6}, False),
        (AnyOf((Comparison("row", "exact", 5), Comparison("row", "exact", 6))), {"row": 7}, False),
        (AnyOf((Comparison("row", "exact", 5), Native("?"))), {"row": 7}, True),
        (Not(Native("?")), {}, True),
    ],
)
def test_a_condition_counts_unless_it_is_known_to_be_false(
    condition: Any, values: dict[str, Any], expected: bool
):
    unique = Unique(("id",), condition)
    assert (unique.value({"id": 1, **values}) is not None) is expected
