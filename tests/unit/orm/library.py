"""The library of the tests of the SQLAlchemy store: an SQLite file with its store."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, null, text
from sqlalchemy.orm import Session, sessionmaker

from django_vortex.orm.conditions import to_condition
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import Order, Scope
from tests.unit.orm.shelves import Author, Base, Book, Piece, tables


async def run_in_thread(function: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(function)


class Library:
    """A database file with two authors and their books."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements: list[str] = []
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", set_up)
        event.listen(self.engine, "before_cursor_execute", self._note)
        Base.metadata.create_all(self.engine)
        tables.create_all(self.engine)
        with Session(self.engine) as session, session.begin():
            session.add(Author(id=1, name="Ann"))
            session.add(Author(id=2, name="Bob"))
            session.add(
                Book(id=1, title="one", author_id=1, notes="deep", pieces=[Piece(number=1)])
            )
            session.add(Book(id=2, title="two", author_id=2, pages=null()))
            session.add(Book(id=3, title="Three", author_id=1, pages=7))
        self.factory: Callable[[], Any] = sessionmaker(self.engine)
        self.store = SqlAlchemyStore(self.factory, run_in_thread)

    def shape(self, model: Any, *names: str, **nested: Shape) -> Shape:
        spec = self.store.describe(model)
        return Shape(spec, names or tuple(spec.fields), nested)

    def do(self, work: Callable[[Any], Any], model: Any = Book, scope: Scope | None = None) -> Any:
        """Do work on the rows of a model, and forget what it executes before and after."""
        shape = self.shape(model)
        self.statements.clear()
        return self.store.run_here(lambda unit: work(unit.rows(shape, scope or Scope())))

    def titles(self, where: Any = None, *order: Order, scope: Scope | None = None) -> list[str]:
        found = self.do(lambda rows: rows.find(to_condition(where), order), scope=scope)
        return [row.title for row in found]

    def query(self, statement: str) -> Any:
        with self.engine.connect() as link:
            return [tuple(row) for row in link.execute(text(statement))]

    @property
    def is_idle(self) -> bool:
        return self.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    def _note(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.statements.append(" ".join(statement.split()))


def set_up(link: Any, record: Any) -> None:
    link.execute("PRAGMA foreign_keys=ON")
    link.execute("PRAGMA synchronous=OFF")


@contextmanager
def open_library(directory: Path) -> Iterator[Library]:
    """Return a library, all of whose connections have to be back at the end."""
    library = Library(directory / "library.sqlite3")
    yield library
    assert library.is_idle
    library.engine.dispose()
