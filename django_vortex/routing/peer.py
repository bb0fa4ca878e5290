"""The other end of a connection: `Peer`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The scope of a peer that came over no transport."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, as handlers see it under ``request.peer``.

    Attributes:
        uuid: One browser tab or one process, the same over all its reconnects. Never told to
            other peers.
        name: The kind of peer, as it calls itself; not to be trusted.
        user: The authenticated user, or whatever the transport's authentication puts there.
        session: The session, if there is one.
        address: The client address as text.
        scope: What else the transport knows, for Django the ASGI scope.
    """

    uuid: str
    name: str
    user: Any = field(default=None, compare=False)
    session: Any = field(default=None, compare=False, repr=False)
    address: str = ""
    scope: Mapping[str, Any] = field(default_factory=lambda: NOTHING, compare=False, repr=False)
