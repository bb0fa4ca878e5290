"""What a peer gets of rows that it has written: no more than it may retrieve."""

from typing import Any

import pytest

from django_vortex.exceptions import Conflict, PermissionDenied
from django_vortex.orm.crud.save import CrudSave
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


class Counting(Permission):
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def allows(self, request: Any, action: Action) -> bool:
        self.asked.append(action.value)
        return True


def test_the_permission_is_asked_as_often_for_many_tuples_as_for_one(small_and_big: Desk):
    counts = []
    for keys in [(1,), (1, 2)]:
        permission = Counting()
        work = DeskWork(small_and_big, permission=permission)
        work.save(*[work.ticket(id=key, title=f"{keys}") for key in keys])
        counts.append(permission.asked.count("update"))
    assert counts == [1, 1]


def test_a_permission_that_says_no_is_asked_again(small_and_big: Desk):
    class Late(Counting):
        def allows(self, request: Any, action: Action) -> bool:
            super().allows(request, action)
            return len(self.asked) > 1

    def demand(known: Any) -> Any:
        table = known.table(known.plan.main)
        with pytest.raises(PermissionDenied):
            table.demand(Action.UPDATE)
        table.demand(Action.UPDATE)
        table.demand(Action.UPDATE)

    permission = Late()
    DeskWork(small_and_big, permission=permission).do(demand)
    assert permission.asked == ["update", "update"]


def test_rows_to_retrieve_are_not_prepared_where_their_condition_says_enough(
    small_and_big: Desk, monkeypatch: pytest.MonkeyPatch
):
    prepared = []
    work = DeskWork(small_and_big)

    def save(known: Any) -> Any:
        make_rows = known.unit.rows
        monkeypatch.setattr(
            known.unit,
            "rows",
            lambda shape, scope: prepared.append(scope) or make_rows(shape, scope),
        )
        return CrudSave(known).save([work.ticket(id=1, title="b")])

    work.do(save)
    assert len(prepared) == 1
