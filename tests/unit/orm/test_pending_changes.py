"""Nothing of a transaction is lost but what was rolled back."""

import random

import pytest

from django_vortex.live.changes import MAX_KEYS, Change, Operation, Table
from django_vortex.orm.pending_changes import MAX_CHANGES, PendingChanges, merge

TABLE, OTHER = Table("db", "ticket"), Table("db", "label")


def insert(*keys: int, table: Table = TABLE, **new: object) -> Change:
    return Change(table, Operation.INSERT, frozenset((key,) for key in keys), new=new, rows=1)


@pytest.fixture
def pending() -> PendingChanges:
    return PendingChanges()


def test_changes_are_listed_table_by_table(pending):
    one, two, three = insert(1), insert(2, table=OTHER), insert(3)
    pending.add([one, two])
    pending.add([three])
    assert pending
    assert pending.find_all() == [one, three, two]
    pending.clear()
    assert not pending
    assert pending.find_all() == []


def test_savepoint_that_is_rolled_back_to_is_forgotten_and_stays(pending):
    pending.add([insert(1)])
    pending.begin("a")
    pending.add([insert(2)])
    pending.begin("b")
    pending.add([insert(3)])
    pending.undo("a")
    assert pending.find_all() == [insert(1)]
    pending.add([insert(4)])
    pending.undo("a")
    pending.add([insert(5)])
    pending.release("a")
    pending.undo("a")
    assert pending.find_all() == [insert(1), insert(5)]


def test_released_savepoint_goes_with_the_one_around_it(pending):
    pending.begin("a")
    pending.begin("b")
    pending.add([insert(1)])
    pending.begin("c")
    pending.add([insert(2)])
    pending.release("b")
    assert pending.find_all() == [insert(1), insert(2)]
    pending.undo("a")
    assert not pending


def test_unknown_savepoint_undoes_nothing(pending):
    pending.add([insert(1)])
    pending.undo("x")
    pending.release("x")
    assert pending.find_all() == [insert(1)]


def test_savepoints_of_the_same_name_hide_one_another(pending):
    pending.begin("a")
    pending.add([insert(1)])
    pending.begin("a")
    pending.add([insert(2)])
    pending.undo("a")
    assert pending.find_all() == [insert(1)]
    pending.release("a")
    pending.undo("a")
    assert not pending


def test_many_changes_say_what_they_have_in_common(pending):
    for key in range(MAX_CHANGES * 3):
        pending.add([insert(key, team=1, number=key)])
    pending.add([Change(TABLE, Operation.DELETE, frozenset({(1,)}))])
    made, gone = merged_by_operation(pending)
    assert made.keys == frozenset((key,) for key in range(MAX_CHANGES * 3))
    assert dict(made.new) == {"team": 1}
    assert made.rows == MAX_CHANGES * 3
    assert gone.keys == {(1,)}


def merged_by_operation(pending: PendingChanges) -> list[Change]:
    return merge(pending.find_all())


def test_too_many_keys_may_be_any(pending):
    for key in range(MAX_KEYS + 1):
        pending.add([insert(key)])
    pending.add([Change(TABLE, Operation.DELETE, frozenset({(1,)}))])
    assert {change.keys for change in pending.find_all()} == {None}


def test_keys_of_several_tables_are_counted_each(pending):
    for key in range(MAX_KEYS - 100):
        pending.add([insert(key), insert(key, table=OTHER)])
    assert None not in {change.keys for change in pending.find_all()}


def test_columns_of_updates_are_all_of_theirs(pending):
    for at in range(MAX_CHANGES + 1):
        column = "title" if at % 2 else "number"
        pending.add([Change(TABLE, Operation.UPDATE, frozenset({(1,)}), frozenset({column}))])
    [change] = pending.find_all()
    assert change.columns == {"title", "number"}
    pending.add([Change(TABLE, Operation.UPDATE, frozenset({(1,)}))] * MAX_CHANGES)
    [change] = pending.find_all()
    assert change.columns is None


def test_memory_of_a_long_transaction_is_bounded(pending):
    for key in range(50_000):
        pending.add([insert(key % 7, key)])
    assert len(pending.find_all()) <= MAX_CHANGES


@pytest.mark.parametrize("seed", range(30))
def test_savepoints_at_random_keep_what_was_not_rolled_back(pending, seed):
    rnd = random.Random(seed)
    stack: list[tuple[str, list[int]]] = [("", [])]
    for step in range(200):
        kind = rnd.randrange(6)
        names = [name for name, _ in stack[1:]]
        if kind < 3:
            stack[-1][1].append(step)
            pending.add([insert(step)])
        elif kind == 3:
            stack.append((f"s{step}", []))
            pending.begin(f"s{step}")
        elif names:
            name = rnd.choice(names)
            at = names.index(name) + 1
            inner = [key for _, keys in stack[at:] for key in keys]
            del stack[at:]
            if kind == 4:
                stack[-1][1].extend(inner)
                pending.release(name)
            else:
                stack.append((name, []))
                pending.undo(name)
    kept = {(key,) for _, keys in stack for key in keys}
    assert set().union(*(change.keys or () for change in pending.find_all())) == kept
