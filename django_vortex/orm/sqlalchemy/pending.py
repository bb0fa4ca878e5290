"""What a connection has written and not committed: `Pending`.

It lies in the ``info`` of the driver's connection, which goes with that through pools and threads.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.live.telling import telling
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.pending_changes import PendingChanges

_KEY: Final = "django_vortex.pending"

MAX_PREPARED: Final = 1_000
"""How many prepared transactions are remembered that nobody has ended yet."""


class Pending:
    """The changes of a connection, and what is known of its transaction beside them.

    Args:
        database: The name of its database.

    Attributes:
        context: The execution that has begun and is not noted yet, None if there is none.
        was_unheard: Whether something was executed that nobody wanted to know of.
    """

    __slots__ = ("changes", "context", "database", "was_unheard")

    def __init__(self, database: str) -> None:
        self.database = database
        self.changes = PendingChanges()
        self.context: Any = None
        self.was_unheard = False

    def __bool__(self) -> bool:
        return bool(self.changes) or self.was_unheard

    def begin_to_hear(self) -> None:
        """Take everything for changed by what is not committed still and was not looked at."""
        if self.was_unheard and telling.is_heard:
            self.was_unheard = False
            tables = (Table(self.database, name) for name in known_tables.find_all())
            self.changes.add([Change(table, Operation.ANY) for table in sorted(tables)])

    def tell(self, *, is_certain: bool = True) -> None:
        """Tell what is committed.

        Args:
            is_certain: Whether everybody can see it; if not it is told again when more is known.
        """
        self.begin_to_hear()
        telling.tell(self.changes.find_all())
        if is_certain:
            self.forget()

    def take(self) -> Sequence[Change]:
        """Return what is not committed, and forget it here."""
        self.begin_to_hear()
        taken = self.changes.find_all()
        self.forget()
        return taken

    def forget(self) -> None:
        """Forget what is told or rolled back."""
        self.changes.clear()
        self.was_unheard = False


def get_pending(info: Any) -> Pending | None:
    """Return what is pending on a connection with this ``info``, None if nothing ever was."""
    return info.get(_KEY) if isinstance(info, dict) else None


def set_pending(info: MutableMapping[Any, Any], pending: Pending) -> None:
    """Keep what is pending in the ``info`` of a connection."""
    info[_KEY] = pending


class Prepared:
    """The changes of transactions that are prepared, which any connection may commit."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], Sequence[Change]] = {}

    def keep(self, database: str, xid: object, changes: Sequence[Change]) -> None:
        """Keep the changes of a transaction; the oldest go where there are too many."""
        self._by_name[database, str(xid)] = changes
        while len(self._by_name) > MAX_PREPARED:
            self._by_name.pop(next(iter(self._by_name)), None)

    def take(self, database: str, xid: object) -> Sequence[Change]:
        """Return the changes of a transaction, and keep them no longer."""
        return self._by_name.pop((database, str(xid)), ())


prepared: Final = Prepared()
"""Those of this process."""
