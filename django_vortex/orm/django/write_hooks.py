"""Hooks on the compilers of Django's ORM that write: `install_hooks`.

Takes what a compiler executes, tells the capture of the connection beforehand which texts are to
come and what they change. Where nobody listens, and where a hook fails, the statement is as before.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.db.models.sql import compiler

from django_vortex.live.changes import Change
from django_vortex.live.recording import get_recorder
from django_vortex.live.telling import telling
from django_vortex.logs import get_limited_logger
from django_vortex.orm.django.capture import Capture, provide_capture
from django_vortex.orm.django.cascades import add_cascades
from django_vortex.orm.django.statements import Statement, describe, look_ahead

logger = get_limited_logger(__name__)

HOOKS: Final = (
    (compiler.SQLInsertCompiler, "execute_sql"),
    (compiler.SQLUpdateCompiler, "execute_sql"),
    (compiler.SQLDeleteCompiler, "execute_sql"),
)
LATER_HOOKS: Final = ((compiler.SQLUpdateCompiler, "execute_returning_sql"),)
"""Of Django 6.0 and later."""

_MARK: Final = "_vortex_hook"


def install_hooks() -> None:
    """Hook all compilers that are not yet; those that are missing are left out."""
    for cls, name in (*HOOKS, *LATER_HOOKS):
        original = getattr(cls, name, None)
        if original is not None and not hasattr(original, _MARK):
            setattr(cls, name, _hook(original))


def _hook(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not telling.is_heard and get_recorder() is None:
            return original(self, *args, **kwargs)
        run = _Run(self, provide_capture(self.connection))
        returned = None
        try:
            returned = original(self, *args, **kwargs)
            return returned
        finally:
            run.end(returned, args[0] if args else kwargs.get("returning_fields"))

    setattr(execute, _MARK, True)
    return execute


class _Run:
    """One execution of a compiler.

    Args:
        of: The compiler, whose texts are looked at when they are made.
        capture: That of its connection.
    """

    def __init__(self, of: Any, capture: Capture) -> None:
        self._compiler = of
        self._capture = capture
        self._made: list[int] = []
        self._statement: Statement | None = None
        self._before = vars(of).get("as_sql")
        self._as_sql = of.as_sql
        of.as_sql = self._make

    def end(self, returned: Any, returning: Any) -> None:
        """Add what was changed; raises nothing."""
        if self._before is None:
            vars(self._compiler).pop("as_sql", None)
        else:
            self._compiler.as_sql = self._before
        for text in self._made:
            self._capture.statements.pop(text, None)
        statement = self._statement
        if statement is None or not statement.is_executed:
            return
        table = self._capture.table(statement.columns.table)
        try:
            fields = returning if isinstance(returning, list | tuple) else None
            self._capture.add(add_cascades(statement.find_changes(table, returned, fields)))
        except Exception:
            logger.exception("Could not find out which rows of %s were written", table.name)
            self._capture.add([Change(table)])

    def _make(self, *args: Any, **kwargs: Any) -> Any:
        """Make the texts, and say what they change."""
        try:
            conditions = look_ahead(self._compiler)
        except Exception:
            logger.exception("Could not look at the conditions of a statement")
            return self._as_sql(*args, **kwargs)
        made = self._as_sql(*args, **kwargs)
        try:
            self._announce(made, describe(self._compiler, conditions))
        except Exception:
            logger.exception("Could not find out what a statement writes")
        return made

    def _announce(self, made: Any, statement: Statement) -> None:
        self._statement = statement
        for text, _ in made if isinstance(made, list) else [made]:
            if text:
                self._made.append(id(text))
                self._capture.statements[id(text)] = (text, statement)
