"""What a peer gets of rows that it has written: no more than it may retrieve."""

from typing import Any

import pytest

from django_vortex.exceptions import Conflict
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from tests.unit.orm.desk import Desk
from tests.unit.orm.desk_work import DeskWork, Hooks, WriteOnly


class SeesFew(Permission):
    def scope(self, request: Any, action: Action) -> Any:
        return {"points__lt": 5} if action is Action.RETRIEVE else None


class SeesSmall(Permission):
    def allows_object(self, request: Any, action: Action, row: Any) -> bool:
        return action is not Action.RETRIEVE or row.points < 5


@pytest.fixture
def small_and_big(desk: Desk) -> Desk:
    for points in (1, 9):
        desk.tickets.add(title="a", points=points, version=7)
    return desk


def told(work: DeskWork, *keys: int) -> list[tuple[Any, ...]]:
    def make_tuples(known: Any) -> Any:
        table = known.table(work.plan.main)
        found = table.rows(Action.UPDATE).get_many([(key,) for key in keys])
        return list(table.make_tuples(Action.UPDATE, found).items())

    made: Any = work.do(make_tuples)
    return [(key, row.id, row.title, row.points, row.version) for key, row in made]


@pytest.mark.parametrize(
    ("permission", "visible"),
    [
        (AllowAny, {1, 2}),
        (WriteOnly, set()),
        (SeesFew, {1}),
        (SeesSmall, {1}),
        (SeesFew & SeesSmall, {1}),
        (SeesFew & WriteOnly, set()),
    ],
)
def test_what_may_not_be_retrieved_is_told_by_key_and_version(
    small_and_big: Desk, permission: Any, visible: set[int]
):
    work = DeskWork(small_and_big, permission=permission, version_field="version")
    whole = {1: ("a", 1), 2: ("a", 9)}
    assert told(work, 1, 2) == [
        ((key,), key, *(whole[key] if key in visible else (None, None)), 7) for key in (1, 2)
    ]


def test_rows_are_read_again_only_where_the_scope_may_differ(small_and_big: Desk):
    told(DeskWork(small_and_big, version_field="version"), 1, 2)
    assert small_and_big.store.log == ["get 2"]
    told(DeskWork(small_and_big, permission=SeesFew, version_field="version"), 1, 2)
    assert small_and_big.store.log == ["get 2", "get 2"]
    told(DeskWork(small_and_big, permission=WriteOnly, version_field="version"), 1, 2)
    assert small_and_big.store.log == ["get 2"]


def test_the_hook_of_what_is_told_sees_visible_rows_only(small_and_big: Desk):
    hooks = Hooks()
    seen = []
    hooks.on["after_retrieve"] = lambda context, row, values: seen.append(
        (context.action, row.points, values.pop("title"))
    )
    work = DeskWork(small_and_big, permission=SeesFew, version_field="version", extensions=(hooks,))
    assert [row[2] for row in told(work, 1, 2)] == [None, None]
    assert seen == [(Action.RETRIEVE, 1, "a")]


def test_a_row_that_is_gone_is_not_told(small_and_big: Desk):
    work = DeskWork(small_and_big)
    plan = work.plan.main

    def again(key: int) -> Any:
        return work.do(lambda known: known.table(plan).read_again(Action.UPDATE, (key,)))

    assert [row.points for row in again(2)] == [9]
    assert again(3) == []


def test_a_conflict_tells_no_more_either(small_and_big: Desk):
    work = DeskWork(small_and_big, permission=SeesFew, version_field="version")
    with pytest.raises(Conflict) as failure:
        work.save(work.ticket(id=1, version=1), work.ticket(id=2, version=1))
    assert [(one.id, one.title, one.version) for one in failure.value.tuples] == [
        (1, "a", 7),
        (2, None, 7),
    ]
