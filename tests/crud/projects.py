"""Two server processes of these tests, in one: they share a database and a bus, and nothing else.

What one tells the other arrives when the test lets it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from django_vortex.live.changes import Change
from django_vortex.live.telling import telling
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.server.server import Server
from django_vortex.testing.bench import OPTIONS
from django_vortex.testing.live import make_live
from django_vortex.testing.peer import AsyncPeer
from django_vortex.transports.identity import get_identity
from django_vortex.transports.threads import BlockingPool
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.crud.asking import Asker
from tests.crud.boards import Board, Place, User, open_board
from tests.unit.server.fakes import Bus, FakeClock, FakeFanOut, tell_on_loop

_answering: ContextVar["Process | None"] = ContextVar("answering", default=None)
"""The process whose handler runs."""


class Process:
    """A board with a server of its own.

    Args:
        board: What it serves.
        name: Of the process.
        bus: Leads to the others.
        clock: Of all of them.
        pool: Where its plain handlers run.
    """

    def __init__(
        self, board: Board, name: str, bus: Bus, clock: FakeClock, pool: BlockingPool
    ) -> None:
        self.board = board
        self.fan_out = FakeFanOut(bus, name)
        payload_io = board.payload_io
        live = make_live(payload_io, lambda: self.server.connections)
        self.server = Server(
            payload_io,
            payload_io.codec,
            OPTIONS,
            fan_out=self.fan_out,
            clock=clock.clock,
            live=live,
        )
        board.handler_class = self._make_handler_class()
        board.payload_io.bind(run_sync=pool.run_sync, push=self.push)

    @property
    def watching(self) -> Any:
        """What is watched here."""
        return self.server._watching

    def _make_handler_class(self) -> type[OrmCrudHandler]:
        """Return handlers whose commits are told to this process."""
        process = self

        class Answering(OrmCrudHandler):
            async def handle(self, request: Request) -> Any:
                _answering.set(process)
                return await super().handle(request)

        return Answering

    def push(
        self, envelope: PayloadEnvelope, to: Address, /, *, coalesce: bool = False
    ) -> "Future[int]":
        future: Future[int] = Future()
        future.set_result(self.server.push(envelope, to, coalesce=coalesce))
        return future

    @asynccontextmanager
    async def connected(self, user: User | None, uuid: str = "") -> AsyncIterator[Asker]:
        """Connect a peer to this process, by default one of the name of its user."""
        uuid = uuid or f"peer of {getattr(user, 'pk', 'nobody')}"
        peer = AsyncPeer(uuid, self.board.payload_io.codec, Dialect.NATIVE)
        identity = get_identity(user, None, "127.0.0.1")
        await peer.enter(self.server, Peer(uuid, "testing", user, None, "127.0.0.1"), identity)
        yield Asker(peer)
        await peer.leave()


class RunningClock(FakeClock):
    """Time that passes, and leaps when it is told to."""

    def __call__(self) -> float:
        return self.seconds + time.monotonic()


class Project:
    """The processes A and B."""

    def __init__(self, boards: list[Board], pool: BlockingPool) -> None:
        self.bus = Bus()
        self.clock = RunningClock()
        self.a, self.b = (
            Process(board, name, self.bus, self.clock, pool)
            for board, name in zip(boards, "AB", strict=True)
        )

    def serve(self, **options: Any) -> None:
        """Serve the tickets in both."""
        for process in (self.a, self.b):
            process.board.handler(push_on_commit=True, **options)

    def carry(self) -> None:
        """Let everything arrive."""
        self.bus.carry_all()


@asynccontextmanager
async def _telling_of_their_own() -> AsyncIterator[None]:
    """Tell each process of what its own handlers commit."""
    loop = asyncio.get_running_loop()

    def tell(changes: Sequence[Change]) -> None:
        if (process := _answering.get()) is not None:
            tell_on_loop(process.server, loop, changes)

    with telling.heard_by(tell):
        yield


@asynccontextmanager
async def open_project(place: Place, pool: BlockingPool) -> AsyncIterator[Project]:
    """Start both processes."""
    async with open_board(place, pool) as one, open_board(place, pool) as other:
        project = Project([one, other], pool)
        for process in (project.a, project.b):
            await process.server.start()
        project.carry()
        async with _telling_of_their_own():
            yield project
            for process in (project.a, project.b):
                await process.server.stop(5)
