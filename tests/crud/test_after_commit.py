"""What is stored is told as stored, whatever fails later; what cannot be told is not stored."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models, transaction
from sqlalchemy import JSON, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, ticket
from tests.crud.more_tables import fixture_of

DOCUMENT = {"key": "board.document"}


class DjangoDocument(models.Model):
    content = models.JSONField(null=True, blank=True)
    other = models.IntegerField(default=0)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_document"


class Base(DeclarativeBase):
    pass


class AlchemyDocument(Base):
    __tablename__ = "crud_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[Any] = mapped_column(
        JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
    )
    other: Mapped[int] = mapped_column(default=0)


tables = fixture_of([DjangoDocument], Base.metadata)


def serve(board: Board, **options: Any) -> None:
    model = DjangoDocument if board.is_django else AlchemyDocument
    options = {"fields": ["content"], "type_name": "board.Document", **options}
    board.handler(model, filt=DOCUMENT, **options)


def document(**fields: Any) -> Record:
    return Record("board.Document", **fields)


class Boom(Exception):
    pass


@pytest.fixture
def failing(board: Board) -> Iterator[Any]:
    """What makes something fail right behind the commit."""
    listened: list[Any] = []

    def fail(*arguments: Any) -> None:
        raise Boom("behind the commit")

    def arm(context: Context) -> None:
        if board.is_django:
            transaction.on_commit(fail, using=board.database.alias)
        else:
            session = context.rows.session
            event.listen(session, "after_commit", fail)

    if not board.is_django:

        def fail_here(session: Session) -> None:
            if session.info.get("armed"):
                raise Boom("behind the commit")

        event.listen(Session, "after_commit", fail_here)
        listened.append((Session, "after_commit", fail_here))
    yield arm
    for one in listened:
        event.remove(*one)


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
async def test_what_fails_behind_the_commit_is_logged_and_the_row_told(
    board: Board, failing: Any, dialect: Dialect, caplog: pytest.LogCaptureFixture
) -> None:
    class Arming(CrudExtension):
        def after_create(self, context: Context, row: Any) -> None:
            failing(context)

        def before_delete(self, context: Context, row: Any) -> None:
            failing(context)

        def after_update(self, context: Context, row: Any) -> None:
            if not board.is_django:
                context.rows.session.info["armed"] = True
            else:
                failing(context)

    board.handler(extensions=[Arming])
    with caplog.at_level(logging.ERROR):
        made = await board.ask(TICKET, [ticket(title="a")], dialect=dialect)
        changed = await board.ask(TICKET, [ticket(id=1, title="b")], dialect=dialect)
        assert board.titles() == ["b"]
        gone = await board.ask({**TICKET, "delete": True}, [ticket(id=1)], dialect=dialect)
    assert (made.result, changed.result, gone.result) == (True, True, True)
    assert [made.tuples[0]["title"], changed.tuples[0]["title"]] == ["a", "b"]
    assert board.titles() == []
    records = [one for one in caplog.records if one.exc_info and one.exc_info[0] is Boom]
    assert len(records) == 3
    assert all("is stored" in one.getMessage() for one in records)


async def test_a_database_error_behind_the_commit_blames_nobody(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    """It looks like one of the commit itself."""
    from django.db import IntegrityError
    from sqlalchemy.exc import IntegrityError as AlchemyError

    def fail(*arguments: Any) -> None:
        raise IntegrityError("UNIQUE") if board.is_django else AlchemyError("", (), Boom("UNIQUE"))

    class Arming(CrudExtension):
        def after_create(self, context: Context, row: Any) -> None:
            if board.is_django:
                transaction.on_commit(fail, using=board.database.alias)
            else:
                event.listen(context.rows.session, "after_commit", fail)

    board.handler(extensions=[Arming])
    with caplog.at_level(logging.ERROR):
        assert (await board.ask(TICKET, [ticket(title="a")])).result is True
    assert board.titles() == ["a"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_hooks_behind_the_commit_fail_nothing(board: Board, is_async: bool) -> None:
    def plain(self: Any, *arguments: Any) -> None:
        raise SystemExit(3)

    async def coroutine(self: Any, *arguments: Any) -> None:
        raise SystemExit(3)

    hook = coroutine if is_async else plain
    names = ("after_create_commit", "after_update_commit", "after_delete_commit")
    board.handler(extensions=[type("Failing", (CrudExtension,), dict.fromkeys(names, hook))])
    assert (await board.ask(TICKET, [ticket(title="a")])).result is True
    assert (await board.ask(TICKET, [ticket(id=1, title="b")])).result is True
    assert (await board.ask({**TICKET, "delete": True, "id": 1})).result is True
    assert board.titles() == []


@pytest.mark.parametrize("value", [object(), {1: object()}])
async def test_what_cannot_be_told_is_not_stored(board: Board, value: Any) -> None:
    class Odd(CrudExtension):
        def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
            if row.title != "a":
                values["due"] = value

    board.add_tickets("a")
    board.handler(extensions=[Odd])
    before = board.database.everything()
    for tuples in ([ticket(title="b")], [ticket(id=1, title="b")]):
        reply = await board.ask(TICKET, tuples)
        assert "The server could not answer" in reply.error
        assert board.database.everything() == before


async def test_many_rows_are_told_of_as_well(board: Board) -> None:
    board.handler()
    reply = await board.ask(TICKET, [ticket(title=f"t{number}") for number in range(150)])
    assert reply.result is True
    assert [one["title"] for one in reply.tuples] == board.titles()


def nest(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


LEVELS = list(range(57, 70))


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D1, Dialect.D2])
async def test_json_is_stored_and_told_or_refused_by_field(board: Board, dialect: Dialect) -> None:
    serve(board)
    stored = refused = 0
    for levels in LEVELS:
        reply = await board.ask(DOCUMENT, [document(content=nest(levels))], dialect=dialect)
        if reply.result is True:
            stored += 1
            assert reply.tuples[0]["content"] == nest(levels)
            again = await board.ask({**DOCUMENT, "id": reply.tuples[0]["id"]}, dialect=dialect)
            assert again.tuples == reply.tuples
        else:
            refused += 1
            assert "could not answer" not in reply.error
    assert len(board.database.rows("document")) == stored
    assert stored and refused


async def test_json_that_a_hook_nests_too_deep_is_refused(board: Board) -> None:
    class Nesting(CrudExtension):
        def before_create(self, context: Context, change: Any) -> None:
            change.values["content"] = nest(66)

    serve(board, extensions=[Nesting])
    reply = await board.ask(DOCUMENT, [document(content=1)])
    assert (reply.result["errors"][0]["index"], reply.result["errors"][0]["field"]) == (
        0,
        "content",
    )
    assert board.database.rows("document") == []


async def test_json_that_is_too_deep_to_be_sent_is_named(board: Board) -> None:
    import json

    serve(board, retrieve_all=True)
    for content in ("1", json.dumps(nest(70))):
        board.database.execute(
            f"INSERT INTO crud_document (content, other) VALUES ('{content}', 0)"
        )
    assert (await board.ask({**DOCUMENT, "id": 1})).tuples[0]["content"] == 1
    for filt, index in (({"id": 2}, 0), ({}, 1)):
        reply = await board.ask({**DOCUMENT, **filt})
        assert "'content'" in reply.error
        assert f"Tuple {index}" in reply.error
    reply = await board.ask(DOCUMENT, [document(id=2, content=[2])])
    assert reply.result is True
    assert (await board.ask({**DOCUMENT, "id": 2})).tuples[0]["content"] == [2]
