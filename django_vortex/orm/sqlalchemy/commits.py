"""Telling after a commit: `hook_commits`.

Takes the dialect of an engine, whose methods are what commits and rolls back whoever asks for it.
SQLAlchemy's own events come before, when nobody else can see yet what is told.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from sqlalchemy.engine import Connection, Dialect

from django_vortex.live.telling import telling
from django_vortex.orm.sqlalchemy.database_names import find_database
from django_vortex.orm.sqlalchemy.open_transactions import is_committed
from django_vortex.orm.sqlalchemy.pending import get_pending, prepared

_hooked: WeakSet[Dialect] = WeakSet()


def hook_commits(dialect: Dialect) -> None:
    """Let a dialect tell what its connections have committed; once is enough."""
    if dialect in _hooked:
        return
    _hooked.add(dialect)
    methods: Any = dialect
    methods.do_commit = _hook_commit(dialect.do_commit)
    methods.do_rollback = _hook_rollback(dialect.do_rollback)
    methods.do_commit_twophase = _hook_commit_twophase(dialect.do_commit_twophase)
    methods.do_rollback_twophase = _hook_rollback_twophase(dialect.do_rollback_twophase)


def _hook_commit(commit: Callable[[Any], None]) -> Callable[[Any], None]:
    def do_commit(pooled: Any) -> None:
        pending = get_pending(getattr(pooled, "info", None))
        if pending is None:
            commit(pooled)
            return
        try:
            commit(pooled)
        except BaseException:
            pending.tell(is_certain=False)  # it may be committed now, or by another attempt
            raise
        pending.tell()

    return do_commit


def _hook_rollback(rollback: Callable[[Any], None]) -> Callable[[Any], None]:
    def do_rollback(pooled: Any) -> None:
        pending = get_pending(getattr(pooled, "info", None))
        may_be_committed = bool(pending) and is_committed(pooled, after_raw_end=False) is not False
        try:
            rollback(pooled)
        finally:
            if pending is not None and may_be_committed:
                pending.tell()
            elif pending is not None:
                pending.forget()

    return do_rollback


def _hook_commit_twophase(commit: Callable[..., None]) -> Callable[..., None]:
    def do_commit_twophase(
        connection: Connection, xid: Any, is_prepared: bool = True, recover: bool = False
    ) -> None:
        database = find_database(connection)
        changes = prepared.take(database, xid)
        try:
            commit(connection, xid, is_prepared=is_prepared, recover=recover)
        except BaseException:
            prepared.keep(database, xid, changes)  # another attempt may succeed
            raise
        finally:
            telling.tell(changes)

    return do_commit_twophase


def _hook_rollback_twophase(rollback: Callable[..., None]) -> Callable[..., None]:
    def do_rollback_twophase(
        connection: Connection, xid: Any, is_prepared: bool = True, recover: bool = False
    ) -> None:
        rollback(connection, xid, is_prepared=is_prepared, recover=recover)
        prepared.take(find_database(connection), xid)

    return do_rollback_twophase
