"""Where committed changes go: `telling`, the one place that adapters of ORMs tell.

Takes changes from any thread, right after their commit; gives them to whoever listens: the server
of this process, else whatever carries them to the servers of others.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from django_vortex.live.changes import Change
from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

Listener: TypeAlias = Callable[[Sequence[Change]], None]
"""Takes changes in the thread that has committed them, and returns at once."""


def _always() -> bool:
    return True


class Written:
    """Whether something was committed in a context."""

    __slots__ = ("is_told",)

    def __init__(self) -> None:
        self.is_told = False


_written: ContextVar[Written | None] = ContextVar("vortex_written", default=None)


def note_writes() -> Written:
    """Note from now on what is committed in this context, and in threads that copy it."""
    written = Written()
    _written.set(written)
    return written


class Telling:
    """Passes changes on to a listener, which may change and may be none."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._is_heard: Callable[[], bool] = _always

    def listen(self, listener: Listener | None, is_heard: Callable[[], bool] | None = None) -> None:
        """Tell somebody else from now on, or nobody.

        Args:
            listener: Who is told.
            is_heard: Tells whether the listener can do anything with changes at the moment.
        """
        self._listener = listener
        self._is_heard = is_heard or _always

    @contextmanager
    def heard_by(
        self, listener: Listener | None, is_heard: Callable[[], bool] | None = None
    ) -> Iterator[None]:
        """Tell somebody else meanwhile, as `listen` does."""
        before = self._listener, self._is_heard
        self.listen(listener, is_heard)
        try:
            yield
        finally:
            self.listen(*before)

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens; if not, nothing need be captured."""
        return self._listener is not None and self._is_heard()

    def tell(self, changes: Sequence[Change]) -> None:
        """Tell of changes that are committed, or may be. Raises nothing: whoever writes goes on."""
        listener = self._listener
        if listener is None or not changes:
            return
        if (written := _written.get()) is not None:
            written.is_told = True
        try:
            listener(changes)
        except Exception:
            logger.exception("Nobody could be told of %d changes", len(changes))


telling = Telling()
"""Where the adapters of this process tell."""
