"""What a database says of changes by itself: `Look`, and who asks it: `looks`.

The adapters of the ORMs ask a database one cheap question. It tells them whether tables have moved,
also by writes that nobody has seen.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Look:
    """The state of tables, to be compared with the one before.

    Attributes:
        rows: By table how many rows were inserted, updated or deleted since some time in the past.
        marks: By table something that is another whenever it may have moved otherwise.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[str, Hashable] = field(default_factory=dict)

    @property
    def tables(self) -> Collection[str]:
        """The tables that anything is known of."""
        return self.rows.keys() | self.marks.keys()


LookAt: TypeAlias = Callable[[str, Collection[str]], Look | None]
"""Takes the name of a database and tables of it; returns None where it cannot ask. It blocks."""


class Looks:
    """Asks whichever adapter knows a database."""

    def __init__(self) -> None:
        self._adapters: list[LookAt] = []

    def add(self, adapter: LookAt) -> None:
        """Ask this adapter, too; once is enough."""
        if adapter not in self._adapters:
            self._adapters.append(adapter)

    def look(self, database: str, tables: Collection[str]) -> Look | None:
        """Return the state of tables of a database, None if nobody can ask it. It blocks."""
        for adapter in self._adapters:
            look = adapter(database, tables)
            if look is not None:
                return look
        return None


looks: Final = Looks()
"""The adapters of this process."""
