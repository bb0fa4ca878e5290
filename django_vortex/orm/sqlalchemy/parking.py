"""Giving up a unique value for a moment: rows of SQLAlchemy."""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select, types, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty, Session
from sqlalchemy.orm.attributes import set_committed_value

from django_vortex.orm.parking import make_addresses, make_candidates
from django_vortex.orm.sqlalchemy.models import MappedColumn, MappedModel
from django_vortex.orm.sqlalchemy.values import describe_values

_PLAIN = (
    *(types.Integer, types.String, types.Uuid, types.Date, types.DateTime, types.Time),
    *(types.Interval, types.Numeric, types.Float, types.LargeBinary),
)


def park(session: Session, mapped: MappedModel, row: Any, names: Iterable[str]) -> bool:
    """Write another value into one of these columns of a stored row, past the session.

    Returns:
        Whether there was such a value.
    """
    mapper = mapped.mapper
    chosen = sorted(
        (mapped.columns[name] for name in names), key=lambda one: not one.column.nullable
    )
    with session.no_autoflush:
        for one in chosen:
            table = one.column.table
            same = [
                key == getattr(row, mapper.get_property_by_column(key).key)
                for key in table.primary_key
            ]
            for value in _find_free(session, mapped, one):
                statement = update(table).where(*same).values({one.column: value})
                session.execute(statement, bind_arguments={"mapper": mapper})
                return True
    return False


@contextmanager
def without_itself(mapped: MappedModel, row: Any) -> Iterator[None]:
    """Hide meanwhile that a row refers to itself: a flush does not know what to delete first."""
    names = [one.key for one in mapped.mapper.relationships if _is_to_itself(one, mapped, row)]
    for name in names:
        set_committed_value(row, name, None)
    try:
        yield
    finally:
        for name in names:
            set_committed_value(row, name, row)


def _is_to_itself(relation: RelationshipProperty[Any], mapped: MappedModel, row: Any) -> bool:
    if relation.direction is not RelationshipDirection.MANYTOONE or relation.viewonly:
        return False
    if not isinstance(row, relation.mapper.class_):
        return False
    pairs = [
        (_get_name(mapped.mapper, local), _get_name(relation.mapper, remote))
        for local, remote in relation.local_remote_pairs
    ]
    return all(one and two and getattr(row, one) == getattr(row, two) for one, two in pairs)


def _get_name(mapper: Mapper[Any], column: Any) -> str:
    """Return the attribute of a column, "" if it is not mapped."""
    return next((one.key for one in mapper.column_attrs if column in one.columns), "")


def _find_free(session: Session, mapped: MappedModel, one: MappedColumn) -> Iterator[Any]:
    column: Any = one.column
    if column.nullable:
        yield None
        return
    if column.foreign_keys:  # which most databases look at after each statement
        [key, *_] = column.foreign_keys
        free = select(key.column).where(key.column.not_in(select(column))).limit(1)
        yield from session.execute(free, bind_arguments={"mapper": mapped.mapper}).scalars()
        return
    made = _make_candidates(column.type)
    found = session.execute(
        select(column).where(column.in_(made)), bind_arguments={"mapper": mapped.mapper}
    )
    taken = set(found.scalars())
    yield from (value for value in made if value not in taken)


def _make_candidates(kind: Any) -> list[Any]:
    if isinstance(kind, types.Enum):
        return list(kind.enum_class or kind.enums)
    if isinstance(kind, postgresql.INET):
        return make_addresses(6)
    if not isinstance(kind, _PLAIN):
        return []
    if isinstance(kind, types.Uuid):
        made = make_candidates(uuid.UUID)
        return made if kind.as_uuid else [str(value) for value in made]
    limit = None
    if isinstance(kind, types.SmallInteger):
        limit = 1 << 15
    elif isinstance(kind, types.Numeric) and not _is_float(kind) and kind.precision is not None:
        limit = 10 ** (kind.precision - (kind.scale or 0))
    made = make_candidates(
        describe_values(kind).type, length=getattr(kind, "length", None), limit=limit
    )
    if isinstance(kind, types.DateTime) and kind.timezone:
        return [value.replace(tzinfo=dt.UTC) for value in made]
    return made


def _is_float(kind: Any) -> bool:
    """Tell a column whose precision counts bits; some versions of SQLAlchemy call it Numeric."""
    return isinstance(kind, types.Float)
