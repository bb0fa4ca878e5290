"""What a session costs: peers of our own dialect that count against those that do not.

Broadcasts, round trips and the memory of idle sockets, each side in a server process of its own,
in turns. Peers with a session acknowledge what a turn has brought within the turn.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from benchmarks.goals import SESSION_OVER_NONE
from benchmarks.load import (
    LoadSocket,
    encode_text,
    exchange,
    open_sockets,
    receive_texts,
    run_command,
)
from benchmarks.memory import measure_kilobytes
from benchmarks.messages import check_reply, encode_request
from benchmarks.peers import open_session_peer, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, run_server
from django_vortex.wire.counts import write_counts
from django_vortex.wire.dialects import Dialect

_ROUNDS: Final = 15
_SOCKETS: Final = 500
_PUSHES: Final = 20
_REQUESTS: Final = {1: 150, 50: 10}
_MEMORY_ROUNDS: Final = 3

Opener = Callable[[int], Awaitable[LoadSocket]]
"""Opens one peer at the server of a port."""

_OPENERS: Final[dict[bool, Opener]] = {
    True: open_session_peer,
    False: partial(open_vortex_peer, dialect=Dialect.NATIVE),
}
"""By whether the peers have a session."""


class _Peers:
    """Some peers of one server, all of which have got and sent the same."""

    def __init__(self, port: int, sockets: Sequence[LoadSocket], *, counts: bool) -> None:
        self.port = port
        self.sockets = sockets
        self._counts = counts
        self._received = self._sent = 0

    def acknowledge(self, received: int, sent: int) -> None:
        """Tell the server what has arrived."""
        self._received += received
        self._sent += sent
        if self._counts:
            frame = encode_text(write_counts(self._received, self._sent))
            for each in self.sockets:
                each.transport.write(frame)

    async def push(self) -> float:
        """Return how many messages of a broadcast arrive in a second."""
        start = time.perf_counter()
        await asyncio.gather(
            receive_texts(self.sockets, _PUSHES),
            run_command(self.port, "push", messages=_PUSHES),
        )
        self.acknowledge(_PUSHES, 0)
        return _PUSHES * len(self.sockets) / (time.perf_counter() - start)

    async def ask(self) -> float:
        """Return how many requests are answered in a second."""
        requests = _REQUESTS[len(self.sockets)]
        request = encode_text(encode_request(Dialect.NATIVE))
        start = time.perf_counter()
        await exchange(self.sockets, request, requests)
        self.acknowledge(requests, requests)
        check_reply(self.sockets[0].last_text, Dialect.NATIVE)
        return requests * len(self.sockets) / (time.perf_counter() - start)

    def close(self) -> None:
        """Leave."""
        for each in self.sockets:
            each.transport.close()


def measure() -> list[Result]:
    """Compare peers with and without a session on each server."""
    return [result for server in SERVERS for result in asyncio.run(_measure_server(server))] + [
        _measure_memory(server) for server in SERVERS
    ]


async def _measure_server(server: str) -> list[Result]:
    results = []
    with run_server(server, OURS) as counted, run_server(server, OURS) as plain:
        ports = {True: counted.port, False: plain.port}
        lines: list[tuple[str, int, Callable[[_Peers], Awaitable[float]]]] = [
            (f"broadcast to {_SOCKETS} sockets", _SOCKETS, _Peers.push),
            *((f"round trips, {count} sockets", count, _Peers.ask) for count in _REQUESTS),
        ]
        for name, count, run in lines:
            sides = [
                _Peers(
                    port, await open_sockets(partial(_OPENERS[counts], port), count), counts=counts
                )
                for counts, port in ports.items()
            ]
            rates: list[list[float]] = [[], []]
            for number in range(_ROUNDS):
                for index in (0, 1) if number % 2 else (1, 0):
                    rates[index].append(await run(sides[index]))
            for side in sides:
                side.close()
            ours, theirs = map(statistics.median, rates)
            results.append(
                compare(
                    f"{name} with a session, {server}, against none",
                    ours,
                    theirs,
                    "messages/s",
                    goal=SESSION_OVER_NONE,
                )
            )
    return results


def _measure_memory(server: str) -> Result:
    sizes: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_MEMORY_ROUNDS):
        for counts, opener in _OPENERS.items():
            sizes[counts].append(asyncio.run(measure_kilobytes(server, OURS, opener)))
    return compare(
        f"memory of an idle socket with a session, {server}, against none",
        statistics.median(sizes[True]),
        statistics.median(sizes[False]),
        "kB",
        goal=SESSION_OVER_NONE,
        is_less_better=True,
    )
