"""Whether a peer may watch an answer that all share: `Gate`.

A watch of its own, one for each user and question, evaluates the permission and depends on what
that reads. While a change may concern it the peer is shown nothing; when it refuses, the watch is
over. Where nobody can tell, the peer is told so and shown nothing until somebody can.
"""

from collections.abc import Callable
from typing import Final, Protocol

from django_vortex.exceptions import PeerError
from django_vortex.live.watch import Watch
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import READING
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.routing.shared_peer import SharedPeer
from django_vortex.routing.watchable import PER_USER
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec

_ALLOWED: Final = [True]


def allow(request: Request) -> list[bool]:
    """Answer whoever the permission lets ask."""
    return _ALLOWED


def make_gate_endpoint(endpoint: Registered) -> PayloadEndpoint:
    """Return an endpoint that answers whoever may ask another one, and is not registered there."""
    return PayloadEndpoint(
        {**endpoint.filt, "vortex.gate": True},
        allow,
        permission=endpoint.permission,
        payload_io=PayloadIO(),
        watchable=PER_USER,
    )


def is_open_to_all(endpoint: Registered, filt: Filt, codec: Codec) -> bool:
    """Return whether a permission allows everybody to ask, whoever it is and whatever changes."""
    permission = endpoint.permission
    if permission.may_block or permission.is_awaited:
        return False
    peer = SharedPeer()
    request = Request.for_push(filt, peer, codec)
    try:
        return permission.allows(request, READING) is True and not peer.is_looked_at
    except Exception:  # of one that looks at the peer; whatever it is, the gate's watch tells it
        return False


class Guarded(Protocol):
    """A peer's watch of a shared answer."""

    @property
    def peer(self) -> str:
        """The uuid of the peer."""

    @property
    def user(self) -> str | None:
        """The primary key of its user as text, if it is logged in."""

    def doubt(self, error: PeerError, /) -> None:
        """Tell the peer why nobody can tell whether it may watch."""

    def trust(self) -> None:
        """Take notice that the peer may watch, after it was in doubt."""


class Gate:
    """A `Subscriber` that ends a peer's watch of a shared answer with its right to it.

    Args:
        guarded: The watch.
        end: Ends it.
    """

    __slots__ = ("_end", "_guarded", "_is_in_doubt", "peer", "tag", "user", "watch")

    is_counted = False

    def __init__(self, guarded: Guarded, end: Callable[[PeerError], None]) -> None:
        self._end = end
        self._guarded = guarded
        self._is_in_doubt = False
        self.peer = guarded.peer
        self.user = guarded.user
        self.tag: str | None = None
        self.watch: Watch | None = None

    @property
    def is_open(self) -> bool:
        """Whether the peer may watch, as far as is known."""
        return self.watch is not None and self.watch.is_current

    def show(self, watch: Watch, /) -> None:
        """Take notice that the peer may watch."""
        self.tag = None if watch.answer is None else watch.answer.tag
        if self._is_in_doubt:
            self._is_in_doubt = False
            self._guarded.trust()

    def fail(self, watch: Watch, error: PeerError, /, *, is_final: bool) -> None:
        """Take notice that it may not, or that nobody can tell."""
        if is_final:
            self._end(error)
        else:
            self._is_in_doubt = True
            self._guarded.doubt(error)
