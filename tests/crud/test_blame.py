"""Who is blamed: the peer by tuple and field for its values, nobody by name for what fails here."""

import logging
from typing import Any

import pytest
from django.core import exceptions as django_exceptions
from django.db import DataError, IntegrityError, models
from django.http import Http404
from sqlalchemy import String, event, exc
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, validates

from django_vortex.exceptions import ValidationError
from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.orm.django.errors import translate_error
from django_vortex.routing.permission import Permission
from tests.crud.asking import Record
from tests.crud.boards import FIELDS, TICKET, Board, over_core_tables, ticket
from tests.crud.more_tables import fixture_of

NOTE = {"key": "board.note"}

failure: list[Any] = []
"""What the models raise, and where."""


def fail(place: str) -> None:
    if failure and failure[0] == place:
        raise failure[1]


class OwnField(models.CharField):
    def pre_save(self, model_instance: Any, add: bool) -> Any:
        fail("field")
        return super().pre_save(model_instance, add)


class DjangoNote(models.Model):
    text = models.CharField(max_length=20)
    owner = models.IntegerField()
    own = OwnField(max_length=20, default="", blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_note"

    @classmethod
    def from_db(cls, *arguments: Any, **options: Any) -> Any:
        fail("load")
        return super().from_db(*arguments, **options)

    def clean(self) -> None:
        fail("clean")

    def save(self, **options: Any) -> None:
        fail("save")
        super().save(**options)

    def delete(self, **options: Any) -> Any:
        fail("delete")
        return super().delete(**options)


class DjangoAudit(models.Model):
    """What a signal or hook writes besides."""

    text = models.CharField(max_length=20)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_audit"


class Base(DeclarativeBase):
    pass


class AlchemyAudit(Base):
    __tablename__ = "crud_audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(20))


class AlchemyNote(Base):
    __tablename__ = "crud_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(20))
    owner: Mapped[int]
    own: Mapped[str] = mapped_column(String(20), default="")

    @validates("text")
    def check(self, key: str, text: str) -> str:
        fail("validator")
        return text

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "owner":
            fail("attribute")
        super().__setattr__(name, value)


tables = fixture_of([DjangoNote, DjangoAudit], Base.metadata)


@pytest.fixture(autouse=True)
def no_failure() -> Any:
    yield
    failure.clear()


def serve(board: Board, **options: Any) -> None:
    board.payload_io.bind(translate_error=translate_error)
    model = DjangoNote if board.is_django else AlchemyNote
    fields = ["text", "owner", "own"]
    board.handler(model, filt=NOTE, **{"fields": fields, "type_name": "board.Note", **options})


def note(**fields: Any) -> Record:
    return Record("board.Note", **fields)


BY_FIELD = django_exceptions.ValidationError({"title": "Not so"})
WHOLE = django_exceptions.ValidationError("Not so")
OURS = ValidationError(errors=[{"field": "title", "messages": ["Not so"]}])


@over_core_tables
@pytest.mark.parametrize(
    ("raised", "code", "field"),
    [
        (BY_FIELD, "validation", "title"),
        (WHOLE, "validation", ""),
        (OURS, "validation", "title"),
        (ValidationError("Not so"), "validation", ""),
        (django_exceptions.PermissionDenied("Not so"), "permission", None),
        (Http404("Not so"), "not-found", None),
    ],
)
@pytest.mark.parametrize(
    "hook", ["before_create", "after_create", "before_update", "before_delete"]
)
async def test_exceptions_of_hooks_are_told_with_the_tuple(
    board: Board, hook: str, raised: Exception, code: str, field: str | None
) -> None:
    def refuse(self: Any, context: Any, change: Any) -> None:
        row = getattr(change, "row", change)
        if getattr(change, "values", {}).get("title", getattr(row, "title", "")) == "bad":
            raise raised

    board.add_tickets("fine", "bad")
    board.payload_io.bind(translate_error=translate_error)
    board.handler(extensions=[type("Refusing", (CrudExtension,), {hook: refuse})])
    before = board.database.everything()
    if hook.endswith("create"):
        reply = await board.ask(TICKET, [ticket(title="a"), ticket(title="bad")])
    elif hook.endswith("update"):
        reply = await board.ask(TICKET, [ticket(id=1, title="a"), ticket(id=1, title="bad")])
    else:
        reply = await board.ask({**TICKET, "delete": True}, [ticket(id=1), ticket(id=2)])
    assert reply.result["error"] == code, reply.result
    if field is not None:
        assert "Not so" in reply.result["text"]
        [error] = reply.result["errors"]
        assert (error["index"], error["field"], error["messages"]) == (1, field, ["Not so"])
    assert board.database.everything() == before


@pytest.mark.parametrize("place", ["django-sqlite", "django-postgres"], indirect=True)
@pytest.mark.parametrize("where", ["clean", "save", "delete", "field"])
async def test_exceptions_of_models_are_told_with_the_tuple(board: Board, where: str) -> None:
    serve(board)
    await board.ask(NOTE, [note(text="a", owner=1)])
    before = board.database.rows("note")
    filt = {**NOTE, "delete": True} if where == "delete" else NOTE
    sent = [note(id=1, text="b")]
    for raised, code in (
        (django_exceptions.ValidationError({"text": ["Not so"]}), "validation"),
        (ValidationError(errors=[{"field": "text", "messages": ["Not so"]}]), "validation"),
        (django_exceptions.PermissionDenied("Not you"), "permission"),
        (Http404("Gone"), "not-found"),
        (DjangoNote.DoesNotExist("SELECT secret"), "not-found"),
    ):
        failure[:] = [where, raised]
        reply = await board.ask(filt, sent)
        assert reply.result["error"] == code, (raised, reply.result)
        assert "secret" not in reply.text
        if code == "validation":
            [error] = reply.result["errors"]
            told = (error["index"], error["field"], error["messages"])
            assert told == (0, "text", ["Not so"])
        failure.clear()
        assert board.database.rows("note") == before


@pytest.mark.parametrize("place", ["django-sqlite", "django-postgres"], indirect=True)
@pytest.mark.parametrize(
    "kind", [ValueError, TypeError, OverflowError, UnicodeError, IntegrityError, DataError]
)
@pytest.mark.parametrize("where", ["load", "clean", "save", "delete", "field"])
async def test_what_fails_in_a_model_blames_nobody(
    board: Board, where: str, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    serve(board, retrieve_all=True)
    await board.ask(NOTE, [note(text="a", owner=1)])
    failure[:] = [where, kind("a secret of ours")]
    filt = {**NOTE, "delete": True} if where == "delete" else NOTE
    asked = [(filt, [note(id=1, text="b")])]
    if where == "load":
        asked += [({**NOTE, "id": 1}, None), (NOTE, None)]
    for one, tuples in asked:
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            reply = await board.ask(one, tuples)
        assert reply.result["error"] == "internal", reply.result
        assert "secret" not in reply.text
        assert reply.result["ref"] in caplog.text
        assert "a secret of ours" in caplog.text
    failure.clear()
    assert [row["text"] for row in board.database.rows("note")] == ["a"]


POSTGRES = ["sqlalchemy-postgres", "async-postgres"]
SQLALCHEMY = [
    f"{store}-{kind}" for store in ("sqlalchemy", "async") for kind in ("sqlite", "postgres")
]


@pytest.mark.parametrize("place", SQLALCHEMY, indirect=True)
async def test_validators_refuse_by_a_value_error_and_other_attributes_do_not(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    serve(board)
    failure[:] = ["validator", ValueError("Not so")]
    reply = await board.ask(NOTE, [note(text="a", owner=1)])
    [error] = reply.result["errors"]
    assert (error["index"], error["field"], error["messages"]) == (0, "text", ["Not so"])
    for where, raised in (
        ("validator", TypeError("a secret of ours")),
        ("attribute", ValueError("a secret of ours")),
        ("attribute", OverflowError("a secret of ours")),
    ):
        failure[:] = [where, raised]
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            reply = await board.ask(NOTE, [note(text="a", owner=1)])
        assert reply.result["error"] == "internal"
        assert "secret" not in reply.text
        assert "a secret of ours" in caplog.text
    assert board.database.rows("note") == []


@pytest.mark.parametrize("hook", ["before_create", "after_create", "signal"])
async def test_rows_that_the_application_writes_besides_blame_nobody(
    board: Board, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    def write(using: Any) -> None:
        if board.is_django:
            DjangoAudit.objects.using(using).create(text=None)
        else:
            using.add(AlchemyAudit(text=None))

    class Auditing(CrudExtension):
        def before_create(self, context: Context, change: Change) -> None:
            if hook == "before_create":
                write(board.database.alias if board.is_django else context.rows.session)

        def after_create(self, context: Context, row: Any) -> None:
            if hook == "after_create":
                write(board.database.alias if board.is_django else context.rows.session)

    def audit(*arguments: Any, **options: Any) -> None:
        write(board.database.alias if board.is_django else arguments[0])

    serve(board, extensions=[Auditing])
    if hook == "signal" and board.is_django:
        models.signals.post_save.connect(audit, DjangoNote)
    elif hook == "signal":
        event.listen(Session, "before_flush", audit)
    try:
        with caplog.at_level(logging.ERROR):
            reply = await board.ask(NOTE, [note(text="a", owner=1)])
    finally:
        if hook == "signal" and board.is_django:
            models.signals.post_save.disconnect(audit, DjangoNote)
        elif hook == "signal":
            event.remove(Session, "before_flush", audit)
    assert reply.result["error"] == "internal", reply.result
    assert reply.result["ref"] in caplog.text
    assert "crud_audit" in caplog.text
    assert board.database.rows("note") == []


@pytest.mark.parametrize("place", ["django-postgres", *POSTGRES], indirect=True)
async def test_rules_of_a_partition_are_those_of_its_table(board: Board) -> None:
    serve(board)
    run = board.database.execute
    run("ALTER TABLE crud_note RENAME TO crud_note_all")
    try:
        run("CREATE TABLE crud_note (LIKE crud_note_all INCLUDING ALL) PARTITION BY RANGE (id)")
        run("CREATE TABLE crud_note_1 PARTITION OF crud_note DEFAULT")
        run("ALTER TABLE crud_note_1 ADD CONSTRAINT positive CHECK (owner > 0)")
        reply = await board.ask(NOTE, [note(text="a", owner=-1)])
        assert reply.result["error"] == "validation", reply.result
    finally:
        run("DROP TABLE IF EXISTS crud_note")
        run("ALTER TABLE crud_note_all RENAME TO crud_note")


@pytest.mark.parametrize("where", ["before_create", "after_retrieve", "allows", "scope"])
async def test_errors_of_databases_that_the_application_raises_blame_nobody(
    board: Board, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[Exception] = [ConnectionError("a secret of ours")]
    if board.is_django:
        raised += [IntegrityError("a secret of ours"), DataError("a secret of ours")]
    else:
        cause = ValueError("a secret of ours")
        raised += [exc.IntegrityError("", (), cause), exc.DataError("", (), cause)]

    def fail(*arguments: Any) -> None:
        raise raised[-1]

    options: dict[str, Any] = {}
    if where in ("allows", "scope"):
        options["permission"] = type("Failing", (Permission,), {where: fail})
    else:
        options["extensions"] = [type("Failing", (CrudExtension,), {where: fail})]
    serve(board, **options)
    while raised:
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            reply = await board.ask(NOTE, [note(text="a", owner=1)])
        assert reply.result["error"] == "internal", (raised[-1], reply.result)
        assert reply.result["ref"] in caplog.text
        assert "secret" not in reply.text
        raised.pop()
    assert board.database.rows("note") == []


async def test_a_needed_field_that_is_not_listed_is_named(board: Board) -> None:
    serve(board, fields=["text"])
    reply = await board.ask(NOTE, [note(text="a"), note(text="b")])
    assert [(one["index"], one["field"]) for one in reply.result["errors"]] == [(0, ""), (1, "")]
    for error in reply.result["errors"]:
        assert error["messages"] == ["'owner' needs a value, and this handler does not list it"]
    assert board.database.rows("note") == []


async def test_what_a_database_does_not_know_is_still_the_peers(board: Board) -> None:
    board.handler(fields=FIELDS, retrieve_all=True, filters=["title"])
    reply = await board.ask({**TICKET, "where": {"title": "a\0b"}})
    assert reply.is_success or reply.result["error"] == "validation", reply.result
