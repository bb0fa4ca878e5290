"""SQLAlchemy classes of these tests: declarative in both styles, and imperative."""

import datetime
import decimal
import enum
import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    PickleType,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    declarative_base,
    mapped_column,
    registry,
    relationship,
    validates,
)
from sqlalchemy.types import UserDefinedType


class Base(DeclarativeBase):
    pass


class State(enum.Enum):
    OPEN = "open"


class Reversed(TypeDecorator[str]):
    """Values of another kind than the column's."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return list(value)


class Secretive(UserDefinedType[Any]):
    """A type that does not tell what its values are, as those of SQLAlchemy 2.0."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "TEXT"

    @property
    def python_type(self) -> type[Any]:
        raise NotImplementedError


class Country(Base):
    __tablename__ = "country"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    airports: Mapped[list["Airport"]] = relationship(back_populates="country")


class Airport(Base):
    __tablename__ = "airport"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("airport_name", default="unnamed")
    country_id: Mapped[int | None] = mapped_column(ForeignKey("country.id"))
    country: Mapped[Country | None] = relationship(back_populates="airports")
    notes: Mapped[str | None] = mapped_column(deferred=True)
    kind: Mapped[str] = mapped_column(default="airport")
    loud = column_property(name + "!")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "airport"}

    def __init__(self, **values: Any) -> None:
        if "evil" in values.values():
            raise AssertionError("The constructor has seen what a peer sent")
        super().__init__(**values)

    @validates("name")
    def check_name(self, key: str, name: str) -> str:
        if name == "forbidden":
            raise ValueError("secret rule")
        if name == "broken":
            raise KeyError("secret defect")
        return name


class Heliport(Airport):
    __mapper_args__ = {"polymorphic_identity": "heliport"}


class Everything(Base):
    """One column of each kind."""

    __tablename__ = "everything"
    id: Mapped[int] = mapped_column(primary_key=True)
    flag: Mapped[bool | None]
    ratio: Mapped[float | None]
    price: Mapped[decimal.Decimal | None] = mapped_column(Numeric(9, 2))
    rough: Mapped[Any] = mapped_column(Numeric(9, 2, asdecimal=False), nullable=True)
    at: Mapped[datetime.datetime | None]
    on: Mapped[datetime.date | None]
    clock: Mapped[datetime.time | None]
    took: Mapped[datetime.timedelta | None]
    blob: Mapped[bytes | None] = mapped_column(LargeBinary)
    key: Mapped[uuid.UUID | None]
    state: Mapped[State | None]
    extra: Mapped[Any] = mapped_column(JSON, nullable=True)
    pickled: Mapped[Any] = mapped_column(PickleType, nullable=True)
    letters: Mapped[Any] = mapped_column(Reversed, nullable=True)
    secret: Mapped[Any] = mapped_column(Secretive, nullable=True)


OldBase: Any = declarative_base()


class Old(OldBase):
    __tablename__ = "old"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Modern(MappedAsDataclass, Base):
    __tablename__ = "modern"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[str] = mapped_column(default="modern")


class Imperative:
    pass


_registry = registry()
_table = Table(
    "imperative",
    _registry.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String),
)
_registry.map_imperatively(Imperative, _table)
