"""The work of a request: default tuples, rows, lists and deletes, and who may have them."""

from typing import Any

import pytest

from django_vortex.exceptions import Conflict, HandlerError, PermissionDenied, ValidationError
from django_vortex.orm.crud_model import CrudModel, ModelPlan, make_plans
from django_vortex.orm.crud_work import read_filt_key
from django_vortex.orm.listing import Page
from django_vortex.orm.permission import Action, Permission
from django_vortex.orm.permissions import AllowAny, IsAuthenticated, ReadOnly
from django_vortex.orm.store import RefusedByDatabase
from django_vortex.tuples import TupleRegistry
from tests.unit.orm.crud_bench import User
from tests.unit.orm.desk import Desk
from tests.unit.orm.desk_work import DeskWork, Hooks, titles


class Own(Permission):
    def scope(self, request: Any, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class Small(Permission):
    """Hides big tickets, and lets nobody delete those in between."""

    async def allows_object(self, request: Any, action: Action, row: Any) -> bool:
        return bool(row.points < (10 if action is Action.RETRIEVE else 5))


class WriteOnly(Permission):
    def allows(self, request: Any, action: Action) -> bool:
        return action is not Action.RETRIEVE


ANN, BOB = User(1), User(2)


def seats(desk: Desk) -> ModelPlan:
    crud = CrudModel(desk.seats, fields=["guest"])
    return make_plans([crud], desk.store, TupleRegistry(), AllowAny(), ())[0]


def errors_of(failure: Any) -> list[tuple[int, str, str]]:
    return [(one["index"], one["field"], *one["messages"]) for one in failure.value.errors]


def test_a_default_tuple_is_not_stored(desk: Desk):
    [made] = DeskWork(desk).do(lambda work: work.create()).tuples
    assert (made.id, made.title, made.points) == (None, "", 3)
    assert desk.stored() == []
    assert desk.store.log == []


def test_a_default_tuple_tells_nothing_of_what_peers_may_not_set(desk: Desk):
    desk.tickets.defaults.update(made="secret", version=1)
    work = DeskWork(
        desk,
        fields=["title", "points", "made"],
        read_only_fields=["points"],
        version_field="version",
    )
    [made] = work.do(lambda work: work.create()).tuples
    assert (made.title, made.points, made.made, made.version) == ("", None, None, 1)


def test_an_extension_fills_a_default_tuple(desk: Desk):
    hooks = Hooks()
    hooks.on["after_new"] = lambda context, values: values.update(title="new")
    assert titles(DeskWork(desk, extensions=(hooks,)).do(lambda work: work.create())) == ["new"]
    assert hooks.called == ["after_new"]


def test_a_row_is_found_by_its_key_or_not_at_all(desk: Desk):
    desk.tickets.add(title="a")
    work = DeskWork(desk)
    assert titles(work.do(lambda work: work.retrieve(1))) == ["a"]
    assert titles(work.do(lambda work: work.retrieve("1"))) == ["a"]
    assert titles(work.do(lambda work: work.retrieve(2))) == []
    assert desk.store.log == ["get 1"]


def test_what_a_hook_changes_in_a_tuple_stays_out_of_the_row(desk: Desk):
    desk.tickets.add(title="a")
    hooks = Hooks()

    async def shout(context: Any, row: Any, values: dict[str, Any]) -> None:
        values["title"] = row.title.upper()

    hooks.on["after_retrieve"] = shout
    work = DeskWork(desk, extensions=(hooks,))
    assert titles(work.do(lambda work: work.retrieve(1))) == ["A"]
    assert hooks.called == ["before_retrieve", "after_retrieve"]
    assert desk.stored()[0]["title"] == "a"


@pytest.mark.parametrize(
    ("filt", "found", "has_next"),
    [
        ({}, "bac", None),
        ({"order": "title"}, "abc", None),
        ({"where": {"points": 3}}, "bc", None),
        ({"limit": 3}, "bac", False),
        ({"limit": 2}, "ba", True),
    ],
)
def test_a_list_ends_with_its_page_if_one_was_asked_for(
    desk: Desk, filt: dict[str, Any], found: str, has_next: bool | None
):
    for title, points in [("b", 3), ("a", 4), ("c", 3)]:
        desk.tickets.add(title=title, points=points)
    rows = DeskWork(desk).find(**filt).tuples
    if has_next is not None:
        page = rows.pop()
        assert isinstance(page, Page)
        assert (page.count, page.next is not None) == (len(found), has_next)
    assert "".join(row.title for row in rows) == found
    assert desk.store.log == ["find"]


def test_pages_go_on_behind_rows_that_the_peer_may_not_see(desk: Desk):
    for points in (1, 99, 99, 2, 99, 3):
        desk.tickets.add(title="t", points=points)
    work = DeskWork(desk, permission=Small)
    seen, after, counts = [], None, []
    for _ in range(2):
        *rows, page = work.find(limit=2, after=after).tuples
        seen += [row.points for row in rows]
        counts.append(page.count)
        after = page.next
    assert (seen, counts, after) == ([1, 2, 3], [2, 1], None)


def test_rows_outside_the_scope_do_not_exist(desk: Desk):
    for owner in (1, 2):
        desk.tickets.add(title=f"of {owner}", owner_id=owner)
    work = DeskWork(desk, permission=Own)
    assert titles(work.find(user=ANN)) == ["of 1"]
    assert titles(work.do(lambda work: work.retrieve(2), user=ANN)) == []
    assert work.remove(key=2, user=ANN).done == []
    assert titles(work.do(lambda work: work.retrieve(2), user=BOB)) == ["of 2"]


def test_get_queryset_narrows_the_scope_further(desk: Desk):
    for title in "abc":
        desk.tickets.add(title=title, owner_id=1 if title < "c" else 2)

    async def find_queryset(request: Any) -> Any:
        return lambda values: values["title"] > "a"

    work = DeskWork(desk, permission=Own, get_queryset=find_queryset)
    assert titles(work.find(user=ANN)) == ["b"]


def test_a_push_is_not_scoped(desk: Desk):
    desk.tickets.add(title="a", owner_id=2, points=99)
    work = DeskWork(desk, permission=Own & Small & ReadOnly, get_queryset=lambda request: 1 / 0)
    assert titles(work.do(lambda work: work.retrieve(1), is_scoped=False)) == ["a"]


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        (lambda work: work.create(), "create"),
        (lambda work: work.retrieve(1), "retrieve"),
        (lambda work: work.find(work.plan.listing), "retrieve"),
        (lambda work: work.remove([], 1), "delete"),
        (lambda work: work.remove([], None), "delete"),
    ],
)
def test_who_may_do_nothing_of_the_kind_is_told_before_the_database_is_asked(
    desk: Desk, operation: Any, action: str
):
    desk.tickets.add(title="a")
    work = DeskWork(desk, permission=IsAuthenticated)
    with pytest.raises(PermissionDenied, match=f"^You may not {action} here$"):
        work.do(operation)
    assert desk.store.log == []


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
    assert desk.store.log == ["get 3", "delete", "delete", "get 1", "delete"]


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


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (5, (5,)),
        ("5", (5,)),
        ("007", (7,)),
        ("1" * 50, (int("1" * 40),)),
        (0, (0,)),
    ],
)
def test_a_number_may_come_as_text(desk: Desk, value: Any, key: Any):
    assert read_filt_key(DeskWork(desk).plan.main, value) == key


@pytest.mark.parametrize(
    "value", ["x", "-5", "٥", "5.0", 5.5, True, [5], {}, b"5", "1" * 5000 + "x"]
)
def test_what_cannot_be_a_key_is_told(desk: Desk, value: Any):
    with pytest.raises(ValidationError, match=r"Expected `int`.* - at `filt\.id`$"):
        read_filt_key(DeskWork(desk).plan.main, value)


def test_an_input_that_was_left_empty_is_the_key_of_no_row(desk: Desk):
    desk.tickets.add(title="a")
    work = DeskWork(desk)
    assert work.do(lambda work: work.retrieve("")).tuples == []
    assert work.remove(key="").done == []
    assert len(desk.stored()) == 1


@pytest.mark.parametrize("value", [[1, "a"], (1, "a"), ["1", "a"]])
def test_a_key_of_several_fields_is_a_list(desk: Desk, value: Any):
    assert read_filt_key(seats(desk), value) == (1, "a")


@pytest.mark.parametrize("value", [1, "a", [1], [1, "a", 2], [], "1a"])
def test_a_key_of_several_fields_needs_all_of_them(desk: Desk, value: Any):
    with pytest.raises(ValidationError, match="Expected 2 values"):
        read_filt_key(seats(desk), value)
    with pytest.raises(ValidationError, match="Expected `str`"):
        read_filt_key(seats(desk), [1, 2])
