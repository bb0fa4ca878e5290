"""A version is written with its row, and what updates make anew is not forgotten."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Computed, ForeignKey, StaticPool, create_engine, event, func
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, column_property, mapped_column

from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.models import describe
from django_vortex.orm.sqlalchemy.shape_plan import make_shape_plan
from django_vortex.orm.sqlalchemy.unit import SqlAlchemyRows
from django_vortex.orm.store import Scope, StaleRow, Version

SEEN = Version("version", 1, 2)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="a")
    content: Mapped[Any] = mapped_column(JSON, default=dict)
    saves: Mapped[int] = mapped_column(default=0, onupdate=7)
    loud: Mapped[str] = mapped_column(Computed("upper(title)"))
    version: Mapped[int] = mapped_column(default=1)
    length = column_property(func.length(title))


class Memo(Base):
    __tablename__ = "memo"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="a")
    version: Mapped[int] = mapped_column(default=1)


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="a")


class Pilot(Person):
    __tablename__ = "pilot"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    hours: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def do_nothing(row: Any) -> None:
    """Be no hook."""


def update(
    session: Session, cls: Any, hook: Callable[[Any], None] = do_nothing, **values: Any
) -> list[str]:
    """Change the only row as a handler does, and give the statements that this took."""
    mapped = describe(cls)
    plan = make_shape_plan(Shape(mapped.spec, tuple(mapped.columns)), describe)
    rows = SqlAlchemyRows(session, plan, Scope())
    row = session.query(cls).one()
    rows.set_values(row, values)
    hook(row)
    statements: list[str] = []

    def note(link: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        rows.update(row, values, SEEN)
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", note)
    assert row.version == 2
    return statements


def stored(session: Session, cls: Any) -> Any:
    session.expire_all()
    return session.query(cls).one()


def test_a_row_is_written_with_its_version(session: Session) -> None:
    session.add(Note())
    session.commit()
    assert len(update(session, Note, title="b", content=[1])) == 1
    note = stored(session, Note)
    assert (note.title, note.content, note.version) == ("b", [1], 2)


def test_what_is_known_is_not_read_anew(session: Session) -> None:
    memo = Memo()
    session.add(memo)
    session.commit()
    update(session, Memo, title="b")
    assert set(vars(memo)) >= {"id", "title", "version"}


def test_what_updates_make_anew_is_read_anew(session: Session) -> None:
    note = Note()
    session.add(note)
    session.commit()
    assert (note.saves, note.loud) == (0, "A")
    update(session, Note, title="b")
    assert (note.saves, note.loud) == (7, "B")


@pytest.mark.parametrize("value", [None, {"a": None}, [True, 1]])
def test_json_is_what_it_would_be_without_a_version(session: Session, value: Any) -> None:
    session.add(Note(content="before"))
    session.commit()
    update(session, Note, content=value)
    assert stored(session, Note).content == value


def test_what_a_hook_has_set_on_the_row_itself_is_written_as_well(session: Session) -> None:
    session.add(Note())
    session.commit()
    update(session, Note, lambda row: setattr(row, "saves", 5), title="b")
    note = stored(session, Note)
    assert (note.title, note.saves) == ("b", 5)


@pytest.mark.parametrize(("field", "value"), [("name", "b"), ("hours", 5)])
def test_each_table_is_written(session: Session, field: str, value: Any) -> None:
    session.add(Pilot())
    session.commit()
    update(session, Pilot, **{field: value})
    pilot = stored(session, Pilot)
    assert (getattr(pilot, field), pilot.version) == (value, 2)


@pytest.mark.parametrize("cls", [Note, Pilot])
@pytest.mark.parametrize("before", [lambda row: setattr(row, "version", 3), None])
def test_a_row_that_is_not_as_it_was_seen_is_not_written(
    session: Session, cls: Any, before: Callable[[Any], None] | None
) -> None:
    row = cls()
    session.add(row)
    session.commit()
    if before is None:
        session.delete(row)
    else:
        before(row)
    session.commit()
    mapped = describe(cls)
    plan = make_shape_plan(Shape(mapped.spec, ("id",)), describe)
    rows = SqlAlchemyRows(session, plan, Scope())
    with pytest.raises(StaleRow):
        rows.update(cls(id=1, version=1), [], SEEN)
    assert [one.version for one in session.query(cls)] == ([] if before is None else [3])


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (Note, "before_update"),
        (Note, "after_update"),
        (Session, "before_flush"),
        (Session, "after_flush"),
        (Session, "after_flush_postexec"),
    ],
)
def test_listeners_see_what_is_written(session: Session, target: Any, name: str) -> None:
    session.add(Note())
    session.commit()
    heard: list[str] = []

    def listen(*arguments: Any) -> None:
        heard.append(name)

    heard_by = session if target is Session else target
    event.listen(heard_by, name, listen)
    try:
        update(session, Note, title="b")
    finally:
        event.remove(heard_by, name, listen)
    assert heard
    assert stored(session, Note).title == "b"
