"""What is written through a connection of Django, told once it is committed: `Capture`.

Takes every statement of the connection, as a wrapper that it has from the moment it is opened;
gives changes to `live.telling`. Hooks on the compilers of the ORM only add keys and values: what
they do not know is read from the text of the statement, and is any row of the tables it names.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from django.db import connections

from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder, get_recorder
from django_vortex.live.telling import telling
from django_vortex.logs import get_limited_logger
from django_vortex.orm.django.buffering import finish_write
from django_vortex.orm.django.cascades import add_cascades
from django_vortex.orm.django.commits import watch_commits
from django_vortex.orm.django.database_names import find_database
from django_vortex.orm.django.drivers import fetch
from django_vortex.orm.django.read_only import guard
from django_vortex.orm.django.statements import Statement
from django_vortex.orm.django.transactions import Transactions
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.pending_changes import PendingChanges
from django_vortex.orm.reads import note_reads
from django_vortex.orm.sql_text import find_text, read_sql

logger = get_limited_logger(__name__)

_ATTRIBUTE: Final = "_vortex_capture"
"""Where a connection has its `Capture`."""


class Executed(Protocol):
    """Somebody who wants to know whether a text was executed."""

    is_executed: bool


class Capture:
    """The wrapper of a connection, which knows what was written and is not committed.

    Args:
        connection: One of Django's.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._database = find_database(connection)
        self._pending = PendingChanges()
        self._transactions = Transactions(connection)
        self._was_unheard = True
        """Whether something may have been executed that nobody wanted to know of."""
        self.statements: dict[int, tuple[str, Statement]] = {}
        """What compilers are about to write, by the identity of the texts."""
        self.readings: dict[int, Executed] = {}
        """What compilers are about to read."""

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Execute a statement."""
        recorder = get_recorder()
        if recorder is not None:
            self._guard(sql, context["cursor"], recorder)
        is_heard = telling.is_heard
        if is_heard and self._was_unheard:
            self._begin_to_hear()
        try:
            return execute(sql, params, many, context)
        finally:
            if is_heard or recorder is not None or telling.is_heard:
                self._note(sql, context["cursor"], recorder)
            else:
                self._was_unheard = True

    def reset(self) -> None:
        """Begin with a new connection of the driver: what an earlier one did not commit is gone."""
        self._database = find_database(self._connection)
        self.forget()

    def forget(self) -> None:
        """Forget what is rolled back."""
        self._pending.clear()
        self._transactions.asks_driver = self._was_unheard = False

    def begin_savepoint(self, name: str) -> None:
        """Note that there is a savepoint now."""
        self._pending.begin(name)

    def release_savepoint(self, name: str) -> None:
        """Note that a savepoint is no more."""
        self._pending.release(name)
        if self._transactions.are_of_test and self._transactions.is_open() is False:
            self.tell()  # it was the application's outermost one

    def undo_savepoint(self, name: str) -> None:
        """Forget what was rolled back to a savepoint."""
        self._pending.undo(name)

    def begin_test(self) -> None:
        """From now on take for committed what is in no savepoint of the application's own."""
        self._transactions.begin_test()

    def end_test(self) -> None:
        """Take transactions for what they are."""
        self._transactions.end_test()

    def prepare_commit(self) -> None:
        """Look at what nobody wanted to know, before it is committed."""
        if self._was_unheard and telling.is_heard:
            self._begin_to_hear()

    def tell(self, *, is_certain: bool = True) -> None:
        """Tell what is committed.

        Args:
            is_certain: Whether it is; if not it is told again when more is known.
        """
        telling.tell(self._pending.find_all())
        if is_certain:
            self._pending.clear()
            self._was_unheard = False

    @property
    def database(self) -> str:
        """What the database is called."""
        return self._database

    def touch(self, changes: Sequence[Change]) -> None:
        """Add what somebody says has changed."""
        if not telling.is_heard:
            self._was_unheard = True
            return
        self.prepare_commit()
        self._add(changes)

    def add(self, changes: Sequence[Change]) -> None:
        """Add what was changed just now; tell it at once where no transaction is open."""
        self._add([one for one in changes if not known_tables.is_quiet(one.table.name)])

    def _add(self, told: Sequence[Change]) -> None:
        is_open = self._transactions.is_open()
        if is_open is False and not self._pending:
            telling.tell(told)
            return
        self._pending.add(told)
        if not is_open:
            self.tell(is_certain=is_open is False)

    def depend_on_everything(self) -> list[Dependency]:
        """Return dependencies on all tables, for want of something better."""
        return [Dependency(one.table) for one in self._change_everything()]

    def table(self, name: str) -> Table:
        """Return a table of this database."""
        return Table(self._database, name)

    def _guard(self, sql: Any, cursor: Any, recorder: Recorder) -> None:
        """Let an evaluation read, and nothing else.

        Raises:
            WritesWhileEvaluating: It is about to write.
        """
        text = find_text(sql, cursor.cursor)
        names = sorted(known_tables.find_written(text)) or ["?"]
        guard(self._connection, text, recorder, [self.table(name) for name in names])

    def _note(self, sql: Any, cursor: Any, recorder: Recorder | None) -> None:
        """Note what a statement did, or may have done if it has failed. Raises nothing."""
        try:
            announced = self.statements.get(id(sql)) if self.statements else None
            if announced is not None:
                text, statement = announced
                statement.note_executed(cursor)  # what it has changed is added by whoever made it
                written = frozenset({statement.columns.table})
            elif self.readings and (reading := self.readings.get(id(sql))) is not None:
                reading.is_executed = True  # and what it has read is noted by whoever made it
                return
            else:
                text = find_text(sql, cursor.cursor)
                written = self._note_raw(text, cursor)
            if recorder is not None:
                recorder.writes += [self.table(name) for name in written]
                note_reads(recorder, self._database, text, fetch=partial(fetch, self._connection))
        except Exception:
            logger.exception("Could not find out what a statement has written or read")
            self._pending.add(self._change_everything())
            self._transactions.asks_driver = True
            if recorder is not None:
                recorder.reads += self.depend_on_everything()

    def _note_raw(self, text: str, cursor: Any) -> frozenset[str]:
        """Note what a text may have written."""
        written = known_tables.find_written(text)
        if written:
            finish_write(cursor, text)
        if read_sql(text).ends_transaction:
            self._transactions.asks_driver = True
        if written or self._transactions.asks_driver:
            self.add(add_cascades([Change(self.table(name)) for name in sorted(written)]))
        return written

    def _begin_to_hear(self) -> None:
        """Take everything for changed by what is open still and was not looked at."""
        self._was_unheard = False
        if self._transactions.ask_driver() is not False:
            self._transactions.asks_driver = True
            self._pending.add(self._change_everything())

    def _change_everything(self) -> list[Change]:
        names = [name for name in known_tables.find_all() if not known_tables.is_quiet(name)]
        return [Change(self.table(name)) for name in sorted(names)]


def get_capture(connection: Any) -> Capture | None:
    """Return the capture of a connection, None if there is none."""
    return getattr(connection, _ATTRIBUTE, None)


def provide_capture(connection: Any) -> Capture:
    """Return the capture of a connection, made if there is none."""
    capture = get_capture(connection)
    if capture is None:
        capture = Capture(connection)
        setattr(connection, _ATTRIBUTE, capture)
        watch_commits(connection, capture)
    if capture not in connection.execute_wrappers:
        # Never the last: `execute_wrapper()` takes that away when it ends.
        connection.execute_wrappers.insert(0, capture)
    return capture


def begin_test() -> list[Capture]:
    """Let the writes of a test count as committed, and return who has to end that."""
    captures = [provide_capture(one) for one in connections.all(initialized_only=True)]
    for capture in captures:
        capture.begin_test()
    return captures


def watch_connection(*, connection: Any, **_: object) -> None:
    """Capture what is written through a connection that was just opened."""
    provide_capture(connection).reset()
