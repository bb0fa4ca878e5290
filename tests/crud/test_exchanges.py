"""Rows exchange unique references and choices, where there is a value to put aside meanwhile."""

from typing import Any

import pytest
from django.db import models
from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

CARD = {"key": "board.card"}


class DjangoHolder(models.Model):
    name = models.CharField(max_length=10)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_holder"


class DjangoCard(models.Model):
    holder = models.OneToOneField(DjangoHolder, on_delete=models.PROTECT)
    kind = models.CharField(max_length=3, choices=[(c, c) for c in "abc"], unique=True)
    flag = models.BooleanField(unique=True, default=False)
    address = models.GenericIPAddressField(unique=True)
    home = models.GenericIPAddressField(unique=True, protocol="IPv4")
    ratio = models.FloatField(unique=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_card"


class Base(DeclarativeBase):
    pass


INET = postgresql.INET().with_variant(String(39), "sqlite")


class AlchemyHolder(Base):
    __tablename__ = "crud_holder"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10))


class AlchemyCard(Base):
    __tablename__ = "crud_card"
    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("crud_holder.id"), unique=True)
    kind: Mapped[str] = mapped_column(Enum("a", "b", "c", native_enum=False), unique=True)
    flag: Mapped[bool] = mapped_column(unique=True, default=False)
    address: Mapped[str] = mapped_column(INET, unique=True)
    home: Mapped[str] = mapped_column(INET, unique=True)
    ratio: Mapped[float] = mapped_column(unique=True)


tables = fixture_of([DjangoHolder, DjangoCard], Base.metadata)


def card(**fields: Any) -> Record:
    return Record("board.Card", **fields)


async def serve(board: Board) -> None:
    model = DjangoCard if board.is_django else AlchemyCard
    fields = ["holder_id", "kind", "flag", "address", "home", "ratio"]
    board.handler(model, filt=CARD, fields=fields, type_name="board.Card")
    for name in "123":
        board.database.execute(f"INSERT INTO crud_holder (name) VALUES ('{name}')")
    cards = [
        card(holder_id=1, kind="a", flag=False, address="::1", home="10.0.0.1", ratio=0.5),
        card(holder_id=2, kind="b", flag=True, address="::2", home="10.0.0.2", ratio=1.5),
    ]
    assert (await board.ask(CARD, cards)).result is True


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("holder_id", (2, 1)),
        ("kind", ("b", "a")),
        ("address", ("::2", "::1")),
        ("home", ("10.0.0.2", "10.0.0.1")),
        ("ratio", (1.5, 0.5)),
    ],
)
async def test_references_and_choices_are_exchanged(
    board: Board, field: str, values: tuple[Any, Any]
) -> None:
    await serve(board)
    sent = [card(id=key, **{field: value}) for key, value in zip((1, 2), values, strict=True)]
    reply = await board.ask(CARD, sent)
    assert reply.result is True, reply.result
    assert tuple(one[field] for one in reply.tuples) == values
    stored = [str(row[field]) for row in board.database.rows("card")]
    assert stored == [str(value) for value in values]


async def test_what_has_two_values_only_cannot_be_exchanged(board: Board) -> None:
    await serve(board)
    before = board.database.rows("card")
    reply = await board.ask(CARD, [card(id=1, flag=True), card(id=2, flag=False)])
    [error] = reply.result["errors"]
    assert error["field"] == "flag"
    assert "save another value in between" in error["messages"][0]
    assert board.database.rows("card") == before
