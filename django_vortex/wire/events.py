"""What a `Protocol` tells about the bytes it was given: `Event`."""

from dataclasses import dataclass
from typing import TypeAlias

from django_vortex.exceptions import WireError
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope


@dataclass(frozen=True, slots=True)
class EnvelopeReceived:
    """A whole message; its payload is decoded only when somebody asks for it."""

    envelope: PayloadEnvelope


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """The peer lives and has nothing to say."""


@dataclass(frozen=True, slots=True)
class FailureReceived:
    """Something that is no message.

    Attributes:
        error: What is wrong with it; its text may be told to the peer.
        filt: The filt of the message, when it could be read that far.
        fatal: Whether nothing that follows can be trusted; the protocol reads no more then.
    """

    error: WireError
    filt: Filt | None
    fatal: bool


@dataclass(frozen=True, slots=True)
class CountsReceived:
    """The heart-beat of a session: how many messages the other end has received and sent."""

    received: int
    sent: int


Event: TypeAlias = EnvelopeReceived | HeartbeatReceived | FailureReceived | CountsReceived
"""What `Protocol.receive` gives."""

HEARTBEAT_RECEIVED = HeartbeatReceived()
"""The one instance that is needed; heart-beats are the most frequent of all messages."""
