"""Prepared frames: a text is encoded once as a WebSocket frame that all its peers share.

Takes the `Flow` of a WebSocket, gives what writes texts behind the server's ``send``. ASGI has no
word for a frame, so each ``send`` encodes, frames and perhaps compresses the same text again. What
is written here has the bit RSV1 0, which says that it is not compressed (RFC 7692, section 6). So
it goes to sockets with permessage-deflate, too.

Everything found here is private to the servers. Versions that were not looked at, subclasses, and
protocols that log, mask or cut their frames have no frame writer: ``send`` is used, as it is for
each text that a frame writer does not write.
"""

import importlib.metadata
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final

from django_vortex.transports.flow import Flow
from django_vortex.transports.incoming import get_protocol

MAX_FRAMES: Final = 8
"""How many frames are kept: as many as forms of the wire for two dates, which a burst may have."""

Version = tuple[int, ...]


class FrameCache:
    """The frames of the latest texts.

    Texts are told apart by identity: to compare or to hash long ones takes time for each peer.
    """

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        # With its text, so that no other text gets the identity meanwhile.
        self._frames: dict[int, tuple[str, bytes]] = {}

    def get(self, text: str) -> bytes:
        """Return the frame of a text, encoded if it is not among the latest."""
        known = self._frames.get(id(text))
        if known is not None:
            return known[1]
        frame = encode_frame(text)
        if len(self._frames) >= MAX_FRAMES:
            self._frames.clear()
        self._frames[id(text)] = (text, frame)
        return frame


def encode_frame(text: str) -> bytes:
    """Return the one frame of a text message from a server (RFC 6455, section 5.2)."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return b"\x81%c%b" % (size, data)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), data)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), data)


_get_frame: Final = FrameCache().get


class FrameWriter:
    """Writes to one WebSocket, which is open, what `send` would write next.

    Args:
        protocol: The server's protocol object, of exactly the class that this one is for.
    """

    __slots__ = ("_protocol", "_transport")

    versions: ClassVar[Mapping[str, tuple[Version, Version]]] = {}
    """By distribution: the first version that was looked at, and the first one that was not."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol, whose WebSocket is open, has all that is used of it.

        Raises:
            AttributeError: It has not.
        """
        raise NotImplementedError

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether.

        That is so of a socket that is full, or closing, or in the middle of a message.
        """
        raise NotImplementedError


class SansIOFrameWriter(FrameWriter):
    """For uvicorn's ``websockets-sansio``, whose ``send`` waits before it writes.

    Its ``writable`` follows the transport since 0.53.
    """

    __slots__ = ("_connection", "_open", "_writable")

    versions = {"uvicorn": ((0, 53), (0, 55)), "websockets": ((13,), (18,))}

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol)
        self._connection = protocol.conn
        self._open = self._connection.state
        self._writable = protocol.writable

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol has all that is used of it."""
        connection = protocol.conn
        return (
            connection.state.name == "OPEN"
            and connection.expect_continuation_frame is False
            and connection.debug is False
            and protocol.writable.is_set() in (True, False)
            and _has_transport(protocol)
        )

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether."""
        connection = self._connection
        if (
            connection.state is not self._open  # neither end has sent or got a close frame
            or connection.expect_continuation_frame
            or not self._writable.is_set()
            or self._transport.is_closing()
        ):
            return False
        self._transport.write(_get_frame(text))
        return True


class LegacyFrameWriter(FrameWriter):
    """For uvicorn's ``websockets``, whose ``send`` writes and then waits."""

    __slots__ = ("_open",)

    versions = {"uvicorn": ((0, 35), (0, 55)), "websockets": ((13,), (18,))}

    def __init__(self, protocol: Any) -> None:
        super().__init__(protocol)
        self._open = protocol.state

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol has all that is used of it."""
        return (
            protocol.state.name == "OPEN"
            and protocol._fragmented_message_waiter is None
            and protocol._paused in (True, False)
            and protocol.debug is False
            and protocol.is_client is False
            and protocol.closed_event.is_set() is False
            and protocol.transfer_data_task.done() in (True, False)
            and _has_transport(protocol)
        )

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether."""
        protocol = self._protocol
        if (
            protocol.state is not self._open
            or protocol._paused
            or protocol._fragmented_message_waiter is not None
            or protocol.transfer_data_task.done()  # it will be closed, but is open yet
            or protocol.closed_event.is_set()
            or self._transport.is_closing()
        ):
            return False
        self._transport.write(_get_frame(text))
        return True


class DaphneFrameWriter(FrameWriter):
    """For Daphne, as ``sendPreparedMessage`` of autobahn does it, without what that logs.

    Whether the socket is full, its `Flow` knows.
    """

    __slots__ = ()

    versions = {"daphne": ((4, 2), (4, 3)), "autobahn": ((22, 4), (27,))}

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol has all that is used of it."""
        return (
            protocol.state == protocol.STATE_OPEN
            and protocol.send_state == protocol.SEND_STATE_GROUND
            and len(protocol.send_queue) == 0
            and not protocol.logFrames
            and not protocol.logOctets
            and not protocol.maskServerFrames
            and not protocol.autoFragmentSize
            and callable(protocol.transport.write)
        )

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether."""
        protocol = self._protocol
        if (
            protocol.state != protocol.STATE_OPEN
            or protocol.send_state != protocol.SEND_STATE_GROUND
            or protocol.send_queue
        ):
            return False
        self._transport.write(_get_frame(text))
        return True


_UVICORN: Final = "uvicorn.protocols.websockets."

_KNOWN: Final[Mapping[str, type[FrameWriter]]] = {
    _UVICORN + "websockets_sansio_impl.WebSocketsSansIOProtocol": SansIOFrameWriter,
    _UVICORN + "websockets_impl.WebSocketProtocol": LegacyFrameWriter,
    "daphne.ws_protocol.WebSocketProtocol": DaphneFrameWriter,
}
"""By the class of the protocol. ``wsproto`` is not there: it is slow for other reasons."""


def find_frame_writer(flow: Flow) -> FrameWriter | None:
    """Return what writes prepared frames to a WebSocket, None if only ``send`` does.

    Args:
        flow: Of a WebSocket that a text was sent over.
    """
    protocol = get_protocol(flow)
    protocol_class = type(protocol)
    known = _find_known(f"{protocol_class.__module__}.{protocol_class.__qualname__}")
    if known is None:
        return None
    try:
        return known(protocol) if known.suits(protocol) else None
    except AttributeError:
        return None


@cache
def _find_known(protocol_class: str) -> type[FrameWriter] | None:
    known = _KNOWN.get(protocol_class)
    if known is None:
        return None
    for distribution, (first, end) in known.versions.items():
        if not first <= _find_version(distribution) < end:
            return None
    return known


def _find_version(distribution: str) -> Version:
    """Return the first two numbers of the version that is installed, none if it has no such."""
    try:
        version = importlib.metadata.version(distribution)
        return tuple(int(part) for part in version.split(".")[:2])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ()


def _has_transport(protocol: Any) -> bool:
    transport = protocol.transport
    return callable(transport.write) and transport.is_closing() in (True, False)
