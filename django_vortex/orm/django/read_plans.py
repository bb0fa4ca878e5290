"""Which dependencies a statement of Django's ORM has, as far as its text decides: `get_plan`.

Takes a compiler that has made its statement, gives a `ReadPlan`, which is kept for the text where
no query is within it. Values and rows come with each execution.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

from django_vortex.live.changes import Key, Table
from django_vortex.live.comparing import UNKNOWN
from django_vortex.live.dependencies import Dependency
from django_vortex.orm.django.known_models import find_models
from django_vortex.orm.django.plain_columns import find_plain, get_columns, read_values
from django_vortex.orm.django.sources import Source, Sources, Unclear, read_equalities
from django_vortex.orm.sql_text import MAX_KEPT, MAX_KEPT_CHARACTERS

MAX_RESULT_KEYS: Final = 10_000
"""Of longer answers no keys are kept: whatever its conditions do not exclude concerns it."""


class ReadPlan:
    """The tables of a statement, and where in its rows the keys of the first are.

    Args:
        sources: The tables.
        vendor: What Django calls the kind of the database.
        places: Of each column of the key of the first table its field and place in a row; empty
            where the rows are not those of that table, or do not have it.
        deciding: The columns that decide which rows come in; None may be any.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        vendor: str,
        places: Sequence[tuple[Any, int]],
        deciding: frozenset[str] | None,
    ) -> None:
        self._find_plain = partial(find_plain, vendor=vendor)
        self._sources = [
            (
                source.table,
                source.alias,
                source.is_outer,
                source.equalities if source.is_within else None,
                frozenset(source.columns),
                _find_key_columns(source.table, vendor),
            )
            for source in sources
        ]
        self._places = places
        self._deciding = deciding

    def find_dependencies(self, query: Any, database: str, returned: Any) -> list[Dependency]:
        """Return what an execution depends on.

        Args:
            query: What was executed.
            database: Where.
            returned: What the compiler has returned.
        """
        keys = self._read_keys(returned)
        found = []
        for table, alias, is_outer, equalities, columns, key_columns in self._sources:
            if equalities is None:
                equalities = read_equalities(query, alias, is_outer, self._find_plain)
            found.append(
                Dependency(
                    Table(database, table),
                    equalities,
                    keys,
                    None if keys is None else self._deciding,
                    columns,
                    key_columns,
                )
            )
            keys = None  # of the first only
        return found

    def _read_keys(self, returned: Any) -> frozenset[Key] | None:
        """Return the primary keys of the rows, None if they are not known."""
        if not self._places or not isinstance(returned, list):
            return None
        rows = list(chain.from_iterable(returned))
        if len(rows) > MAX_RESULT_KEYS:
            return None
        columns = [read_values(plain, [row[at] for row in rows]) for plain, at in self._places]
        if any(UNKNOWN in values for values in columns):
            return None
        return frozenset(zip(*columns, strict=True))


_kept: dict[tuple[str, Any], ReadPlan | None] = {}
_MISSING: Final = object()


def get_plan(
    compiler: Any, text: str, aliases: Sequence[str], order: Iterable[Any]
) -> ReadPlan | None:
    """Return the plan of a statement that was just made, None where nothing is certain.

    Args:
        compiler: What has made it.
        text: The statement.
        aliases: What is joined in it.
        order: What it is ordered by.
    """
    key = (text, compiler.query.model)
    plan: Any = _kept.get(key, _MISSING)
    if plan is _MISSING:
        try:
            plan, is_kept = _make_plan(compiler, aliases, order)
        except Unclear:
            plan, is_kept = None, True
        if is_kept and len(text) <= MAX_KEPT_CHARACTERS:
            if len(_kept) >= MAX_KEPT:
                _kept.clear()
            _kept[key] = plan
    return plan  # type: ignore[no-any-return]


def _make_plan(
    compiler: Any, aliases: Sequence[str], order: Iterable[Any]
) -> tuple[ReadPlan, bool]:
    """Return a plan, and whether it is that of all statements with this text."""
    query, vendor = compiler.query, compiler.connection.vendor
    if compiler.qualify is not None or query.distinct_fields:
        raise Unclear
    sources = Sources(vendor)
    own = sources.enter(query, aliases)
    deciding = None if query.is_sliced else frozenset(own.columns)
    selected = [one for one, *_ in compiler.select]
    sources.see(selected)
    sources.see(list(order))
    if query.group_by not in (None, True):
        sources.see(list(query.group_by))
    is_of_rows = query.group_by is None and not query.low_mark and compiler.having is None
    if is_of_rows and not any(map(_is_of_many, selected)):
        places = _find_places(compiler, selected)
    else:
        places = []
    is_kept = not any(source.is_within for source in sources.all)
    return ReadPlan(sources.all, vendor, places, deciding), is_kept


def _find_places(compiler: Any, selected: Sequence[Any]) -> list[tuple[Any, int]]:
    """Return where in a row the key of a query's own table is, nothing if it is not there."""
    query = compiler.query
    columns = get_columns(query.get_meta().model, compiler.connection.vendor)
    own = next(iter(query.alias_map), None)
    places = {
        getattr(one.target, "column", None): at
        for at, one in enumerate(selected)
        if getattr(one, "alias", None) == own and hasattr(one, "target")
    }
    if not columns.has_plain_key or not places.keys() >= set(columns.keys):
        return []
    return [(columns.plain[name], places[name]) for name in columns.keys]


def _find_key_columns(table: str, vendor: str) -> tuple[str, ...]:
    known = {
        tuple(columns.keys) if columns.has_plain_key else ()
        for model in find_models(table)
        for columns in [get_columns(model, vendor)]
    }
    return known.pop() if len(known) == 1 else ()


def _is_of_many(selected: Any) -> bool:
    """Return whether a value in the result depends on other rows than its own."""
    return bool(
        getattr(selected, "contains_aggregate", False)
        or getattr(selected, "contains_over_clause", False)
    )
