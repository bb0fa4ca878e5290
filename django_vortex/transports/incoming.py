"""Raise the ASGI server's own limit for WebSocket messages.

Takes the `Flow` of a WebSocket, sets the server's own limit for that socket, so that the setting
``MAX_MESSAGE_BYTES`` alone decides. What is between that and the server's limit is answered.
"""

import functools
from typing import Any, Final

from django_vortex.transports.flow import Flow

ANSWERED_FACTOR: Final = 4
"""Messages of up to so many times the limit are taken in, so that their sender can be told."""

_LIMITS: Final = {
    # The three implementations of uvicorn, the second with websockets before and since 16, and the
    # one of Daphne.
    "uvicorn": (
        ("", "max_size"),
        ("conn", "max_size"),
        ("conn", "max_message_size"),
        ("buffer", "max_length"),
    ),
    "Daphne": (("", "maxFramePayloadSize"), ("", "maxMessagePayloadSize")),
}
"""By server: which part of its protocol object, or itself, has its limits, and their names."""


def raise_message_limit(flow: Flow, message_bytes: int) -> None:
    """Let the server take in messages that are too long for us; a higher limit of its own stays.

    Args:
        flow: Of a WebSocket that nothing was received from yet.
        message_bytes: The longest message that is read.
    """
    limits = _LIMITS.get(flow.server)
    if limits is None:
        return
    protocol = get_protocol(flow)
    for part, name in limits:
        owner = getattr(protocol, part, None) if part else protocol
        limit = getattr(owner, name, None)
        if isinstance(limit, int) and 0 < limit < message_bytes * ANSWERED_FACTOR:
            setattr(owner, name, message_bytes * ANSWERED_FACTOR)


def get_protocol(flow: Flow) -> Any:
    """Return the protocol object of a known server's WebSocket, None if the server is unknown."""
    if flow.server == Flow.server:
        return None
    send: Any = flow.send
    return send.args[0] if isinstance(send, functools.partial) else send.__self__
