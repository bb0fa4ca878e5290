"""Unique values that are derived while a row is saved: an exchange is refused, and says why."""

from typing import Any

import pytest
from django.db import models
from sqlalchemy import String, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from django_vortex.orm.crud.refusals import MADE_LATE
from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

POST = {"key": "board.post"}


class SlugField(models.CharField):
    def pre_save(self, model_instance: Any, add: bool) -> Any:
        model_instance.mark = str(model_instance.title).lower()
        return model_instance.mark


class DjangoPost(models.Model):
    title = models.CharField(max_length=10)
    slug = models.CharField(max_length=10, unique=True, blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_post"

    def save(self, **options: Any) -> None:
        self.slug = self.title.lower()
        super().save(**options)


class DjangoMarked(models.Model):
    title = models.CharField(max_length=10)
    mark = SlugField(max_length=10, unique=True, blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_marked"


class Base(DeclarativeBase):
    pass


class AlchemyPost(Base):
    __tablename__ = "crud_post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(10))
    slug: Mapped[str] = mapped_column(String(10), unique=True, default="")


class AlchemyMarked(Base):
    __tablename__ = "crud_marked"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(10))
    mark: Mapped[str] = mapped_column(
        String(10),
        unique=True,
        default=lambda context: context.get_current_parameters()["title"].lower(),
        onupdate=lambda context: context.get_current_parameters()["title"].lower(),
    )


@event.listens_for(AlchemyPost, "before_insert")
@event.listens_for(AlchemyPost, "before_update")
def derive(mapper: Any, connection: Any, row: Any) -> None:
    row.slug = row.title.lower()


tables = fixture_of([DjangoPost, DjangoMarked], Base.metadata)


@pytest.mark.parametrize("is_listed", [False, True])
@pytest.mark.parametrize("name", ["slug", "mark"])
async def test_an_exchange_is_refused_and_says_why(
    board: Board, name: str, is_listed: bool
) -> None:
    if name == "slug":
        model, table = (DjangoPost if board.is_django else AlchemyPost), "post"
    else:
        model, table = (DjangoMarked if board.is_django else AlchemyMarked), "marked"
    fields = ["title", name] if is_listed else ["title"]
    board.handler(model, filt=POST, fields=fields, type_name="board.Post")

    def post(**sent: Any) -> Record:
        return Record("board.Post", **sent)

    assert (await board.ask(POST, [post(title="A"), post(title="B")])).result is True
    before = board.database.rows(table)
    reply = await board.ask(POST, [post(id=1, title="B"), post(id=2, title="A")])
    [error] = reply.result["errors"]
    assert (error["index"], error["field"]) == (0, name if is_listed else "")
    assert error["messages"] == [MADE_LATE]
    assert board.database.rows(table) == before
    steps = [post(id=1, title="C")], [post(id=2, title="A")], [post(id=1, title="B")]
    for sent in steps:
        assert (await board.ask(POST, sent)).result is True
    assert [row[name] for row in board.database.rows(table)] == ["b", "a"]


@pytest.mark.parametrize("name", ["slug"])
async def test_what_others_have_is_refused_as_ever(board: Board, name: str) -> None:
    model = DjangoPost if board.is_django else AlchemyPost
    board.handler(model, filt=POST, fields=["title"], type_name="board.Post")

    def post(**sent: Any) -> Record:
        return Record("board.Post", **sent)

    titles = ["A", "B", "C"]
    assert (await board.ask(POST, [post(title=title) for title in titles])).result is True
    reply = await board.ask(POST, [post(id=1, title="C"), post(title="E")])
    [error] = reply.result["errors"]
    assert error["messages"] == ["Another row has this already"]
