"""Notify handlers that keep state for their peers: `Followers`.

Takes what a server notices of its peers and hears from other processes, gives it to the handlers
it concerns; takes what one of them tells the same handler in other processes. Used on the server's
loop only.
"""

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

from django_vortex.locks import Lock
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer

logger = get_limited_logger(__name__)

_T = TypeVar("_T")


class Follower(Protocol):
    """A handler that keeps something for each of its peers, in the process that has the peer."""

    @property
    def name(self) -> str:
        """What the same handler is called in every process."""

    def receive_news(self, text: str) -> None:
        """Take what the same handler tells in another process."""

    def recover(self) -> None:
        """Do without what others have told: something of it was lost."""

    def forget_peer(self, uuid: str) -> None:
        """Let go of what was kept for a peer, which is gone for good."""

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Let go of what was kept for a peer, and give what `take_peer` makes of it elsewhere."""

    def take_peer(self, peer: Peer, text: str) -> None:
        """Keep what another process has kept for a peer that came here."""


class Neighbourhood(Protocol):
    """The server with its peers and the way to other processes, as followers need it."""

    def get_peer(self, uuid: str) -> Peer | None:
        """Return a peer as its newest stream knows it, None if this process does not have it."""

    def tell(self, name: str, text: str, uuid: str | None = None) -> None:
        """Tell the followers of a name in all other processes, or only where a peer is.

        Returns at once and raises nothing; what others do not get is logged.
        """

    def monotonic(self) -> float:
        """Return the time now, for periods."""

    def keep(self, task: "asyncio.Task[Any]") -> None:
        """Keep a task until it ends; the server ends after it, or cancels it in the end."""


class Followers:
    """The handlers that follow peers, held weakly, and the server that tells them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._followers: weakref.WeakSet[Follower] = weakref.WeakSet()
        self._neighbourhood: Neighbourhood | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, follower: Follower) -> None:
        """Tell a follower from now on, for as long as somebody else keeps it. From any thread."""
        with self._lock:
            self._followers.add(follower)

    def bind(self, neighbourhood: Neighbourhood) -> None:
        """Set the server."""
        self._neighbourhood = neighbourhood

    @property
    def now(self) -> float:
        """The time for periods; it stands still without a server."""
        return 0.0 if self._neighbourhood is None else self._neighbourhood.monotonic()

    def get_peer(self, uuid: str) -> Peer | None:
        """Return a peer of this process; there is none without a server."""
        return None if self._neighbourhood is None else self._neighbourhood.get_peer(uuid)

    def tell(self, name: str, text: str, uuid: str | None = None) -> None:
        """Tell other processes, if there are any; see `Neighbourhood.tell`."""
        if self._neighbourhood is not None:
            self._neighbourhood.tell(name, text, uuid)

    def start(self, coroutine: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Run a coroutine to its end, whatever happens to the request that starts it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        if self._neighbourhood is not None:
            self._neighbourhood.keep(task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(
        self, coroutine: Coroutine[Any, Any, _T], of_the_peer: tuple[type[Exception], ...]
    ) -> _T:
        """Run a coroutine to its end, also when who awaits it here is cancelled.

        Args:
            coroutine: What is run.
            of_the_peer: Errors that nobody needs to know of when the peer has gone.
        """
        task = self.start(coroutine)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A failure that nobody asks for asyncio would write, with all that led to it.
            task.add_done_callback(partial(_take_failure, of_the_peer))
            raise

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function on this loop after a while."""
        asyncio.get_running_loop().call_later(seconds, function)

    def receive_news(self, name: str, text: str) -> None:
        """Pass what another process tells on to the followers of a name."""
        self._each(lambda one: one.receive_news(text), name)

    def recover(self) -> None:
        """Let all followers do without something that was lost."""
        self._each(lambda one: one.recover())

    def forget_peer(self, uuid: str) -> None:
        """Note that a peer is gone for good."""
        self._each(lambda one: one.forget_peer(uuid))

    def give_peer(self, uuid: str) -> Iterator[tuple[str, str]]:
        """Note that a peer goes to another process, and give what follows it, by name."""
        given: list[tuple[str, str]] = []
        self._each(lambda one: given.extend((one.name, text) for text in one.give_peer(uuid)))
        return iter(given)

    def take_peer(self, name: str, peer: Peer, text: str) -> None:
        """Note what follows a peer that came from another process."""
        self._each(lambda one: one.take_peer(peer, text), name)

    def _each(self, call: Callable[[Follower], Any], name: str | None = None) -> None:
        with self._lock:
            followers = list(self._followers)
        for follower in followers:
            if name is None or follower.name == name:
                try:
                    call(follower)
                except Exception:
                    logger.exception("%r could not follow", follower)


def _take_failure(of_the_peer: tuple[type[Exception], ...], task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, of_the_peer):
        logger.error("What a peer that has gone had asked for failed", exc_info=error)
