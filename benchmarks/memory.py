"""Resident memory of an idle socket: a vortex peer against a consumer that joined one group.

Each sample is a fresh server process: some sockets are opened so that everything is imported and
warm, then many more, and the growth is divided by their number. Nothing is sent but what the
protocols send by themselves. The ASGI server's own part of a socket is in both figures.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks.goals import IDLE_MEMORY_OVER_GROUP
from benchmarks.load import LoadSocket, open_sockets
from benchmarks.peers import open_group_member, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, THEIRS, ServerProcess, run_server

_SOCKETS: Final = 1000
_ROUNDS: Final = 3
_WARM_UP_SOCKETS: Final = 50
_LOOK_SECONDS: Final = 0.25
_STEADY_BYTES: Final = 100_000

Opener = Callable[[int], Awaitable[LoadSocket]]
"""Opens one socket to the server at a port."""


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
                sizes[side].append(asyncio.run(_measure_kilobytes(server, application, opener)))
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


async def _measure_kilobytes(server: str, application: str, opener: Opener) -> float:
    """Give what one more idle socket costs a fresh server process, in kB."""
    with run_server(server, application) as process:
        warm_up = await open_sockets(lambda: opener(process.port), _WARM_UP_SOCKETS)
        before = await _read_steady_bytes(process)
        idle = await open_sockets(lambda: opener(process.port), _SOCKETS)
        after = await _read_steady_bytes(process)
        if any(each.is_closed for each in warm_up + idle):
            raise RuntimeError("A socket closed while it should have been idle")
        return (after - before) / _SOCKETS / 1000


async def _read_steady_bytes(process: ServerProcess) -> int:
    """Give the resident memory once it has stopped changing."""
    last = process.read_resident_bytes()
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = process.read_resident_bytes()
        if abs(now - last) < _STEADY_BYTES:
            return now
        last = now
