"""Tables as applications name them, found by the adapters of the ORMs: `named_tables`."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError
from django_vortex.live.changes import Table

FindTables = Callable[[Iterable[Any]], Sequence[Table]]
"""Returns tables in each database that they may be in; raises DefinitionError for what is none."""


CaptureTables = Callable[[Iterable[Any]], Sequence[str]]
"""Captures tables in this process; returns what is wrong with those that are none."""


def _find_none(targets: Iterable[Any]) -> Sequence[Table]:
    raise DefinitionError(f"Nothing knows tables such as {list(targets)!r}")


class NamedTables:
    """Finds tables, once somebody is bound who can."""

    def __init__(self) -> None:
        self._find: FindTables = _find_none
        self._capture: CaptureTables = lambda targets: ()

    def bind(self, find: FindTables, capture: CaptureTables) -> None:
        """Set who finds and captures them."""
        self._find = find
        self._capture = capture

    def capture(self, targets: Iterable[Any]) -> Sequence[str]:
        """Capture tables, also those that nobody would be told of otherwise.

        Every process does, since any may write them.

        Returns:
            What is wrong with targets that are no tables.
        """
        return self._capture(targets)

    def find(self, targets: Iterable[Any]) -> Sequence[Table]:
        """Return the tables that targets name.

        Raises:
            DefinitionError: One is no table.
        """
        return self._find(targets)


named_tables = NamedTables()
"""How the program finds them."""
