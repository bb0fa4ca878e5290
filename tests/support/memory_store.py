"""A store without a database: tables are dicts, and a transaction that fails leaves no trace.

Implements `Store`, `Unit` and `Rows`. A row is a `MemoryRow`, a copy of what is stored; a scope's
queryset is a function of the values of a row. What the database is asked is noted as words.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import Condition
from django_vortex.orm.model_spec import ModelField, ModelRelation, ModelSpec, Shape
from django_vortex.orm.store import (
    Draft,
    Key,
    Order,
    RefusedByDatabase,
    RowErrors,
    Scope,
    StaleRow,
    Version,
)
from tests.support.conditions import meets

_T = TypeVar("_T")


class MemoryTable:
    """A table.

    Args:
        label: As of `ModelSpec`.
        fields: All of them, those of the key as well.
        key_names: Which make the key; a single integer is counted up.
        defaults: By field, what new rows have.
        relations: By name, the table whose key the field ``<name>_id`` holds.

    Attributes:
        stored: The rows, by key.
        checks: By field, what has to be true of a value, in `validate`.
        refuses: Called with the values before each writing, to raise what a database would.
    """

    def __init__(
        self,
        label: str,
        *fields: ModelField,
        key_names: tuple[str, ...] = ("id",),
        defaults: Mapping[str, Any] | None = None,
        relations: "Mapping[str, MemoryTable] | None" = None,
    ) -> None:
        self.relations = dict(relations or {})
        self.spec = ModelSpec(
            model=self,
            label=label,
            fields={field.name: field for field in fields},
            key_names=key_names,
            relations={
                name: ModelRelation(name, table, False) for name, table in self.relations.items()
            },
        )
        self.defaults = dict(defaults or {})
        self.stored: dict[Key, dict[str, Any]] = {}
        self.checks: dict[str, Callable[[Any], bool]] = {}
        self.refuses: Callable[[Mapping[str, Any]], None] = lambda values: None

    def add(self, **values: Any) -> Key:
        """Store a row behind everybody's back and give its key."""
        whole = {**self.blank(), **values}
        key = self.key_of(whole)
        if key == (None,):
            [name] = self.spec.key_names
            key = (max((known[0] for known in self.stored), default=0) + 1,)
            whole[name] = key[0]
        self.stored[key] = whole
        return key

    def blank(self) -> dict[str, Any]:
        """Return the values of a new row."""
        return dict.fromkeys(self.spec.fields) | copy.deepcopy(self.defaults)

    def key_of(self, values: Mapping[str, Any]) -> Key:
        """Return the key that values hold."""
        return tuple(values[name] for name in self.spec.key_names)


class MemoryRow:
    """A copy of a stored row, or a row that is not stored yet."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.stored_values = values
        self.found_at: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["stored_values"][name]
        except KeyError:
            raise AttributeError(name) from None


class MemoryRows:
    """The rows of a table that are in a scope."""

    def __init__(self, table: MemoryTable, shape: Shape, scope: Scope, log: list[str]) -> None:
        self._table = table
        self._shape = shape
        self._scope = scope
        self._log = log

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, MemoryRow]:
        self._note("get", len(keys))
        stored = self._table.stored
        known = {key: stored[key] for key in keys if key in stored}
        return {key: _copy(values) for key, values in known.items() if self._is_inside(values)}

    def find(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> list[MemoryRow]:
        self._note("find")
        stored = self._table.stored.values()
        found = [one for one in stored if self._is_inside(one) and meets(where, one)]
        for one in reversed(order):  # sorting is stable
            found.sort(key=lambda values: _rank(values[one.name]), reverse=one.is_descending)
        rows = [_copy(values) for values in found[:limit]]
        if is_paged:
            for row in rows:
                row.found_at = [row.stored_values[one.name] for one in order]
        return rows

    def find_values(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> list[tuple[Any, ...]] | None:
        names = [*self._shape.names, *(one.name for one in order if is_paged)]
        found = self.find(where, order, limit)
        return [tuple(row.stored_values[name] for name in names) for row in found]

    def place(self, row: MemoryRow) -> list[Any]:
        return row.found_at

    def new(self) -> MemoryRow:
        return MemoryRow(self._table.blank())

    def key(self, row: MemoryRow) -> Key:
        return self._table.key_of(row.stored_values)

    def values(self, row: MemoryRow) -> dict[str, Any]:
        values = {name: row.stored_values[name] for name in self._shape.names}
        for relation, shape in self._shape.nested.items():
            related = self._table.relations[relation].stored.get((getattr(row, f"{relation}_id"),))
            values[relation] = related and {name: related[name] for name in shape.names}
        return values

    def read(self, row: MemoryRow, names: Iterable[str]) -> dict[str, Any]:
        return {name: row.stored_values[name] for name in names}

    def remember(self, row: MemoryRow) -> None:
        pass

    def find_changed(self, row: MemoryRow) -> frozenset[str]:
        return frozenset()

    def set_values(self, row: MemoryRow, values: Mapping[str, Any]) -> None:
        unknown = [name for name in values if name not in self._table.spec.fields]
        if unknown:
            raise RowErrors({name: ["The model has no such field"] for name in unknown})
        row.stored_values.update(values)

    defers_references = True

    def validate_written(self, drafts: Sequence[Draft], message: Sequence[Draft]) -> None:
        pass

    def park(self, row: MemoryRow, names: Iterable[str]) -> bool:
        return False

    def validate(self, drafts: Sequence[Draft], message: Sequence[Draft] = ()) -> None:
        self._note("validate", len(drafts))
        for draft in drafts:
            for name, is_right in self._table.checks.items():
                if (draft.is_new or name in draft.changed) and not is_right(
                    getattr(draft.row, name)
                ):
                    draft.errors.setdefault(name, []).append("This is not right")

    def insert(self, row: MemoryRow) -> None:
        self._note("insert")
        self._table.refuses(row.stored_values)
        if self.key(row) in self._table.stored:
            raise RefusedByDatabase("This key is taken", self._table.spec.key_names[0])
        row.stored_values.update(self._table.stored[self._table.add(**row.stored_values)])

    def update(
        self, row: MemoryRow, changed: Iterable[str], version: Version | None = None
    ) -> None:
        self._note("update", *sorted(changed))
        stored = self._get_stored(row, version)
        if stored is None:
            raise StaleRow
        self._table.refuses(row.stored_values)
        stored.update({name: row.stored_values[name] for name in changed})
        if version is not None:
            stored[version.name] = version.next

    def delete(self, row: MemoryRow, version: Version | None = None) -> None:
        self._note("delete")
        if self._get_stored(row, version) is not None:
            self._table.refuses(row.stored_values)
            del self._table.stored[self.key(row)]

    def _get_stored(self, row: MemoryRow, version: Version | None) -> dict[str, Any] | None:
        stored = self._table.stored.get(self.key(row))
        if stored is not None and version is not None and stored[version.name] != version.seen:
            raise StaleRow
        return stored

    def _is_inside(self, values: Mapping[str, Any]) -> bool:
        queryset = self._scope.queryset
        return meets(self._scope.condition, values) and (queryset is None or queryset(values))

    def _note(self, *words: object) -> None:
        self._log.append(" ".join(map(str, words)))


class MemoryUnit:
    """A transaction, in the thread of a test without a loop."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def rows(self, shape: Shape, scope: Scope) -> MemoryRows:
        return MemoryRows(shape.spec.model, shape, scope, self._log)

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        async def run() -> _T:
            return await awaitable

        return asyncio.run(run())


class MemoryStore:
    """Some tables.

    Attributes:
        log: What the database was asked, oldest first: ``get 2``, ``update title``.
    """

    def __init__(self, *tables: MemoryTable) -> None:
        self._tables = tables
        self.log: list[str] = []

    def describe(self, model: Any) -> ModelSpec:
        if model not in self._tables:
            raise DefinitionError(f"{model!r} is no table of this store")
        return model.spec  # type: ignore[no-any-return]

    def get_all(self, model: Any) -> Callable[[Mapping[str, Any]], bool]:
        return lambda values: True

    async def run(self, work: Callable[[MemoryUnit], _T]) -> _T:
        return self.run_here(work)

    def run_here(self, work: Callable[[MemoryUnit], _T]) -> _T:
        before = [copy.deepcopy(table.stored) for table in self._tables]
        try:
            return work(MemoryUnit(self.log))
        except BaseException:
            for table, stored in zip(self._tables, before, strict=True):
                table.stored = stored
            raise

    def after_commit(self, function: Callable[[], object]) -> None:
        function()


def _copy(values: Mapping[str, Any]) -> MemoryRow:
    return MemoryRow(dict(values))


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)
