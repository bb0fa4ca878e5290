"""Resident memory of an idle socket: a vortex peer against a consumer that joined one group.

Each sample is a fresh server process: sockets are opened, and after a pause in which the server
can give up what only the handshakes needed, as many again; their growth is what a socket costs that
stays. Nothing is sent but what the protocols send by themselves. The ASGI server's own part of a
socket is in both figures.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from benchmarks.goals import IDLE_MEMORY_OVER_GROUP
from benchmarks.load import LoadSocket, open_sockets
from benchmarks.operations import Operations, in_server, in_servers
from benchmarks.peers import open_group_member, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, THEIRS, run_server

_SOCKETS: Final = 700
_ROUNDS: Final = 3
_OPENED: Final = 200
"""Sockets of one sample of processor time."""
_SETTLE_SECONDS: Final = 1.5
"""Daphne looks once a second for requests that have ended, handshakes among them."""

Opener = Callable[[int], Awaitable[LoadSocket]]
"""Opens one socket to the server at a port."""


def operations() -> AbstractContextManager[Operations]:
    """Return handshakes, in processor time of the server for each socket."""
    return in_servers(_make_lines)


def _make_lines(runner: asyncio.Runner, server: str, port: int) -> Operations:
    run = partial(_open_and_close, port)
    return {f"open and close a socket, {server}": in_server(runner, port, run, operations=_OPENED)}


async def _open_and_close(port: int) -> None:
    for each in await open_sockets(lambda: open_vortex_peer(port), _OPENED):
        each.transport.close()


def measure() -> list[Result]:
    """Compare the kilobytes per socket on each server."""
    sides: dict[str, tuple[str, Opener]] = {
        "ours": (OURS, open_vortex_peer),
        "theirs": (THEIRS, open_group_member),
    }
    results = []
    for server in SERVERS:
        sizes: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(_ROUNDS):
            for side, (application, opener) in sides.items():
                sizes[side].append(asyncio.run(measure_kilobytes(server, application, opener)))
        results.append(
            compare(
                f"memory of an idle socket, {server}, against one in a group",
                statistics.median(sizes["ours"]),
                statistics.median(sizes["theirs"]),
                "kB",
                goal=IDLE_MEMORY_OVER_GROUP,
                is_less_better=True,
            )
        )
    return results


async def measure_kilobytes(server: str, application: str, opener: Opener) -> float:
    """Return what one more idle socket costs a fresh server process, in kB."""
    with run_server(server, application) as process:
        sockets = await open_sockets(lambda: opener(process.port), _SOCKETS)
        await asyncio.sleep(_SETTLE_SECONDS)
        before = process.read_resident_bytes()
        sockets += await open_sockets(lambda: opener(process.port), _SOCKETS)
        await asyncio.sleep(_SETTLE_SECONDS)
        after = process.read_resident_bytes()
        if any(each.is_closed for each in sockets):
            raise RuntimeError("A socket closed while it should have been idle")
        return (after - before) / _SOCKETS / 1000
