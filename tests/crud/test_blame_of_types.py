"""What a type of the application raises blames nobody; what one of the library raises, the peer."""

import logging
from typing import Any

import pytest
from django.db import models
from sqlalchemy import Enum, Integer, String, types
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from django_vortex.exceptions import ValidationError
from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

PARCEL = {"key": "board.parcel"}

raised: list[Exception] = []
"""What the types of the application raise."""

SIZES = [("small", "s"), ("large", "l")]

LOOKED_UP = {"small": 1}


def fail(value: Any) -> None:
    if raised:
        raise raised[0]
    if value == "bad":
        int(value)  # raised by the standard library, called by the application
    if value == "none":
        LOOKED_UP[value]


class OwnField(models.CharField):
    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        fail(value)
        return super().get_db_prep_value(value, connection, prepared)


class OwnPython(models.CharField):
    def to_python(self, value: Any) -> Any:
        fail(value)
        return super().to_python(value)


class Doubled(models.IntegerField):
    """A field of the application's that leaves what is wrong to Django's."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value)


class DjangoParcel(models.Model):
    own = OwnField(max_length=20, default="", blank=True)
    python = OwnPython(max_length=20, default="", blank=True)
    size = models.CharField(
        max_length=20, choices=[("small", "s"), ("large", "l")], default="large"
    )
    weight = Doubled(default=1)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_parcel"


class OwnType(types.TypeDecorator[str]):
    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        fail(value)
        return value


class AnySize(types.TypeDecorator[str]):
    """A type of the application's that leaves what is wrong to SQLAlchemy's."""

    impl = Enum("small", "large", native_enum=False, length=20, validate_strings=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value and value.lower()


class Weight(types.TypeDecorator[int]):
    impl = Integer
    cache_ok = True


class Base(DeclarativeBase):
    pass


class AlchemyParcel(Base):
    __tablename__ = "crud_parcel"
    id: Mapped[int] = mapped_column(primary_key=True)
    own: Mapped[str] = mapped_column(OwnType, default="")
    python: Mapped[str] = mapped_column(OwnType, default="")
    size: Mapped[str] = mapped_column(AnySize, default="large")
    weight: Mapped[int] = mapped_column(Weight, default=1)


tables = fixture_of([DjangoParcel], Base.metadata)

FIELDS = ["own", "python", "size", "weight"]


@pytest.fixture(autouse=True)
def nothing_raised() -> Any:
    yield
    raised.clear()


@pytest.fixture
def served(board: Board) -> Board:
    model = DjangoParcel if board.is_django else AlchemyParcel
    board.handler(
        model,
        filt=PARCEL,
        fields=FIELDS,
        type_name="board.Parcel",
        retrieve_all=True,
        filters=[*FIELDS, *(f"{name}__in" for name in FIELDS)],
    )
    return board


def parcel(**fields: Any) -> Record:
    return Record("board.Parcel", **fields)


KINDS = [KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError, AttributeError]


async def ask_logged(board: Board, caplog: Any, filt: Any, tuples: Any = None) -> Any:
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        return await board.ask(filt, tuples)


def check_ours(reply: Any, caplog: Any, text: str) -> None:
    assert reply.result["error"] == "internal", reply.result
    assert text not in reply.text
    assert reply.result["ref"] in caplog.text
    assert text in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", ["own", "python"])
async def test_what_a_type_of_the_application_raises_blames_nobody(
    served: Board, kind: type[Exception], field: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await served.ask(PARCEL, [parcel(own="a")])).result is True
    before = served.database.rows("parcel")
    asked = [(PARCEL, [parcel(**{field: "b"})]), (PARCEL, [parcel(id=1, **{field: "b"})])]
    if field == "own" or not served.is_django:  # Django does not call `to_python` for these
        asked += [({**PARCEL, "where": {field: "a"}}, None)]
        asked += [({**PARCEL, "where": {f"{field}__in": ["a", "b"]}}, None)]
    for filt, tuples in asked:
        raised[:] = [kind("a secret of ours")]
        reply = await ask_logged(served, caplog, filt, tuples)
        check_ours(reply, caplog, "a secret of ours")
    raised.clear()
    assert served.database.rows("parcel") == before


@pytest.mark.parametrize("value", ["bad", "none"])
async def test_what_such_a_type_makes_others_raise_blames_nobody(
    served: Board, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_ours(
        await ask_logged(served, caplog, PARCEL, [parcel(own=value)]),
        caplog,
        "invalid literal" if value == "bad" else "KeyError",
    )
    check_ours(
        await ask_logged(served, caplog, {**PARCEL, "where": {"own": value}}),
        caplog,
        "invalid literal" if value == "bad" else "KeyError",
    )


async def test_a_type_refuses_on_purpose_by_an_error_that_is_meant_for_the_peer(
    served: Board, caplog: pytest.LogCaptureFixture
) -> None:
    raised.append(ValidationError("Not so"))
    reply = await ask_logged(served, caplog, PARCEL, [parcel(python="a"), parcel(own="b")])
    assert reply.result["error"] == "validation", reply.result
    assert "Not so" in reply.result["text"]
    assert reply.result["errors"][0]["index"] == 0
    reply = await ask_logged(served, caplog, {**PARCEL, "where": {"own": "a"}})
    assert reply.result["error"] == "validation", reply.result
    assert "Not so" in reply.result["text"]
    assert caplog.text == ""


async def test_what_types_of_the_library_raise_is_the_peers(
    served: Board, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in ({"size": "huge"}, {"weight": 1 << 70}):
        reply = await ask_logged(served, caplog, PARCEL, [parcel(**sent)])
        assert reply.result["error"] == "validation", (sent, reply.result)
    for where in ({"size": "huge"}, {"weight": 1 << 70}, {"weight": ""}, {"weight__in": ["a"]}):
        reply = await ask_logged(served, caplog, {**PARCEL, "where": where})
        assert reply.is_success or reply.result["error"] == "validation", (where, reply.result)
    assert caplog.text == ""
    assert served.database.rows("parcel") == []
