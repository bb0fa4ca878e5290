"""Which rows of a SQLAlchemy class exist for a request, those inside of others too.

Takes a shape and a scope, gives statements, and loads the related rows that not everybody may see.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from django_vortex.orm.guarded_rows import NO_ROWS, waiting_name
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.conditions import to_expression
from django_vortex.orm.sqlalchemy.models import MappedModel
from django_vortex.orm.sqlalchemy.reading import Describe, make_options
from django_vortex.orm.sqlalchemy.shapes import each_once, get_chosen, is_plain, to_select
from django_vortex.orm.store import Scope

MAX_KEYS = 1000
"""How many keys one statement asks for."""


def select_rows(mapped: MappedModel, scope: Scope, dialect: str) -> Any:
    """Return the statement that selects the instances in a scope.

    Raises:
        DefinitionError: What the application gave as its rows cannot be that.
    """
    if scope.is_final and scope.condition is None and isinstance(scope.queryset, Select):
        get_chosen(scope.queryset, mapped)
        return scope.queryset  # as it is, with its order and limit
    statement = to_select(scope.queryset, mapped)
    if scope.condition is None:
        return statement
    statement = statement.where(to_expression(scope.condition, mapped, dialect))
    # An expression of the application may bring other tables with it.
    return statement if is_plain(statement, mapped) else each_once(statement, mapped)


def have_keys(columns: Sequence[Any], keys: Sequence[Any], dialect: str) -> Any:
    """Return the condition of rows with one of some keys.

    Args:
        columns: Those of the key.
        keys: Of each row the values, as the database compares them.
        dialect: The name of the database's dialect.
    """
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    if dialect == "mssql":
        return or_(*(and_(*map(_equals, columns, key)) for key in keys))
    return tuple_(*columns).in_(keys)


def load_guarded(
    session: Session, rows: Sequence[Any], shape: Shape, scope: Scope, describe: Describe
) -> None:
    """Let the related rows that the peer may see wait on their rows; one statement per relation.

    Args:
        session: The session of the rows.
        rows: Instances.
        shape: What is read of them.
        scope: Which related rows there are.
        describe: Gives what is known of a model.
    """
    mapped = describe(shape.spec.model)
    dialect = session.get_bind(mapped.mapper).dialect.name
    by_key = {mapped.stored_key(row): row for row in rows}
    keys = list(by_key)
    for name in shape.guarded:
        is_many, waiting = shape.spec.relations[name].is_many, waiting_name(name)
        for row in rows:
            row.__dict__[waiting] = [] if is_many else None
        inner, inside = shape.nested[name], scope.nested.get(name, NO_ROWS)
        related = {}
        for start in range(0, len(keys), MAX_KEYS):
            chunk = keys[start : start + MAX_KEYS]
            statement = _select_related(mapped, name, chunk, inner, inside, describe, dialect)
            with session.no_autoflush:
                found = session.execute(
                    statement, execution_options={"populate_existing": True}
                ).unique()
            for one, *key in found:
                row = by_key[tuple(key)]
                related[id(one)] = one
                if is_many:
                    row.__dict__[waiting].append(one)
                else:
                    row.__dict__[waiting] = one
        load_guarded(session, list(related.values()), inner, inside, describe)


def _select_related(
    mapped: MappedModel,
    name: str,
    keys: Sequence[Any],
    shape: Shape,
    scope: Scope,
    describe: Describe,
    dialect: str,
) -> Select[Any]:
    """Return the statement of related rows, each with the key of the row it belongs to."""
    target = describe(shape.spec.model)
    outer = aliased(mapped.cls)
    outer_key = [getattr(outer, column.name) for column in mapped.keys]
    statement = (
        select(target.cls, *outer_key)
        .select_from(outer)
        .join(target.cls, getattr(outer, name))
        .where(have_keys(outer_key, keys, dialect))
        .options(*make_options(shape, describe))
    )
    order = mapped.mapper.relationships[name].order_by
    if order:
        statement = statement.order_by(*order)
    if scope.queryset is None:
        condition = scope.condition
        if condition is None:
            return statement
        return statement.where(to_expression(condition, target, dialect))
    inside = [column.attribute for column in target.keys]
    seen = select_rows(target, scope, dialect).order_by(None).with_only_columns(*inside)
    return statement.where((inside[0] if len(inside) == 1 else tuple_(*inside)).in_(seen))


def _equals(column: Any, value: Any) -> Any:
    return column == value
