"""What a committed transaction changed: `Change`, one for each statement or table.

The adapters of the ORMs make changes; other processes get them without values. Everything that is
not known is None, or missing from `old` and `new`: then it may be anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

Key: TypeAlias = tuple[Any, ...]
"""The values of a primary key in the order of its columns, also of a single column."""

NO_VALUES: Final[Mapping[str, Any]] = MappingProxyType({})
"""Nothing is known of the values."""

MAX_KEYS: Final = 1000
"""Of more rows of a table than this in one transaction, no keys are kept: any row may be meant."""


class Table(NamedTuple):
    """A table of a database, the same for all ORMs and in all processes."""

    database: str
    """What `orm.databases` calls the database."""

    name: str
    """As the database writes it, without a schema."""


class Operation(Enum):
    """What was done to rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    ANY = "any"
    """It is not known; all that the other three may do."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of rows of one table.

    Attributes:
        table: The table.
        operation: What was done.
        keys: The primary keys of all rows that were changed; None may be any row.
        columns: The columns that an update has written; None may be any.
        old: What is known of every one of the rows before, by column.
        new: What is known of every one of them afterwards.
        rows: How many rows were changed at most; None is not known.
    """

    table: Table
    operation: Operation = Operation.ANY
    keys: frozenset[Key] | None = None
    columns: frozenset[str] | None = None
    old: Mapping[str, Any] = field(default_factory=lambda: NO_VALUES)
    new: Mapping[str, Any] = field(default_factory=lambda: NO_VALUES)
    rows: int | None = None
