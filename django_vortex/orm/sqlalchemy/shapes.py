"""What an application may give as its rows: statements of any shape, of which each row comes once.

Takes statements, gives a ``select`` of the class that can be narrowed down, ordered and cut into
pages. Where that would give other rows (limits, unions, groups) or a row several times (joins,
other tables), the rows are those whose keys the statement has.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import CompoundSelect, Select, Table, inspect, select, tuple_
from sqlalchemy.orm.util import AliasedClass, LoaderCriteriaOption
from sqlalchemy.sql.selectable import SelectStatementGrouping

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.sqlalchemy.models import MappedModel


def to_select(queryset: Any, mapped: MappedModel) -> Any:
    """Return the statement that selects each instance once that an application gave as its rows.

    Raises:
        DefinitionError: It gave something else.
    """
    if queryset is None:
        return select(mapped.cls)
    chosen = get_chosen(queryset, mapped)
    if isinstance(mapped.spec.model, Table):
        if is_plain(queryset, mapped):
            found = select(mapped.cls).where(*queryset._where_criteria)
            return found.order_by(*queryset._order_by_clauses)
    elif isinstance(chosen, type) and isinstance(queryset, Select) and is_plain(queryset, mapped):
        return queryset
    return each_once(queryset, mapped, chosen)


def get_chosen(queryset: Any, mapped: MappedModel) -> Any:
    """Return what a statement selects first: the class, a subclass, an alias of it, or its table.

    Raises:
        DefinitionError: That is something else.
    """
    model = mapped.spec.model
    if not isinstance(queryset, (Select, CompoundSelect)):
        raise DefinitionError(f"get_queryset has to give a select(...), got {quoted(queryset)}")
    first: Any = queryset
    while isinstance(first, (CompoundSelect, SelectStatementGrouping)):
        first = first.selects[0] if isinstance(first, CompoundSelect) else first.element
    if isinstance(model, Table):
        return model
    chosen = first.column_descriptions[0]["expr"] if isinstance(first, Select) else first
    entity = inspect(chosen, raiseerr=False) if isinstance(chosen, (type, AliasedClass)) else None
    if entity is None or not entity.mapper.isa(mapped.mapper):
        raise DefinitionError(
            f"get_queryset has to select {mapped.cls.__qualname__}, the class and no columns of "
            f"it, got {quoted(chosen)}"
        )
    return chosen


def is_plain(statement: Any, mapped: MappedModel) -> bool:
    """Return whether a statement is no more than conditions on the one class, in some order."""
    if (
        not isinstance(statement, Select)
        or len(statement.column_descriptions) != _count_columns(statement, mapped)
        or statement._has_row_limiting_clause
        or statement._distinct
        or _is_distinct_on(statement)
        or statement._group_by_clauses
        or statement._having_criteria
        or statement._setup_joins
        or statement._from_obj
    ):
        return False
    own = {*mapped.mapper.tables, mapped.mapper.selectable}
    columns = statement._raw_columns if isinstance(mapped.spec.model, Table) else ()
    parts = (*statement._where_criteria, *columns)
    return all(table in own for part in parts for table in part._from_objects)


def each_once(statement: Any, mapped: MappedModel, chosen: Any = None) -> Any:
    """Return the statement of the instances whose keys another one has.

    Raises:
        DefinitionError: It does not have them.
    """
    keys = _key_columns(mapped, chosen)
    attributes = [column.attribute for column in mapped.keys]
    window = _select_keys(statement, mapped, keys)
    key = attributes[0] if len(attributes) == 1 else tuple_(*attributes)
    criteria = [one for one in statement._with_options if isinstance(one, LoaderCriteriaOption)]
    return select(mapped.cls).where(key.in_(window)).options(*criteria)


def without_contradictions(statement: Any, names: Collection[str]) -> Any:
    """Leave out what an application says about the loading of what is read anyway.

    And what would decide by the loading which rows there are: an inner join to a collection, which
    pages lose rows by. Rows that come in portions (``yield_per``) could not be told apart.

    Args:
        statement: Of the application.
        names: The columns and relations that are loaded, about which SQLAlchemy lets nothing else
            be said.
    """
    kept = [one for one in statement._with_options if not _is_about(one, names)]
    if len(kept) < len(statement._with_options):
        statement = statement.options()
        statement._with_options = tuple(kept)
    if statement.get_execution_options().get("yield_per"):
        statement = statement.execution_options(yield_per=None)
    return statement


def _is_about(option: Any, names: Collection[str]) -> bool:
    for element in getattr(option, "context", ()):
        part = element.path[1] if len(element.path) > 1 else ""
        if element.local_opts.get("innerjoin") and len(element.path) == 3 and _may_lack(part):
            return True
        name = getattr(part, "key", None) or str(part)
        if name in names or name.startswith("column:"):
            return True
    return False


def _may_lack(relation: Any) -> bool:
    """Return whether there are rows to which a relation has none."""
    return bool(relation.uselist or any(one.nullable for one in relation.local_columns))


def _count_columns(statement: Select[Any], mapped: MappedModel) -> int:
    """Return how many columns a statement may have: those of a table, or one class."""
    is_table = isinstance(mapped.spec.model, Table)
    return len(statement.column_descriptions) if is_table else 1


def _key_columns(mapped: MappedModel, chosen: Any) -> list[Any]:
    if isinstance(chosen, AliasedClass):
        return [getattr(chosen, column.name) for column in mapped.keys]
    if isinstance(mapped.spec.model, Table):
        return [column.column for column in mapped.keys]
    return [column.attribute for column in mapped.keys]


def _select_keys(statement: Any, mapped: MappedModel, keys: list[Any]) -> Any:
    """Return the statement of the keys alone; where more decides which rows it has, around it."""
    is_simple = (
        isinstance(statement, Select)
        and not statement._group_by_clauses
        and not _is_distinct_on(statement)
        and not (statement._distinct and statement._has_row_limiting_clause)
        and not isinstance(mapped.spec.model, Table)
        and len(statement.column_descriptions) == 1
    )
    if is_simple:
        found = statement.with_only_columns(*keys)
        return found if statement._has_row_limiting_clause else found.order_by(None)
    inner = statement.subquery()
    columns = [inner.corresponding_column(_bare(key)) for key in keys]
    if any(column is None for column in columns):
        raise DefinitionError(
            f"get_queryset has to select {mapped.spec.label} with its key, got {quoted(statement)}"
        )
    return select(*columns)


def _is_distinct_on(statement: Select[Any]) -> bool:
    """Return whether rows are chosen by PostgreSQL's DISTINCT ON, or by another extension."""
    places = ("_distinct_on", "_pre_columns_clause", "_post_select_clause", "_post_criteria_clause")
    said = (getattr(statement, place, None) for place in places)
    return any(one is not None and one != () for one in said)


def _bare(key: Any) -> Any:
    return key.__clause_element__() if hasattr(key, "__clause_element__") else key
