"""The load of `hostile`: five peers that send as fast as the server takes it, in a process apart.

Hostile messages cost their sender next to nothing and the server as much as its limits allow;
harmless ones ask the same endpoint for the echo of a few tuples.
"""

import asyncio
import base64
import contextlib
import json
import random
import zlib
from typing import Any, Final
from uuid import uuid4

from benchmarks.load import encode_text
from benchmarks.messages import ECHO_FILT

PEERS: Final = 5

_READ_BYTES: Final = 262_144
_ANSWER_SECONDS: Final = 30.0
"""How long an HTTP peer waits for the answer of its request before it sends the next."""


def make_hostile_texts() -> list[str]:
    """Return messages that are small or legal and cost much to decode and to echo."""
    noise = base64.b64encode(random.Random(1).randbytes(500_000)).decode()
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    contents: list[str] = [
        _list_of("[]", 900_000),
        _items("{}", 95_000),
        _items('{"a":[{}],"b":{"c":[]}}', 20_000),
        _list_of("[]", 19_900),
        _list_of("[]", 900),
        _items(json.dumps(deep), 20),
        _items('{"_ft":"decimal","_fd":"1e99"}', 15_000),
        "1," * 90_000 + "1",
        f'"{"x" * 15_000_000}"',
        f'"{noise}",{_list_of("[]", 900_000)}',
    ]
    texts = [_envelope(content) for content in contents]
    filts: list[dict[str, Any]] = [
        {"a": [[]] * 9_900},
        {"a": [1] * 9_900},
        {f"k{number}": 1 for number in range(9_900)},
        {"a": [1] * 300_000},
        {"a": "x" * 1_000_000},
    ]
    beside = [
        json.dumps({"_ct": "rpe", "filt": {**ECHO_FILT, **filt}, "data": None}) for filt in filts
    ]
    return [*texts, *texts[2:5], *beside]


def make_harmless_texts() -> list[str]:
    """Return a message that asks for the echo of a few tuples."""
    return [_envelope(",".join(f'{{"id":{number},"name":"boiler"}}' for number in range(10)))]


def make_hostile_bodies() -> list[str]:
    """Return HTTP bodies: the same, and messages that are compressed as a whole."""
    whole = '{"_ct":"rp","filt":{"key":"bench.echo"},"replyFilt":{},"tuples":[%s]}'
    bodies = [base64.b64encode(text.encode()).decode() + "." for text in make_hostile_texts()]
    noise = random.Random(1).randbytes(130_000).hex()
    for content in (
        _list_of("[]", 900_000),
        _list_of("[]", 19_000),
        f'"{"x" * 15_000_000}"',
        "1," * 199_000 + "1",
        f'"{noise}",{_items("[]", 190_000)}',
        f'"{noise}",{_items("1", 1_200_000)}',
    ):
        bodies.append(base64.b64encode(zlib.compress((whole % content).encode(), 9)).decode() + ".")
    return bodies


def send_for_ever(port: int, *, is_hostile: bool) -> None:
    """Be all the peers until the process is ended: four WebSockets and one over HTTP."""
    asyncio.run(_send_all(port, is_hostile=is_hostile))


async def _send_all(port: int, *, is_hostile: bool) -> None:
    texts = make_hostile_texts() if is_hostile else make_harmless_texts()
    bodies = (
        make_hostile_bodies()
        if is_hostile
        else [base64.b64encode(texts[0].encode()).decode() + "."]
    )
    frames = [_frame(text) for text in texts]
    async with asyncio.TaskGroup() as group:
        for number in range(PEERS - 1):
            group.create_task(_flood(port, frames[number:] + frames[:number]))
        group.create_task(_post(port, bodies))


async def _flood(port: int, frames: list[bytes]) -> None:
    """Write frames for as long as there is a connection, and open the next one when it ends."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(random.randbytes(16)).decode()
        writer.write(
            f"GET /vortexws?vortexUuid={uuid4()}&vortexName=hostile HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        reading = asyncio.create_task(_read_all(reader))
        try:
            while not reading.done():
                for frame in frames:
                    writer.write(frame)
                    await writer.drain()
                    await asyncio.sleep(0)
        except OSError:
            pass
        finally:
            reading.cancel()
            writer.close()
        await asyncio.sleep(0.1)


async def _post(port: int, bodies: list[str]) -> None:
    """Post one body after another, each in a request of its own that ends the one before."""
    uuid = uuid4()
    while True:
        for body in bodies:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"POST /vortex?vortexUuid={uuid}&vortexName=hostile HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(reader.read(_READ_BYTES), _ANSWER_SECONDS)
            writer.close()


async def _read_all(reader: asyncio.StreamReader) -> None:
    while await reader.read(_READ_BYTES):
        pass


def _list_of(item: str, count: int) -> str:
    return f"[{_items(item, count)}]"


def _items(item: str, count: int) -> str:
    return ",".join([item] * count)


def _envelope(tuples: str) -> str:
    payload = f'{{"_ct":"rp","filt":{{}},"tuples":[{tuples}],"date":null}}'
    data = base64.b64encode(zlib.compress(payload.encode(), 9)).decode()
    return json.dumps({"_ct": "rpe", "filt": ECHO_FILT, "data": data})


def _frame(text: str) -> bytes:
    if len(text) < 65_536:
        return encode_text(text)
    return b"\x81\xff" + len(text).to_bytes(8, "big") + bytes(4) + text.encode()
