"""A hook on the compiler of Django's ORM that reads: `install_read_hook`.

Takes what a compiler executes while somebody records, and what it returns; gives dependencies that
say of which rows they are. Without it, and where it fails, the tables in the text are noted.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final

from django.db.models.sql import compiler

from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder, get_recorder
from django_vortex.logs import get_limited_logger
from django_vortex.orm.django.capture import Capture, provide_capture
from django_vortex.orm.django.drivers import fetch
from django_vortex.orm.django.read_plans import ReadPlan, get_plan
from django_vortex.orm.reads import note_reads

logger = get_limited_logger(__name__)

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
        self._text = ""
        self._aliases: list[str] | None = None
        self._order: list[Any] = []
        self._plan: ReadPlan | None = None
        self.is_executed = False
        self._as_sql, self._setup = of.as_sql, of.pre_sql_setup
        of.as_sql, of.pre_sql_setup = self._make, self._set_up

    def end(self, recorder: Recorder, returned: Any) -> None:
        """Note what was read; raises nothing."""
        own = vars(self._compiler)
        own.pop("as_sql", None)
        own.pop("pre_sql_setup", None)
        self._capture.readings.pop(id(self._text), None)
        if not self.is_executed:
            return
        known: list[Dependency] = []
        try:
            if self._plan is not None:
                known = self._plan.find_dependencies(
                    self._compiler.query, self._capture.database, returned
                )
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
            try:
                if self._aliases is not None:
                    self._plan = get_plan(self._compiler, self._text, self._aliases, self._order)
            except Exception:
                logger.exception("Could not find out what a query reads")
        return made

    def _set_up(self, *args: Any, **kwargs: Any) -> Any:
        """Remember what is joined, as long as that is there."""
        done = self._setup(*args, **kwargs)
        counts = self._compiler.query.alias_refcount
        self._aliases = [alias for alias, count in counts.items() if count]
        self._order = [one for one, *_ in done[1]]
        return done
