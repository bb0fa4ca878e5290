"""A statement is read without instances only where that is the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Integer, create_engine, event, func, literal, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    query_expression,
    reconstructor,
    relationship,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.schema import ForeignKey

from django_vortex.orm.conditions import Condition, to_condition
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import Order, Scope
from tests.unit.orm.library import Library, open_library, run_in_thread
from tests.unit.orm.shelves import Animal, Author, Book, Dog, Piece, stock


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


def read(
    store: SqlAlchemyStore,
    model: Any,
    *names: str,
    queryset: Any = None,
    where: Condition | None = None,
    order: str | None = None,
    limit: int | None = None,
) -> Any:
    """Return what is read without instances; it has to be what they have."""
    spec = store.describe(model)
    shape = Shape(spec, names or tuple(spec.fields))

    def work(unit: Any) -> Any:
        rows = unit.rows(shape, Scope(queryset))
        asked = where, [Order(order)] if order else [], limit
        plain = rows.find_values(*asked)
        if plain is None:
            return None
        whole = [rows.values(row) for row in rows.find(*asked)]
        assert [dict(zip(shape.names, row, strict=True)) for row in plain] == whole
        return [tuple(row) for row in plain]

    return store.run_here(work)


@pytest.mark.parametrize(
    ("queryset", "keys"),
    [
        (select(Book), [1, 2, 3]),
        (select(Book).where(Book.title != "two", Book.id > 1), [3]),
        (select(Book).where(Book.title != "two").where(Book.id < 3), [1]),
        (select(Book).order_by(Book.title), [3, 1, 2]),
        (select(Book).order_by(Book.id.desc()).limit(2), [2, 3]),
        (select(Book).where(Book.author.has(name="Ann")), [1, 3]),
        (select(Book).where(Book.author_id == Author.id, Author.name == "Bob"), [2]),
        (select(Book).where(Book.id == select(func.max(Piece.book_id)).scalar_subquery()), [1]),
    ],
)
def test_what_a_statement_says_of_rows_counts(
    library: Library, queryset: Any, keys: list[int]
) -> None:
    found = read(library.store, Book, "id", "title", "made", queryset=queryset)
    assert [row[0] for row in found] == keys


def test_conditions_order_and_limit_count(library: Library) -> None:
    where = to_condition({"id__gte": 2})
    names = ("id", "title", "notes", "loud")
    found = read(library.store, Book, *names, where=where, order="title")
    assert found == [(3, "Three", None, "Three!"), (2, "two", None, "two!")]
    found = read(library.store, Book, *names, order="title", limit=2)
    assert found == [(3, "Three", None, "Three!"), (1, "one", "deep", "one!")]


def test_a_row_that_a_second_table_gives_twice_is_there_once(library: Library) -> None:
    queryset = select(Author).where(Author.id == Book.author_id)
    found = read(library.store, Author, "id", "name", queryset=queryset)
    assert sorted(found) == [(1, "Ann"), (2, "Bob")]


def test_tables_with_several_keys_are_read_without_instances(library: Library) -> None:
    with library.engine.begin() as link:
        link.execute(stock.insert().values([("a", 1, 5, None), ("a", 2, 6, None)]))
    names = ("amount", "place", "number")
    found = read(library.store, stock, *names, queryset=select(stock).where(stock.c.amount > 5))
    assert found == [(6, "a", 2)]


@pytest.mark.parametrize(
    "queryset",
    [
        select(Book).options(joinedload(Book.author)),
        select(Book).options(with_loader_criteria(Book, Book.id > 1)),
        select(Book).with_for_update(),
    ],
)
def test_a_statement_that_is_more_than_conditions_takes_instances(
    library: Library, queryset: Any
) -> None:
    assert read(library.store, Book, queryset=queryset) is None


@pytest.mark.parametrize("model", [Animal, Dog])
def test_subclasses_take_instances(library: Library, model: Any) -> None:
    assert read(library.store, model) is None


@pytest.mark.parametrize("name", ["load", "refresh"])
def test_a_class_whose_loading_is_watched_takes_instances(library: Library, name: str) -> None:
    def see(*arguments: Any) -> None:
        raise AssertionError("Not to be called")

    event.listen(Book, name, see)
    try:
        assert read(library.store, Book) is None
        assert len(read(library.store, Author)) == 2
    finally:
        event.remove(Book, name, see)


@pytest.mark.parametrize("name", ["loaded_as_persistent", "do_orm_execute"])
def test_a_session_that_is_watched_takes_instances(library: Library, name: str) -> None:
    def see(*arguments: Any) -> None:
        raise AssertionError("Not to be called")

    factory = sessionmaker(library.engine, class_=type("Watched", (Session,), {}))
    event.listen(factory, name, see)
    assert read(SqlAlchemyStore(factory, run_in_thread), Book) is None


class Base(DeclarativeBase):
    pass


class Awake(Base):
    __tablename__ = "awake"
    id: Mapped[int] = mapped_column(primary_key=True)

    @reconstructor
    def wake(self) -> None:
        raise AssertionError("Not to be called")


class Counted(Base):
    __tablename__ = "counted"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int | None] = query_expression(literal(5, Integer))


class Child(Counted):
    __tablename__ = "child"
    id: Mapped[int] = mapped_column(ForeignKey("counted.id"), primary_key=True)


class Made(Base):
    __tablename__ = "made"
    id: Mapped[int] = mapped_column(primary_key=True)

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("Not to be called")


class Joined(Base):
    __tablename__ = "joined"
    id: Mapped[int] = mapped_column(primary_key=True)
    awake_id: Mapped[int] = mapped_column(ForeignKey("awake.id"))
    awake: Mapped[Awake] = relationship(lazy="joined", innerjoin=True)


@pytest.fixture(scope="module")
def empty_engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("model", [Awake, Counted, Made, Joined])
def test_a_class_that_is_more_than_its_columns_takes_instances(
    empty_engine: Engine, model: Any
) -> None:
    assert read(SqlAlchemyStore(sessionmaker(empty_engine), run_in_thread), model) is None


def test_a_child_of_another_class_takes_instances(empty_engine: Engine) -> None:
    assert read(SqlAlchemyStore(sessionmaker(empty_engine), run_in_thread), Child, "id") is None


def test_the_column_that_depends_on_options_is_all_that_does(empty_engine: Engine) -> None:
    store = SqlAlchemyStore(sessionmaker(empty_engine), run_in_thread)
    assert read(store, Counted, "id") == []


def test_relations_take_instances(library: Library) -> None:
    shape = library.shape(Book, "id", author=library.shape(Author, "id", "name"))
    found = library.store.run_here(lambda unit: unit.rows(shape, Scope()).find_values())
    assert found is None
