"""Requests of the Python client: against a bare ``websockets`` client at the same server process.

Both send the same requests to the same echo endpoint. The bare one writes the envelope with
``json`` and reads the answer with it, as few lines as that takes; ours makes a request, keeps its
deadline, routes the answer by its id, and decodes the payload. Once one request at a time, once
fifty side by side over one connection.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_bare

from benchmarks.goals import CLIENT_OVER_BARE_WEBSOCKETS
from benchmarks.messages import ECHO_FILT, Reading, encode_request
from benchmarks.results import Result, compare
from benchmarks.servers import OURS, SERVERS, run_server
from django_vortex.client import Client, connect
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import MESSAGE_ID

_ROUNDS: Final = 21
_TURNS: Final = {1: 200, 50: 8}
"""How often in one sample, by how many requests are under way; a sample is a tenth of a second."""

Exchange = Callable[[], Awaitable[None]]
"""Makes some requests side by side and waits for all answers."""


def measure() -> list[Result]:
    """Compare the requests per second with each server."""
    return [result for server in SERVERS for result in asyncio.run(_measure_server(server))]


async def _measure_server(server: str) -> list[Result]:
    results = []
    request = json.loads(encode_request(Dialect.NATIVE))
    with run_server(server, OURS) as process:
        url = f"ws://127.0.0.1:{process.port}/vortexws"
        query = f"vortexUuid={uuid4()}&vortexName=bare&vortexDialect=native&vortexVersion=2"
        async with (
            connect(url, transports=["websocket"]) as ours,
            connect_bare(f"{url}?{query}", compression=None, max_size=None) as bare,
        ):
            await bare.recv()  # who the server is
            for count, turns in _TURNS.items():
                exchanges = {
                    "ours": partial(_ask_with_ours, ours, count),
                    "bare": partial(_ask_with_bare, bare, request, count),
                }
                rates = await _measure_rates(exchanges, count, turns)
                results.append(
                    compare(
                        f"client, {count} requests at a time, {server}, against bare websockets",
                        rates["ours"],
                        rates["bare"],
                        "requests/s",
                        goal=CLIENT_OVER_BARE_WEBSOCKETS,
                    )
                )
    return results


async def _measure_rates(
    exchanges: dict[str, Exchange], count: int, turns: int
) -> dict[str, float]:
    samples: dict[str, list[float]] = {name: [] for name in exchanges}
    for _ in range(_ROUNDS):
        for name, exchange in exchanges.items():
            start = time.perf_counter()
            for _ in range(turns):
                await exchange()
            samples[name].append(count * turns / (time.perf_counter() - start))
    return {name: statistics.median(rates) for name, rates in samples.items()}


async def _ask_with_ours(client: Client, count: int) -> None:
    if count == 1:
        await _ask(client)
    else:
        await asyncio.gather(*(_ask(client) for _ in range(count)))


async def _ask(client: Client) -> None:
    reading = Reading(id=7, name="boiler", value=71.5)
    (answer,) = (await client.call(ECHO_FILT, tuples=[reading])).tuples
    if answer.id != 7:
        raise RuntimeError(f"Expected the reading back, got {answer!r}")


async def _ask_with_bare(socket: ClientConnection, request: dict[str, Any], count: int) -> None:
    waiting = {str(number) for number in range(count)}
    for message_id in tuple(waiting):
        request["filt"][MESSAGE_ID] = message_id
        await socket.send(json.dumps(request))
    while waiting:
        text = await socket.recv()
        if text != ".":
            waiting.remove(json.loads(text)["filt"][MESSAGE_ID])
