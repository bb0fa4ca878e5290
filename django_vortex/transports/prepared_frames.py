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
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Final

from django_vortex.logs import get_limited_logger
from django_vortex.transports.flow import Flow
from django_vortex.transports.incoming import get_protocol

logger = get_limited_logger("django_vortex.transports")

MAX_FRAMES: Final = 8
"""How many frames are kept: as many as forms of the wire for two dates, which a burst may have."""

Version = tuple[int, ...]


class FrameCache:
    """The frames of the latest texts.

    Texts are told apart by identity: to compare or to hash long ones takes time for each peer.

    Attributes:
        text: The latest of all, for those who look themselves before they call `find`.
        frame: Its frame.
    """

    __slots__ = ("_frames", "frame", "text")

    def __init__(self) -> None:
        # With its text, so that no other text gets the identity meanwhile.
        self._frames: dict[int, tuple[str, bytes]] = {}
        self.text = ""
        self.frame = encode_frame("")

    def find(self, text: str) -> bytes:
        """Return the frame of a text, encoded if it is not among the latest."""
        known = self._frames.get(id(text))
        if known is None:
            if len(self._frames) >= MAX_FRAMES:
                self._frames.clear()
            known = self._frames[id(text)] = (text, encode_frame(text))
        self.text, self.frame = known
        return self.frame


class Burst:
    """Frames that are put off until a text was offered to all who get it, and written then.

    What Python needs to offer one and what the system needs to write one push each other out of the
    processor's caches: one after the other, a broadcast takes a fifth less time. Nothing
    is awaited within a burst, so nobody else writes to these sockets meanwhile, and a stream whose
    ``send`` is used calls `write` first.

    Attributes:
        frames: What is to be written to which transports; None where nothing is put off.
    """

    __slots__ = ("_depth", "frames")

    def __init__(self) -> None:
        self._depth = 0
        self.frames: list[tuple[Any, bytes]] | None = None

    def __enter__(self) -> None:
        """Begin to put frames off, if that has not begun."""
        self._depth += 1
        if self.frames is None:
            self.frames = []

    def __exit__(self, *failure: object) -> None:
        """Write all frames, unless this burst is a part of another."""
        self._depth -= 1
        if not self._depth:
            frames, self.frames = self.frames, None
            _write_all(frames or ())

    def write(self) -> None:
        """Write all frames that were put off until now."""
        if self.frames:
            frames, self.frames = self.frames, []
            _write_all(frames)


def _write_all(frames: Iterable[tuple[Any, bytes]]) -> None:
    for transport, frame in frames:
        try:
            transport.write(frame)
        except Exception:
            logger.exception("A frame could not be written")
            transport.abort()  # nothing may follow it


def encode_frame(text: str) -> bytes:
    """Return the one frame of a text message from a server (RFC 6455, section 5.2)."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return b"\x81%c%b" % (size, data)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), data)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), data)


_latest: Final = FrameCache()

burst: Final = Burst()
"""That of this process, whose sockets are all served by one loop."""


class FrameWriter:
    """Writes to one WebSocket, which is open, what `send` would write next.

    Args:
        flow: Of the WebSocket.
        protocol: The server's protocol object, of exactly the class that this one is for.
    """

    __slots__ = ("_protocol", "_transport")

    versions: ClassVar[Mapping[str, tuple[Version, Version]]] = {}
    """By distribution: the first version that was looked at, and the first one that was not."""

    def __init__(self, flow: Flow, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol, whose WebSocket is open, has all that is used of it.

        Raises:
            AttributeError: It has not.
            TypeError: Something of it is of another type.
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

    def __init__(self, flow: Flow, protocol: Any) -> None:
        super().__init__(flow, protocol)
        self._connection = protocol.conn
        self._open = self._connection._state
        self._writable = protocol.writable

    @classmethod
    def suits(cls, protocol: Any) -> bool:
        """Return whether a protocol has all that is used of it."""
        connection = protocol.conn
        return (
            connection._state.name == "OPEN"
            and connection.expect_continuation_frame is False
            and connection.debug is False
            and protocol.writable.is_set() in (True, False)
            and _has_transport(protocol)
        )

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether."""
        connection = self._connection
        if (
            connection._state is not self._open  # neither end has sent or got a close frame
            or connection.expect_continuation_frame
            or not self._writable.is_set()
            or self._transport.is_closing()
        ):
            return False
        frame = _latest.frame if text is _latest.text else _latest.find(text)
        if burst.frames is None:
            self._transport.write(frame)
        else:
            burst.frames.append((self._transport, frame))
        return True


class LegacyFrameWriter(FrameWriter):
    """For uvicorn's ``websockets``, whose ``send`` writes and then waits."""

    __slots__ = ("_open",)

    versions = {"uvicorn": ((0, 35), (0, 55)), "websockets": ((13,), (18,))}

    def __init__(self, flow: Flow, protocol: Any) -> None:
        super().__init__(flow, protocol)
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
        frame = _latest.frame if text is _latest.text else _latest.find(text)
        if burst.frames is None:
            self._transport.write(frame)
        else:
            burst.frames.append((self._transport, frame))
        return True


class DaphneFrameWriter(FrameWriter):
    """For Daphne, as ``sendPreparedMessage`` of autobahn does it, without what that logs."""

    __slots__ = ("_flow", "_socket")

    versions = {
        "daphne": ((4, 2), (4, 3)),
        "autobahn": ((22, 4), (27,)),
        "twisted": ((22, 4), (27,)),
    }

    def __init__(self, flow: Flow, protocol: Any) -> None:
        super().__init__(flow, protocol)
        self._flow = flow
        self._socket = TwistedSocket(protocol.transport)

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
            and protocol.transport.disconnecting in (True, False)
        )

    def write(self, text: str) -> bool:
        """Write a text, unless only ``send`` can say what is to be done, and return whether."""
        protocol = self._protocol
        if (
            not self._flow.is_writable
            or protocol.state != protocol.STATE_OPEN
            or protocol.send_state != protocol.SEND_STATE_GROUND
            or protocol.send_queue
            or self._transport.disconnecting
            or not self._transport.connected
        ):
            return False
        frame = _latest.frame if text is _latest.text else _latest.find(text)
        if burst.frames is None:
            self._socket.write(frame)
        else:
            burst.frames.append((self._socket, frame))
        return True


class TwistedSocket:
    """Writes to a Twisted transport at once, which itself waits for the reactor's next turn.

    That the selector need not be told to wait, and not to wait any more, saves two thirds of the
    time. What the system does not take, and all that is for no plain TCP socket, Twisted writes.
    """

    __slots__ = ("_is_direct", "_transport")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._is_direct = _get_name(transport) == _TCP and transport.TLS is False

    def write(self, frame: bytes) -> None:
        """Write a frame behind what waits already."""
        transport = self._transport
        if self._is_direct and not transport.dataBuffer and not transport._tempDataBuffer:
            written = transport.writeSomeData(frame)
            if written == len(frame):
                return
            if isinstance(written, int):  # else the connection is lost, as Twisted will find
                frame = frame[written:]
        transport.write(frame)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abortConnection()


_TCP: Final = "twisted.internet.tcp.Server"
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
    known = _find_known(_get_name(protocol))
    if known is None:
        return None
    try:
        return known(flow, protocol) if known.suits(protocol) else None
    except (AttributeError, TypeError):
        return None


def _get_name(instance: object) -> str:
    return f"{type(instance).__module__}.{type(instance).__qualname__}"


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
