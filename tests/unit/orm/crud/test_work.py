"""The work of a request: default tuples, rows and lists, and who may have them."""

from typing import Any

import pytest

from django_vortex.exceptions import PermissionDenied, ValidationError
from django_vortex.orm.crud.listing import Page
from django_vortex.orm.crud.model import CrudModel, ModelPlan, make_plans
from django_vortex.orm.crud.remove import CrudRemove
from django_vortex.orm.crud.work import read_filt_key, read_tuple_key
from django_vortex.routing.permissions import AllowAny, IsAuthenticated
from django_vortex.routing.shared_peer import DependsOnPeer, SharedPeer
from django_vortex.tuples import TupleRegistry
from tests.unit.orm.desk import Desk
from tests.unit.orm.desk_work import ANN, BOB, DeskWork, Hooks, Own, Small, WriteOnly, titles


def seats(desk: Desk) -> ModelPlan:
    crud = CrudModel(desk.seats, fields=["guest"])
    return make_plans([crud], desk.store, TupleRegistry(), AllowAny(), ())[0]


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


def test_get_queryset_is_asked_once_per_request(desk: Desk):
    desk.tickets.add(title="a")
    asked: list[Any] = []

    def find_queryset(request: Any) -> Any:
        asked.append(request)
        return lambda values: True

    work = DeskWork(desk, get_queryset=find_queryset)
    for number in (1, 2):
        assert titles(work.save(work.ticket(id=1, title=f"b{number}"))) == [f"b{number}"]
        assert len(asked) == number


def test_a_push_to_many_asks_each_of_them_elsewhere_but_looks_at_none(desk: Desk):
    desk.tickets.add(title="a", owner_id=2, points=99)
    peer = SharedPeer()
    work = DeskWork(desk, permission=WriteOnly)
    assert titles(work.do(lambda work: work.retrieve(1), peer=peer)) == ["a"]
    assert not peer.is_looked_at
    work = DeskWork(desk, permission=Small)
    assert titles(work.do(lambda work: work.retrieve(1), peer=peer)) == []
    assert not peer.is_looked_at
    work = DeskWork(desk, permission=Own)
    with pytest.raises(DependsOnPeer):
        work.do(lambda work: work.retrieve(1), peer=peer)
    assert peer.is_looked_at


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        (lambda work: work.create(), "create"),
        (lambda work: work.retrieve(1), "retrieve"),
        (lambda work: work.find(work.plan.listing), "retrieve"),
        (lambda work: CrudRemove(work).remove([], 1), "delete"),
        (lambda work: CrudRemove(work).remove([], None), "delete"),
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


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"row": 1, "letter": "a", "guest": None}, (1, "a")),
        ({"row": 0, "letter": "a"}, (0, "a")),
        ({"row": 1}, None),
        ({"row": 1, "letter": ""}, None),
        ({"row": None, "letter": "a"}, None),
        ({}, None),
    ],
)
def test_a_key_with_an_empty_part_is_none(desk: Desk, values: dict[str, Any], key: Any):
    assert read_tuple_key(seats(desk), values) == key
