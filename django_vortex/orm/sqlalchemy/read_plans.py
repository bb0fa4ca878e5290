"""Which tables a compiled statement reads, and which of their rows: `find_reads`, `ReadPlan`.

Takes what SQLAlchemy has compiled, gives once for all of its executions the tables and what WHERE
asks of their rows. A statement that is not understood in every part of it reads whole tables.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Alias, Column, Table, TableClause, TextClause
from sqlalchemy.sql import visitors
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import (
    CTE,
    FromGrouping,
    Join,
    Select,
    Subquery,
    TableValuedAlias,
    TextualSelect,
    Values,
)

from django_vortex.logs import get_limited_logger
from django_vortex.orm.sqlalchemy.entity_keys import EntityKeys, plan_keys
from django_vortex.orm.sqlalchemy.equalities import (
    Comparison,
    Expansions,
    Parameters,
    find_equalities,
)
from django_vortex.orm.sqlalchemy.exact_values import find_key_fit

logger = get_limited_logger(__name__)

_OPAQUE: Final = (TextClause, TextualSelect, UpdateBase)
"""What may read anything."""

_HAVE_OWN_SELECTS: Final = (CTE, Subquery, TableValuedAlias, Values)
"""What rows come from that no table has, or one that is read by a SELECT within."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table in the FROM of one SELECT.

    Attributes:
        name: Of the table.
        comparisons: What WHERE asks of its rows.
        is_outer: Whether it may stand for a row that is missing, with NULL in all columns.
        key_columns: Its primary key, empty where values of it may not be compared.
    """

    name: str
    comparisons: tuple[Comparison, ...]
    is_outer: bool
    key_columns: tuple[str, ...]

    def find_equalities(
        self, row: Parameters, expansions: Expansions
    ) -> Mapping[str, frozenset[Any]]:
        """Return by column what a row must have to count, with the parameters of an execution."""
        found: dict[str, frozenset[Any]] = {}
        for one in self.comparisons:
            values = one.find_values(row, expansions)
            if values is None or (self.is_outer and None in values):
                continue
            name = str(one.column.name)
            found[name] = found[name] & values if name in found else values
        return found


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What every execution of a statement reads.

    Attributes:
        sources: The tables of its SELECTs; none where it is not understood.
        tables: The names of all tables in it.
        keys: Where to find the keys of what it selects; None if they do not decide anything.
        wants_rows: Whether the rows say more of their keys than WHERE does.
    """

    sources: tuple[Source, ...]
    tables: frozenset[str]
    keys: EntityKeys | None = None
    wants_rows: bool = False


NO_READS: Final = ReadPlan((), frozenset())
"""Nothing is known but the text."""


class _NotUnderstood(Exception):
    """A statement has a part of which it is not known what it reads."""


_plans: WeakKeyDictionary[Any, ReadPlan] = WeakKeyDictionary()


def find_reads(compiled: Any) -> ReadPlan:
    """Return what a compiled statement reads."""
    plan = _plans.get(compiled)
    if plan is None:
        try:
            plan = _plan(compiled)
        except Exception:  # as of another version of SQLAlchemy; the text says the tables
            logger.exception("Could not see which rows a statement reads")
            plan = NO_READS
        _plans[compiled] = plan
    return plan


def _plan(compiled: Any) -> ReadPlan:
    statement = getattr(compiled, "statement", None)
    if not isinstance(compiled, SQLCompiler) or not isinstance(statement, Executable):
        return NO_READS
    state = getattr(compiled, "compile_state", None)
    final = getattr(state, "statement", statement)
    parts = _find_parts(final)
    named = {part for part in (*parts, *_find_parts(statement)) if isinstance(part, TableClause)}
    tables = frozenset(str(one.name) for one in named)
    try:
        sources = tuple(_find_sources(parts, compiled))
    except _NotUnderstood:
        return ReadPlan((), tables)
    keys = plan_keys(compiled, final, parts)
    return ReadPlan(sources, tables, keys, keys is not None and not _compares_keys(sources, keys))


def _compares_keys(sources: tuple[Source, ...], keys: EntityKeys) -> bool:
    """Return whether WHERE asks for rows by their keys."""
    compared = {str(one.column.name) for source in sources for one in source.comparisons}
    return keys.places.keys() <= compared


def _find_parts(statement: Any) -> list[Any]:
    """Return all parts of a statement, each once."""
    return list({id(part): part for part in visitors.iterate(statement)}.values())


def _find_sources(parts: list[Any], compiled: Any) -> Iterator[Source]:
    for part in parts:
        is_text = isinstance(part, ColumnClause) and part.is_literal and not _is_number(part)
        if is_text or isinstance(part, _OPAQUE):
            raise _NotUnderstood
        if isinstance(part, Select):
            yield from _find_sources_of(part, compiled)


def _is_number(column: ColumnClause[Any]) -> bool:
    """Return whether a literal column is the ``1`` or ``*`` that SQLAlchemy writes itself."""
    return re.fullmatch(r"[0-9]+|\*", str(column.name)) is not None


def _find_sources_of(select: Select[Any], compiled: Any) -> Iterator[Source]:
    try:
        froms = select.get_final_froms()
    except Exception as error:  # SQLAlchemy cannot say it of every statement of the ORM
        raise _NotUnderstood from error
    clauses = [] if select.whereclause is None else [select.whereclause]
    for leaf, is_outer in _find_leaves(froms):

        def is_own(column: Column[Any], leaf: Any = leaf) -> bool:
            return bool(leaf.c.contains_column(column))

        table: Any = leaf.element if isinstance(leaf, Alias) else leaf
        comparisons = tuple(find_equalities(clauses, is_own, compiled.bind_names))
        yield Source(str(table.name), comparisons, is_outer, _find_key_columns(table, compiled))


def _find_key_columns(table: TableClause, compiled: Any) -> tuple[str, ...]:
    columns = list(table.primary_key.columns) if isinstance(table, Table) else []
    if any(find_key_fit(one.type, compiled.dialect) is None for one in columns):
        return ()
    return tuple(str(one.name) for one in columns)


def _find_leaves(froms: Any, is_outer: bool = False) -> Iterator[tuple[Any, bool]]:
    for one in froms:
        if isinstance(one, FromGrouping):
            yield from _find_leaves([one.element], is_outer)
        elif isinstance(one, Join):
            may_miss = is_outer or one.isouter or one.full
            yield from _find_leaves([one.left, one.right], may_miss)
        elif isinstance(one, Table | TableClause) or (
            isinstance(one, Alias) and isinstance(one.element, TableClause)
        ):
            yield one, is_outer
        elif not isinstance(one, _HAVE_OWN_SELECTS):
            raise _NotUnderstood
