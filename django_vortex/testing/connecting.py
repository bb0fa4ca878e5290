"""`connect`: connect a peer to the vortex within a test."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any
from uuid import uuid4

from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.payload_io import payload_io as default_payload_io
from django_vortex.routing.peer import Peer
from django_vortex.routing.ports import is_on_loop
from django_vortex.testing.bench import CallOnLoop, use_bench
from django_vortex.testing.peer import AsyncPeer
from django_vortex.testing.sync_peer import RunCoroutine, SyncPeer
from django_vortex.transports.identity import get_identity
from django_vortex.transports.user_tables import make_nobody
from django_vortex.wire.dialects import Dialect

_run = RunCoroutine()


class Connecting:
    """A peer that is connected for as long as a ``with`` or ``async with`` block lasts."""

    def __init__(self, peer: Peer, payload_io: PayloadIO, dialect: Dialect) -> None:
        self._peer = peer
        self._payload_io = payload_io
        self._dialect = dialect
        self._stack = AsyncExitStack()
        self._call: CallOnLoop | None = None

    async def __aenter__(self) -> AsyncPeer:
        bench = await self._stack.enter_async_context(use_bench(self._payload_io, self._call))
        peer = self._peer
        identity = get_identity(peer.user, peer.session, peer.address)
        entered = AsyncPeer(peer.uuid, self._payload_io.codec, self._dialect)
        try:
            await entered.enter(bench.server, peer, identity)
        except BaseException:
            await self._stack.aclose()
            raise
        self._stack.push_async_callback(entered.leave)
        return entered

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def __enter__(self) -> SyncPeer:
        if is_on_loop():
            raise RuntimeError("A loop runs here, so connect with `async with`")
        self._call = _run.call
        _run.open()
        try:
            return SyncPeer(_run(self.__aenter__()), _run)
        except BaseException:
            _run.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            _run(self._stack.aclose())
        finally:
            _run.close()


def connect(
    *,
    user: Any = None,
    session: Any = None,
    name: str = "testing",
    uuid: str | None = None,
    address: str = "127.0.0.1",
    dialect: Dialect = Dialect.NATIVE,
    payload_io: PayloadIO = default_payload_io,
) -> Connecting:
    """Connect a peer in this process, without server, socket or thread.

    In a plain test, of Django's ``TestCase`` or of pytest::

        with connect(user=self.user) as peer:
            reply = peer.request({"key": "board.open"})
            send(Payload({"key": "board.notice"}, tuples=["Lunch"]))
            assert peer.receive({"key": "board.notice"}).tuples == ["Lunch"]

    and the same in an ``async def`` one, where every method is awaited::

        async with connect(user=user) as peer:
            reply = await peer.request({"key": "board.open"})

    Handlers that are plain functions run in the thread of the test, in a plain test the queries of
    ``async def`` ones too, so they see what its transaction has written and it sees what they
    write. As everywhere in a ``TestCase``, what waits for a commit (``send_model_update``) goes out
    only within ``captureOnCommitCallbacks``. Meanwhile everything that is sent goes to the peers of
    the test and nowhere else.

    Args:
        user: The user of the peer; ``AnonymousUser`` by default.
        session: The Django session, for handlers that use it.
        name: Its vortex name.
        uuid: Its vortex uuid; one of its own by default.
        address: The client address.
        dialect: The dialect of the peer; others than the default show what released clients get.
        payload_io: The registry of endpoints that answers.

    Raises:
        RefusedError: On entering, when the server refuses the peer, for example for a uuid in use.
    """
    if user is None:
        user = make_nobody()
    peer = Peer(
        uuid=uuid or str(uuid4()),
        name=name,
        user=user,
        session=session,
        address=address,
        scope={"type": "websocket", "user": user, "session": session, "client": (address, 0)},
    )
    return Connecting(peer, payload_io, dialect)
