from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.live.changes import Change, Operation
from django_vortex.live.dependencies import Dependency
from django_vortex.live.index import Index, is_concerned
from tests.unit.live.fakes import TEAMS, TICKETS, reads
from tests.unit.live.rows_model import queries, tables, writes


@settings(max_examples=100, deadline=None)
@given(data=st.data(), table=tables)
def test_index_finds_the_same_watches_as_asking_each(data, table):
    index, filed = Index(), {}
    for watch in data.draw(st.lists(st.integers(0, 9), max_size=20)):
        if watch in filed and data.draw(st.booleans()):
            index.discard(watch)
            del filed[watch]
        else:
            asked = data.draw(st.lists(queries, max_size=3))
            filed[watch] = [query.depend(table) for query in asked]
            index.put(watch, filed[watch])
    for _ in range(3):
        _, change = data.draw(writes(table))
        assert index.find([change]) == {
            watch for watch, dependencies in filed.items() if is_concerned(dependencies, [change])
        }
    assert index.find_tables() == ({TICKETS} if any(filed.values()) else set())
    for watch in filed:
        index.discard(watch)
    assert not index.find_tables()
    assert index.find([Change(TICKETS)]) == set()


class Counting(Dependency):
    """Counts how many are asked."""

    __slots__ = ()
    asked = 0

    def is_concerned_by(self, change):
        Counting.asked += 1
        return super().is_concerned_by(change)


def make_lists(users, numbers):
    """File the list of each user's tickets of each number, and what each has read of its user."""
    index = Index()
    for user in range(users):
        login = Counting(
            TEAMS,
            {"id": frozenset({user})},
            columns=frozenset({"id", "is_active"}),
            key_columns=("id",),
        )
        for number in range(numbers):
            rows = Counting(
                TICKETS,
                {"owner": frozenset({user}), "number": frozenset({number})},
                keys=frozenset({(user * numbers + number,)}),
                deciding=frozenset({"owner", "number", "id"}),
            )
            index.put((user, number), [rows, login])
    Counting.asked = 0
    return index


def saved(key, **new):
    """Return what a save of a whole row tells."""
    columns = frozenset({"owner", "number", "title"})
    values = {"id": key, **new}
    return Change(TICKETS, Operation.UPDATE, frozenset({(key,)}), columns, {"id": key}, values)


def test_save_is_asked_of_few_lists():
    index = make_lists(100, 10)
    assert index.find([saved(73, owner=7, number=3, title="x")]) == {(7, 3)}
    assert Counting.asked <= 11


def test_save_that_moves_a_row_finds_both_lists():
    index = make_lists(100, 10)
    assert index.find([saved(73, owner=9, number=3, title="x")]) == {(7, 3), (9, 3)}
    assert Counting.asked <= 11


def test_login_is_asked_of_none():
    index = make_lists(100, 10)
    assert not index.find([Change(TEAMS, Operation.UPDATE, columns=frozenset({"last_login"}))])
    assert Counting.asked == 0


def test_lock_of_some_users_is_asked_of_theirs():
    index = make_lists(100, 10)
    keys, columns = frozenset({(3,), (4,)}), frozenset({"is_active"})
    found = index.find([Change(TEAMS, Operation.UPDATE, keys, columns)])
    assert found == {(user, number) for user in (3, 4) for number in range(10)}
    assert Counting.asked == 20


def test_update_of_what_neither_decides_nor_belongs_to_known_rows_is_asked_of_none():
    index = make_lists(100, 10)
    change = Change(TICKETS, Operation.UPDATE, frozenset({(5000,)}), frozenset({"title"}))
    assert not index.find([change])
    assert Counting.asked == 0


def test_value_that_cannot_be_compared_is_asked_of_all():
    index = Index()
    index.put("a", [reads(equalities={"owner": frozenset({None})})])
    index.put("b", [reads(equalities={"owner": frozenset({7})})])
    assert index.find([Change(TICKETS, Operation.INSERT, new={"owner": [7]})]) == {"a", "b"}
    assert index.find([Change(TICKETS, Operation.INSERT, new={"owner": 8})]) == set()
    assert index.find([Change(TICKETS, Operation.INSERT, new={"owner": None})]) == {"a"}
