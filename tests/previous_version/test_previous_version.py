"""A rolling deployment: a server of this tree and one of the version before, on one Redis.

``PREVIOUS_TREE`` in the environment says where the other tree is; ``make matrix`` puts it there.
"""

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.processes import LoggedProcess
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

PREVIOUS = Path(os.environ["PREVIOUS_TREE"])
VORTEX = {"HEARTBEAT_SECONDS": 1.0}

PROGRAM = """
import asyncio, sys
from django_vortex import Payload
from django_vortex.client import connect

async def main():
    url, transport = sys.argv[1:]
    async with connect(url, name="program", transports=[transport], open_timeout=60) as vortex:
        async with vortex.on("e2e.pushed") as pushes:
            for tuples in [[1], ["x" * 3000], ["y" * 10_000], [["z" * 300_000, 2]], []]:
                reply = await vortex.call("e2e.echo", tuples=tuples, timeout=60)
                assert reply.tuples == tuples, (tuples, reply.tuples)
            print("ready", flush=True)
            push = await anext(pushes)
            print("got", push.tuples[0], len(push.tuples[1]), flush=True)

asyncio.run(main())
"""


class PreviousServer(ServerProcess):
    """A server of the previous version."""

    cwd = PREVIOUS


class Program(LoggedProcess):
    """A program that uses the client of one tree, echoes some values and waits for a push."""

    def __init__(self, tree: Path, server: ServerProcess, transport: str, directory: Path) -> None:
        self.cwd = tree
        command = [sys.executable, "-c", PROGRAM, f"{server.ws_url}/vortex", transport]
        super().__init__(f"program-{uuid.uuid4()}", command, directory)


@pytest.fixture(params=["pubsub", "core"])
def layer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[("uvicorn", "daphne"), ("daphne", "uvicorn")], ids="-".join)
def servers(
    request: pytest.FixtureRequest,
    start_server: StartServer,
    layer: str,
    redis_server: RedisServer,
    database: Path,
    tmp_path: Path,
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """A server of this tree, and one of the previous version that knows it."""
    kind, previous_kind = request.param
    options: dict[str, Any] = {"layer": layer, "redis_url": redis_server.url, "vortex": VORTEX}
    new = start_server(kind, **options)
    old = PreviousServer(previous_kind, tmp_path, database=database, **options)
    old.start()
    try:
        meet(new, old)
        meet(old, new)
        yield new, old
    finally:
        old.stop()
        new.stop()


def meet(sender: ServerProcess, receiver: ServerProcess) -> None:
    """Wait until what is pushed at one server arrives at the other."""
    peer = ReadingPeer("websocket", receiver.port, str(uuid.uuid4()))
    wait_until(lambda: peer.is_reached_by(sender), f"{sender.name} to reach {receiver.name}")
    peer.close()


def read_number(message: dict[str, Any]) -> int:
    return int(decode_tuples({"data": message.get("encodedPayload"), **message})[0])


def read_numbers(peer: ReadingPeer, count: int) -> list[int]:
    return [read_number(peer.wait_for(KEY)) for _ in range(count)]


def test_pushes_reach_the_peers_of_either_version(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    for sender, receiver in (servers, servers[::-1]):
        peers = [
            ReadingPeer(transport, receiver.port, str(uuid.uuid4()), dialect=dialect)
            for transport, dialect in (("websocket", "native"), ("http", "native"), ("http", ""))
        ]
        for size in (0, 3000, 300_000):
            sender.push(count=20, size=size)
            for peer in peers:
                assert read_numbers(peer, 20) == list(range(20))
        for peer in peers:
            peer.close()


@pytest.mark.parametrize("dialect", ["native", ""])
def test_peer_moves_between_versions_and_misses_nothing(
    servers: tuple[ServerProcess, ServerProcess], dialect: str
) -> None:
    name = str(uuid.uuid4())
    got: list[int] = []
    peer = ReadingPeer("http", servers[0].port, name, dialect=dialect)
    for number in range(8):
        servers[number // 2 % 2].push(count=10, first=10 * number, size=1000, to_peer=name)
        following = ReadingPeer("http", servers[(number + 1) % 2].port, name, dialect=dialect)
        got += [read_number(one) for one in peer.messages() if one is not None]  # to its end
        peer.close()
        peer = following
    while len(got) < 80:
        got.append(read_number(peer.wait_for(KEY)))
    peer.close()
    assert sorted(got) == list(range(80))


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_client_of_either_version_talks_with_a_server_of_the_other(
    servers: tuple[ServerProcess, ServerProcess], transport: str, tmp_path: Path
) -> None:
    new, old = servers
    for tree, server, pusher in ((Path.cwd(), old, new), (PREVIOUS, new, old)):
        program = Program(tree, server, transport, tmp_path)
        program.launch()
        program.wait_for_log("ready")
        pusher.push(size=300_000, first=7)
        program.wait_for_log("got 7 300000")
        assert program.wait() == 0, program.log


def test_nothing_is_dropped_or_refused(servers: tuple[ServerProcess, ServerProcess]) -> None:
    for server in servers:
        assert "does not read" not in server.log
        assert "Traceback" not in server.log, server.log
        assert "unknown kind" not in server.log
