"""Released clients send null for what was never set; our own dialect means it."""

import datetime as dt
from typing import Any

import pytest
from django.db import models
from django.db.models.functions import Upper
from sqlalchemy import JSON, Boolean, String, func, literal_column
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.model import CrudModel
from django_vortex.orm.django import tuples as django_tuples
from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
from django_vortex.routing.permissions import AllowAny
from django_vortex.tuples import tuple_type
from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Record
from tests.crud.boards import TICKET, Board, ticket
from tests.crud.more_tables import fixture_of

CHOICE = {"key": "board.choice"}


def make_text() -> str:
    return "called"


class DjangoChoice(models.Model):
    title = models.CharField(max_length=20)
    plain = models.BooleanField(null=True, blank=True, default=True)
    called = models.CharField(max_length=20, null=True, blank=True, default=make_text)
    computed = models.CharField(
        max_length=20, null=True, blank=True, db_default=Upper(models.Value("sql"))
    )
    kept = models.IntegerField(null=True, blank=True, db_default=9)
    extra = models.JSONField(null=True, blank=True, default=dict)
    blank = models.IntegerField(null=True, blank=True)
    plain_needed = models.BooleanField(default=True)
    called_needed = models.CharField(max_length=20, default=make_text)
    computed_needed = models.CharField(max_length=20, db_default=Upper(models.Value("sql")))
    kept_needed = models.IntegerField(db_default=9)

    extra_needed = models.JSONField(default=dict)
    empty_needed = models.CharField(max_length=20, default="")

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_choice"


class Base(DeclarativeBase):
    pass


class AlchemyChoice(Base):
    __tablename__ = "crud_choice"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    plain: Mapped[bool | None] = mapped_column(Boolean, default=True)
    called: Mapped[str | None] = mapped_column(String(20), default=make_text)
    computed: Mapped[str | None] = mapped_column(String(20), default=func.upper("sql"))
    kept: Mapped[int | None] = mapped_column(server_default="9")
    extra: Mapped[Any] = mapped_column(JSON, nullable=True, default=dict)
    blank: Mapped[int | None]
    plain_needed: Mapped[bool] = mapped_column(default=True)
    called_needed: Mapped[str] = mapped_column(String(20), default=make_text)
    computed_needed: Mapped[str] = mapped_column(String(20), default=func.upper("sql"))
    kept_needed: Mapped[int] = mapped_column(server_default=literal_column("9"))
    extra_needed: Mapped[Any] = mapped_column(JSON, default=dict)
    empty_needed: Mapped[str] = mapped_column(String(20), default="")


tables = fixture_of([DjangoChoice], Base.metadata)

NULLABLE = ["plain", "called", "computed", "kept", "extra", "blank"]
NEEDED = ["plain_needed", "called_needed", "computed_needed", "kept_needed"]
NEEDED += ["extra_needed", "empty_needed"]
DEFAULTS = dict(zip(NULLABLE, [True, "called", "SQL", 9, {}, None], strict=True)) | dict(
    zip(NEEDED, [True, "called", "SQL", 9, {}, ""], strict=True)
)
RELEASED = [Dialect.D0, Dialect.D1, Dialect.D1B, Dialect.D2]


def serve(board: Board, **options: Any) -> None:
    model = DjangoChoice if board.is_django else AlchemyChoice
    options = {"client_keys": True, "type_name": "board.Choice", **options}
    fields = ["title", *NULLABLE, *NEEDED]
    board.handler(
        board.Ticket,
        CrudModel(model, fields=fields, permission=AllowAny, **options),
        filt=CHOICE,
    )


def choice(**fields: Any) -> Record:
    return Record("board.Choice", **fields)


def stored(board: Board) -> dict[str, Any]:
    [row] = board.database.rows("choice")
    found = {name: row[name] for name in DEFAULTS}
    for name in ("extra", "extra_needed"):
        found[name] = {} if found[name] in ("{}", {}) else found[name]
    return found


@pytest.mark.parametrize("dialect", RELEASED)
@pytest.mark.parametrize("key", [{}, {"id": None}, {"id": 5}])
async def test_null_of_a_released_client_is_what_was_never_set(
    board: Board, dialect: Dialect, key: dict[str, Any]
) -> None:
    serve(board)
    whole = choice(**key, title="a", **dict.fromkeys(DEFAULTS))
    reply = await board.ask(CHOICE, [ticket(title="t"), whole], dialect=dialect)
    assert reply.result is True, reply.result
    assert stored(board) == DEFAULTS
    told = reply.tuples[1].fields
    assert {name: told[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("dialect", RELEASED)
async def test_null_of_a_released_client_is_null_in_a_row_that_is_there(
    board: Board, dialect: Dialect
) -> None:
    serve(board)
    await board.ask(CHOICE, [choice(id=5, title="a")])
    assert stored(board) == DEFAULTS
    reply = await board.ask(CHOICE, [choice(id=5, **dict.fromkeys(NULLABLE))], dialect=dialect)
    assert reply.result is True, reply.result
    found = stored(board)
    assert [found[name] for name in NULLABLE] in ([None] * 6, [None] * 4 + ["null", None])


@pytest.mark.parametrize("field", NULLABLE)
async def test_null_of_our_own_dialect_is_null(board: Board, field: str) -> None:
    serve(board)
    reply = await board.ask(CHOICE, [choice(title="a", **{field: None})])
    assert reply.result is True, reply.result
    assert stored(board) == {**DEFAULTS, field: None}
    assert reply.tuples[0][field] is None


@pytest.mark.parametrize("field", NEEDED)
async def test_null_of_our_own_dialect_is_the_default_where_nothing_can_be_null(
    board: Board, field: str
) -> None:
    serve(board)
    reply = await board.ask(CHOICE, [choice(title="a", **{field: None})])
    assert reply.result is True, reply.result
    is_json_null = field == "extra_needed" and not board.is_django
    assert reply.tuples[0][field] == (None if is_json_null else DEFAULTS[field])


@pytest.mark.parametrize("dialect", [*RELEASED, Dialect.NATIVE])
async def test_a_default_tuple_can_be_saved(board: Board, dialect: Dialect) -> None:
    serve(board)
    model = DjangoChoice if board.is_django else AlchemyChoice
    fields = ["title", *NULLABLE, *NEEDED]
    board.handler(model, filt={"key": "own"}, fields=fields, type_name="board.Own")
    [empty] = (await board.ask({"key": "own"}, dialect=dialect)).tuples
    empty.fields["title"] = "a"
    reply = await board.ask({"key": "own"}, [empty], dialect=dialect)
    assert reply.result is True, reply.result
    found = stored(board)
    if dialect is Dialect.NATIVE:  # where null is null, as the default tuple has it
        found |= {name: DEFAULTS[name] for name in [*NULLABLE, "extra_needed"]}
    assert found == DEFAULTS


@pytest.mark.parametrize("dialect", [*RELEASED, Dialect.NATIVE])
async def test_what_is_absent_has_its_default(board: Board, dialect: Dialect) -> None:
    serve(board)
    reply = await board.ask(CHOICE, [choice(title="a")], dialect=dialect)
    assert reply.result is True, reply.result
    assert stored(board) == DEFAULTS


async def test_null_that_a_hook_sets_is_null(board: Board) -> None:
    class Nulling(CrudExtension):
        def before_create(self, context: Context, change: Change) -> None:
            change.values.update(dict.fromkeys(NULLABLE))

    serve(board, extensions=[Nulling])
    assert (await board.ask(CHOICE, [choice(title="a")], dialect=Dialect.D2)).result is True
    assert [stored(board)[name] for name in NULLABLE] == [None] * 6


async def test_what_is_needed_is_not_made_up(board: Board) -> None:
    board.handler()
    reply = await board.ask(
        TICKET, [ticket(title=None, due=dt.date(2024, 1, 1))], dialect=Dialect.D2
    )
    assert "title" in reply.error
    assert board.titles() == []


UNKNOWN = {"django": {"computed", "kept"}, "sqlalchemy": {"called", "computed", "kept", "extra"}}
UNKNOWN["sqlalchemy"] |= {"extra_needed"}  # whose null would be that of JSON
"""The fields that may be null whose default only the storing of a row tells."""


def serve_alone(board: Board, *, is_tuple_type: bool = False, **options: Any) -> None:
    model = DjangoChoice if board.is_django else AlchemyChoice
    fields = ["title", *NULLABLE, *NEEDED]
    if is_tuple_type:
        registry = board.payload_io.codec.registry
        (django_tuples if board.is_django else sqlalchemy_tuples).install(registry)
        tuple_type("board.Choice", fields=["id", *fields], registry=registry)(model)
    board.handler(model, filt=CHOICE, type_name="board.Choice", fields=fields, **options)


@pytest.mark.parametrize("is_tuple_type", [False, True])
@pytest.mark.parametrize("dialect", [Dialect.NATIVE, *RELEASED])
async def test_a_default_tuple_that_comes_back_has_the_defaults(
    board: Board, dialect: Dialect, is_tuple_type: bool
) -> None:
    serve_alone(board, is_tuple_type=is_tuple_type)
    reply = await board.ask(CHOICE, dialect=dialect)
    [default] = reply.tuples
    missing = {"title", *NULLABLE, *NEEDED} - default.fields.keys()
    unknown = UNKNOWN["django" if board.is_django else "sqlalchemy"]
    assert missing == (unknown if dialect.says_absent else set())
    default.fields["title"] = "a"
    reply = await board.ask(CHOICE, [default], dialect=dialect)
    assert reply.result is True, reply.result
    assert stored(board) == DEFAULTS


async def test_null_in_a_default_tuple_that_comes_back_is_null(board: Board) -> None:
    serve_alone(board)
    [default] = (await board.ask(CHOICE)).tuples
    default.fields |= {"title": "a", **dict.fromkeys(NULLABLE)}
    reply = await board.ask(CHOICE, [default])
    assert reply.result is True, reply.result
    assert {name: stored(board)[name] for name in NULLABLE} == dict.fromkeys(NULLABLE)


async def test_what_a_hook_makes_of_a_default_tuple_is_told(board: Board) -> None:
    class Filling(CrudExtension):
        def after_new(self, context: Context, values: dict[str, Any]) -> None:
            values["kept"] = 7

    class Handler(OrmCrudHandler):
        def post_process(self, request: Any, payload: Any) -> None:
            [one] = payload.tuples
            one.computed = "processed"

    serve_alone(board, extensions=[Filling], cls=Handler)
    [default] = (await board.ask(CHOICE)).tuples
    assert (default["kept"], default["computed"]) == (7, "processed")
    default.fields["title"] = "a"
    assert (await board.ask(CHOICE, [default])).result is True
    found = stored(board)
    assert found == {**DEFAULTS, "kept": 7, "computed": "processed"}
