"""A desk with tickets and their owners in memory, for tests of what knows no database."""

from collections.abc import Mapping
from typing import Any

from django_vortex.orm.store import ModelField
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
        """Give the values of all rows of a table, by default the tickets."""
        return list((table or self.tickets).stored.values())
