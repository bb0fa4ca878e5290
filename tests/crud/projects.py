"""Two server processes of these tests, in one: they share a database and a bus, and nothing else.

What one tells the other arrives when the test lets it.
"""

from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.server.server import Server
from django_vortex.testing.bench import OPTIONS
from django_vortex.testing.peer import AsyncPeer
from django_vortex.transports.identity import get_identity
from django_vortex.transports.threads import BlockingPool
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.crud.asking import Asker
from tests.crud.boards import Board, Place, User, open_board
from tests.unit.server.fakes import Bus, FakeClock, FakeFanOut


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
        codec = board.payload_io.codec
        self.server = Server(
            board.payload_io, codec, OPTIONS, fan_out=self.fan_out, clock=clock.clock
        )
        board.payload_io.bind(run_sync=pool.run_sync, push=self.push)

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


class Project:
    """The processes A and B."""

    def __init__(self, boards: list[Board], pool: BlockingPool) -> None:
        self.bus = Bus()
        self.clock = FakeClock()
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
async def open_project(place: Place, pool: BlockingPool) -> AsyncIterator[Project]:
    """Start both processes."""
    async with open_board(place, pool) as one, open_board(place, pool) as other:
        project = Project([one, other], pool)
        for process in (project.a, project.b):
            await process.server.start()
        project.carry()
        yield project
        for process in (project.a, project.b):
            await process.server.stop(0)
