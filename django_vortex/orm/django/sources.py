"""Which columns of which tables a query of Django's ORM reads, and of which rows: `find_sources`.

Takes a query whose statement is being made, gives a `Source` for each table in it, also for those
of queries within. What is not certainly known raises `Unclear`: then only the names of tables in
the text count.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from django.db.models.expressions import Col
from django.db.models.sql.constants import LOUTER
from django.db.models.sql.where import NothingNode, WhereNode

from django_vortex.orm.django.equalities import Equalities, find_equalities
from django_vortex.orm.django.plain_columns import find_plain
from django_vortex.orm.sql_text import find_bare_name

_OWN: Final = "django."
"""Expressions of Django are known; others may write what they like into the text."""


class Unclear(Exception):
    """A part of a query may read anything."""


@dataclass(slots=True)
class Source:
    """A table in a query.

    Attributes:
        table: Its name.
        alias: What the query calls it, None if that is not settled yet.
        is_outer: Whether it is joined from outside, so that a row may be missing.
        is_within: Whether it is in a query within another.
        equalities: What a row must be equal to in order to count.
        columns: The columns that are read.
    """

    table: str
    alias: str | None
    is_outer: bool
    is_within: bool
    equalities: Equalities
    columns: set[str] = field(default_factory=set)


class Sources:
    """The tables of a query and of all that are within it.

    Args:
        vendor: What Django calls the kind of the database.
    """

    def __init__(self, vendor: str) -> None:
        self.all: list[Source] = []
        self._find_plain = partial(find_plain, vendor=vendor)
        self._scopes: list[dict[str, Source]] = []

    def enter(self, query: Any, aliases: Collection[str] | None = None) -> Source:
        """Look at a query's tables, joins and conditions; return its own table.

        Args:
            query: The query.
            aliases: What is joined in its statement; None if that is not made yet.
        """
        if query.extra or query.extra_tables or query.extra_order_by or query.combinator:
            raise Unclear
        if aliases is None and (query.select_related or not _has_simple_order(query)):
            raise Unclear  # which may join other tables once its statement is made
        own = next(iter(query.alias_map), None)
        scope = {}
        for alias, join in query.alias_map.items():
            is_used = query.alias_refcount[alias] if aliases is None else alias in aliases
            if alias == own or is_used:
                scope[alias] = self._add(query, alias, join)
        if own is None:
            own = ""
            scope[own] = self._add_table(query.get_meta().db_table, None, False, {})
        self._scopes.append(scope)
        for alias, join in query.alias_map.items():
            if alias in scope:
                self._see_join(alias, join)
        self.see(query.where)
        return scope[own]

    def leave(self) -> None:
        """Go back to the query around."""
        self._scopes.pop()

    def see(self, node: Any) -> None:
        """Note the columns that a part of a query reads.

        Raises:
            Unclear: It may read others.
        """
        kind = type(node)
        if kind is Col:
            self._find(node.alias).columns.add(str(node.target.column))
        elif kind is WhereNode or kind in (list, tuple):
            for child in node.children if kind is WhereNode else node:
                if type(child) is Col:
                    self._find(child.alias).columns.add(str(child.target.column))
                else:
                    self.see(child)
        elif hasattr(node, "alias_map"):
            self._see_query(node)
        elif hasattr(node, "get_source_expressions"):
            self._see_expression(node)
        elif hasattr(node, "as_sql") and kind is not NothingNode:
            raise Unclear

    def _see_expression(self, node: Any) -> None:
        if not type(node).__module__.startswith(_OWN) or hasattr(node, "sql"):
            raise Unclear  # RawSQL has a text of its own
        inner = getattr(node, "query", None)
        if hasattr(inner, "alias_map"):
            self._see_query(inner)
            return
        for source in node.get_source_expressions():
            if source is not None:
                self.see(source)
        values = getattr(node, "rhs", None)
        if type(values) in (list, tuple) or hasattr(values, "as_sql"):
            self.see(values)

    def _see_query(self, query: Any) -> None:
        """Look at a query within, whose statement is not made yet."""
        if query.combinator:
            if query.order_by:
                raise Unclear
            for one in query.combined_queries:
                self._see_query(one)
            return
        if hasattr(query, "inner_query"):
            self._see_query(query.inner_query)
            return
        own = self.enter(query)
        try:
            self.see(list(query.select))
            self.see(list(query.annotations.values()))
            if query.group_by not in (None, True):
                self.see(list(query.group_by))
            if query.default_cols:
                meta = query.get_meta().concrete_model._meta
                if meta.parents:
                    raise Unclear
                own.columns.update(str(one.column) for one in meta.concrete_fields if one.column)
            own.columns.update(_find_order(query))
        finally:
            self.leave()

    def _find(self, alias: str) -> Source:
        for scope in reversed(self._scopes):
            if alias in scope:
                return scope[alias]
        raise Unclear

    def _add(self, query: Any, alias: str, join: Any) -> Source:
        is_outer = getattr(join, "join_type", None) == LOUTER
        equalities = read_equalities(query, alias, is_outer, self._find_plain)
        return self._add_table(join.table_name, alias, is_outer, equalities)

    def _add_table(
        self, table: str, alias: str | None, is_outer: bool, equalities: Equalities
    ) -> Source:
        source = Source(find_bare_name(table), alias, is_outer, bool(self._scopes), equalities)
        self.all.append(source)
        return source

    def _see_join(self, alias: str, join: Any) -> None:
        """Note the columns by which a table is joined."""
        if getattr(join, "parent_alias", None) is None:
            return
        if join.filtered_relation is not None:
            raise Unclear
        for outer, inner in join.join_cols:
            self._find(join.parent_alias).columns.add(outer)
            self._find(alias).columns.add(inner)
        restriction = join.join_field.get_extra_restriction(alias, join.parent_alias)
        if restriction is not None:
            self.see(restriction)


def read_equalities(
    query: Any, alias: str | None, is_outer: bool, find: Callable[[Any], Any]
) -> Equalities:
    """Return what rows of a table in a query must be equal to."""
    if not query.where.children:
        return {}
    equalities = find_equalities(query.where, alias, find)
    if is_outer:  # there NULL is also what rows have that are not there
        return {name: values for name, values in equalities.items() if None not in values}
    return equalities


def _has_simple_order(query: Any) -> bool:
    """Return whether ordering joins no other table."""
    try:
        _find_order(query)
    except Unclear:
        return False
    return True


def _find_order(query: Any) -> Iterable[str]:
    """Return the columns of its own table that a query is ordered by."""
    meta = query.get_meta()
    names: Sequence[Any] = query.order_by or (meta.ordering if query.default_ordering else ())
    columns = set()
    fields = {one.name: one for one in meta.local_concrete_fields}
    for name in names:
        if not isinstance(name, str):
            raise Unclear
        name = name.lstrip("-+")
        one = meta.pk if name == "pk" else fields.get(name)
        if one is None or one.is_relation or not one.column:
            if name in query.annotations:
                continue
            raise Unclear
        columns.add(str(one.column))
    return columns
