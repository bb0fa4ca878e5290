from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.live.changes import Change, Operation
from tests.unit.live.fakes import TEAMS, TICKETS, reads
from tests.unit.live.rows_model import queries, tables, writes

NOBODY = frozenset()


def keys(*values):
    return frozenset((value,) for value in values)


def inserted(*key, **new):
    return Change(TICKETS, Operation.INSERT, keys=keys(*key) or None, new=new)


def updated(*key, old=None, **new):
    return Change(
        TICKETS,
        Operation.UPDATE,
        keys(*key) or None,
        frozenset(new),
        old or {},
        {**(old or {}), **new},
    )


def deleted(*key, **old):
    return Change(TICKETS, Operation.DELETE, keys=keys(*key) or None, old=old)


ANYTHING = Change(TICKETS)

OWN_OPEN = reads(equalities={"owner": frozenset({7}), "state": frozenset({"open"})})
"""A count of the open tickets of one owner."""

LIST = reads(
    equalities={"owner": frozenset({7})},
    keys=keys(1, 2),
    deciding=frozenset({"owner", "number"}),
    columns=frozenset({"id", "owner", "number", "title"}),
)
"""A list of them, ordered by number."""

PLACES = reads(
    equalities={"owner": frozenset({7})},
    keys=keys(1),
    deciding=frozenset({"number"}),
    columns=frozenset({"title"}),
)
"""One whose parts say less than they should."""

LOGIN = reads(
    equalities={"id": frozenset({7})},
    columns=frozenset({"id", "is_active"}),
    key_columns=("id",),
)
"""What an evaluation reads of its user."""

CASES = [
    ("another table", OWN_OPEN, Change(TEAMS), False),
    ("nothing known", OWN_OPEN, ANYTHING, True),
    ("nothing known of a list", LIST, ANYTHING, True),
    ("one of it is inserted", OWN_OPEN, inserted(owner=7, state="open"), True),
    ("one of another is inserted", OWN_OPEN, inserted(owner=8, state="open"), False),
    ("one of which the owner is unknown is inserted", OWN_OPEN, inserted(state="open"), True),
    ("one of which that suffices", OWN_OPEN, inserted(state="shut"), False),
    ("one without owner", OWN_OPEN, inserted(owner=None), False),
    (
        "one without owner, for who asks for that",
        reads(equalities={"owner": frozenset({None})}),
        inserted(owner=None),
        True,
    ),
    (
        "one with owner, for who does not",
        reads(equalities={"owner": frozenset({None})}),
        inserted(owner=7),
        False,
    ),
    ("a text in the place of a number", OWN_OPEN, inserted(owner="8"), True),
    ("a value that has no hash", OWN_OPEN, inserted(owner=[8]), True),
    ("a value that is rounded", OWN_OPEN, inserted(owner=Decimal("8.1")), True),
    ("a boolean in the place of a number", OWN_OPEN, inserted(owner=False), True),
    ("values of several types", reads(equalities={"x": frozenset({1, "a"})}), inserted(x=2), True),
    ("one of it is deleted", OWN_OPEN, deleted(owner=7), True),
    ("one of another is deleted", OWN_OPEN, deleted(owner=8), False),
    ("one goes from another to a third", OWN_OPEN, updated(5, old={"owner": 8}, owner=9), False),
    ("one comes from another", OWN_OPEN, updated(5, old={"owner": 8}, owner=7), True),
    ("one goes to another", OWN_OPEN, updated(5, old={"owner": 7}, owner=8), True),
    ("one goes to another from somewhere", OWN_OPEN, updated(5, owner=8), True),
    ("one of another stays there", OWN_OPEN, updated(5, old={"owner": 8}, title="x"), False),
    ("one of the list is updated", LIST, updated(1, title="x"), True),
    ("one outside gets another title", LIST, updated(5, title="x"), False),
    ("one outside gets another number", LIST, updated(5, number=1), True),
    (
        "one outside of another gets another number",
        LIST,
        updated(5, old={"owner": 8}, number=1),
        False,
    ),
    ("one outside gets another owner", LIST, updated(5, owner=8), False),
    ("one of the list gets what is not shown", LIST, updated(1, secret="x"), False),
    ("some get a title", LIST, updated(title="x"), True),
    ("some of another get a title", LIST, updated(old={"owner": 8}, title="x"), False),
    ("one of the list is deleted", LIST, deleted(2), True),
    ("one outside is deleted", LIST, deleted(5), False),
    ("some of another are deleted", LIST, deleted(owner=8), False),
    ("one for the list is inserted", LIST, inserted(9, owner=7), True),
    ("one for another list is inserted", LIST, inserted(9, owner=8), False),
    ("keys of another type", LIST, deleted("5"), True),
    ("a list without rows", reads(keys=NOBODY), deleted("5"), False),
    ("another's login", LOGIN, updated(8, last_login="now"), False),
    ("the own login", LOGIN, updated(7, last_login="now"), False),
    ("another is locked", LOGIN, updated(8, is_active=False), False),
    ("several others are locked", LOGIN, updated(8, 9, is_active=False), False),
    ("one of several that are locked", LOGIN, updated(7, 8, is_active=False), True),
    ("one gets another place that is not shown", PLACES, updated(1, number=2), True),
    ("one comes in by what is not said to decide", PLACES, updated(5, owner=7), True),
    ("some are locked", LOGIN, updated(is_active=False), True),
]


@pytest.mark.parametrize(
    ("dependency", "change", "is_concerned"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_change_concerns(dependency, change, is_concerned):
    assert dependency.is_concerned_by(change) is is_concerned


def test_change_of_unknown_kind_concerns_whatever_one_of_the_kinds_would():
    def any_of(old, new):
        return Change(TICKETS, keys=keys(5), columns=frozenset({"owner"}), old=old, new=new)

    assert LIST.is_concerned_by(any_of({}, {"owner": 7}))
    assert not LIST.is_concerned_by(any_of({}, {"owner": 8}))
    assert OWN_OPEN.is_concerned_by(any_of({"owner": 7}, {"owner": 8}))
    assert not OWN_OPEN.is_concerned_by(any_of({"owner": 9}, {"owner": 8}))


def test_keys_of_several_columns_are_compared_column_by_column():
    one = UUID(int=1)
    dependency = reads(equalities={"tenant": frozenset({one})}, key_columns=("tenant", "number"))
    assert dependency.is_concerned_by(Change(TICKETS, keys=frozenset({(one, 1)})))
    assert not dependency.is_concerned_by(Change(TICKETS, keys=frozenset({(UUID(int=2), 1)})))
    assert dependency.is_concerned_by(Change(TICKETS, keys=frozenset({()})))


def test_dependencies_with_the_same_parts_are_equal():
    assert reads(keys=keys(1), equalities={"a": frozenset({1})}) == reads(
        keys=keys(1), equalities={"a": frozenset({1})}
    )


@settings(max_examples=120, deadline=None)
@given(data=st.data(), table=tables, asked=st.lists(queries, min_size=5, max_size=5))
def test_whatever_gives_another_result_is_concerned(data, table, asked):
    results = [(query, query.result(table), query.depend(table)) for query in asked]
    for _ in range(5):
        after, change = data.draw(writes(table))
        for query, result, dependency in results:
            if result != query.result(after):
                assert dependency.is_concerned_by(change)
