"""A desk with tickets and their owners in memory, for tests of what knows no database.

Its notes are a model that can be a tuple type itself.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from django_vortex.orm.model_spec import ModelField, Shape
from django_vortex.orm.sqlalchemy.models import describe
from tests.support.memory_store import MemoryStore, MemoryTable


class Desk:
    """Two tables in a store of their own."""

    def __init__(self) -> None:
        self.owners = MemoryTable(
            "desk.Owner",
            ModelField("id", int, is_nullable=False),
            ModelField("name", str),
            ModelField("secret", str),
        )
        self.tickets = MemoryTable(
            "desk.Ticket",
            ModelField("id", int, is_nullable=False),
            ModelField("title", str, is_nullable=False, is_required=True),
            ModelField("points", int, is_nullable=False),
            ModelField("owner_id", int),
            ModelField("version", int, is_nullable=False),
            ModelField("made", str, is_read_only=True),
            ModelField("labels", list[int], is_nullable=False, is_many=True),
            ModelField("extra", raw=True),
            defaults={"points": 3, "labels": [], "title": ""},
            relations={"owner": self.owners},
        )
        self.seats = MemoryTable(
            "desk.Seat",
            ModelField("row", int, is_nullable=False),
            ModelField("letter", str, is_nullable=False),
            ModelField("guest", str),
            key_names=("row", "letter"),
        )
        self.store = MemoryStore(self.tickets, self.owners, self.seats)

    def stored(self, table: MemoryTable | None = None) -> list[Mapping[str, Any]]:
        """Return the values of all rows of a table, by default the tickets."""
        return list((table or self.tickets).stored.values())


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    secret: Mapped[str | None]

    @validates("text")
    def check_text(self, key: str, text: str) -> str:
        raise ValueError("Nothing is good enough")


NOTE = Shape(describe(Note).spec, ("id", "text"))
"""What a handler of notes reads."""
