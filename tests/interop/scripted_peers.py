"""Released clients whose libraries cannot be run here, played byte by byte.

A scripted peer replays messages of the golden vectors as that client would send them and reads the
answers as strictly as that client would. What it knows of the wire is `readers` and the standard
library; nothing of ``django_vortex``.

    with JsWebSocketPeer() as peer:
        peer.connect(host, port)
        peer.send_vector(vector["vortexMsg_b64"])
        reply = peer.receive_until(lambda message: message.key == "a.b")
"""

import random
import select
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable
from contextlib import ExitStack
from typing import ClassVar
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed

from tests.interop.http_streams import HttpStream
from tests.interop.readers import (
    Message,
    Unreadable,
    read_d0,
    read_js,
    read_vortexpy_2,
    read_vortexpy_3_1,
)
from tests.interop.scripted_peer import Disconnected, ScriptedPeer, load_vectors
from tests.interop.wires import open_websocket
from tests.support.waiting import PATIENCE_SECONDS


class HttpPeer(ScriptedPeer):
    """A client that posts and reads the responses, each of which stays open until the next.

    Attributes:
        streams: The newest response and the older ones that have not ended yet.
    """

    PATH = "/vortex"
    HEADERS: ClassVar[dict[str, str]] = {"Content-Type": "text/plain", "Connection": "close"}
    opening: ClassVar[str] = ""
    """The message that opens the channel."""

    def __init__(self, name: str = "scripted", peer_uuid: str = "", path: str = "") -> None:
        super().__init__(name, peer_uuid, path)
        self.streams: list[HttpStream] = []
        self._texts: dict[HttpStream, str] = {}
        self._introduced: set[HttpStream] = set()
        self._in_turn: set[HttpStream] = set()

    def close(self) -> None:
        """Close all connections."""
        for stream in self.streams:
            stream.close()

    def move_to(self, host: str, port: int) -> None:
        """Let the next POST go there, as a balancer in front of several processes does."""
        self._host, self._port = host, port

    def wait_until_replaced(self, timeout: float = PATIENCE_SECONDS) -> None:
        """Wait until the server has ended all responses but the newest."""
        deadline = time.monotonic() + timeout
        while len(self.streams) > 1:
            self._pump_until(deadline, "the end of the older responses")

    def _open(self) -> None:
        self._send([self.opening])

    def _send(self, messages: list[str]) -> None:
        body = "".join(f"{message}." for message in messages).encode("latin-1")
        stream = HttpStream(self._host, self._port, self._target(), body, self.HEADERS)
        # Posts that overtake each other on their way leave open whichever arrived last.
        if all(older in self._introduced for older in self.streams):
            self._in_turn.add(stream)
        self.streams.append(stream)
        self._texts[stream] = ""

    def _target(self) -> str:
        return f"{self.path}?{urlencode({'vortexUuid': self.uuid, 'vortexName': self.name})}"

    def _pump(self, seconds: float) -> bool:
        ready, _, _ = select.select(self.streams, [], [], seconds)
        return sum([self._receive(stream) for stream in ready]) > 0

    def _receive(self, stream: HttpStream) -> int:
        count = stream.receive()
        parts, stream.body = stream.body, []
        if stream.status not in (0, 200):
            raise Disconnected(f"Status {stream.status}: {b''.join(parts)[:200]!r}")
        for part in parts:
            if stream not in self._introduced and part.startswith(b"<"):
                raise Unreadable("The page is reloaded, or taken for a login page")
            self._texts[stream] += part.decode("latin-1")
            self._read_pieces(stream)
        if stream.is_broken:
            raise Disconnected("A response ended in the middle")
        if stream.is_ended:
            self._read_pieces(stream)
            if self._texts[stream]:
                raise Unreadable(f"A message without its dot: {self._texts[stream][:60]!r}")
            if len(self.streams) == 1 or (stream is self.streams[-1] and stream in self._in_turn):
                raise Disconnected("The newest response has been ended")
            self.streams.remove(stream)
            stream.close()
        return count

    def _read_pieces(self, stream: HttpStream) -> None:
        while (dot := self._texts[stream].find(".")) >= 0:
            self._take_piece(dot, stream)

    def _take_piece(self, dot: int, stream: HttpStream) -> Message | None:
        piece, self._texts[stream] = self._texts[stream][:dot], self._texts[stream][dot + 1 :]
        if not piece:
            self.beats += 1
            return None
        message = self._take(piece, is_first=stream not in self._introduced)
        self._introduced.add(stream)
        return message


class D0HttpPeer(HttpPeer):
    """VortexPY 0.3.0: compressed payloads without envelopes, no dot may stand alone.

    At an empty payload it stops reading, until more comes or the response ends. It expects its
    answers under its own filt, since nobody fills ``replyFilt``.
    """

    opening = load_vectors("vortexpy-0.3.0.json", "payload_vectors")["empty"]["vortexMsg"]

    def _read(self, piece: str) -> Message:
        return read_d0(piece)

    def _read_pieces(self, stream: HttpStream) -> None:
        while (dot := self._texts[stream].find(".")) >= 0:
            if not dot:
                raise Unreadable("A piece that begins with a dot stalls the client for ever")
            message = self._take_piece(dot, stream)
            if message is not None and self._is_empty(message):
                return

    def _is_empty(self, message: Message) -> bool:
        says_something = message.tuples or message.result or message.reply_filt
        return not says_something and (not message.filt or message.is_server_info)

    def _is_beat(self, message: Message) -> bool:
        return self._is_empty(message) or message.key == "vortex.nothing"

    def _check_date(self, message: Message) -> None:
        """It does not look at dates."""


class VortexPy2HttpPeer(HttpPeer):
    """VortexPY 2.4.3: sends its payloads wrapped like bytes."""

    opening = load_vectors("vortexpy-2.4.3.json", "envelope_vectors")["empty"]["vortexMsg_b64"]

    def _read(self, piece: str) -> Message:
        return read_vortexpy_2(piece)


def as_vortexpy_3_1(message: str) -> str:
    """Return what VortexPY 3.1 sends where 2.4.3 sends this; it has no vectors of its own."""
    return b64encode(b64decode(message).replace(b'"encodedPayload"', b'"data"')).decode("ascii")


class VortexPy31HttpPeer(HttpPeer):
    """VortexPY 3.1: the same in the field ``data``."""

    opening = as_vortexpy_3_1(VortexPy2HttpPeer.opening)

    def _read(self, piece: str) -> Message:
        return read_vortexpy_3_1(piece)


class JsHttpPeer(HttpPeer):
    """VortexJS 2.4.2 over HTTP: one POST for each message, URL arguments not escaped."""

    dates_must_increase = True
    HEADERS: ClassVar[dict[str, str]] = {"Content-Type": "text/plain;charset=UTF-8"}

    def _read(self, piece: str) -> Message:
        return read_js(piece)

    def _open(self) -> None:
        super()._send([])

    def _send(self, messages: list[str]) -> None:
        for message in messages:
            super()._send([message])

    def _target(self) -> str:
        salt = f"{random.random()}.{int(time.time() * 1000)}"
        query = f"vortexUuid={self.uuid}&vortexName={self.name}&__randArg__={salt}"
        return f"{self.path}?{query}"


class JsWebSocketPeer(ScriptedPeer):
    """VortexJS 2.4.2 over WebSocket: says nothing by itself, echoes every dot."""

    PATH = "/vortexws"
    dates_must_increase = True

    def close(self) -> None:
        """Close the connection."""
        self._exit.close()

    def send_frames(self, *frames: str | Iterable[str]) -> None:
        """Send frames as they are; a list makes one fragmented message."""
        for frame in frames:
            self._socket.send(frame)

    def _read(self, piece: str) -> Message:
        return read_js(piece)

    def _open(self) -> None:
        self._is_introduced = False
        self._exit = ExitStack()
        host = f"{self._host}:{self._port}"
        url = f"ws://{host}{self.path}?vortexUuid={self.uuid}&vortexName={self.name}"
        self._socket = open_websocket(self._exit, url, {"Origin": f"http://{host}"})

    def _send(self, messages: list[str]) -> None:
        self.send_frames(*(f"{message}." for message in messages))

    def _pump(self, seconds: float) -> bool:
        try:
            frame = self._socket.recv(timeout=seconds)
        except TimeoutError:
            return False
        except ConnectionClosed as error:
            raise Disconnected(f"The server closed the connection: {error}") from error
        if not isinstance(frame, str):
            raise Unreadable(f"A binary frame: {frame[:60]!r}")
        if frame == ".":
            self.beats += 1
            self._socket.send(".")
        else:
            self._take(frame, is_first=not self._is_introduced)
            self._is_introduced = True
        return True
