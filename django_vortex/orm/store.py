"""What a database has to offer to `OrmCrudHandler`: the interface of the stores.

Takes a function that works on rows, runs it in one transaction where it may wait for a database,
and gives its result after the commit. The folders `django` and `sqlalchemy` implement it; nothing
here knows either.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition
from django_vortex.orm.model_spec import ModelSpec, Shape

_T = TypeVar("_T")

Key: TypeAlias = tuple[Any, ...]
"""The values of a primary key, in the order of `ModelSpec.key_names`; one value for most tables."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows that exist for a request; all others are as if they were not there."""

    queryset: Any = None
    """What the application's ``get_queryset`` gave: a queryset, a ``select``, or None for all."""

    condition: Condition | None = None
    """What the permission lets through."""

    nested: "Mapping[str, Scope]" = field(default_factory=dict)
    """By guarded relation of the shape: the related rows that exist."""

    keeps: Callable[[Any], bool] | None = None
    """Of related rows: asked of each that was read whether it exists."""

    is_final: bool = False
    """Whether nobody orders these rows or cuts them into pages: then a queryset is read as it is,
    with its order, limits, deferred columns and database, each row once.
    """


@dataclass(frozen=True, slots=True)
class Order:
    """A field to order by. NULL is greater than every value, whatever the database thinks."""

    name: str
    is_descending: bool = False
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """An update that only counts if a field still has the value that the peer saw."""

    name: str
    seen: Any
    next: Any


class StaleRow(Exception):
    """A row is no longer what its peer saw, or no longer there; the work is rolled back."""


Wait: TypeAlias = Callable[[Awaitable[Any]], Any]
"""Waits for a coroutine of the application in code that is none, and returns what that gives."""


class DatabaseIsAsynchronous(DefinitionError):
    """Plain code was to use what only coroutines can."""


class RefusedByDatabase(Exception):
    """The database refuses a row: a constraint, an overflow.

    Args:
        text: What a peer may know, without values of other rows; "" if nothing is known.
        field: The field that is at fault, "" if that is not known.
        columns: The columns that are, as `ModelField.columns` names them, if those are known.
        values: The values that the database names with them, as text. Not for peers.
    """

    def __init__(
        self,
        text: str = "",
        field: str = "",
        columns: Sequence[str] = (),
        values: Sequence[str] = (),
    ) -> None:
        super().__init__(text, field)
        self.text = text
        self.field = field
        self.columns = tuple(columns)
        self.values = tuple(values)


class Rows(Protocol):
    """The rows of one model that are in a scope, during one transaction.

    A row is whatever the ORM has for it. The rows given are complete: reading the fields and
    relations of the shape asks the database nothing more.
    """

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Any]:
        """Return the rows with these keys, as they are in the database now, by key.

        Asked again in the same transaction it reads again: what a ``save`` method, a trigger or the
        database itself has changed is seen. A key whose values the database cannot compare has no
        row. One statement for any number of keys (or one per thousand, where a database limits it).
        """

    def find(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> list[Any]:
        """Return the rows that meet a condition, in order, each once.

        Args:
            where: Which rows.
            order: What they are ordered by.
            limit: How many at most.
            is_paged: Whether `place` is asked about them.
        """

    def find_values(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> Sequence[Sequence[Any]] | None:
        """Return the fields of a shape without relations, of the same rows, in its order.

        They are what `values` would return, read without making any row. None where that cannot be:
        a value that only a row knows, or a model that does something when a row is loaded. With
        ``is_paged`` the place of each row follows its fields.
        """

    def place(self, row: Any) -> Sequence[Any]:
        """Return the place of a row that was found with ``is_paged``.

        For each field of the order it has the value as the database writes it, which `Stored`
        compares with those of other rows. It holds when the row is changed or gone.
        """

    def new(self) -> Any:
        """Make a row with its defaults that the database does not know yet."""

    def key(self, row: Any) -> Key:
        """Return the key of a row."""

    def values(self, row: Any) -> dict[str, Any]:
        """Return the fields and nested relations of the shape by name.

        A nested relation is a dict of values, a list of such dicts, or None. Of a new row too: then
        fields that the database decides are None and lists are empty.
        """

    def read(self, row: Any, names: Iterable[str]) -> dict[str, Any]:
        """Return single fields of a row that was read, of the model and not only of the shape."""

    def remember(self, row: Any) -> None:
        """Note what a stored row is, before hooks and the model itself may change it.

        `update` writes what they change, too.
        """

    def find_changed(self, row: Any) -> frozenset[str]:
        """Return the fields of a remembered row that somebody has set on the row itself."""

    def set_values(self, row: Any, values: Mapping[str, Any]) -> None:
        """Set fields of a row, of the model and not only of the shape; nothing is written yet.

        Raises:
            RowErrors: The model itself refuses a value.
        """

    @property
    def defers_references(self) -> bool:
        """Whether the database looks at the end only at what rows refer to."""

    def validate(self, drafts: "Sequence[Draft]", message: "Sequence[Draft]" = ()) -> None:
        """Look for what the model says against rows, and append it to `Draft.errors`.

        Called once for all rows that are about to be written. Only the fields in `Draft.changed`
        (all, for a new row) and rules that concern the whole row are looked at.

        Args:
            drafts: The rows.
            message: All rows that are written together, of other models as well: what counts is
                what is there when all of them are written.
        """

    def validate_written(self, drafts: "Sequence[Draft]", message: "Sequence[Draft]") -> None:
        """Look for what could not be known before all rows of the message were written."""

    def insert(self, row: Any) -> None:
        """Write a new row; its key is known afterwards.

        Raises:
            RefusedByDatabase: A constraint, also one that a row outside the scope violates.
        """

    def update(self, row: Any, changed: Iterable[str], version: Version | None = None) -> None:
        """Write the changed fields of a row, and what the model derives from them; no others.

        Raises:
            StaleRow: The version is not the one seen any more, or the row is gone.
            RefusedByDatabase: A constraint.
        """

    def park(self, row: Any, names: Iterable[str]) -> bool:
        """Write another value into one of some fields that are unique together, for a moment.

        The row itself keeps its values, and is updated later.

        Returns:
            Whether that could be done: not with a field of a type that has few values.
        """

    def delete(self, row: Any, version: Version | None = None) -> None:
        """Delete a row with what the model says goes with it.

        Raises:
            StaleRow: The version is not the one seen any more.
            RefusedByDatabase: Other rows need it.
        """


@dataclass(slots=True)
class Draft:
    """A row that is about to be written."""

    row: Any
    is_new: bool
    changed: frozenset[str]
    errors: dict[str, list[str]] = field(default_factory=dict)
    """By field, what is wrong; "" is the whole row."""


class RowErrors(Exception):
    """Values that a model refuses.

    Args:
        errors: By field, what is wrong; "" is the whole row.
    """

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class Unit(Protocol):
    """One transaction."""

    def rows(self, shape: Shape, scope: Scope) -> Rows:
        """Return the rows of a model."""

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Wait for a coroutine of a hook or permission, which runs on the event loop."""


class Store(Protocol):
    """A database with its models."""

    @property
    def is_async(self) -> bool:
        """Whether work has to be done on an event loop, as far as that is known before."""

    def describe(self, model: Any) -> ModelSpec:
        """Look into a model.

        Raises:
            DefinitionError: It has no primary key, or something else that makes it unusable.
        """

    def get_all(self, model: Any, *, is_final: bool = False) -> Any:
        """Return the queryset or ``select`` of all rows, for applications to narrow down.

        Args:
            model: The model.
            is_final: As of `Scope`: it is in the database that rows are read from.
        """

    async def run(self, work: Callable[[Unit], _T]) -> _T:
        """Do work in one transaction of its own and commit; roll back if it raises.

        The work may wait for the database, so it runs in a thread, or in a greenlet where the
        database is asynchronous.

        Raises:
            TryAgain: The database was not able to, and has done nothing.
        """

    def run_here(self, work: Callable[[Unit], _T], wait: Wait | None = None) -> _T:
        """Do work that only reads, in this thread and in the caller's transaction if there is one.

        Args:
            work: As of `run`.
            wait: Waits for coroutines of the application; by default they run on a loop of their
                own.

        Raises:
            DatabaseIsAsynchronous: Use `run`.
        """

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction has committed, at once if none is known."""
