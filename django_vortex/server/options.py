"""The options of a server: `ServerOptions`. Settings are read by the caller, not here."""

from collections.abc import Mapping
from dataclasses import dataclass

from django_vortex.routing.rates import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The options of one `Server`; the fields mean what the settings of the same name mean."""

    name: str = "django_vortex"
    """The vortex name that the server tells its peers."""
    heartbeat_seconds: float = 5.0
    """Time between two heart-beats to a peer; released browser clients give up after 15."""
    peer_timeout_seconds: float = 75.0
    """A WebSocket peer silent for this long, or any peer that reads nothing for it, is dropped."""
    hold_seconds: float = 30.0
    """How long an HTTP peer, or one with a session, keeps its outbox without a stream."""
    held_max_bytes: int = 268_435_456
    """Bytes that may wait for all peers without a stream."""
    held_max_bytes_per_address: int = 67_108_864
    """Bytes that may wait for those of one client address."""
    max_requests_in_flight: int = 256
    """Requests of one peer that run at the same time; more of them wait."""
    outbox_max_messages: int = 10_000
    """Messages that may wait for one peer."""
    outbox_max_bytes: int = 8_388_608
    """Bytes of text that may wait for one peer."""
    request_rates: Mapping[str, Rate] | None = None
    """How often peers may ask, by what is counted; see `read_rates`."""
    connect_rates: Mapping[str, Rate] | None = None
    """How often they may open a WebSocket, or a new peer's HTTP response."""
    opening_seconds: float = 1.0
    """How long the opening of a connection may wait before new peers are told to come later."""
    throttle_seconds: float = 10.0
    """The rolling period in which new peers are counted."""
    throttle_peers_per_address: int = 200
    """New anonymous peers let in per client address and period; 0 lets all in."""
    throttle_peers: int = 2000
    """New peers let in per period from all addresses; 0 lets all in."""
    recheck_seconds: float = 30.0
    """Period in which it is asked who the peers are now."""
