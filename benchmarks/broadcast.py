"""A broadcast of 1 kB to 500 sockets: our push, a Channels group, and a bare loop.

Push and bare loop share their sockets. The group has as many in a server process of its own, gets
texts of the same size, and has nothing to encode. All sides take turns. A rate counts from the
command until the last message has arrived at the last socket, and only if all of them arrived.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from benchmarks.goals import BROADCAST_OVER_BARE_LOOP, BROADCAST_OVER_GROUP
from benchmarks.load import LoadSocket, open_sockets, receive_texts, run_command
from benchmarks.operations import Operations, in_server, in_servers
from benchmarks.peers import open_group_member, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import SERVERS, THEIRS, run_server

_RECORDED: Final = "benchmarks.vortex_app:recorded_application"
_SOCKETS: Final = 500
_ROUNDS: Final = 15
_PUSHES: Final = 20
"""Messages of one turn: many, because they take a fraction of a second."""
_GROUP_SENDS: Final = 2
"""Messages of one turn of the group, which take as long."""


def operations() -> AbstractContextManager[Operations]:
    """Return pushes, in processor time of the server for each delivery."""
    return in_servers(_make_lines)


def _make_lines(runner: asyncio.Runner, server: str, port: int) -> Operations:
    peers = runner.run(open_sockets(partial(open_vortex_peer, port), _SOCKETS))
    push = partial(_push, port, peers, "push", _PUSHES)
    deliveries = _SOCKETS * _PUSHES
    name = f"broadcast to {_SOCKETS} sockets, {server}"
    return {name: in_server(runner, port, push, operations=deliveries)}


def measure() -> list[Result]:
    """Compare the deliveries per second on each server."""
    results = []
    for server in SERVERS:
        rates = asyncio.run(_measure_rates(server))
        results.append(
            compare(
                f"broadcast to {_SOCKETS} sockets, {server}, against group_send",
                rates["push"],
                rates["group"],
                "deliveries/s",
                goal=BROADCAST_OVER_GROUP[server],
            )
        )
        results.append(
            compare(
                f"broadcast to {_SOCKETS} sockets, {server}, against a bare loop",
                rates["push"],
                rates["loop"],
                "deliveries/s",
                goal=BROADCAST_OVER_BARE_LOOP,
            )
        )
    return results


async def _measure_rates(server: str) -> dict[str, float]:
    rates: dict[str, list[float]] = {"push": [], "loop": [], "group": []}
    with run_server(server, _RECORDED) as ours, run_server(server, THEIRS) as theirs:
        peers = await open_sockets(lambda: open_vortex_peer(ours.port), _SOCKETS)
        members = await open_sockets(lambda: open_group_member(theirs.port), _SOCKETS)
        await _measure_rate(ours.port, peers, "push", _PUSHES)
        size = len(peers[0].last_text)
        for _ in range(_ROUNDS):
            rates["push"].append(await _measure_rate(ours.port, peers, "push", _PUSHES))
            rates["loop"].append(
                await _measure_rate(ours.port, peers, "loop", _PUSHES, message_bytes=size)
            )
            rates["group"].append(
                await _measure_rate(theirs.port, members, "group", _GROUP_SENDS, message_bytes=size)
            )
    return {name: statistics.median(samples) for name, samples in rates.items()}


async def _measure_rate(
    port: int, sockets: Sequence[LoadSocket], command: str, messages: int, **numbers: int
) -> float:
    """Return how many messages arrived per second, all sockets together."""
    start = time.perf_counter()
    await _push(port, sockets, command, messages, **numbers)
    return messages * len(sockets) / (time.perf_counter() - start)


async def _push(
    port: int, sockets: Sequence[LoadSocket], command: str, messages: int, **numbers: int
) -> None:
    """Run a command and wait until each socket has got as many messages."""
    await asyncio.gather(
        receive_texts(sockets, messages),
        run_command(port, command, messages=messages, **numbers),
    )
