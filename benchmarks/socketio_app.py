"""Another side: python-socketio, whose ``emit`` to everybody is its broadcast."""

import socketio

from benchmarks.commands import CommandApplication

# A ping within the measurement would be one more text.
_server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", ping_interval=3600)


async def emit(messages: int, message_bytes: int) -> None:
    """Emit ``messages`` texts of ``message_bytes`` to all clients."""
    text = "x" * message_bytes
    for _ in range(messages):
        await _server.emit("notice", text)


application = socketio.ASGIApp(_server, CommandApplication({"emit": emit}))
