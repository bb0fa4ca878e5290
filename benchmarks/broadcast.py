"""A broadcast of 1 kB to 500 sockets: our push, and what else an application can do.

Push, a bare loop of ``send`` and ready bytes written to the transports share their sockets. A
Channels group has as many in a server process of its own, and then python-socketio and our push
1000 each. All get texts of the same size; only ours makes and encodes them. Where the server
compresses, all of it is measured once more with sockets that offer to. All sides take turns. A rate
counts from the command until the last message has arrived at the last socket, and only if all of
them arrived.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from benchmarks.goals import (
    BROADCAST_OVER_BARE_LOOP,
    BROADCAST_OVER_GROUP,
    BROADCAST_OVER_SOCKETIO,
    BROADCAST_OVER_TRANSPORT,
)
from benchmarks.load import LoadSocket, open_sockets, receive_texts, run_command
from benchmarks.operations import Operations, in_server, in_servers
from benchmarks.peers import open_group_member, open_socketio_client, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, SOCKETIO, THEIRS, run_server

_RECORDED: Final = "benchmarks.vortex_app:recorded_application"
_SOCKETS: Final = 500
_ROUNDS: Final = 15
_PUSHES: Final = 20
"""Messages of one turn: many, because they take a fraction of a second."""
_GROUP_SENDS: Final = 2
"""Messages of one turn of the group, which take as long."""
_MANY_SOCKETS: Final = 1000
_EMITS: Final = 4
"""Messages of one turn of python-socketio."""
_COMPRESSIONS: Final = {"uvicorn": ("", " with deflate"), "daphne": ("",)}
"""How sockets are opened, by server, as it stands in the names of the lines."""


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
        for compression in _COMPRESSIONS[server]:
            results += asyncio.run(_measure_server(server, compression))
    return results


async def _measure_server(server: str, compression: str) -> list[Result]:
    rates = await _measure_rates(server, is_compressing=bool(compression))
    large = await _measure_socketio(server, is_compressing=bool(compression))
    return [
        compare(
            f"broadcast to {sockets} sockets, {server}{compression}, against {other}",
            ours,
            theirs,
            "deliveries/s",
            goal=goal,
        )
        for sockets, other, ours, theirs, goal in (
            (_SOCKETS, "group_send", rates["push"], rates["group"], BROADCAST_OVER_GROUP[server]),
            (
                _SOCKETS,
                "a bare loop",
                rates["push"],
                rates["loop"],
                BROADCAST_OVER_BARE_LOOP[server],
            ),
            (_SOCKETS, "ready bytes", rates["push"], rates["write"], BROADCAST_OVER_TRANSPORT),
            (_MANY_SOCKETS, "socketio", large["push"], large["emit"], BROADCAST_OVER_SOCKETIO),
        )
    ]


async def _measure_rates(server: str, *, is_compressing: bool) -> dict[str, float]:
    with run_server(server, _RECORDED) as ours, run_server(server, THEIRS) as theirs:
        open_peer = partial(open_vortex_peer, ours.port, offers_compression=is_compressing)
        open_member = partial(open_group_member, theirs.port, offers_compression=is_compressing)
        peers = await open_sockets(open_peer, _SOCKETS)
        members = await open_sockets(open_member, _SOCKETS)
        push = partial(_measure_rate, ours.port, peers, "push", _PUSHES)
        await push()
        size = len(peers[0].last_text)
        take_turn = partial(_measure_rate, message_bytes=size)
        return await _interleave(
            {
                "push": push,
                "loop": partial(take_turn, ours.port, peers, "loop", _PUSHES),
                "write": partial(take_turn, ours.port, peers, "write", _PUSHES),
                "group": partial(take_turn, theirs.port, members, "group", _GROUP_SENDS),
            }
        )


async def _measure_socketio(server: str, *, is_compressing: bool) -> dict[str, float]:
    with run_server(server, OURS) as ours, run_server(server, SOCKETIO) as theirs:
        open_peer = partial(open_vortex_peer, ours.port, offers_compression=is_compressing)
        open_client = partial(open_socketio_client, theirs.port, offers_compression=is_compressing)
        peers = await open_sockets(open_peer, _MANY_SOCKETS)
        clients = await open_sockets(open_client, _MANY_SOCKETS)
        push = partial(_measure_rate, ours.port, peers, "push", _PUSHES)
        await push()
        size = len(peers[0].last_text)
        emit = partial(_measure_rate, theirs.port, clients, "emit", _EMITS, message_bytes=size)
        return await _interleave({"push": push, "emit": emit})


async def _interleave(
    measurements: Mapping[str, Callable[[], Awaitable[float]]],
) -> dict[str, float]:
    """Let all sides take turns, in any order: a server that has been idle is slower at first."""
    rates: dict[str, list[float]] = {name: [] for name in measurements}
    order = list(measurements)
    for number in range(_ROUNDS):
        random.Random(number).shuffle(order)
        for name in order:
            rates[name].append(await measurements[name]())
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
