"""The keys of the rows that a SELECT of one table gives: `plan_keys`, `EntityKeys`.

Takes a compiled statement, and rows as the driver gave them. Keys are only of use where nothing but
the rows themselves decides which of them are in the result: not of aggregates, joins, subqueries,
groups, or of a page that is not the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import FromClause, Select, SelectBase

from django_vortex.live.changes import MAX_KEYS, Key
from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.sqlalchemy.exact_values import Fit, find_key_fit

_DECIDE_MORE: Final = (
    "_correlate",
    "_distinct",
    "_distinct_on",
    "_fetch_clause",
    "_group_by_clauses",
    "_having_criteria",
    "_independent_ctes",
    "_offset_clause",
    "_prefixes",
    "_suffixes",
)
"""What a SELECT has not where it only chooses and orders rows."""


@dataclass(frozen=True, slots=True)
class EntityKeys:
    """Where the keys of rows are.

    Attributes:
        name: Of the table.
        places: By column of the primary key its place in a row, and what fits it.
        columns: All columns that are read.
        deciding: Those that decide which rows there are, and in which order; None if any may.
    """

    name: str
    places: Mapping[str, tuple[int, Fit]]
    columns: frozenset[str]
    deciding: frozenset[str] | None

    def find_keys(self, rows: Sequence[Sequence[Any]]) -> frozenset[Key] | None:
        """Return the keys of rows, None if they are too many or one is not known."""
        if len(rows) > MAX_KEYS:
            return None
        columns = [
            _fit_all([row[place] for row in rows], fit) for place, fit in self.places.values()
        ]
        keys = frozenset(zip(*columns, strict=True))
        return None if any(UNKNOWN in key or None in key for key in keys) else keys


def _fit_all(values: list[Any], fit: Fit) -> list[Any]:
    """Return what fits values; integers fit as they are."""
    return values if set(map(type, values)) == {int} else [fit(value) for value in values]


def plan_keys(compiled: Any, statement: Any, parts: Iterable[Any]) -> EntityKeys | None:
    """Return where the keys are of what a statement selects, None if they are of no use.

    Args:
        compiled: The compiled statement.
        statement: What was compiled in the end.
        parts: All parts of that.
    """
    if not isinstance(statement, Select) or not getattr(compiled, "_ordered_columns", False):
        return None
    if not all(_is_missing(getattr(statement, name, statement)) for name in _DECIDE_MORE):
        return None
    froms = statement.get_final_froms()
    if len(froms) != 1 or not isinstance(froms[0], Table):
        return None
    table = froms[0]
    read: set[str] = set()
    for part in (*parts, *statement.selected_columns):
        if isinstance(part, ColumnClause):
            if not isinstance(part, Column) or not table.c.contains_column(part):
                return None
            read.add(str(part.name))
        elif isinstance(part, FromClause | SelectBase) and not _is_same(part, statement, table):
            return None
    if not all(isinstance(one, Column) for one in statement.selected_columns):
        return None
    places = _find_places(compiled, table)
    if places is None:
        return None
    return EntityKeys(str(table.name), places, frozenset(read), _find_deciding(statement))


def _is_missing(part: Any) -> bool:
    return part is None or part is False or (isinstance(part, tuple) and not part)


def _is_same(part: Any, *those: Any) -> bool:
    """Return whether a part is one of those; the ORM's annotated copies have the same hash."""
    return any(hash(part) == hash(one) for one in those)


def _find_places(compiled: Any, table: Table) -> Mapping[str, tuple[int, Fit]] | None:
    places: dict[str, tuple[int, Fit]] = {}
    for column in table.primary_key.columns:
        fit = find_key_fit(column.type, compiled.dialect)
        for place, entry in enumerate(compiled._result_columns):
            if fit is not None and any(
                isinstance(one, Column) and table.c.contains_column(one) and one.name == column.name
                for one in entry[2]
            ):
                places[str(column.name)] = (place, fit)
    return places if places and len(places) == len(table.primary_key.columns) else None


def _find_deciding(statement: Select[Any]) -> frozenset[str] | None:
    """Return the columns of WHERE and ORDER BY; of a page any may let another row come in."""
    if getattr(statement, "_limit_clause", statement) is not None:
        return None
    clauses = (statement.whereclause, *getattr(statement, "_order_by_clauses", ()))
    return frozenset(
        str(part.name)
        for clause in clauses
        if clause is not None
        for part in visitors.iterate(clause)
        if isinstance(part, Column)
    )
