"""A hook on the compiler of Django's ORM that reads: `install_read_hook`.

Takes what a compiler executes while somebody records, and what it returns; gives dependencies that
say of which rows they are. Without it, and where it fails, the tables in the text are noted.
"""

from collections.abc import Callable
from functools import partial, wraps
from itertools import chain
from typing import Any, Final

from django.db.models.sql import compiler

from django_vortex.live.changes import Key, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder, get_recorder
from django_vortex.logs import get_limited_logger
from django_vortex.orm.django.capture import Capture, provide_capture
from django_vortex.orm.django.drivers import fetch
from django_vortex.orm.django.known_models import find_models
from django_vortex.orm.django.plain_columns import UNKNOWN, get_columns, read_value
from django_vortex.orm.django.sources import Source, Sources, Unclear
from django_vortex.orm.reads import note_reads

logger = get_limited_logger(__name__)

MAX_RESULT_KEYS: Final = 10_000
"""Of longer answers no keys are kept: whatever its conditions do not exclude concerns it."""

HOOK: Final = (compiler.SQLCompiler, "execute_sql")
SETUP: Final = (compiler.SQLCompiler, "pre_sql_setup")
"""What has found all joins of a statement when it returns."""

_MARK: Final = "_vortex_read_hook"
_WRITERS: Final = (
    compiler.SQLInsertCompiler,
    compiler.SQLUpdateCompiler,
    compiler.SQLDeleteCompiler,
)


def install_read_hook() -> None:
    """Hook the compiler, unless it is."""
    cls, name = HOOK
    original = getattr(cls, name)
    if not hasattr(original, _MARK):
        setattr(cls, name, _hook(original))


def _hook(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = get_recorder()
        if recorder is None or isinstance(self, _WRITERS):
            return original(self, *args, **kwargs)
        reading = Reading(self, provide_capture(self.connection))
        returned = None
        try:
            returned = original(self, *args, **kwargs)
            return returned
        finally:
            reading.end(recorder, returned)

    setattr(execute, _MARK, True)
    return execute


class Reading:
    """One execution of a compiler that reads.

    Args:
        of: The compiler, whose query is looked at when its statement is made.
        capture: That of its connection.
    """

    def __init__(self, of: Any, capture: Capture) -> None:
        self._compiler = of
        self._capture = capture
        self._vendor: str = of.connection.vendor
        self._text = ""
        self._sources: list[Source] = []
        self._own: Source | None = None
        """The table whose rows are counted by their keys; None if they are not."""
        self._deciding: frozenset[str] | None = None
        self.is_executed = False
        self._as_sql, self._setup = of.as_sql, of.pre_sql_setup
        of.as_sql, of.pre_sql_setup = self._make, self._set_up

    def end(self, recorder: Recorder, returned: Any) -> None:
        """Note what was read; raises nothing."""
        for name in ("as_sql", "pre_sql_setup"):
            vars(self._compiler).pop(name, None)
        self._capture.readings.pop(id(self._text), None)
        if not self.is_executed:
            return
        known: list[Dependency] = []
        try:
            known = self._find_dependencies(returned)
        except Exception:
            logger.exception("Could not find out which rows a query has read")
        capture, ask = self._capture, partial(fetch, self._compiler.connection)
        try:
            note_reads(recorder, capture.database, self._text, known, ask)
        except Exception:
            logger.exception("Could not note what a query has read")
            recorder.reads += capture.depend_on_everything()

    def _make(self, *args: Any, **kwargs: Any) -> Any:
        """Make the text, and say that it is ours."""
        made = self._as_sql(*args, **kwargs)
        self._text = made[0]
        if self._text:
            self._capture.readings[id(self._text)] = self
        return made

    def _set_up(self, *args: Any, **kwargs: Any) -> Any:
        """Look at the query while all its joins are there."""
        done = self._setup(*args, **kwargs)
        try:
            self._look(done[1])
        except Unclear:
            self._sources, self._own = [], None
        except Exception:
            self._sources, self._own = [], None
            logger.exception("Could not find out what a query reads")
        return done

    def _look(self, order_by: Any) -> None:
        this, query = self._compiler, self._compiler.query
        if this.qualify is not None or query.distinct_fields:
            raise Unclear
        sources = Sources(self._vendor)
        own = sources.enter(query, is_live=True)
        self._deciding = None if query.is_sliced else frozenset(own.columns)
        selected = [one for one, *_ in this.select]
        sources.see(selected)
        sources.see([one for one, *_ in order_by])
        if query.group_by not in (None, True):
            sources.see(list(query.group_by))
        self._sources = sources.all
        is_plain = query.group_by is None and not query.low_mark and this.having is None
        if is_plain and not any(_is_of_many(one) for one in selected):
            self._own = own

    def _find_dependencies(self, returned: Any) -> list[Dependency]:
        keys = None if self._own is None else self._read_keys(returned)
        found = []
        for source in self._sources:
            is_keyed = source is self._own and keys is not None
            found.append(
                Dependency(
                    Table(self._capture.database, source.table),
                    source.equalities,
                    keys=keys if is_keyed else None,
                    deciding=self._deciding if is_keyed else None,
                    columns=frozenset(source.columns),
                    key_columns=self._find_key_columns(source.table),
                )
            )
        return found

    def _read_keys(self, returned: Any) -> frozenset[Key] | None:
        """Return the primary keys of the rows, None if they are not known."""
        this, query = self._compiler, self._compiler.query
        if not isinstance(returned, list):
            return None
        columns = get_columns(query.get_meta().model, self._vendor)
        own = next(iter(query.alias_map), None)
        places = {
            getattr(one.target, "column", None): at
            for at, (one, *_) in enumerate(this.select)
            if getattr(one, "alias", None) == own and hasattr(one, "target")
        }
        if not columns.has_plain_key or not places.keys() >= set(columns.keys):
            return None
        plain = [(columns.plain[name], places[name]) for name in columns.keys]
        keys = {
            tuple(read_value(one, row[at]) for one, at in plain)
            for row in chain.from_iterable(returned)
        }
        is_known = len(keys) <= MAX_RESULT_KEYS and not any(UNKNOWN in key for key in keys)
        return frozenset(keys) if is_known else None

    def _find_key_columns(self, table: str) -> tuple[str, ...]:
        known = {
            tuple(columns.keys) if columns.has_plain_key else ()
            for model in find_models(table)
            for columns in [get_columns(model, self._vendor)]
        }
        return known.pop() if len(known) == 1 else ()


def _is_of_many(selected: Any) -> bool:
    """Return whether a value in the result depends on other rows than its own."""
    return bool(
        getattr(selected, "contains_aggregate", False)
        or getattr(selected, "contains_over_clause", False)
    )
