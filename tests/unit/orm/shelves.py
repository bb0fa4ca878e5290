"""SQLAlchemy classes and tables of the tests of the store."""

import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    func,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    mapped_column,
    relationship,
    validates,
)


class Base(DeclarativeBase):
    pass


class Shouted(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return value


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author", passive_deletes="all")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (CheckConstraint("pages < 10000"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    pages: Mapped[int | None] = mapped_column(default=100)
    state: Mapped[str] = mapped_column("book_state", default="new")
    stars: Mapped[int] = mapped_column(server_default="3")
    made: Mapped[datetime.datetime] = mapped_column(
        default=lambda: datetime.datetime(2024, 1, 1),
        onupdate=lambda: datetime.datetime(2024, 1, 2),
    )
    notes: Mapped[str | None] = mapped_column(deferred=True)
    extra: Mapped[Any] = mapped_column(JSON, nullable=True)
    version: Mapped[int] = mapped_column(default=1)
    double: Mapped[int | None] = mapped_column(Computed("pages * 2"))
    loud: Mapped[str] = column_property(title + "!")
    name: Mapped[str | None] = mapped_column(Shouted)
    author: Mapped[Author] = relationship(back_populates="books")
    pieces: Mapped[list["Piece"]] = relationship(cascade="all, delete-orphan")

    @validates("title")
    def check_title(self, key: str, title: str) -> str:
        if title == "forbidden":
            raise ValueError("This title is forbidden")
        return title


class Piece(Base):
    __tablename__ = "piece"
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(default="")


class Counted(Base):
    """A class whose versions SQLAlchemy counts."""

    __tablename__ = "counted"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class Strict(MappedAsDataclass, Base):
    """A class whose constructor wants arguments."""

    __tablename__ = "strict"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    needed: Mapped[str]
    plain: Mapped[str] = mapped_column(default="plain")
    made: Mapped[str] = mapped_column(default_factory=lambda: "made")


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Dog(Animal):
    __tablename__ = "dog"
    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    trick: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Secret(Base):
    __tablename__ = "secret"
    _id: Mapped[int] = mapped_column(primary_key=True)


tables = MetaData()

stock = Table(
    "stock",
    tables,
    Column("place", String(5), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False, server_default="0"),
    Column("day", String, default=func.date()),
)

no_key = Table("no_key", tables, Column("a", Integer))
