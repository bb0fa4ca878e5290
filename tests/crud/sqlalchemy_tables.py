"""The tables of these tests as SQLAlchemy classes, with the names that the Django models have."""

import datetime
import decimal

from sqlalchemy import Enum, ForeignKey, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates


class Base(DeclarativeBase):
    pass


class Project(Base):
    __tablename__ = "crud_project"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    code: Mapped[str] = mapped_column(String(40), default="")
    tickets: Mapped[list["Ticket"]] = relationship(back_populates="project", passive_deletes="all")


class Ticket(Base):
    __tablename__ = "crud_ticket"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(
        Enum("open", "closed", native_enum=False, length=10), default="open"
    )
    points: Mapped[int] = mapped_column(default=3)
    due: Mapped[datetime.date | None]
    price: Mapped[decimal.Decimal | None] = mapped_column(Numeric(9, 2))
    owner_id: Mapped[int | None]
    secret: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=1)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("crud_project.id"))
    project: Mapped[Project | None] = relationship(back_populates="tickets")

    @validates("title")
    def check_title(self, key: str, title: str) -> str:
        if title == "forbidden":
            raise ValueError("This title is forbidden")
        return title


class Label(Base):
    __tablename__ = "crud_label"
    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))


class Seat(Base):
    __tablename__ = "crud_seat"
    row: Mapped[str] = mapped_column(String(2), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guest: Mapped[str] = mapped_column(String(40), default="")
