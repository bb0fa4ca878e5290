"""Answers that the peer of a test watches: `AsyncWatch`, and `SyncWatch` for plain tests."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol

from django_vortex.client.answers import read_answer
from django_vortex.client.watched import News, Watched
from django_vortex.testing.received import Received
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.reserved import WATCH_NAME, WATCHED_KEY

WAIT_SECONDS: Final = 60.0
"""How long a test waits for what should come at once; a busy machine may take long."""


class Receives(Protocol):
    """Waits for what comes to a peer."""

    async def receive(self, filt: Filt | None = None, *, timeout: float = WAIT_SECONDS) -> Received:
        """Return a message whose filt contains another."""


class AsyncWatch:
    """An answer that a peer watches, as a client of our own sees it."""

    def __init__(self, peer: Receives, name: str, codec: Codec) -> None:
        self._peer = peer
        self._filt = {"key": WATCHED_KEY, WATCH_NAME: name}
        self._codec = codec
        self._watched = Watched(codec)

    async def next(self, *, timeout: float = WAIT_SECONDS) -> Any:
        """Wait for the first answer, or for another one, and return the whole of it.

        Args:
            timeout: Seconds after which the test fails.

        Raises:
            NothingReceived: There is none.
            PeerError: The server tells why.
            PeerClosed: The server has ended the connection.
        """
        while True:
            received = await self._peer.receive(self._filt, timeout=timeout)
            if received.result is not None:
                read_answer(received.envelope, self._codec)
            decode: Callable[[], list[Any]] = partial(list, received.tuples)
            news = self._watched.receive(received.filt, decode)
            snapshot = self._watched.snapshot
            if news is News.NEW and snapshot is not None:
                return snapshot.answer


class SyncWatch:
    """The same for tests that are plain functions."""

    def __init__(self, watch: AsyncWatch, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._watch = watch
        self._run = run

    def next(self, *, timeout: float = WAIT_SECONDS) -> Any:
        """Wait for the first answer, or for another one; as `AsyncWatch.next`."""
        return self._run(self._watch.next(timeout=timeout))
