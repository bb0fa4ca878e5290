"""Rows of a SQLAlchemy class as plain values, where that is the same as what instances have.

Takes a `Shape`, gives a `ColumnReader`, which makes a ``select`` of instances one of columns. That
is several times faster. It declines wherever an instance would be more than its columns: a class
that does something when a row is loaded, subclasses, eager joins, and statements that are more than
conditions on the one class.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.models import MappedModel

_PLAIN_LOADING = {("deferred", False), ("deferred", True), ("instrument", True)}
"""What is said of the loading of columns and SQL expressions; others depend on options."""


class ColumnReader:
    """Reads the fields of a shape without making instances.

    Args:
        shape: What is read of each row.
        mapped: Its class.
    """

    __slots__ = ("_attributes", "_exports", "_get_key", "_mapped", "_shape")

    def __init__(self, shape: Shape, mapped: MappedModel) -> None:
        columns = [mapped.columns[name] for name in shape.names]
        self._mapped = mapped
        self._shape = shape
        self._attributes = [column.attribute for column in columns]
        self._get_key = itemgetter(*map(shape.names.index, shape.spec.key_names))
        self._exports = [
            (index, column.values.export)
            for index, column in enumerate(columns)
            if column.values.export is not None
        ]

    def can_read(self, statement: Select[Any], session: Session) -> bool:
        """Return whether what a statement selects is the same without instances."""
        if self._shape.nested or _listens(self._mapped, session):
            return False
        if not _is_plain(self._mapped, self._shape):  # classes that come later may change that
            return False
        conditions = select(self._mapped.cls).where(*statement._where_criteria)
        return conditions.compare(statement.order_by(None))

    def read(
        self, statement: Select[Any], session: Session, more: Sequence[Any] = ()
    ) -> Sequence[Sequence[Any]]:
        """Return the values of all rows.

        Args:
            statement: Selects the rows.
            session: Where it is executed.
            more: What follows the fields of the shape, which are in its order.
        """
        found = session.execute(statement.with_only_columns(*self._attributes, *more))
        # A condition that brings other tables with it may give a row several times.
        rows: list[Any] = list({self._get_key(row): row for row in found}.values())
        return [self._export(row) for row in rows] if self._exports else rows

    def _export(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for index, export in self._exports:
            if values[index] is not None:
                values[index] = export(values[index])
        return values


def _is_plain(mapped: MappedModel, shape: Shape) -> bool:
    mapper, cls = mapped.mapper, cast("Any", mapped.cls)
    return (
        isinstance(mapper.local_table, Table)
        and mapper.inherits is None
        and mapper.polymorphic_on is None
        and cls.__new__ is object.__new__
        and all(
            set(mapper.column_attrs[name].strategy_key) <= _PLAIN_LOADING for name in shape.names
        )
        # It drops rows whose related row is not there.
        and not any(one.lazy == "joined" and one.innerjoin for one in mapper.relationships)
    )


def _listens(mapped: MappedModel, session: Session) -> bool:
    """Return whether somebody wants to see instances, or statements that select them."""
    loading = mapped.mapper.class_manager.dispatch
    return bool(
        loading.load
        or loading.refresh
        or session.dispatch.loaded_as_persistent
        or session.dispatch.do_orm_execute
    )
