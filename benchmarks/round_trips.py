"""Round trips of a small request: our echo endpoint against a JSON consumer that echoes.

The consumer gets the very bytes that our endpoint gets, as JSON. Ours also inflates and decodes the
payload, routes, and encodes and deflates a new one. Once with a single socket that waits for each
reply, once with fifty that do so at the same time.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import product
from typing import Final

from benchmarks.goals import ROUND_TRIP_OVER_JSON_ECHO
from benchmarks.load import LoadSocket, encode_text, exchange, open_sockets
from benchmarks.messages import check_reply, encode_request
from benchmarks.operations import Operation, Operations, in_server, in_servers
from benchmarks.peers import open_json_echo, open_vortex_peer
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, THEIRS, run_server
from django_vortex.wire.dialects import Dialect

_DIALECTS: Final = (Dialect.NATIVE, Dialect.D2)
_ROUNDS: Final = 21
_REQUESTS: Final = {1: 150, 50: 10}
"""Requests per socket in one turn, by the number of sockets; a turn is a tenth of a second."""
_SERVED_REQUESTS: Final = 600
"""Requests of one sample of processor time."""


def operations() -> AbstractContextManager[Operations]:
    """Return round trips with our endpoint, in processor time of the server."""
    return in_servers(_make_lines)


def _make_lines(runner: asyncio.Runner, server: str, port: int) -> Operations:
    lines: dict[str, Operation] = {}
    for dialect, count in product(_DIALECTS, _REQUESTS):
        request = encode_text(encode_request(dialect))
        peers = runner.run(open_sockets(partial(open_vortex_peer, port, dialect), count))
        runner.run(exchange(peers, request, 1))
        check_reply(peers[0].last_text, dialect)
        lines[f"round trip, {dialect.name}, {count} sockets, {server}"] = in_server(
            runner,
            port,
            partial(exchange, peers, request, _SERVED_REQUESTS // count),
            operations=_SERVED_REQUESTS,
        )
    return lines


def measure() -> list[Result]:
    """Compare the replies per second on each server, in our own dialect and in D2."""
    return [result for server in SERVERS for result in asyncio.run(_measure_server(server))]


async def _measure_server(server: str) -> list[Result]:
    results = []
    with run_server(server, OURS) as ours, run_server(server, THEIRS) as theirs:
        for dialect in _DIALECTS:
            request = encode_text(encode_request(dialect))
            for count in _REQUESTS:
                peers = await open_sockets(partial(open_vortex_peer, ours.port, dialect), count)
                echoes = await open_sockets(partial(open_json_echo, theirs.port), count)
                our_rate, their_rate = await _measure_rates(peers, echoes, request)
                for peer in peers:
                    check_reply(peer.last_text, dialect)
                for each in peers + echoes:
                    each.transport.close()
                results.append(
                    compare(
                        f"round trips, {dialect.name}, {count} sockets, {server}, "
                        "against a JSON echo",
                        our_rate,
                        their_rate,
                        "requests/s",
                        goal=ROUND_TRIP_OVER_JSON_ECHO,
                    )
                )
    return results


async def _measure_rates(
    peers: Sequence[LoadSocket], echoes: Sequence[LoadSocket], request: bytes
) -> tuple[float, float]:
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for samples, sockets in zip(rates, (peers, echoes), strict=True):
            samples.append(await _measure_rate(sockets, request))
    return statistics.median(rates[0]), statistics.median(rates[1])


async def _measure_rate(sockets: Sequence[LoadSocket], request: bytes) -> float:
    requests = _REQUESTS[len(sockets)]
    start = time.perf_counter()
    await exchange(sockets, request, requests)
    return requests * len(sockets) / (time.perf_counter() - start)
