"""What the driver of a database says when it refuses a row.

Takes an exception of a driver, gives what kind of rule was broken and which columns are at fault.
Texts of databases stay here: they show values, and names that no peer may see. Neither the ORM nor
the database matters.

An exception that blames a value may as well come from the application, which adds types of its own
to those of the ORM: `get_raiser` tells whose it is.
"""

import re
import sys
import traceback
from dataclasses import dataclass
from typing import Any

UNIQUE, REFERENCE, NULL, CHECK = "unique", "reference", "null", "check"

_KINDS = {
    "23505": UNIQUE,
    "23P01": UNIQUE,  # an exclusion constraint
    "23503": REFERENCE,
    "23001": REFERENCE,
    "23502": NULL,
    "23514": CHECK,
    "SQLITE_CONSTRAINT_UNIQUE": UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": UNIQUE,
    "SQLITE_CONSTRAINT_ROWID": UNIQUE,
    "SQLITE_CONSTRAINT_FOREIGNKEY": REFERENCE,
    "SQLITE_CONSTRAINT_NOTNULL": NULL,
    "SQLITE_CONSTRAINT_CHECK": CHECK,
}
"""By what PostgreSQL and SQLite call it."""

_WORDS = {"unique": UNIQUE, "duplicate": UNIQUE, "foreign key": REFERENCE, "null": NULL}
"""What is looked for in the texts of other databases."""

TEXTS = {
    UNIQUE: "Another row has this already",
    REFERENCE: "There is no such row",
    NULL: "A value is needed",
    CHECK: "The database does not allow this value",
}

STILL_NEEDED = "Other rows need it"

_SQLITE_COLUMN = re.compile(r"\b(\w+)\.(\w+)")

_DETAIL = re.compile(r"\((.*?)\)=\((.*)\)", re.DOTALL)
"""What PostgreSQL says of columns and values, in every language."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a driver told.

    Attributes:
        kind: Which rule was broken, "" if that is not known.
        table: The table whose rule that is.
        names: The columns of it that are at fault.
        values: Their values as text, as far as they are told.
        constraint: The name of the rule.
    """

    kind: str = ""
    table: str = ""
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    constraint: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with their table."""
        return tuple(f"{self.table}.{name}" for name in self.names if self.table)


def read_refusal(orig: Any, *, is_integrity: bool = True) -> Refusal:
    """Find out what an exception of a driver says.

    Args:
        orig: The exception.
        is_integrity: Whether it is one of an ``IntegrityError``, of which texts may tell more.
    """
    kind = _KINDS.get(read_state(orig)) or _KINDS.get(getattr(orig, "sqlite_errorname", ""), "")
    if not kind and is_integrity:
        text = str(orig).lower()
        kind = next((kind for word, kind in _WORDS.items() if word in text), "")
    if hasattr(orig, "sqlite_errorname"):
        found = _SQLITE_COLUMN.findall(str(orig))
        return Refusal(kind, found[0][0] if found else "", tuple(name for _, name in found))
    told: Any = getattr(orig, "diag", None) or getattr(orig, "__cause__", None)
    names, values = _read_detail(told)
    column = getattr(told, "column_name", None)
    return Refusal(
        kind,
        getattr(told, "table_name", None) or "",
        (column,) if column else names,
        values,
        getattr(told, "constraint_name", None) or "",
    )


def read_state(orig: Any) -> str:
    """Return the SQLSTATE, which drivers have under different names."""
    return str(getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or "")


def get_raiser(error: BaseException) -> str:
    """Return the name of the module that raised an error.

    What the standard library raises is of the module that called it: ``int("")`` in a type of the
    application's is of the application.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [str(frame.f_globals.get("__name__", "")) for frame in frames]
    own = (name for name in reversed(names) if not _is_standard(name))
    return next(own, "")


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _read_detail(told: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    text = getattr(told, "message_detail", None) or getattr(told, "detail", None)
    found = _DETAIL.search(text) if isinstance(text, str) else None
    if found is None:
        return (), ()
    names = tuple(part.strip().strip('"') for part in found[1].split(","))
    values = tuple(part.strip() for part in found[2].split(",")) if len(names) > 1 else (found[2],)
    return names, values
