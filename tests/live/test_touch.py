"""What somebody says has changed is told like what was seen."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from django_vortex import touch
from django_vortex.exceptions import DefinitionError
from django_vortex.live.changes import MAX_KEYS, Change, Operation
from django_vortex.live.telling import telling
from tests.live.django_models import Asset, Label, Rate, Seat, Team
from tests.live.django_place import Place


class Base(DeclarativeBase):
    pass


class Airport(Base):
    __tablename__ = "touched_airport"
    iata: Mapped[str] = mapped_column(primary_key=True)


def test_model(place: Place) -> None:
    with place.listening() as told:
        touch(Label)
        touch(Label, [1, "2"])
        touch(Seat, [("a", 1)])
        touch(Asset, ["0123456789abcdef0123456789abcdef"])
    assert [change.keys for change in told.changes] == [
        None,
        {(1,), (2,)},
        {("a", 1)},
        {(UUID("0123456789abcdef0123456789abcdef"),)},
    ]
    assert {change.operation for change in told.changes} == {Operation.ANY}


def test_keys_that_may_be_stored_as_others(place: Place) -> None:
    with place.listening() as told:
        touch(Rate, ["2026-01-01"])
        touch(Label, ["one"])
        touch(Label, range(MAX_KEYS + 1))
    assert [change.keys for change in told.changes] == [None] * 3


def test_name_of_a_table(place: Place) -> None:
    with place.listening() as told:
        touch("live_label", [3])
        touch('public"."live_label', [3])
        touch("no_model_has_this", using=place.alias)
        touch("no_model_has_that", [3])
    assert [(change.table.name, change.keys) for change in told.changes] == [
        ("live_label", {(3,)}),
        ("live_label", {(3,)}),
        ("no_model_has_this", None),
        ("no_model_has_that", None),
    ]


def test_told_after_the_commit(place: Place) -> None:
    with place.listening() as told:
        with place.atomic():
            touch(Label)
            assert not told.tellings
        assert len(told.tellings) == 1
        with pytest.raises(ValueError), place.atomic():
            touch(Label)
            raise ValueError
    assert len(told.tellings) == 1


@pytest.mark.usefixtures("unheard")
def test_touched_before_anybody_listened(place: Place) -> None:
    block = place.atomic()
    block.__enter__()
    Team.objects.count()
    touch(Label)
    with place.listening() as told:
        block.__exit__(None, None, None)
    assert told.find("live_label")


def test_quiet_table(place: Place) -> None:
    with place.listening() as told:
        touch("django_session", using=place.alias)
    assert len(told.changes) == 1


@pytest.fixture
def heard() -> Iterator[list[Change]]:
    heard: list[Change] = []
    with telling.heard_by(heard.extend):
        yield heard


def test_class_and_table_of_sqlalchemy(heard: list[Change], tmp_path: Any) -> None:
    path = tmp_path / "a.db"
    factory = sessionmaker(sa.create_engine(f"sqlite:///{path}"))
    touch(Airport, ["LHR"], session_factory=factory)
    touch(Airport.__table__, session_factory=factory)
    assert [(change.table.database, change.keys) for change in heard] == [
        (f"sqlite:{path}", {("LHR",)}),
        (f"sqlite:{path}", None),
    ]


def test_class_of_sqlalchemy_in_async_sessions(heard: list[Change], tmp_path: Any) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    touch(Airport, session_factory=async_sessionmaker(engine, class_=AsyncSession))
    assert [change.table.name for change in heard] == ["touched_airport"]


def test_databases_that_sqlalchemy_has_used(
    heard: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_vortex.orm.sqlalchemy import touched

    monkeypatch.setattr(touched, "find_used", lambda: {"sqlite:/a", "sqlite:/b"})
    touch(Airport)
    assert [change.table.database for change in heard] == ["sqlite:/a", "sqlite:/b"]
    monkeypatch.setattr(touched, "find_used", set)
    with pytest.raises(DefinitionError, match="Name the session_factory"):
        touch(Airport)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((7,), {}, "Expected a Django model, .* got 7"),
        ((Label, "12"), {}, "Expected a list of primary keys, got '12'"),
        ((Label, 12), {}, "Expected a list of primary keys, got 12"),
        ((Seat, [7]), {}, r"Keys of live_seat are \(row, number\)"),
        ((Label,), {"using": "nowhere"}, "DATABASES has no 'nowhere', only 'default'"),
    ],
)
def test_mistake_is_told(
    place: Place, arguments: tuple[Any, ...], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(DefinitionError, match=text):
        touch(*arguments, **options)
