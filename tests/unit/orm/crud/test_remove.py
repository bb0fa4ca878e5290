"""Deletes: by tuples or by id, who may, and what is told of those that fail."""

from typing import Any

import pytest

from django_vortex.exceptions import Conflict, HandlerError, PermissionDenied, ValidationError
from django_vortex.orm.store import RefusedByDatabase
from tests.unit.orm.desk import Desk
from tests.unit.orm.desk_work import ANN, DeskWork, Hooks, Own, Small, WriteOnly, titles


def errors_of(failure: Any) -> list[tuple[int, str, str]]:
    return [(one["index"], one["field"], *one["messages"]) for one in failure.value.errors]


def test_the_application_is_asked_once_for_the_rows_of_a_request(desk: Desk):
    for title in "abc":
        desk.tickets.add(title=title)
    asked = []

    def find_queryset(request: Any) -> Any:
        asked.append(request)
        return lambda values: True

    work = DeskWork(desk, get_queryset=find_queryset)
    assert len(work.remove(*[work.ticket(id=number) for number in (1, 2, 3)]).done) == 3
    assert len(asked) == 1


def test_rows_are_deleted_by_their_tuples_and_missing_ones_ignored(desk: Desk):
    for title in "abc":
        desk.tickets.add(title=title)
    desk.owners.add(name="Ann")
    work = DeskWork(desk)
    outcome = work.remove(
        work.ticket(id=3), work.owner(id=1), work.ticket(id=9), work.ticket(id=1), work.ticket()
    )
    assert (outcome.tuples, outcome.result) == ([], True)
    assert [row["title"] for row in desk.stored()] == ["b"]
    assert desk.stored(desk.owners) == []
    assert [(one.plan.spec.label, one.key) for one in outcome.done] == [
        ("desk.Ticket", (3,)),
        ("desk.Ticket", (1,)),
        ("desk.Owner", (1,)),
    ]
    assert desk.store.log == ["get 3", "get 1", "delete", "delete", "delete"]


def test_a_row_that_is_named_twice_is_deleted_once(desk: Desk):
    desk.tickets.add(title="a")
    hooks = Hooks()
    work = DeskWork(desk, extensions=(hooks,))
    assert len(work.remove(work.ticket(id=1), work.ticket(id=1)).done) == 1
    assert hooks.called == ["before_delete", "after_delete"]


def test_tuples_count_before_the_id(desk: Desk):
    for title in "ab":
        desk.tickets.add(title=title)
    work = DeskWork(desk)
    work.remove(work.ticket(id=1), key=2)
    assert [row["title"] for row in desk.stored()] == ["b"]
    work.remove(key="2")
    assert desk.stored() == []


def test_nothing_to_delete_is_an_error(desk: Desk):
    desk.tickets.add(title="a")
    with pytest.raises(ValidationError, match="Nothing to delete"):
        DeskWork(desk, retrieve_all=True).remove()
    assert len(desk.stored()) == 1


def test_the_answer_to_a_delete_has_the_rest_where_all_are_retrieved(desk: Desk):
    for title, owner in [("a", 1), ("b", 1), ("c", 2)]:
        desk.tickets.add(title=title, owner_id=owner)
    work = DeskWork(desk, retrieve_all=True, permission=Own)
    assert titles(work.remove(key=1, user=ANN)) == ["b"]
    blind = DeskWork(desk, retrieve_all=True, permission=WriteOnly)
    assert titles(blind.remove(key=2)) == []


def test_whoever_sees_a_row_is_told_that_it_may_not_be_deleted(desk: Desk):
    for points in (1, 7, 99):
        desk.tickets.add(title="a", points=points)
    work = DeskWork(desk, permission=Small)
    assert len(work.remove(key=1).done) == 1
    with pytest.raises(PermissionDenied, match="You may not delete this row"):
        work.remove(key=2)
    assert work.remove(key=3).done == []
    assert [row["points"] for row in desk.stored()] == [7, 99]


def test_a_failure_undoes_what_was_deleted_before(desk: Desk):
    for title in "ab":
        desk.tickets.add(title=title)
    hooks = Hooks()

    def refuse(context: Any, row: Any) -> None:
        if row.title == "b":
            raise HandlerError("Not b")

    hooks.on["after_delete"] = refuse
    work = DeskWork(desk, extensions=(hooks,))
    with pytest.raises(HandlerError, match="Not b"):
        work.remove(work.ticket(id=1), work.ticket(id=2))
    assert len(desk.stored()) == 2


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (RefusedByDatabase(), (1, "", "Other rows need this one")),
        (RefusedByDatabase("It is needed", "owner_id"), (1, "owner_id", "It is needed")),
    ],
)
def test_what_the_database_refuses_is_told_by_index(desk: Desk, error: Exception, wanted: Any):
    desk.tickets.add(title="a")

    def refuse(values: Any) -> None:
        raise error

    desk.tickets.refuses = refuse
    work = DeskWork(desk)
    with pytest.raises(ValidationError) as failure:
        work.remove(work.ticket(id=9), work.ticket(id=1))
    assert errors_of(failure) == [wanted]


def test_a_stale_delete_gets_the_row_as_it_is(desk: Desk):
    desk.tickets.add(title="now", version=2)
    work = DeskWork(desk, version_field="version")
    with pytest.raises(Conflict) as failure:
        work.remove(work.ticket(id=1, version=1))
    assert [(one.title, one.version) for one in failure.value.tuples] == [("now", 2)]
    assert work.remove(work.ticket(id=1, version=2)).done
    desk.tickets.add(title="now", version=2)
    assert work.remove(work.ticket(id=1)).done


def test_a_row_that_changes_between_reading_and_deleting_is_a_conflict(desk: Desk):
    desk.tickets.add(title="a", version=2)
    hooks = Hooks()
    hooks.on["before_delete"] = lambda context, row: desk.tickets.stored[1,].update(version=3)
    work = DeskWork(desk, version_field="version", extensions=(hooks,))
    with pytest.raises(Conflict):
        work.remove(key=1)
    assert len(desk.stored()) == 1


def test_what_is_no_tuple_of_the_handler_is_told_with_its_place(desk: Desk):
    work = DeskWork(desk)
    with pytest.raises(ValidationError) as failure:
        work.remove(work.ticket(id=1), 5, work.ticket(id=1, secret=1, more=2))
    assert errors_of(failure) == [
        (1, "", "Expected a desk.Ticket or desk.Owner, got 5"),
        (2, "more", "There is no such field"),
        (2, "secret", "There is no such field"),
    ]
    assert desk.store.log == []


def test_as_many_tuples_are_taken_as_allowed(desk: Desk):
    work = DeskWork(desk, max_tuples=2)
    assert work.remove(*[work.ticket(id=1)] * 2).result is True
    with pytest.raises(ValidationError, match="3 tuples are more than the 2 taken at once"):
        work.remove(*[work.ticket(id=1)] * 3)
