"""The tables of this process's models, found in SQL texts: `known_tables`.

Takes the tables of Django's models and of registered SQLAlchemy classes, gives those that a text
names or may write. A table has the same name here for both ORMs, whichever of them knows it.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from django_vortex.locks import Lock
from django_vortex.orm.sql_text import MAX_KEPT, MAX_KEPT_CHARACTERS, find_bare_name, read_sql

NOTHING: frozenset[str] = frozenset()


class KnownTables:
    """Tables by their names in lower case, as texts may write them."""

    def __init__(self) -> None:
        self._quiet = NOTHING
        self._views: Mapping[str, str] = {}
        self._by_name: Mapping[str, frozenset[str]] = MappingProxyType({})
        self._lock = Lock()
        self._find_kept = lru_cache(MAX_KEPT)(self._find)

    def add(self, tables: Iterable[str]) -> None:
        """Know more tables; a schema in their names is left out."""
        with self._lock:
            by_name = dict(self._by_name)
            for table in tables:
                name = find_bare_name(table)
                by_name[name.lower()] = by_name.get(name.lower(), NOTHING) | {name}
            if by_name != self._by_name:
                self._by_name = MappingProxyType(by_name)
                self._find_kept = lru_cache(MAX_KEPT)(self._find)

    def add_views(self, texts: Mapping[str, str]) -> None:
        """Know more views by the texts that make them; they are tables too, which may be told."""
        self.add(texts)
        with self._lock:
            views = {**self._views, **{name.lower(): text for name, text in texts.items()}}
            if views != self._views:
                self._views = views
                self._find_kept = lru_cache(MAX_KEPT)(self._find)

    def add_quiet(self, tables: Iterable[str]) -> None:
        """Know more tables of which nobody is told, unless `capture` asks for them."""
        names = [find_bare_name(table) for table in tables]
        self.add(names)
        with self._lock:
            self._quiet |= frozenset(names)

    def capture(self, tables: Iterable[str]) -> None:
        """Tell of tables also if they are quiet: something depends on them by name."""
        with self._lock:
            self._quiet -= frozenset(find_bare_name(table) for table in tables)

    def is_quiet(self, table: str) -> bool:
        """Return whether nobody is told of a table."""
        return table in self._quiet

    def find_all(self) -> frozenset[str]:
        """Return all tables that are known."""
        return NOTHING.union(*self._by_name.values())

    def find_named(self, text: str) -> frozenset[str]:
        """Return the known tables that a text names, or may name, and those in their views."""
        if len(text) > MAX_KEPT_CHARACTERS:
            return self._find(text)
        return self._find_kept(text)

    def find_written(self, text: str) -> frozenset[str]:
        """Return the known tables that a text may write: all that it names, if it may write."""
        return self.find_named(text) if read_sql(text).may_write else NOTHING

    def find_in_views(self, text: str) -> frozenset[str]:
        """Return the known tables in the views that a text names, or may name."""
        return (
            self._find_within(read_sql(text).names & self._views.keys()) if self._views else NOTHING
        )

    def _find(self, text: str) -> frozenset[str]:
        names, by_name = read_sql(text).names, self._by_name
        return NOTHING.union(
            self.find_in_views(text), *(by_name.get(name, NOTHING) for name in names)
        )

    def _find_within(self, views: frozenset[str]) -> frozenset[str]:
        """Return the tables in views, and in the views in these."""
        seen: set[str] = set()
        left = set(views)
        names: set[str] = set()
        while left:
            view = left.pop()
            seen.add(view)
            inner = read_sql(self._views[view]).names - {view}
            names |= inner
            left |= (inner & self._views.keys()) - seen
        return NOTHING.union(*(self._by_name.get(name, NOTHING) for name in names))


known_tables = KnownTables()
"""The tables of this process."""
