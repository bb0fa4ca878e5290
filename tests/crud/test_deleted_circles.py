"""Rows that refer to each other in a circle are deleted by one message."""

from itertools import permutations
from typing import Any

import pytest
from django.db import models
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from django_vortex.orm.crud.extension import CrudExtension
from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing.permissions import AllowAny
from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

NODE, TEAM = {"key": "board.node"}, {"key": "board.team"}


class DjangoNode(models.Model):
    name = models.CharField(max_length=10)
    next = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    other = models.ForeignKey("self", null=True, on_delete=models.RESTRICT, related_name="+")
    third = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_node"


class DjangoTeam(models.Model):
    captain = models.ForeignKey(
        "DjangoMember", null=True, on_delete=models.PROTECT, related_name="+"
    )
    late = models.ForeignKey(
        "DjangoMember", on_delete=models.DO_NOTHING, related_name="+", null=True
    )

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_team"


class DjangoMember(models.Model):
    team = models.ForeignKey(DjangoTeam, on_delete=models.PROTECT)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_member"


class DjangoHalf(models.Model):
    """What is looked at when the transaction ends."""

    half = models.ForeignKey("self", on_delete=models.DO_NOTHING)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_half"


class Base(DeclarativeBase):
    pass


class AlchemyNode(Base):
    __tablename__ = "crud_node"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10))
    next_id: Mapped[int | None] = mapped_column(ForeignKey("crud_node.id"))
    other_id: Mapped[int | None] = mapped_column(ForeignKey("crud_node.id"))
    third_id: Mapped[int | None] = mapped_column(ForeignKey("crud_node.id", ondelete="CASCADE"))
    next: Mapped["AlchemyNode | None"] = relationship(foreign_keys=[next_id], remote_side=[id])


class AlchemyTeam(Base):
    __tablename__ = "crud_team"
    id: Mapped[int] = mapped_column(primary_key=True)
    captain_id: Mapped[int | None] = mapped_column(
        ForeignKey("crud_member.id", use_alter=True, name="captain_of")
    )
    late_id: Mapped[int | None] = mapped_column(
        ForeignKey("crud_member.id", use_alter=True, name="late_of")
    )


class AlchemyMember(Base):
    __tablename__ = "crud_member"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("crud_team.id"))


class AlchemyHalf(Base):
    __tablename__ = "crud_half"
    id: Mapped[int] = mapped_column(primary_key=True)
    half_id: Mapped[int] = mapped_column(
        ForeignKey("crud_half.id", deferrable=True, initially="DEFERRED")
    )


tables = fixture_of([DjangoNode, DjangoTeam, DjangoMember, DjangoHalf], Base.metadata)


def node(key: int) -> Record:
    return Record("board.Node", id=key)


def fill(board: Board, table: str, *rows: dict[str, Any]) -> None:
    """Store rows that refer to each other."""
    for row in rows:
        first = {name: value for name, value in row.items() if not name.endswith("_id")}
        texts = [repr(value) for value in first.values()]
        board.database.execute(
            f"INSERT INTO crud_{table} ({', '.join(first)}) VALUES ({', '.join(texts)})"
        )
    for row in rows:
        for name, value in row.items():
            if name.endswith("_id") and value is not None:
                board.database.execute(
                    f"UPDATE crud_{table} SET {name} = {value} WHERE id = {row['id']}"
                )


deleted: list[int] = []


class Noting(CrudExtension):
    def before_delete(self, context: Any, row: Any) -> None:
        deleted.append(row.id)


@pytest.fixture
def nodes(board: Board) -> Board:
    deleted.clear()
    board.handler(
        DjangoNode if board.is_django else AlchemyNode,
        filt=NODE,
        fields=["name"],
        type_name="board.Node",
        extensions=[Noting],
    )
    return board


@pytest.mark.parametrize("places", list(permutations([1, 2, 3])))
@pytest.mark.parametrize("column", ["next_id", "other_id", "third_id"])
async def test_a_circle_of_rows_is_deleted(
    nodes: Board, places: tuple[int, ...], column: str
) -> None:
    rows = [{"id": key, "name": "a", column: key % 3 + 1} for key in (1, 2, 3)]
    fill(nodes, "node", *rows, {"id": 4, "name": "b", column: None})
    reply = await nodes.ask({**NODE, "delete": True}, [node(key) for key in places])
    assert reply.result is True, reply.result
    assert sorted(deleted) == [1, 2, 3]
    assert [row["id"] for row in nodes.database.rows("node")] == [4]


@pytest.mark.parametrize("keys", [(1,), (1, 2), (2, 1)])
async def test_a_row_that_refers_to_itself_is_deleted(nodes: Board, keys: tuple[int, ...]) -> None:
    rows = [
        {"id": 1, "name": "a", "next_id": 1, "other_id": 1, "third_id": 1},
        {"id": 2, "name": "a"},
    ]
    fill(nodes, "node", *rows)
    reply = await nodes.ask({**NODE, "delete": True}, [node(key) for key in keys])
    assert reply.result is True, reply.result
    assert len(nodes.database.rows("node")) == 2 - len(keys)


async def test_both_columns_go_round(nodes: Board) -> None:
    fill(
        nodes,
        "node",
        {"id": 1, "name": "a", "next_id": 2, "other_id": 2},
        {"id": 2, "name": "a", "next_id": 1, "other_id": 1},
    )
    reply = await nodes.ask({**NODE, "delete": True}, [node(1), node(2)])
    assert reply.result is True, reply.result
    assert nodes.database.rows("node") == []


async def test_a_circle_that_others_need_stays_as_it_was(nodes: Board) -> None:
    fill(
        nodes,
        "node",
        {"id": 1, "name": "a", "next_id": 2},
        {"id": 2, "name": "a", "next_id": 1},
        {"id": 3, "name": "a", "next_id": 1},
    )
    before = nodes.database.rows("node")
    reply = await nodes.ask({**NODE, "delete": True}, [node(1), node(2)])
    [error] = reply.result["errors"]
    assert error["index"] == 0
    assert nodes.database.rows("node") == before


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("column", ["captain_id", "late_id"])
async def test_a_circle_through_two_tables_is_deleted(
    board: Board, column: str, is_turned: bool
) -> None:
    team, member = (DjangoTeam, DjangoMember) if board.is_django else (AlchemyTeam, AlchemyMember)
    more = CrudModel(member, fields=["team_id"], type_name="board.Member", permission=AllowAny)
    board.handler(team, more, filt=TEAM, fields=["captain_id", "late_id"], type_name="board.Team")
    board.database.execute("INSERT INTO crud_team (id) VALUES (1)")
    board.database.execute("INSERT INTO crud_member (id, team_id) VALUES (5, 1)")
    board.database.execute(f"UPDATE crud_team SET {column} = 5")
    tuples = [Record("board.Team", id=1), Record("board.Member", id=5)]
    reply = await board.ask({**TEAM, "delete": True}, tuples[::-1] if is_turned else tuples)
    assert reply.result is True, reply.result
    assert board.database.rows("team") == board.database.rows("member") == []


async def test_what_cannot_be_null_is_left_to_the_end_of_the_transaction(board: Board) -> None:
    model = DjangoHalf if board.is_django else AlchemyHalf
    board.handler(model, filt=NODE, fields=["half_id"], type_name="board.Half")
    run = board.database.execute
    run("INSERT INTO crud_half (id, half_id) VALUES (3, 3), (1, 2), (2, 1)")
    ask = {**NODE, "delete": True}
    reply = await board.ask(ask, [Record("board.Half", id=1)])
    assert reply.result["error"] == "validation", reply.result
    reply = await board.ask(ask, [Record("board.Half", id=key) for key in (1, 2, 3)])
    assert reply.result is True, reply.result
    assert board.database.rows("half") == []
