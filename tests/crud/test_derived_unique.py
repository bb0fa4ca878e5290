"""Unique values that a class derives from others are exchanged like those that peers send."""

from typing import Any

import pytest
from django.db import models
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

ARTICLE = {"key": "board.article"}


class DjangoArticle(models.Model):
    title = models.CharField(max_length=10)
    slug = models.CharField(max_length=10, unique=True, blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_article"

    def clean(self) -> None:
        self.slug = self.title.lower()


class Base(DeclarativeBase):
    pass


class AlchemyArticle(Base):
    __tablename__ = "crud_article"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(10))
    slug: Mapped[str] = mapped_column(String(10), unique=True, default="")

    @validates("title")
    def derive(self, key: str, title: str) -> str:
        self.slug = title.lower()
        return title


tables = fixture_of([DjangoArticle], Base.metadata)


def article(**fields: Any) -> Record:
    return Record("board.Article", **fields)


@pytest.mark.parametrize("fields", [["title"], ["title", "slug"]])
@pytest.mark.parametrize("titles", [("B", "A"), ("B", "C")])
async def test_what_is_derived_is_exchanged(
    board: Board, titles: tuple[str, str], fields: list[str]
) -> None:
    model = DjangoArticle if board.is_django else AlchemyArticle
    board.handler(model, filt=ARTICLE, fields=fields, type_name="board.Article")
    assert (await board.ask(ARTICLE, [article(title="A"), article(title="B")])).result is True
    sent = [article(id=key, title=title) for key, title in zip((1, 2), titles, strict=True)]
    reply = await board.ask(ARTICLE, sent)
    assert reply.result is True, reply.result
    stored = [(row["title"], row["slug"]) for row in board.database.rows("article")]
    assert stored == [(title, title.lower()) for title in titles]
