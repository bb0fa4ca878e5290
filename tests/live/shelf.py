"""Tables of SQLAlchemy, and databases with them, whose writes are captured in tests."""

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.crud.databases import set_up_sqlite


class Base(DeclarativeBase):
    pass


item_tags = sa.Table(
    "shelf_item_tag",
    Base.metadata,
    sa.Column("item_id", sa.ForeignKey("shelf_item.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("shelf_tag.id"), primary_key=True),
)


class Item(Base):
    __tablename__ = "shelf_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("nm")
    kind: Mapped[str] = mapped_column(default="item")
    number: Mapped[int] = mapped_column(default=0)
    tags: Mapped[list["Tag"]] = relationship(secondary=item_tags)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}


class Special(Item):
    __tablename__ = "shelf_special"
    id: Mapped[int] = mapped_column(sa.ForeignKey("shelf_item.id"), primary_key=True)
    extra: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "special"}


class Tag(Base):
    __tablename__ = "shelf_tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    notes: Mapped[list["Note"]] = relationship(passive_deletes=True, cascade="all")


class Note(Base):
    """Rows that the database deletes with their tag."""

    __tablename__ = "shelf_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    tag_id: Mapped[int] = mapped_column(sa.ForeignKey("shelf_tag.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(default="")


class Seat(Base):
    """A key of two columns."""

    __tablename__ = "shelf_seat"
    row: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guest: Mapped[str] = mapped_column(default="")


Contents = dict[str, dict[tuple[Any, ...], dict[str, Any]]]
"""By table and key the rows."""


def make_engine(url: URL, **options: Any) -> Engine:
    engine = sa.create_engine(url, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", set_up_sqlite)
    return engine


def fill(engine: Engine) -> None:
    """Make the tables anew, with a few rows."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Item(name="a"), Item(name="b"), Tag(name="t1"), Tag(name="t2")])
        session.add_all([Seat(row="A", number=1), Seat(row="A", number=2)])
        session.flush()
        session.add(Note(tag_id=2))
        session.commit()


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Any]:
    """Yield a cursor of a connection of its own, which SQLAlchemy does not see."""
    raw = engine.raw_connection()
    try:
        yield raw.cursor()
    finally:
        raw.rollback()
        raw.close()


def read_all(engine: Engine) -> Contents:
    """Return all rows as another connection sees them now."""
    contents: Contents = {}
    with reading(engine) as cursor:
        for name, table in Base.metadata.tables.items():
            cursor.execute(f"SELECT * FROM {name}")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            keys = [str(one.name) for one in table.primary_key]
            contents[name] = {tuple(row[key] for key in keys): row for row in rows}
    return contents
