"""The client for programs without an event loop: `connect_sync`.

One thread of its own with one loop of its own carries a `Client`; the methods here wait for it.
Nothing is nested into a loop that runs already, so it works in notebooks, too. After a fork the
thread is gone: the child starts anew, as another peer, and does not touch the parent's sockets.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import ssl as tls
import threading
import weakref
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypedDict, TypeVar, Unpack

from django_vortex.client.answers import Reply
from django_vortex.client.client import Client
from django_vortex.client.connecting import connect
from django_vortex.client.driver import closed
from django_vortex.client.errors import ClientError
from django_vortex.client.feed import MAX_WAITING, Feed
from django_vortex.client.loader import Loader
from django_vortex.client.tokens import GetToken
from django_vortex.client.watch import Changes, Watch
from django_vortex.exceptions import VortexError
from django_vortex.locks import Lock
from django_vortex.tuples import TupleRegistry
from django_vortex.typedefs import Filt
from django_vortex.wire.payload import Payload

JOIN_SECONDS: Final = 5.0
"""How long the end of the thread is waited for; leaving a client bounds itself to less."""

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class ConnectOptions(TypedDict, total=False):
    """The keywords of `connect`."""

    name: str
    token: str | GetToken | None
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    ssl: tls.SSLContext | None
    proxy: str | None
    transports: Sequence[str]
    open_timeout: float | None
    vortexpy: bool
    registry: TupleRegistry


class _Worker:
    """A thread whose loop runs one client; of use only in the process that started it."""

    def __init__(self, url: str, options: ConnectOptions) -> None:
        self.process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="vortex-client", daemon=True)
        self._thread.start()
        self._context: AbstractAsyncContextManager[Client] = connect(url, **options)
        try:
            self.client = self.wait(self._enter())
        except BaseException:
            self._end()
            raise

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine on the loop and return its result or raise its exception."""
        if threading.current_thread() is self._thread:
            work.close()
            raise ClientError("A synchronous client cannot wait in its own thread")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupt: nobody waits any more
            raise

    def stop(self) -> None:
        """End the client and the thread."""
        try:
            self.wait(self._leave())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_SECONDS)

    async def _enter(self) -> Client:
        return await self._context.__aenter__()

    async def _leave(self) -> None:
        await self._context.__aexit__(None, None, None)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


class _Closing:
    """What ``with`` closes in the end."""

    def close(self) -> None:
        """End it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Reader(Protocol[_T_co]):
    """What gives one item after another, and can be ended."""

    def __anext__(self) -> Awaitable[_T_co]:
        """Wait for the next."""

    async def aclose(self) -> None:
        """End it."""


class SyncFeed(_Closing, Generic[_T]):
    """What comes for one reader: ``with`` it, ``for`` over it; see `Feed`."""

    def __init__(self, worker: _Worker, feed: _Reader[_T]) -> None:
        self._worker = worker
        self._feed = feed

    def close(self) -> None:
        """End it; a reader that waits ends, too."""
        self._worker.wait(self._feed.aclose())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _T:
        item, is_over = self._worker.wait(self._read())
        if is_over:
            raise StopIteration
        assert item is not None
        return item

    async def _read(self) -> tuple[_T | None, bool]:
        try:
            return await anext(self._feed), False
        except StopAsyncIteration:
            return None, True


class SyncWatch(SyncFeed[Any]):
    """An answer that the server keeps up to date: ``for`` over it; see `Watch`."""

    def __init__(self, worker: _Worker, watch: Watch) -> None:
        super().__init__(worker, watch)
        self._watch = watch

    @property
    def answer(self) -> Any:
        """The answer that was read last, None before the first."""
        return self._watch.answer

    @property
    def error(self) -> VortexError | None:
        """Why there is no newer answer at the moment, as far as that is known; mostly None."""
        return self._watch.error

    @property
    def is_current(self) -> bool:
        """Whether the server keeps the answer up to date at the moment."""
        return self._watch.is_current

    def next(self, timeout: float | None = None) -> Any:
        """Wait for the next answer and return it; see `Watch.next`."""
        return self._worker.wait(self._watch.next(timeout))

    def changes(self) -> SyncFeed[Changes]:
        """Read what has changed in the place of whole answers."""
        return SyncFeed(self._worker, self._watch.changes())


class SyncLoader:
    """The editor of one row; see `Loader`."""

    def __init__(self, worker: _Worker, loader: Loader) -> None:
        self._worker = worker
        self._loader = loader

    @property
    def row(self) -> Any:
        """The row; its fields may be set."""
        return self._loader.row

    def load(self, *, timeout: float | None = 30.0) -> Any:
        """Ask for the row and return it."""
        return self._worker.wait(self._loader.load(timeout=timeout))

    def save(self, *, timeout: float | None = 30.0) -> Any:
        """Save the row and return it as it is stored."""
        return self._worker.wait(self._loader.save(timeout=timeout))

    def delete(self, *, timeout: float | None = 30.0) -> None:
        """Delete the row."""
        self._worker.wait(self._loader.delete(timeout=timeout))

    def __enter__(self) -> Self:
        self.load()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._worker.wait(self._loader.__aexit__(kind, error, traceback))


class SyncClient(_Closing):
    """One peer of a server, for any thread; made by `connect_sync`.

    In a forked child its first use connects anew.
    """

    def __init__(self, url: str, options: ConnectOptions) -> None:
        self._url = url
        self._options = options
        self._lock = Lock()
        self._is_closed = False
        self._worker: _Worker | None = _Worker(url, options)
        _clients.add(self)

    def call(
        self,
        what: str | Filt,
        /,
        *,
        tuples: Iterable[Any] | None = None,
        timeout: float | None = 30.0,
        **arguments: Any,
    ) -> Reply:
        """Ask the server and return the payload of its answer; see `Client.call`."""
        worker = self._get_worker()
        work = worker.client.call(what, tuples=tuples, timeout=timeout, **arguments)
        return worker.wait(work)

    def send(self, payload: Payload) -> None:
        """Send a payload that nobody answers; see `Client.send`."""
        worker = self._get_worker()
        worker.wait(worker.client.send(payload))

    def flush(self, timeout: float | None = 5.0) -> None:
        """Wait until everything that was sent before is written; see `Client.flush`."""
        worker = self._get_worker()
        worker.wait(worker.client.flush(timeout))

    def renew(self, timeout: float | None = 10.0) -> None:
        """Connect anew as another peer; see `Client.renew`."""
        worker = self._get_worker()
        worker.wait(worker.client.renew(timeout))

    def on(self, filt: str | Filt, *, max_waiting: int = MAX_WAITING) -> SyncFeed[Payload]:
        """Hear of everything whose filt contains a filt; see `Client.on`."""
        worker = self._get_worker()

        async def listen() -> Feed[Payload]:
            return worker.client.on(filt, max_waiting=max_waiting)

        return SyncFeed(worker, worker.wait(listen()))

    def watch(self, what: str | Filt, /, **arguments: Any) -> SyncWatch:
        """Watch an answer; see `Client.watch`."""
        worker = self._get_worker()

        async def watch() -> Watch:
            return worker.client.watch(what, **arguments)

        return SyncWatch(worker, worker.wait(watch()))

    def loader(self, filt: Filt) -> SyncLoader:
        """Return the editor of one row; see `Client.loader`."""
        worker = self._get_worker()
        return SyncLoader(worker, worker.client.loader(filt))

    def close(self) -> None:
        """Write what waits and end the client; may be called again."""
        with self._lock:
            worker, self._worker = self._worker, None
            self._is_closed = True
        if worker is not None and worker.process == os.getpid():
            worker.stop()

    def _get_worker(self) -> _Worker:
        """Return the worker of this process, a new one in a forked child."""
        with self._lock:
            worker = self._worker
            if self._is_closed:
                raise closed()
            if worker is None or worker.process != os.getpid():
                if worker is not None:
                    _of_parents.append(worker)
                worker = self._worker = _Worker(self._url, self._options)
            return worker


def connect_sync(url: str, **options: Unpack[ConnectOptions]) -> SyncClient:
    """Connect to a server and return a client for programs without an event loop.

    Use it with ``with``, or `SyncClient.close` it. What is open when the program ends is closed
    then, after what waits was written if that goes quickly.

    Args:
        url: Of the vortex.
        options: The keywords of `connect`.

    Raises:
        NotConnected: There was no connection in time.
        Refused: The server does not let this client in.
    """
    return SyncClient(url, options)


_clients: weakref.WeakSet[SyncClient] = weakref.WeakSet()

_of_parents: list[_Worker] = []
"""Workers of parent processes: collecting them would close what the parent uses."""


def _close_all() -> None:
    for client in list(_clients):
        client.close()


atexit.register(_close_all)
