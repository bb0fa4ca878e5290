"""Committed writes of SQLAlchemy, whoever makes them: `install`.

Takes what every engine of the process executes, by listeners on the class `Engine`, and tells after
the commit. Engines that exist already, async ones and pools are heard as well; no statement is
added. Nothing that goes wrong here reaches the application: then all tables have changed.

Not seen: what is written through ``raw_connection()`` or the driver, and transactions prepared by a
raw text or by a process that has ended.
"""

import gc
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import MetaData, event
from sqlalchemy import Table as SqlTable
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from django_vortex.live.changes import Table
from django_vortex.live.looks import looks
from django_vortex.live.recording import get_recorder
from django_vortex.live.telling import telling
from django_vortex.logs import get_limited_logger
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sqlalchemy.commits import hook_commits
from django_vortex.orm.sqlalchemy.database_names import find_database
from django_vortex.orm.sqlalchemy.executions import find_effect
from django_vortex.orm.sqlalchemy.open_transactions import is_committed
from django_vortex.orm.sqlalchemy.pending import Pending, get_pending, prepared, set_pending
from django_vortex.orm.sqlalchemy.reads import fetch_rows, note_all, note_reads
from django_vortex.orm.sqlalchemy.sweep import look_at_engine
from django_vortex.orm.sqlite_versions import look_at_file

logger = get_limited_logger(__name__)


def is_installed() -> bool:
    """Return whether engines are listened to."""
    return event.contains(Engine, "before_cursor_execute", _begin)


def install() -> None:
    """Listen to all engines, and know all tables. Once is enough."""
    if is_installed():
        return
    for name, (listener, options) in _LISTENERS.items():
        event.listen(Engine, name, listener, **options)
    event.listen(SqlTable, "after_parent_attach", _know)
    looks.add(look_at_file)
    looks.add(look_at_engine)
    declared = [one for one in gc.get_objects() if type(one) is MetaData]
    known_tables.add(str(table.name) for one in declared for table in one.tables.values())


def uninstall() -> None:
    """Listen no more; what connections have not committed is told all the same."""
    for name, (listener, _) in _LISTENERS.items():
        event.remove(Engine, name, listener)
    event.remove(SqlTable, "after_parent_attach", _know)


def _know(table: SqlTable, parent: Any) -> None:
    known_tables.add([str(table.name)])


def _begin(
    connection: Connection, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool
) -> tuple[Any, Any]:
    """Remember an execution before anything is sent: it may write even if it fails."""
    try:
        pending = _provide_pending(connection)
        if not telling.is_heard and get_recorder() is None:
            pending.was_unheard = True
        elif pending.context is not context:
            if pending.context is not None:  # of which no end came
                _note(connection, pending, pending.context, None)
            pending.context = context
    except Exception:
        logger.exception("Could not begin to see what a statement writes")
    return statement, parameters


def _end_cursor(
    connection: Connection, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool
) -> None:
    """Note a text for the driver; of others the result comes later."""
    if context is not None and context.compiled is None:
        _end(connection, context, None)


def _end_statement(
    connection: Connection, statement: Any, multi: Any, parameters: Any, options: Any, result: Any
) -> None:
    context = getattr(result, "context", None)
    if context is not None:
        rows = None if get_recorder() is None else fetch_rows(context, result)
        _end(connection, context, result, rows)


def _end_failed(failure: ExceptionContext) -> None:
    if failure.connection is not None and failure.execution_context is not None:
        _end(failure.connection, failure.execution_context, None)


def _end(connection: Connection, context: Any, result: Any, rows: Any = None) -> None:
    if not telling.is_heard and get_recorder() is None:
        return
    try:
        _note(connection, _provide_pending(connection), context, result, rows)
    except Exception:
        logger.exception("Could not see what a statement has written")
        _assume_all(connection)


def _note(
    connection: Connection, pending: Pending, context: Any, result: Any, rows: Any = None
) -> None:
    """Add what an execution has changed, and read; tell it where it is committed already."""
    if pending.context is context:
        pending.context = None
    effect = find_effect(context)
    recorder = get_recorder()
    if recorder is not None:
        recorder.writes += [Table(pending.database, name) for name in sorted(effect.tables)]
        note_reads(recorder, pending.database, context, rows)
    if effect.tables:
        changes = effect.find_changes(pending.database, context, result)
        pending.changes.add(one for one in changes if not known_tables.is_quiet(one.table.name))
    elif effect.savepoint is not None and result is not None:
        kind, name = effect.savepoint
        getattr(pending.changes, kind)(name)
    if pending:
        _settle(connection, pending, context, result, effect.ends_transaction)


def _settle(
    connection: Connection, pending: Pending, context: Any, result: Any, ends_transaction: bool
) -> None:
    """Tell what is committed without SQLAlchemy's doing."""
    is_settled = is_committed(connection.connection, after_raw_end=ends_transaction)
    if is_settled is not False:
        # SQLite commits when all rows of a RETURNING are read, or its cursor is closed.
        may_come = context.dialect.name == "sqlite" and _has_rows(context, result)
        pending.tell(is_certain=is_settled is True and not may_come)


def _has_rows(context: Any, result: Any) -> bool:
    if result is not None:
        return bool(result.returns_rows)
    return getattr(context.cursor, "description", None) is not None


def _assume_all(connection: Connection) -> None:
    """Take everything for changed, since it is not known what is."""
    try:
        pending = _provide_pending(connection)
        pending.context = None
        recorder = get_recorder()
        if recorder is not None:
            note_all(recorder, pending.database)
        pending.was_unheard = True
        pending.tell(is_certain=False)
    except Exception:
        logger.exception("Nobody could be told that everything may have changed")


def _provide_pending(connection: Connection) -> Pending:
    pending = get_pending(connection.info)
    if pending is None:
        pending = Pending(find_database(connection))
        set_pending(connection.info, pending)
        hook_commits(connection.dialect)
    return pending


def _prepare(connection: Connection, xid: Any) -> None:
    """Keep what is about to be prepared: it is committed by a statement of its own."""
    pending = get_pending(connection.info)
    if pending is not None:
        prepared.keep(pending.database, xid, pending.take())


_LISTENERS: Final[dict[str, tuple[Callable[..., Any], dict[str, bool]]]] = {
    "before_cursor_execute": (_begin, {"retval": True}),
    "after_cursor_execute": (_end_cursor, {}),
    "after_execute": (_end_statement, {}),
    "handle_error": (_end_failed, {}),
    "prepare_twophase": (_prepare, {}),
}
