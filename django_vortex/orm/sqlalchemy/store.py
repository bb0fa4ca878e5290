"""`SqlAlchemyStore`: tables of SQLAlchemy for `OrmCrudHandler`.

Takes a factory of sessions, ordinary or asynchronous ones; gives every work a session of its own
that is committed once and always closed. Ordinary sessions work in a thread; asynchronous ones on
the event loop, where SQLAlchemy's greenlets let the same code wait.

Imported only by who has SQLAlchemy.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, SessionTransaction, scoped_session
from sqlalchemy.util import await_only

from django_vortex.exceptions import TryAgain, UnknownOutcome
from django_vortex.logs import get_limited_logger
from django_vortex.orm.model_spec import ModelSpec, Shape
from django_vortex.orm.sqlalchemy.errors import explain, is_of_engine, may_be_late
from django_vortex.orm.sqlalchemy.models import MappedModel, describe
from django_vortex.orm.sqlalchemy.shape_plan import ShapePlan, make_shape_plan
from django_vortex.orm.sqlalchemy.unit import SqlAlchemyUnit
from django_vortex.orm.store import DatabaseIsAsynchronous, Unit, Wait
from django_vortex.orm.transient import may_be_done, may_try_again
from django_vortex.orm.waiting import Waiting, await_guarded
from django_vortex.typedefs import RunSync

logger = get_limited_logger(__name__)

_T = TypeVar("_T")


class SqlAlchemyStore:
    """Runs work in sessions.

    Args:
        session_factory: Makes a session: a ``sessionmaker`` or ``async_sessionmaker``, a scoped one
            or any function. Of a scoped one the session that the caller may be using is left alone.
        run_sync: Runs what blocks in a thread.
    """

    def __init__(self, session_factory: Callable[[], Any], run_sync: RunSync) -> None:
        # A scoped session is shared by all that runs in its scope; ours are closed when we want.
        self._make_session = getattr(session_factory, "session_factory", session_factory)
        self._scoped = session_factory if isinstance(session_factory, scoped_session) else None
        self._run_sync = run_sync
        self.is_async = _is_async(self._make_session)
        """Whether the sessions are asynchronous; of some functions only their result tells."""
        self._models: dict[Any, MappedModel] = {}
        self._plans: dict[int, ShapePlan] = {}

    def describe(self, model: Any) -> ModelSpec:
        """Look into a mapped class or Core table.

        Raises:
            DefinitionError: It is neither, or has no primary key.
        """
        return self._describe(model).spec

    def get_all(self, model: Any, *, is_final: bool = False) -> Any:
        """Return the ``select`` of all rows."""
        return select(model)

    async def run(self, work: Callable[[Unit], _T]) -> _T:
        """Do work in a session of its own and commit; roll back if it raises."""
        if self.is_async:
            return await self._run_async(self._make_session(), work)
        waiting = Waiting()

        def run_in_thread() -> Any:
            session = self._make_session()
            if _is_async(session):  # of a function that nobody could tell
                return _Unstarted(session)
            return self._run_session(session, work, waiting.wait)

        result: Any = await waiting.cover(self._run_sync(run_in_thread))
        if isinstance(result, _Unstarted):
            result = await self._run_async(result.session, work)
        outcome: _T = result
        return outcome

    def run_here(self, work: Callable[[Unit], _T], wait: Wait | None = None) -> _T:
        """Do work in this thread, in a session of its own: SQLAlchemy has no current transaction.

        Args:
            work: What is done.
            wait: Waits for coroutines of the application.

        Raises:
            DatabaseIsAsynchronous: The sessions are.
        """
        session = None if self.is_async else self._make_session()
        if session is None or _is_async(session):
            raise DatabaseIsAsynchronous(
                "The sessions are asynchronous, and no loop runs here to use them on:"
                " call this in a coroutine, as with asyncio.run()"
            )
        return self._run_session(session, work, wait or Waiting().wait)

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the session of this scope has committed, at once without one."""
        if self._scoped is None or not self._scoped.registry.has():
            function()
            return
        session = self._scoped()
        if not session.in_transaction():
            function()
            return

        def call(session: Session) -> None:
            event.remove(session, "after_rollback", forget)
            function()

        def forget(session: Session) -> None:
            event.remove(session, "after_commit", call)

        event.listen(session, "after_commit", call, once=True)
        event.listen(session, "after_rollback", forget, once=True)

    async def _run_async(self, session: Any, work: Callable[[Unit], _T]) -> _T:
        results: list[_T] = []
        try:
            async with session:  # closes it, also when the task is cancelled
                results.append(await await_guarded(session.run_sync(self._work, work, await_only)))
        except Exception as error:
            _note_failure(error, results)
        return results[0]

    def _run_session(self, session: Session, work: Callable[[Unit], _T], wait: Wait) -> _T:
        results: list[_T] = []
        try:
            with session:
                results.append(self._work(session, work, wait))
        except Exception as error:
            _note_failure(error, results)
        return results[0]

    def _work(self, session: Session, work: Callable[[Unit], _T], wait: Wait) -> _T:
        session.expire_on_commit = False  # what was loaded is read when the session is gone
        results: list[_T] = []
        transaction = None
        try:
            results.append(work(SqlAlchemyUnit(session, self._get_plan, wait)))
            transaction = session.get_transaction()
            session.commit()
        except (Exception, SystemExit) as error:
            if _is_committed(transaction):
                _note_failure(error, results)
            else:
                _explain(error, is_committing=bool(results))
                raise
        return results[0]

    def _describe(self, model: Any) -> MappedModel:
        known = self._models.get(model)
        if known is None:
            known = self._models[model] = describe(model)
        return known

    def _get_plan(self, shape: Shape) -> ShapePlan:
        known = self._plans.get(id(shape))
        if known is None:  # it keeps the shape, so that no other gets its id
            known = self._plans[id(shape)] = make_shape_plan(shape, self._describe)
        return known


class _Unstarted:
    """An asynchronous session that was made in a thread and belongs on the loop."""

    def __init__(self, session: Any) -> None:
        self.session = session


def _note_failure(error: BaseException, results: list[Any]) -> None:
    """Log what fails behind the commit; before it there are no results, and it is raised."""
    if not results:
        raise error
    logger.error("What followed the commit of a session failed; it is stored", exc_info=error)


def _is_committed(transaction: SessionTransaction | None) -> bool:
    """Return whether all connections of a transaction have committed, whatever came then.

    SQLAlchemy has no other word for it: listeners of the class come before those of the session.
    """
    state = getattr(transaction, "_state", None)
    return getattr(state, "name", "") == "COMMITTED"


def _explain(error: BaseException, *, is_committing: bool) -> None:
    """Raise what an error of a database means; others pass.

    Raises:
        RefusedByDatabase: It refuses a row at the end. Before, `refusals` tells those of rows from
            those of queries that hooks make.
        TryAgain: Nothing is done, and may be a moment later.
        UnknownOutcome: Nobody knows whether it is done.
    """
    if is_committing and may_be_late(error):
        raise explain(error) from error
    if not isinstance(error, (DBAPIError, NoConnection, ConnectionError)):
        return
    if isinstance(error, ConnectionError) and not is_of_engine(error):
        return  # of another service that a hook has asked
    is_lost = True  # all connections are in use, one broke, or none can be made
    if isinstance(error, DBAPIError) and error.orig and not error.connection_invalidated:
        if may_try_again(error.orig, is_committing=is_committing):
            raise TryAgain from error
        is_lost = is_committing and may_be_done(error.orig)
    elif not is_committing:
        raise TryAgain from error
    if is_lost and is_committing:
        raise UnknownOutcome from error


def _is_async(made: Any) -> bool:
    """Return whether this is an asynchronous session or its factory."""
    # Who has one has imported this; it cannot be imported without greenlet.
    part = sys.modules.get("sqlalchemy.ext.asyncio")
    return part is not None and isinstance(
        made, (part.AsyncSession, part.async_sessionmaker, part.async_scoped_session)
    )
