"""What a store knows of SQLAlchemy classes and Core tables.

Takes a mapped class or a `Table`, gives a `MappedModel`: the class, its columns under their
attribute names with what they hold, and the `ModelSpec` of it. A table is mapped to a class of its
own, so that its rows are like all others.
"""

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper, RelationshipProperty, class_mapper, registry
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.orm.interfaces import MANYTOONE

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.model_spec import ModelField, ModelRelation, ModelSpec
from django_vortex.orm.sqlalchemy.column_values import ColumnValues
from django_vortex.orm.sqlalchemy.unique_columns import find_unique_columns
from django_vortex.orm.sqlalchemy.values import describe_values
from django_vortex.tuples.fields import resolve_types

_UNLOADABLE = ("dynamic", "write_only", "noload")
"""Loading strategies of relationships that are no value of a row."""

_mapped_tables: "WeakKeyDictionary[Table, type[Any]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One mapped column, or an expression over columns."""

    name: str
    """The name of the attribute."""

    attribute: Any
    """The attribute of the class, for statements."""

    values: ColumnValues
    column: Any

    def read(self, row: Any) -> Any:
        """Return the value of a row as it travels."""
        value = getattr(row, self.name)
        if value is None or self.values.export is None:
            return value
        return self.values.export(value)

    @property
    def is_nullable(self) -> bool:
        """Whether a row may have None here."""
        return not isinstance(self.column, Column) or bool(
            self.column.nullable or self.column.type.should_evaluate_none
        )

    @property
    def is_made_anew(self) -> bool:
        """Whether each update of its table makes the value, where none is given."""
        column = self.column
        return isinstance(column, Column) and bool(column.onupdate or column.server_onupdate)

    @property
    def has_default(self) -> bool:
        """Whether a new row has a value here if nothing is given."""
        column = self.column
        return isinstance(column, Column) and bool(
            column.default is not None or column.server_default is not None
        )

    @property
    def plain_default(self) -> Any:
        """The default that is the same for each new row and known here, or None."""
        default = getattr(self.column, "default", None)
        return default.arg if default is not None and default.is_scalar else None


@dataclass(frozen=True, slots=True)
class MappedModel:
    """A class and the columns of it that can travel."""

    cls: type[Any]
    mapper: Mapper[Any]
    columns: dict[str, MappedColumn]
    keys: tuple[MappedColumn, ...]
    spec: ModelSpec

    def stored_key(self, row: Any) -> tuple[Any, ...]:
        """Return the key of a row as the database has it."""
        return tuple([getattr(row, column.name) for column in self.keys])

    def new(self) -> Any:
        """Make an instance with the defaults of the class, of its fields and of its columns."""
        try:
            row = self.cls()
        except TypeError:  # its constructor wants arguments
            row = self._new_without_constructor()
        for name, column in self.columns.items():
            if column.plain_default is not None and row.__dict__.get(name) is None:
                setattr(row, name, column.plain_default)
        return row

    def _new_without_constructor(self) -> Any:
        row = self.mapper.class_manager.new_instance()
        fields = dataclasses.fields(self.cls) if dataclasses.is_dataclass(self.cls) else ()
        for field in fields:
            if field.name not in self.columns:
                continue
            if field.default_factory is not dataclasses.MISSING:
                setattr(row, field.name, field.default_factory())
            elif isinstance(field.default, (str, int, float)) and not _is_marker(field.default):
                setattr(row, field.name, field.default)
        if self.mapper.polymorphic_on is not None:
            kind = self.mapper.get_property_by_column(self.mapper.polymorphic_on).key
            setattr(row, kind, self.mapper.polymorphic_identity)
        return row


def describe(model: Any) -> MappedModel:
    """Look into a mapped class or a table.

    Raises:
        DefinitionError: It is neither, has no primary key, or one that cannot travel.
    """
    cls = _map_table(model) if isinstance(model, Table) else model
    if not hasattr(cls, "__mapper__"):
        raise DefinitionError(f"Expected a SQLAlchemy class or table, got {quoted(model)}")
    mapper = class_mapper(cls)
    columns = {
        attribute.key: MappedColumn(
            attribute.key, getattr(cls, attribute.key), values, attribute.columns[0]
        )
        for attribute, values in describe_attributes(mapper)
    }
    key_names = tuple(mapper.get_property_by_column(key).key for key in mapper.primary_key)
    for name in key_names:
        if name not in columns:
            raise DefinitionError(f"{cls.__qualname__}.{name} begins with '_' and cannot travel")
    spec = ModelSpec(
        model=model,
        label=_label(model),
        fields={name: _make_field(mapper, column) for name, column in columns.items()},
        key_names=key_names,
        unique=tuple(
            one for one in find_unique_columns(mapper) if columns.keys() >= set(one.all_names)
        ),
        relations={
            relation.key: ModelRelation(
                relation.key, relation.mapper.class_, bool(relation.uselist), *_find_ends(relation)
            )
            for relation in mapper.relationships
            if not relation.key.startswith("_") and relation.lazy not in _UNLOADABLE
        },
    )
    return MappedModel(cls, mapper, columns, tuple(columns[name] for name in key_names), spec)


def describe_attributes(mapper: Mapper[Any]) -> Iterator[tuple[Any, ColumnValues]]:
    """List the mapped columns and expressions that can travel, and what their values are."""
    hints = resolve_types(mapper.class_)
    for attribute in mapper.column_attrs:
        if not attribute.key.startswith("_"):
            hint = _unmapped(hints.get(attribute.key))
            yield attribute, describe_values(attribute.columns[0].type, hint)


def _map_table(table: Table) -> type[Any]:
    """Return the class of a table's rows, the same one each time."""
    known = _mapped_tables.get(table)
    if known is not None:
        return known
    if not table.primary_key.columns:
        raise DefinitionError(
            f"Table {table.name!r} has no primary key, so rows cannot be told apart"
        )
    cls = type(table.name, (), {"__doc__": f"A row of {table.name}.", "__module__": __name__})
    registry().map_imperatively(cls, table)
    _mapped_tables[table] = cls
    return cls


def _label(model: Any) -> str:
    if isinstance(model, Table):
        return f"{model.schema or 'table'}.{model.name}"
    return f"{model.__module__.rpartition('.')[2]}.{model.__qualname__.rpartition('.')[2]}"


def _make_field(mapper: Mapper[Any], mapped: MappedColumn) -> ModelField:
    column, values = mapped.column, mapped.values
    if not isinstance(column, Column):  # an expression, say of a column_property
        return ModelField(
            mapped.name,
            values.type,
            values.is_raw,
            is_read_only=True,
            is_ordered=values.is_ordered,
            is_comparable=values.is_comparable,
            refusal=values.refusal,
        )
    is_discriminator = column is mapper.polymorphic_on
    is_made = is_discriminator or any(
        one.default is not None
        or one.server_default is not None  # a computed column has one as well
        or one is getattr(one.table, "autoincrement_column", None)
        or one is mapper.version_id_col
        for one in mapped.attribute.property.columns  # several where tables are joined
    )
    return ModelField(
        mapped.name,
        values.type,
        values.is_raw,
        is_nullable=mapped.is_nullable,
        is_ordered=values.is_ordered,
        is_comparable=values.is_comparable,
        refusal=values.refusal,
        is_required=not mapped.is_nullable and not is_made,
        is_read_only=is_discriminator or column.computed is not None or _is_always(column),
        has_varying_default=_is_varying(column),
        columns=frozenset(_full_name(one) for one in mapped.attribute.property.columns),
        refers_to=frozenset(
            key.target_fullname
            for one in mapped.attribute.property.columns
            for key in one.foreign_keys
        ),
    )


def _full_name(column: Column[Any]) -> str:
    return f"{getattr(column.table, 'fullname', column.table)}.{column.key}"


def _is_always(column: Column[Any]) -> bool:
    return column.identity is not None and bool(column.identity.always)


def _is_varying(column: Column[Any]) -> bool:
    default: Any = column.default
    return column.server_default is not None or (default is not None and not default.is_scalar)


def _unmapped(hint: Any) -> object:
    """Return the type inside ``Mapped[...]``."""
    arguments = typing.get_args(hint)
    return arguments[0] if len(arguments) == 1 else None


def _find_ends(relation: RelationshipProperty[Any]) -> tuple[str | None, str | None]:
    """Return the field that names the row of a relation, and the one of its that it names."""
    if relation.direction is not MANYTOONE or len(relation.local_remote_pairs) != 1:
        return None, None
    [(local, remote)] = relation.local_remote_pairs
    try:
        field = relation.parent.get_property_by_column(cast(Any, local)).key
        target = relation.mapper.get_property_by_column(cast(Any, remote)).key
    except UnmappedColumnError:
        return None, None
    return (None, None) if field.startswith("_") or target.startswith("_") else (field, target)


def _is_marker(value: object) -> bool:
    """Tell what SQLAlchemy 2.1 leaves as the default of a dataclass field."""
    return type(value).__module__.startswith("sqlalchemy.")


def many_to_one_names(mapped: MappedModel, column: Any) -> list[str]:
    """Return the relationships that set a foreign key when the row is written."""
    return [
        relation.key
        for relation in mapped.mapper.relationships
        if relation.direction is MANYTOONE and column in relation.local_columns
    ]
