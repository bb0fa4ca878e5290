"""Our side: a Django project with a vortex, and pushes on command."""

import asyncio
import os
import time
from functools import partial
from typing import Any, Final

import django

from benchmarks.commands import CommandApplication
from benchmarks.messages import make_notice
from django_vortex import vortex_application
from django_vortex.routing.address import EVERYONE
from django_vortex.transports.hub import get_server
from django_vortex.transports.prepared_frames import encode_frame

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

_sends: Final[set[Any]] = set()
"""The server's own ``send`` of every socket of `recorded_application`."""


async def push(messages: int) -> None:
    """Push new envelopes to everyone."""
    server = get_server()
    for _ in range(messages):
        server.push(make_notice(), EVERYONE)
        await asyncio.sleep(0)


async def loop(messages: int, message_bytes: int) -> None:
    """Send ready texts over the same sockets in the barest possible way."""
    message = {"type": "websocket.send", "text": "x" * message_bytes}
    for _ in range(messages):
        for send in list(_sends):
            await send(message)
        await asyncio.sleep(0)


async def write(messages: int, message_bytes: int) -> None:
    """Write ready frames to the transports of the same sockets, past everything."""
    frame = encode_frame("x" * message_bytes)
    transports = [_get_transport(send) for send in _sends]
    for _ in range(messages):
        for transport in transports:
            transport.write(frame)
        await asyncio.sleep(0)


def _get_transport(send: Any) -> Any:
    protocol = send.args[0] if isinstance(send, partial) else send.__self__
    return protocol.transport


async def used() -> float:
    """Return the processor seconds of this process so far."""
    return time.process_time()


application = vortex_application(
    CommandApplication({"push": push, "loop": loop, "write": write, "used": used})
)

django_application = vortex_application()
"""With Django, and so the vortex's POST, for all that is HTTP."""


async def recorded_application(scope: Any, receive: Any, send: Any) -> None:
    """Serve like `application` and know each socket's ``send``, which costs memory."""
    if scope["type"] != "websocket":
        await application(scope, receive, send)
        return
    _sends.add(send)
    try:
        await application(scope, receive, send)
    finally:
        _sends.discard(send)
