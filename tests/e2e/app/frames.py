"""An ASGI application whose WebSockets are streams that a test says the texts of.

``/frames`` is such a WebSocket. Each message is JSON ``[to, way, texts]``: ``to`` is ``"me"`` or
``"all"``, ``way`` is ``"now"`` or ``"send"``. A text is ``[letter, count]``. ``"now"`` writes as
the server's writer does: a prepared frame where there can be one, else ``send``. The answer
``=count`` says how many prepared frames were written for this message.
"""

import json
from contextlib import nullcontext, suppress
from typing import Any

from django_vortex.server.stream import StreamClosed
from django_vortex.transports.flow import get_flow
from django_vortex.transports.prepared_frames import burst
from django_vortex.transports.websocket_stream import WebSocketStream
from example_project.asgi import application as example_application

_streams: list[WebSocketStream] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve ``/frames``, and the example project beside it."""
    if scope["type"] != "websocket" or scope["path"] != "/frames":
        await example_application(scope, receive, send)
        return
    await receive()
    flow = get_flow(send)
    stream = WebSocketStream(send, flow)
    await stream.send("open")
    flow.start()
    _streams.append(stream)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            await _obey(stream, *json.loads(message["text"]))
    finally:
        _streams.remove(stream)
        stream.end()
        flow.end()


async def _obey(sender: WebSocketStream, to: str, way: str, texts: list[tuple[str, int]]) -> None:
    prepared = 0
    for letter, count in texts:
        text = letter * count
        rest = []
        with burst if to == "all" else nullcontext():
            for stream in [sender] if to == "me" else list(_streams):
                if way == "now" and stream.write_now(text):
                    prepared += 1
                else:
                    rest.append(stream.send(text))
        for sending in rest:
            with suppress(StreamClosed, OSError):  # that one has left
                await sending
    await sender.send(f"={prepared}")
