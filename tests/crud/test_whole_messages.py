"""What is valid at the end of a message is stored, in whichever order its tuples are."""

from itertools import permutations
from typing import Any

import pytest
from django.db import models
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from django_vortex.orm.crud.extension import CrudExtension
from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing.permissions import AllowAny
from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

ORDER = {"key": "board.order"}


class DjangoOrder(models.Model):
    code = models.CharField(max_length=10, unique=True)
    place = models.IntegerField(unique=True)
    nick = models.CharField(max_length=10, unique=True, null=True, blank=True)
    row = models.IntegerField(default=0)
    seat = models.IntegerField(null=True, blank=True)
    owner = models.IntegerField(default=0)
    is_main = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    main_line = models.ForeignKey(
        "DjangoLine", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_order"
        unique_together = [("row", "seat")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_main=True), name="crud_one_main"
            )
        ]


class DjangoLine(models.Model):
    order = models.ForeignKey(DjangoOrder, on_delete=models.PROTECT, related_name="lines")
    text = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_line"


class Base(DeclarativeBase):
    pass


class AlchemyOrder(Base):
    __tablename__ = "crud_order"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    place: Mapped[int] = mapped_column(unique=True)
    nick: Mapped[str | None] = mapped_column(String(10), unique=True)
    row: Mapped[int] = mapped_column(default=0)
    seat: Mapped[int | None]
    owner: Mapped[int] = mapped_column(default=0)
    is_main: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("crud_order.id"))
    main_line_id: Mapped[int | None] = mapped_column(
        ForeignKey("crud_line.id", use_alter=True, name="crud_main_line")
    )
    __table_args__ = (
        UniqueConstraint("row", "seat"),
        Index(
            "crud_one_main",
            "owner",
            unique=True,
            sqlite_where=is_main.column,
            postgresql_where=is_main.column,
        ),
    )


class AlchemyLine(Base):
    __tablename__ = "crud_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("crud_order.id"))
    text: Mapped[str] = mapped_column(String(20), default="")


tables = fixture_of([DjangoOrder, DjangoLine], Base.metadata)

FIELDS = ["code", "place", "nick", "row", "seat", "owner", "is_main", "parent_id", "main_line_id"]


def serve(board: Board, **options: Any) -> None:
    order, line = (DjangoOrder, DjangoLine) if board.is_django else (AlchemyOrder, AlchemyLine)
    board.handler(
        order,
        CrudModel(
            line,
            fields=["order_id", "text"],
            type_name="board.Line",
            client_keys=True,
            permission=AllowAny,
        ),
        filt=ORDER,
        fields=FIELDS,
        type_name="board.Order",
        client_keys=True,
        **options,
    )


def order(key: int, **fields: Any) -> Record:
    return Record("board.Order", id=key, **fields)


def new_order(key: int, **fields: Any) -> Record:
    return order(key, **{"code": f"c{key}", "place": key, **fields})


def line(key: int, order_id: int, **fields: Any) -> Record:
    return Record("board.Line", id=key, order_id=order_id, **fields)


async def stored(board: Board, *names: str) -> list[Any]:
    rows = board.database.rows("order")
    return [row[names[0]] if len(names) == 1 else tuple(row[n] for n in names) for row in rows]


async def save(board: Board, *tuples: Record) -> Any:
    reply = await board.ask(ORDER, list(tuples))
    assert reply.result is True, reply.result
    assert [one["id"] for one in reply.tuples] == [one["id"] for one in tuples]
    return reply


@pytest.mark.parametrize("places", list(permutations(range(3))))
async def test_a_new_row_and_what_refers_to_it(board: Board, places: tuple[int, ...]) -> None:
    serve(board)
    tuples = [new_order(1), line(7, 1), line(8, 1)]
    await save(board, *(tuples[place] for place in places))
    assert [row["order_id"] for row in board.database.rows("line")] == [1, 1]


async def test_an_old_row_may_refer_to_a_new_one(board: Board) -> None:
    serve(board)
    await save(board, new_order(1), line(7, 1))
    await save(board, line(7, 2), new_order(2))
    assert [row["order_id"] for row in board.database.rows("line")] == [2]


async def test_what_refers_to_nothing_is_told(board: Board) -> None:
    serve(board)
    reply = await board.ask(ORDER, [new_order(1), line(7, 1), line(8, 2)])
    [error] = reply.result["errors"]
    assert error["index"] == 2
    assert error["field"] == ("order_id" if board.is_django or board.database.is_postgres else "")
    assert await stored(board, "id") == []


async def test_a_tree_comes_in_any_order_and_goes_in_any(board: Board) -> None:
    serve(board)
    tree = [new_order(1), new_order(2, parent_id=1), new_order(3, parent_id=2)]
    for places in permutations(range(3)):
        await save(board, *(tree[place] for place in places))
        assert await stored(board, "parent_id") == [None, 1, 2]
        reply = await board.ask({**ORDER, "delete": True}, [tree[place] for place in places])
        assert reply.result is True, reply.result
        assert await stored(board, "id") == []


async def test_a_row_may_refer_to_itself(board: Board) -> None:
    serve(board)
    await save(board, new_order(1, parent_id=1))
    assert await stored(board, "parent_id") == [1]


async def test_rows_may_refer_to_each_other(board: Board) -> None:
    calls: list[Any] = []

    class Noting(CrudExtension):
        def after_create(self, context: Any, row: Any) -> None:
            calls.append((row.id, row.parent_id))

    serve(board, extensions={(DjangoOrder if board.is_django else AlchemyOrder): [Noting]})
    await save(board, new_order(1, parent_id=2), new_order(2, parent_id=1))
    assert await stored(board, "parent_id") == [2, 1]
    assert sorted(calls) == [(1, 2), (2, 1)]


async def test_rows_of_two_tables_may_refer_to_each_other(board: Board) -> None:
    serve(board)
    await save(board, line(7, 1), new_order(1, main_line_id=7))
    assert await stored(board, "main_line_id") == [7]


async def test_children_are_deleted_before_what_they_need(board: Board) -> None:
    serve(board)
    await save(board, new_order(1), line(7, 1), line(8, 1))
    tuples = [Record("board.Order", id=1), Record("board.Line", id=7), Record("board.Line", id=8)]
    assert not (await board.ask({**ORDER, "delete": True}, tuples[:2])).is_success
    assert await stored(board, "id") == [1]
    assert (await board.ask({**ORDER, "delete": True}, tuples)).result is True
    assert await stored(board, "id") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"code": ["a", "b"]}, {"code": ["b", "a"]}),
        ({"place": [1, 2]}, {"place": [2, 1]}),
        ({"place": [1, 2, 3]}, {"place": [3, 1, 2]}),
        ({"place": [1, 2, 3]}, {"place": [2, 3, 4]}),
        ({"place": [2, 3, 4]}, {"place": [1, 2, 3]}),
        ({"nick": ["x", "y"]}, {"nick": ["y", "x"]}),
        ({"nick": ["x", None]}, {"nick": [None, "x"]}),
        ({"code": ["a", "b"], "place": [1, 2]}, {"code": ["b", "a"], "place": [2, 1]}),
        (
            {"code": ["a", "b", "c"], "place": [1, 2, 3]},
            {"code": ["b", "a", "c"], "place": [1, 3, 2]},
        ),
        ({"row": [1, 1], "seat": [1, 2]}, {"row": [1, 1], "seat": [2, 1]}),
        ({"row": [1, 2], "seat": [1, 1]}, {"row": [2, 1], "seat": [1, 1]}),
        ({"row": [1, 2], "seat": [3, 4]}, {"row": [2, 1], "seat": [4, 3]}),
        ({"is_main": [True, False]}, {"is_main": [False, True]}),
        ({"is_main": [True, True], "owner": [1, 2]}, {"is_main": [True, True], "owner": [2, 1]}),
    ],
)
async def test_rows_exchange_what_is_unique(
    board: Board, before: dict[str, list[Any]], after: dict[str, list[Any]]
) -> None:
    serve(board)
    count = len(next(iter(before.values())))
    keys = range(1, count + 1)

    def at(values: dict[str, list[Any]], place: int) -> dict[str, Any]:
        return {name: value[place] for name, value in values.items()}

    for places in permutations(range(count)):
        board.database.execute("DELETE FROM crud_order")
        await save(board, *(new_order(key, **{"row": key, **at(before, key - 1)}) for key in keys))
        await save(board, *(order(place + 1, **at(after, place)) for place in places))
        names = list(after)
        found = await stored(board, *names)
        expected = list(zip(*after.values(), strict=True))
        assert found == ([one[0] for one in expected] if len(names) == 1 else expected)


async def test_versions_are_counted_once_where_values_are_exchanged(board: Board) -> None:
    serve(board, version_field="version")
    await save(board, new_order(1, nick="a"), new_order(2, nick="b"))
    swapped = [order(1, place=2, nick="b", version=1), order(2, place=1, nick="a", version=1)]
    await save(board, *swapped)
    assert await stored(board, "place", "nick", "version") == [(2, "b", 2), (1, "a", 2)]
    reply = await board.ask(ORDER, [order(1, place=1, version=2), order(2, place=2, version=1)])
    assert reply.result["error"] == "conflict"
    assert await stored(board, "place", "version") == [(2, 2), (1, 2)]


async def test_a_new_row_gets_what_an_old_one_gives_up(board: Board) -> None:
    serve(board)
    await save(board, new_order(1, code="a", nick="x"))
    await save(board, new_order(2, code="a", nick="x"), order(1, code="b", nick=None))
    assert await stored(board, "code", "nick") == [("b", None), ("a", "x")]


async def test_what_others_keep_stays_taken(board: Board) -> None:
    serve(board)
    await save(board, new_order(1, code="a"), new_order(2, code="b"), new_order(3, code="c"))
    before = board.database.everything()
    for tuples, index in (
        ([order(1, code="c"), order(2, code="a")], 0),
        ([order(2, code="a"), order(3, nick="new")], 0),
        ([order(1, code="d"), order(2, code="d")], 1),
        ([order(1, nick="n"), order(2, code="a")], 1),
        ([new_order(4, code="d"), new_order(5, code="d")], 1),
    ):
        reply = await board.ask(ORDER, tuples)
        [error] = reply.result["errors"]
        assert (error["index"], error["field"]) == (index, "code"), tuples
        assert board.database.everything() == before
        assert await stored(board, "code") == ["a", "b", "c"]


async def test_a_message_of_rows_that_need_nothing_takes_no_statement_more(board: Board) -> None:
    serve(board)
    await save(board, *(new_order(key) for key in range(1, 11)))
    with board.noted() as statements:
        await save(board, *(order(key, row=5, seat=key) for key in range(1, 11)))
    updates = [one for one in statements if one.startswith("UPDATE")]
    assert len(updates) == 10
    assert len([one for one in statements if one.startswith("SELECT")]) <= 3


@pytest.mark.parametrize(
    "place", ["django-postgres", "sqlalchemy-postgres", "async-postgres"], indirect=True
)
async def test_what_the_database_refuses_at_the_end_is_told_by_field(board: Board) -> None:
    serve(board)
    await save(board, new_order(1, row=1, owner=1), new_order(2, row=2, owner=2))
    board.database.execute(
        "ALTER TABLE crud_order ADD CONSTRAINT late UNIQUE (owner) DEFERRABLE INITIALLY DEFERRED"
    )
    await save(board, order(1, owner=2), order(2, owner=1))
    reply = await board.ask(ORDER, [order(1, owner=5), new_order(3, row=3, owner=1)])
    [error] = reply.result["errors"]
    assert (error["index"], error["field"]) == (1, "owner")
    assert "crud_order" not in reply.text
    assert await stored(board, "owner") == [2, 1]
    reply = await board.ask(ORDER, [new_order(3, owner=8), new_order(4, owner=8)])
    assert [(one["index"], one["field"]) for one in reply.result["errors"]] == [(1, "owner")]
