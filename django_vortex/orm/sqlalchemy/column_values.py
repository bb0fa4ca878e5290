"""What is known of the values of a column: how they travel and what the database takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_vortex.exceptions import quoted

Convert: TypeAlias = Callable[[Any], Any]
"""Gives another value for a value that is not None."""

Fit: TypeAlias = Callable[[Any, str], Any]
"""Gives what a database of the named dialect stores for a value; raises `UnfitValue`."""


class UnfitValue(ValueError):
    """A value that the column cannot hold; the text is meant for the peer."""


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """How the values of one column travel and are stored."""

    type: object = None
    """The Python type; None where only the application knows."""

    is_raw: bool = False
    """Whether the values are plain JSON already."""

    is_ordered: bool = True
    """Whether databases can order rows by such values."""

    is_comparable: bool = True
    """Whether what travels of them is something to compare them with."""

    refusal: str = ""
    """Why they cannot travel, nothing if they can."""

    export: Convert | None = None
    """Makes what travels of what a query gave; None where that is the same."""

    fit: Fit | None = None
    """Makes what is stored of what came; None where that is the same."""

    fit_comparison: Fit | None = None
    """Makes what stored values are compared with; None where `fit` does.

    More may be compared than is stored: SQLite keeps longer texts and numbers than are declared.
    """

    def to_stored(self, value: Any, dialect: str) -> Any:
        """Return what the database stores for a value of the type.

        Raises:
            UnfitValue: It cannot hold it.
        """
        return value if value is None or self.fit is None else self.fit(value, dialect)

    def to_compared(self, value: Any, dialect: str) -> Any:
        """Return what the database can compare with what it has stored.

        Raises:
            UnfitValue: Nothing stored equals it, and the database may refuse to look.
        """
        fit = self.fit_comparison or self.fit
        return value if value is None or fit is None else fit(value, dialect)


_UNREADABLE = re.compile("[\ud800-\udfff]")


def fit_text(value: str, dialect: str) -> str:
    """Return a text that the database can hold.

    Raises:
        UnfitValue: It cannot.
    """
    if _UNREADABLE.search(value):
        raise UnfitValue(f"Expected text that UTF-8 can hold, got {quoted(value)}")
    if dialect == "postgresql" and "\0" in value:
        raise UnfitValue("Expected text without NUL characters")
    return value
