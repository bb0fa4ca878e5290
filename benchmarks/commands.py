"""The HTTP side of a measured application: a request makes the server do something.

``GET /<command>?<number>=<n>`` runs a command inside the server's own loop, as a view or a task
would, and is answered when it is done, with what it returned.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

Command = Callable[..., Awaitable[object]]


class CommandApplication:
    """An ASGI application for ``commands``: name to coroutine function with integer keywords."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Run the command that the path names and answer 200 when it is done."""
        command = self._commands[scope["path"].strip("/")]
        query = parse_qs(scope["query_string"].decode())
        answer = await command(**{name: int(values[0]) for name, values in query.items()})
        body = str(answer).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
