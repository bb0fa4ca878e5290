"""Type aliases for ASGI: scopes, events, ``receive`` and ``send``."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
"""One ASGI event, in either direction; its ``type`` says which."""

Scope: TypeAlias = MutableMapping[str, Any]
"""What the server knows of one connection."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""Waits for the next event from the server."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Gives an event to the server."""

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI 3 application: takes scope, receive, send, which everybody types a little differently."""
