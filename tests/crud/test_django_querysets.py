"""A queryset of any shape says which rows there are: each of them once, or a clear error."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import (
    Count,
    F,
    Func,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Window,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber

from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.orm.django.tuples import install
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.testing import connect
from django_vortex.tuples import tuple_type
from tests.crud.boards import Board, make_django_board
from tests.crud.django_models import Project, Seat, Ticket
from tests.crud.fixtures import FindDatabase
from tests.crud.paging_shelf import FILT, Reader

ALL = ["a", "b", "c", "d", "e"]

Shape = Callable[[QuerySet[Any]], Any]

busy = Q(tickets__points__gt=0)


class Series(Func):
    """Makes two rows of one."""

    template = "generate_series(1, 2)"
    set_returning = True
    output_field = IntegerField()


SHAPES: dict[str, tuple[Shape, list[str]]] = {
    "join": (lambda rows: rows.filter(busy), ["a", "b", "c"]),
    "two joins": (lambda rows: rows.filter(busy).filter(tickets__state="open"), ["a", "b", "c"]),
    "outer join": (lambda rows: rows.filter(busy | Q(name="e")), ["a", "b", "c", "e"]),
    "distinct": (lambda rows: rows.filter(busy).distinct(), ["a", "b", "c"]),
    "distinct alone": (lambda rows: rows.distinct(), ALL),
    "annotation": (lambda rows: rows.annotate(n=F("id") + 1).filter(n__gt=2), ALL[1:]),
    "annotated join": (lambda rows: rows.annotate(t=F("tickets__title")), ALL),
    "distinct annotated join": (lambda rows: rows.annotate(t=F("tickets__id")).distinct(), ALL),
    "alias": (lambda rows: rows.alias(t=F("tickets__points")).filter(t__gt=0), ["a", "b", "c"]),
    "aggregate": (lambda rows: rows.annotate(n=Count("tickets")).filter(n__gt=1), ["a", "c"]),
    "aggregate and join": (lambda rows: rows.annotate(n=Count("tickets")).filter(busy), ALL[:3]),
    "grouped by many": (
        lambda rows: rows.annotate(t=F("tickets__title"), n=Count("tickets")),
        ALL,
    ),
    "union": (lambda rows: rows.filter(name="a").union(rows.filter(id__gt=3)), ["a", "d", "e"]),
    "union all": (lambda rows: rows.union(rows.filter(id__gt=3), all=True), ALL),
    "intersection": (lambda rows: rows.filter(id__lt=3).intersection(rows.all()), ["a", "b"]),
    "difference": (lambda rows: rows.difference(rows.filter(id__lt=4)), ["d", "e"]),
    "ordered union": (
        lambda rows: rows.order_by("-id").union(rows.order_by("name")).order_by("-name"),
        ALL,
    ),
    "only": (lambda rows: rows.only("id"), ALL),
    "defer": (lambda rows: rows.defer("name"), ALL),
    "order by many": (lambda rows: rows.order_by("tickets__title"), ALL),
    "order by many, descending": (lambda rows: rows.order_by(F("tickets__title").desc()), ALL),
    "reverse": (lambda rows: rows.order_by("name").reverse(), ALL),
    "extra": (lambda rows: rows.extra(where=["crud_project.id > 2"]), ["c", "d", "e"]),
    "extra tables": (
        lambda rows: rows.extra(
            tables=["crud_ticket"], where=["crud_ticket.project_id = crud_project.id"]
        ),
        ["a", "b", "c"],
    ),
    "subquery": (
        lambda rows: rows.annotate(
            t=Subquery(Ticket.objects.filter(project=OuterRef("pk")).values("id")[:1])
        ).filter(t__isnull=False),
        ["a", "b", "c"],
    ),
    "window": (
        lambda rows: rows.annotate(
            nr=Window(RowNumber(), partition_by="code", order_by="id")
        ).filter(nr=1),
        ["a", "c"],
    ),
    "raw sql": (lambda rows: rows.filter(id__in=RawSQL("SELECT 2", ())), ["b"]),
    "prefetch": (lambda rows: rows.prefetch_related("tickets"), ALL),
    "none": (lambda rows: rows.none(), []),
    "locked": (lambda rows: rows.filter(busy).select_for_update(), ["a", "b", "c"]),
    "exclude": (lambda rows: rows.exclude(busy), ["d", "e"]),
    "complex": (lambda rows: rows.complex_filter(busy), ["a", "b", "c"]),
}
POSTGRES_SHAPES: dict[str, tuple[Shape, list[str]]] = {
    "set-returning": (lambda rows: rows.annotate(n=Series() + 1), ALL),
    "distinct on": (lambda rows: rows.order_by("code", "-id").distinct("code"), ["b", "e"]),
    "distinct on a join": (
        lambda rows: rows.filter(busy).order_by("code", "-id").distinct("code"),
        ["b", "c"],
    ),
}
SLICES: dict[str, tuple[Shape, list[str]]] = {
    "slice": (lambda rows: rows.order_by("-id")[1:3], ["c", "d"]),
    "slice of a join": (lambda rows: rows.filter(busy).order_by("-id").distinct()[:2], ["b", "c"]),
}
NO_ROWS: dict[str, tuple[Shape, str]] = {
    "values": (lambda rows: rows.values("name"), r"values\(\) or values_list\(\)"),
    "flat": (lambda rows: rows.values_list("id", flat=True), r"values\(\) or values_list\(\)"),
    "grouped": (lambda rows: rows.values("code").annotate(n=Count("id")), r"values\(\)"),
    "values of a union": (lambda rows: rows.values("id").union(rows.values("id")), r"values\(\)"),
    "raw": (lambda rows: rows.raw("SELECT * FROM crud_project"), r"raw\(\)"),
    "list": (lambda rows: list(rows), "has to give a queryset of crud_tests.Project"),
    "another model": (lambda rows: Ticket.objects.all(), "has to give a queryset of crud_tests"),
    "nothing": (lambda rows: 5, "has to give a queryset of crud_tests.Project, got 5"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def board(request: pytest.FixtureRequest, find_database: FindDatabase) -> Iterator[Board]:
    """Five projects: a and c have three tickets, b has one; a and b are of one code."""
    database = find_database(request.param, "django")
    database.clear()
    with database.in_django():
        board = make_django_board(database)
        for number, name in enumerate(ALL):
            database.add("project", name=name, code="x" if name in "ab" else "y")
            for title in {"a": "ttt", "b": "t", "c": "ttt"}.get(name, ""):
                board.add_tickets(title, project_id=number + 1, points=number + 1)
        yield board


def rows_of(board: Board) -> QuerySet[Any]:
    return Project.objects.using(board.database.alias)


def serve(board: Board, shape: Shape, **options: Any) -> None:
    board.handler(
        Project,
        filt=FILT,
        type_name="board.Project",
        retrieve_all=True,
        filters=["name__gte"],
        get_queryset=lambda request: shape(rows_of(board)),
        **{"fields": ["name"], "ordering": ["name", "code"], **options},
    )


def check_rows(board: Board, expected: list[str], *, can_save: bool = True) -> None:
    """See that lists, pages, single rows, saves and deletes all know the same rows."""
    keys = [ALL.index(name) + 1 for name in expected]
    with connect(payload_io=board.payload_io) as peer:
        reader = Reader(peer)
        assert sorted(row.id for row in reader.ask(FILT).tuples) == keys
        assert reader.read("-name") == keys[::-1]
        found = reader.ask({**FILT, "where": {"name__gte": "c"}}).tuples
        assert sorted(row.name for row in found) == [name for name in expected if name >= "c"]
        for order in ("name", "-code"):
            assert reader.read_pages(order, 2) == reader.read(order)
        record = type(found[0]) if found else None
        for key in range(1, 6):
            found = reader.ask({**FILT, "id": key}).tuples
            assert [row.id for row in found] == ([key] if key in keys else [])
            if record is not None and can_save:
                reply = reader.ask(FILT, [record(id=key, name=ALL[key - 1])])
                assert (reply.result is True) is (key in keys)
        for key in (2, 4):
            reader.ask({**FILT, "delete": True, "id": key})
            is_left = rows_of(board).filter(id=key).exists()
            assert is_left or key in keys
            assert not is_left or key == 2 or key not in keys  # tickets protect 2


@pytest.mark.parametrize("name", list(SHAPES))
def test_each_row_comes_once(board: Board, name: str) -> None:
    shape, expected = SHAPES[name]
    serve(board, shape)
    check_rows(board, expected)


@pytest.mark.parametrize("name", ["join", "union", "only", "prefetch"])
def test_each_row_comes_once_with_what_is_inside(board: Board, name: str) -> None:
    shape, expected = SHAPES[name]
    serve(board, shape, nested={"tickets": ["title"]})
    check_rows(board, expected, can_save=False)


@pytest.mark.parametrize("board", ["postgres"], indirect=True)
@pytest.mark.parametrize("name", list(POSTGRES_SHAPES))
def test_so_it_does_of_what_only_postgresql_has(board: Board, name: str) -> None:
    shape, expected = POSTGRES_SHAPES[name]
    serve(board, shape)
    check_rows(board, expected)


@pytest.mark.parametrize("board", ["postgres"], indirect=True)
@pytest.mark.parametrize("name", list(POSTGRES_SHAPES))
def test_so_it_does_of_what_only_postgresql_has_with_what_is_inside(
    board: Board, name: str
) -> None:
    shape, expected = POSTGRES_SHAPES[name]
    serve(board, shape, nested={"tickets": ["title"]})
    check_rows(board, expected, can_save=False)


@pytest.mark.parametrize("name", [*NO_ROWS, *SLICES])
def test_what_has_no_rows_is_a_clear_error(
    board: Board, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    if name in SLICES:
        shape, text = SLICES[name][0], "must not be sliced"
    else:
        shape, text = NO_ROWS[name]
    serve(board, shape)
    with connect(payload_io=board.payload_io) as peer:
        for filt in (FILT, {**FILT, "id": 1}):
            caplog.clear()
            assert "ref" in peer.request(filt).result
            assert re.search(text, caplog.text)


KEPT_SHAPES: dict[str, Shape] = {
    "union": lambda rows: rows.filter(number=2).union(rows.filter(row="b")),
    "filter": lambda rows: rows.exclude(number=1, row="a"),
}


@pytest.mark.parametrize("name", list(KEPT_SHAPES))
def test_keys_of_several_fields_are_kept_apart(board: Board, name: str) -> None:
    for row, number in [("a", 1), ("a", 2), ("b", 1)]:
        board.database.add("seat", row=row, number=number, guest="")
    rows = Seat.objects.using(board.database.alias)
    shape = KEPT_SHAPES[name]
    board.handler(
        Seat,
        filt=FILT,
        fields=["guest"],
        retrieve_all=True,
        get_queryset=lambda request: shape(rows),
    )
    with connect(payload_io=board.payload_io) as peer:
        found = peer.request({**FILT, "limit": 5}).tuples[:-1]
        assert [(one.row, one.number) for one in found] == [("a", 2), ("b", 1)]


def test_an_order_that_the_application_gave_is_that_of_what_is_left(board: Board) -> None:
    serve(board, lambda rows: rows.order_by("-name").filter(busy | Q(id__gt=0)))
    with connect(payload_io=board.payload_io) as peer:
        left = peer.request({**FILT, "delete": True, "id": 5}).tuples
        assert [row.name for row in left] == ["d", "c", "b", "a"]


def test_a_prefetch_of_the_application_says_which_rows_are_inside(board: Board) -> None:
    few = Ticket.objects.using(board.database.alias).filter(id=1)
    lookups: list[Any] = []
    serve(board, lambda rows: rows.prefetch_related(*lookups), nested={"tickets": ["title"]})
    with connect(payload_io=board.payload_io) as peer:
        for said, count in [(Prefetch("tickets", few), 1), ("tickets__project", 3), ("tickets", 3)]:
            lookups[:] = [said]
            [one] = peer.request({**FILT, "id": 1}).tuples
            assert len(one.tickets) == count


def test_rows_whose_relations_are_selected_come_once(board: Board) -> None:
    tickets = Ticket.objects.using(board.database.alias)
    board.handler(
        Ticket,
        filt=FILT,
        type_name="board.Selected",
        fields=["title"],
        ordering=["title"],
        retrieve_all=True,
        get_queryset=lambda request: tickets.select_related("project").filter(project__name="a"),
    )
    with connect(payload_io=board.payload_io) as peer:
        assert [row.title for row in peer.request({**FILT, "order": "title"}).tuples] == ["t"] * 3
        page = peer.request({**FILT, "order": "title", "limit": 2}).tuples
        rest = peer.request({**FILT, "order": "title", "limit": 2, "after": page[-1].next}).tuples
        assert len({row.id for row in [*page[:-1], *rest[:-1]]}) == 3


def test_no_row_is_asked_for_again_because_fields_were_deferred(board: Board) -> None:
    serve(board, lambda rows: rows.only("id"), ordering=["code"])
    with board.noted() as statements, connect(payload_io=board.payload_io) as peer:
        assert len(peer.request({**FILT, "order": "code"}).tuples) == 5
    assert len([one for one in statements if one.startswith("SELECT")]) <= 1


@pytest.mark.parametrize("name", [*SHAPES, *SLICES])
def test_rows_handlers_send_each_row_once(board: Board, name: str) -> None:
    shape, expected = {**SHAPES, **SLICES}[name]
    registry = board.payload_io.codec.registry
    install(registry)
    tuple_type("t.Project", fields=["id", "name"], registry=registry)(Project)
    handler = RowsHandler(
        FILT,
        Project,
        queryset=shape(rows_of(board)),
        permission=AllowAny,
        payload_io=board.payload_io,
    )
    with connect(payload_io=board.payload_io) as peer:
        assert sorted(row.name for row in peer.request(FILT).tuples) == expected
    del handler


@pytest.mark.parametrize("name", list(NO_ROWS))
def test_rows_handlers_say_what_has_no_rows(
    board: Board, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    shape, text = NO_ROWS[name]

    class Rows(RowsHandler):
        def get_queryset(self, request: Request) -> Any:
            return shape(rows_of(board))

    handler = Rows(FILT, Project, permission=AllowAny, payload_io=board.payload_io)
    with connect(payload_io=board.payload_io) as peer:
        assert "ref" in peer.request(FILT).result
    assert re.search(text, caplog.text)
    del handler
