"""A list of 1000 rows that 1000 peers watch, while one field of one row is saved.

How many SQL statements that is, beside peers of djangochannelsrestframework that observe the row;
how long it is from the commit to the last of the deliveries, beside a ``group_send`` of as many
ready bytes to as many sockets; how many bytes each peer gets. The database is a file of SQLite.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from benchmarks import goals
from benchmarks.load import (
    LoadSocket,
    encode_text,
    open_socket,
    open_sockets,
    receive_texts,
    run_command,
)
from benchmarks.messages import ORDERS_KEY
from benchmarks.order_database import ROWS
from benchmarks.peers import open_group_member, open_vortex_peer
from benchmarks.results import Result, compare, format_table
from benchmarks.servers import THEIRS, run_server
from django_vortex import Payload, PayloadEnvelope
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.messages import encode_message
from django_vortex.wire.reserved import MESSAGE_ID, WATCH_KEY, WATCHED_KEY

LIVE: Final = "benchmarks.live_app:application"
OBSERVING: Final = "benchmarks.observing_app:application"
SERVER: Final = "uvicorn"
PEERS: Final = 1000
ROUNDS: Final = 101
SAVES: Final = 3
"""Of which the statements are counted; of the median one they are told."""

ALLOWED_STATEMENTS: Final = 2.0
ALLOWED_BYTES: Final = 400.0
_SUBSCRIPTION: Final = json.dumps(
    {"action": "subscribe_instance", "request_id": 1, "pk": ROWS // 2}
)


def measure() -> list[Result]:
    """Compare statements, delays and bytes."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    observed = await _count_observed()
    with run_server(SERVER, LIVE) as ours, run_server(SERVER, THEIRS) as theirs:
        peers = await open_sockets(partial(open_watching_peer, ours.port), PEERS)
        members = await open_sockets(partial(open_group_member, theirs.port), PEERS)
        counted = await count_statements(ours.port, peers)
        size = find_frame_bytes(each.last_text for each in peers)
        delays = await _measure_delays(ours.port, peers, theirs.port, members, size)
    return [
        *_compare_statements(counted, observed),
        *_compare_delays(delays),
        compare(
            f"bytes to each peer for one field in a list of {ROWS}, against what is allowed",
            size,
            ALLOWED_BYTES,
            "bytes",
            goal=goals.LIVE_DELTA,
            is_less_better=True,
        ),
    ]


def _compare_statements(ours: float, observed: float) -> list[Result]:
    name = f"SQL statements beyond a save that {PEERS} peers see"
    return [
        compare(
            f"{name}, against what is allowed",
            ours,
            ALLOWED_STATEMENTS,
            "statements",
            goal=goals.LIVE_STATEMENTS,
            is_less_better=True,
        ),
        compare(
            f"{name}, against djangochannelsrestframework",
            ours,
            observed,
            "statements",
            goal=goals.LIVE_STATEMENTS_OVER_OBSERVERS,
            is_less_better=True,
        ),
    ]


def _compare_delays(delays: dict[str, list[float]]) -> list[Result]:
    return [
        compare(
            f"commit to the last of {PEERS} deliveries, {name}, against group_send",
            find(delays["ours"]),
            find(delays["theirs"]),
            "ms",
            goal=goals.LIVE_DELAY_OVER_GROUP,
            is_less_better=True,
        )
        for name, find in (("p50", statistics.median), ("p99", find_99th))
    ]


def find_99th(values: Sequence[float]) -> float:
    """Return the smallest value that 99 % of all do not exceed."""
    return sorted(values)[-(-len(values) * 99 // 100) - 1]


def find_frame_bytes(texts: Iterable[bytes]) -> int:
    """Return how long the longest of the frames is that had these texts of deltas.

    Raises:
        RuntimeError: It is no delta.
    """
    text = max(texts, key=len)
    if b'"put"' not in text:
        raise RuntimeError(f"Expected a delta, got {text[:80]!r}")
    return len(text) + (2 if len(text) < 126 else 4 if len(text) < 65_536 else 10)


def encode_watch() -> str:
    """Return the request to watch the list, of which one has nothing yet."""
    envelope = PayloadEnvelope(
        {"key": WATCH_KEY, MESSAGE_ID: "watch"},
        Payload(tuples=[{"filt": {"key": ORDERS_KEY}, "tag": None}]),
    )
    return encode_message(envelope, WireForm(Dialect.NATIVE, False), None, Codec())


async def open_watching_peer(port: int) -> LoadSocket:
    """Connect to the vortex, watch the list, and wait for it."""
    load_socket = await open_vortex_peer(port, Dialect.NATIVE)
    shown = asyncio.get_running_loop().create_future()

    def take(load_socket: LoadSocket) -> None:
        if WATCHED_KEY.encode() in load_socket.last_text and not shown.done():
            shown.set_result(None)

    load_socket.on_text = take
    load_socket.transport.write(encode_text(encode_watch()))
    await shown
    return load_socket


async def open_observer(port: int) -> LoadSocket:
    """Connect to djangochannelsrestframework, and subscribe to the row."""
    load_socket = await open_socket(port, "orders")
    load_socket.transport.write(encode_text(_SUBSCRIPTION))
    await receive_texts([load_socket], 1)
    return load_socket


async def _count_observed() -> float:
    with run_server(SERVER, OBSERVING) as process:
        peers = await open_sockets(partial(open_observer, process.port), PEERS)
        counted = await count_statements(process.port, peers)
        for each in peers:
            each.transport.close()
    return counted


async def count_statements(port: int, peers: Sequence[LoadSocket]) -> float:
    """Return how many statements a save is that all peers see, beside its own."""
    counted = []
    for number in range(SAVES):
        before = int(await run_command(port, "statements"))
        await asyncio.gather(
            receive_texts(peers, 1), run_command(port, "save", quantity=1000 + number)
        )
        counted.append(int(await run_command(port, "statements")) - before - 1)
    return statistics.median(counted)


async def _measure_delays(
    port: int,
    peers: Sequence[LoadSocket],
    group_port: int,
    members: Sequence[LoadSocket],
    size: int,
) -> dict[str, list[float]]:
    """Return the milliseconds of each round, taking turns."""
    delays: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(ROUNDS):
        save = partial(run_command, port, "save", quantity=number)
        delays["ours"].append(await _measure_delay(peers, save))
        send = partial(run_command, group_port, "group", messages=1, message_bytes=size)
        delays["theirs"].append(await _measure_delay(members, send))
    return delays


async def _measure_delay(
    sockets: Sequence[LoadSocket], command: Callable[[], Awaitable[str]]
) -> float:
    """Return the milliseconds from what a command returns to the last delivery."""

    async def receive() -> float:
        await receive_texts(sockets, 1)
        return time.monotonic()  # of the machine, and so the clock of the server too

    end, start = await asyncio.gather(receive(), command())
    return (end - float(start)) * 1000


if __name__ == "__main__":
    print(format_table(measure()))
