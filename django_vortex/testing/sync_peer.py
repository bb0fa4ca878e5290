"""`SyncPeer`: the peer for tests that are plain functions."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from django_vortex.testing.inline import InlineExecutor
from django_vortex.testing.peer import AsyncPeer
from django_vortex.testing.received import Received
from django_vortex.testing.watch import WAIT_SECONDS, SyncWatch
from django_vortex.typedefs import Filt

_T = TypeVar("_T")


class SyncPeer:
    """A connected peer whose methods wait themselves; its loop runs only while they do."""

    def __init__(self, peer: AsyncPeer, run: "RunCoroutine") -> None:
        self._peer = peer
        self._run = run

    @property
    def uuid(self) -> str:
        """Its ``vortexUuid``, as handlers see it in ``request.peer.uuid``."""
        return self._peer.uuid

    @property
    def unread(self) -> list[Received]:
        """Messages that came and that `receive` has not returned yet, oldest first."""
        return self._peer.unread

    def request(
        self, filt: Filt, tuples: Iterable[Any] | None = None, *, timeout: float = WAIT_SECONDS
    ) -> Received:
        """Send a request and return the answer to it; as `AsyncPeer.request`."""
        return self._run(self._peer.request(filt, tuples, timeout=timeout))

    def send(
        self, filt: Filt, tuples: Iterable[Any] | None = None, *, timeout: float = WAIT_SECONDS
    ) -> None:
        """Send something and wait until its handlers have ended; as `AsyncPeer.send`."""
        self._run(self._peer.send(filt, tuples, timeout=timeout))

    def receive(self, filt: Filt | None = None, *, timeout: float = WAIT_SECONDS) -> Received:
        """Wait for a push or an answer; as `AsyncPeer.receive`."""
        return self._run(self._peer.receive(filt, timeout=timeout))

    def watch(self, what: str | Filt, /, **arguments: Any) -> SyncWatch:
        """Watch an answer; as `AsyncPeer.watch`."""
        return SyncWatch(self._run(self._peer.watch(what, **arguments)), self._run)


class RunCoroutine:
    """The loop of the plain tests: made for the first peer, closed with the last."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._users = 0
        self._executor = InlineExecutor()

    def __call__(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine to its end, in a copy of the caller's context.

        Queries of the async ORM run in the caller's thread, and so within its transaction.
        """
        if self._runner is None:
            coroutine.close()
            raise RuntimeError("The peer has left: use it within its `with` block")
        return self._runner.run(coroutine, context=self._executor.make_context())

    def call(self, function: "Callable[[], asyncio.Future[int] | None]") -> None:
        """Call a function on the loop, and wait for what it returns."""

        async def call() -> None:
            waiting = function()
            if waiting is not None:
                await waiting

        self(call())

    def open(self) -> None:
        """Take part in the loop."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        self._users += 1

    def close(self) -> None:
        """Need the loop no more."""
        self._users -= 1
        if not self._users and self._runner is not None:
            self._runner.close()
            self._runner = None
