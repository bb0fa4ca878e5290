"""Reading rows in the shape that a handler asks for.

Takes a `Shape`. Gives what makes a statement load everything of it (`make_options`), and what makes
values of a loaded row (`RowReader`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import selectinload, undefer
from sqlalchemy.orm.attributes import QueryableAttribute

from django_vortex.orm.guarded_rows import waiting_name
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.models import MappedModel

Describe = Callable[[Any], MappedModel]
"""Gives what is known of a model."""


class RowReader:
    """Makes values of instances.

    Args:
        shape: What is read.
        describe: Looks into the related models.
    """

    __slots__ = ("_exports", "_guarded", "_names", "_nested")

    def __init__(self, shape: Shape, describe: Describe) -> None:
        columns = describe(shape.spec.model).columns
        self._names = shape.names
        exports = ((name, columns[name].values.export) for name in shape.names)
        self._exports = [(name, export) for name, export in exports if export is not None]
        self._nested = [
            (name, RowReader(inner, describe))
            for name, inner in shape.nested.items()
            if name not in shape.guarded
        ]
        self._guarded = [
            (name, waiting_name(name), RowReader(shape.nested[name], describe))
            for name in shape.guarded
        ]

    def read(self, row: Any) -> dict[str, Any]:
        """Return the fields and nested relations of a row by name."""
        loaded = row.__dict__
        try:
            values = {name: loaded[name] for name in self._names}
        except KeyError:  # a new row, or one that is read beyond what was asked for
            values = {name: getattr(row, name) for name in self._names}
        for name, export in self._exports:
            value = values[name]
            if value is not None:
                values[name] = export(value)
        for name, reader in self._nested:
            values[name] = reader._read_related(getattr(row, name))
        for name, waiting, reader in self._guarded:
            values[name] = reader._read_related(loaded.get(waiting))
        return values

    def _read_related(self, related: Any) -> Any:
        if related is None:
            return None
        if hasattr(related, "__mapper__"):
            return self.read(related)
        items: Iterable[Any] = related.values() if isinstance(related, dict) else related
        return [self.read(one) for one in items]


def make_options_of(statement: Any, names: Iterable[str]) -> list[Any]:
    """Return the loader options of a statement of an application: columns that it defers.

    It may select an alias or a subclass, which options of the class do not apply to.
    """
    entity = statement.column_descriptions[0]["expr"]
    if not hasattr(entity, "__mapper__"):
        return []
    columns = entity.__mapper__.column_attrs
    return [
        undefer(getattr(entity, name))
        for name in names
        if name in columns and columns[name].deferred
    ]


def load_rest(row: Any, names: Iterable[str]) -> None:
    """Load the columns that an application has left out all the same, while there is a session."""
    state = inspect(row, raiseerr=False)
    if hasattr(state, "unloaded"):
        for name in state.unloaded.intersection(names):
            getattr(row, name)


def make_options(shape: Shape, describe: Describe) -> list[Any]:
    """Return the loader options of a shape: deferred columns of it, and its relations."""
    mapped = describe(shape.spec.model)
    deferred = [name for name in shape.names if mapped.mapper.column_attrs[name].deferred]
    options: list[Any] = [undefer(mapped.columns[name].attribute) for name in deferred]
    for name, inner in shape.nested.items():
        if name in shape.guarded:
            continue  # loaded apart, by who knows the scope
        attribute: QueryableAttribute[Any] = getattr(mapped.cls, name)
        options.append(selectinload(attribute).options(*make_options(inner, describe)))
    return options
