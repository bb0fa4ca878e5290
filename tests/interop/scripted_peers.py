"""Released clients whose libraries cannot be run here, played byte by byte.

A scripted peer replays messages of the golden vectors as that client would send them and reads the
answers as strictly as that client would: where the client stalls, drops, reloads or gives up, the
peer raises `Unreadable`, `GaveUp` or `Disconnected`. What it knows of the wire is `readers` and the
standard library; nothing of ``django_vortex``.

    with JsWebSocketPeer() as peer:
        peer.connect(host, port)
        peer.send_vector(vector["vortexMsg_b64"])
        reply = peer.receive_until(lambda message: message.key == "a.b")
"""

import json
import random
import select
import time
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.interop.http_streams import HttpStream
from tests.interop.readers import (
    Message,
    Unreadable,
    read_d0,
    read_js,
    read_vortexpy_2,
    read_vortexpy_3_1,
)

VECTORS = Path(__file__).parent.parent / "vectors"

PATIENCE_SECONDS = 30.0
"""How long a test waits for a message on a slow machine."""

SILENCE_SECONDS = 15.0
"""How long these clients wait for a sign of life; all four of them (PROTOCOL 6.5)."""

Predicate = Callable[[Message], bool]


class GaveUp(AssertionError):
    """Nothing was heard of the server for longer than the client waits."""


class Disconnected(AssertionError):
    """The server ended what it must keep open."""


class TimedOut(AssertionError):
    """The message that was waited for did not come."""


def load_vectors(file: str, section: str) -> dict[str, Any]:
    """Give a section of a vector file by id; the last one, if there are several with an id."""
    vectors = json.loads((VECTORS / file).read_text("utf-8"))
    return {vector["id"]: vector for vector in vectors[section]}


class ScriptedPeer:
    """What the scripted clients have in common.

    Args:
        name: The ``vortexName``.
        peer_uuid: The ``vortexUuid``; a fresh one if not given.
        path: Of the vortex, instead of the client's usual one.

    Attributes:
        beats: How many heart-beats have come.
        server: The filt of the newest server information; VortexJS sees an empty one.
    """

    PATH: ClassVar[str]
    dates_must_increase: ClassVar[bool] = False
    """Whether each message of a key must be later than the one before (``processLatestOnly``)."""

    def __init__(self, name: str = "scripted", peer_uuid: str = "", path: str = "") -> None:
        self.name = name
        self.uuid = peer_uuid or str(uuid.uuid4())
        self.path = path or self.PATH
        self.beats = 0
        self.server: dict[Any, Any] | None = None
        self._inbox: list[Message] = []
        self._dates: dict[Any, datetime] = {}
        self._heard_at = time.monotonic()

    def connect(self, host: str, port: int) -> None:
        """Open the channel and wait for the server information."""
        self._host, self._port = host, port
        self._heard_at = time.monotonic()
        self._open()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.server is None:
            self._pump_until(deadline, "the server information")

    def send_vector(self, *messages: bytes | str) -> None:
        """Send messages as they stand in the vectors, framed as the client frames them."""
        self._send([m.decode("latin-1") if isinstance(m, bytes) else m for m in messages])

    def receive_until(self, predicate: Predicate, timeout: float = PATIENCE_SECONDS) -> Message:
        """Wait for a message, take it out of the others and give it."""
        deadline = time.monotonic() + timeout
        while True:
            for number, message in enumerate(self._inbox):
                if predicate(message):
                    return self._inbox.pop(number)
            self._pump_until(deadline, "a message")

    def receive_beats(self, count: int, timeout: float = PATIENCE_SECONDS) -> None:
        """Wait until so many more heart-beats have come."""
        goal = self.beats + count
        deadline = time.monotonic() + timeout
        while self.beats < goal:
            self._pump_until(deadline, f"{count} heart-beats")

    def take_all(self) -> list[Message]:
        """Give the messages that have come and nobody has waited for."""
        messages, self._inbox = self._inbox, []
        return messages

    def close(self) -> None:
        """Close all connections."""
        raise NotImplementedError

    def _read(self, piece: str) -> Message:
        """Read one message; one of the functions of `readers`."""
        raise NotImplementedError

    def _open(self) -> None:
        raise NotImplementedError

    def _send(self, messages: list[str]) -> None:
        raise NotImplementedError

    def _pump(self, seconds: float) -> bool:
        """Take what comes within this time; tell whether anything came."""
        raise NotImplementedError

    def _pump_until(self, deadline: float, what: str) -> None:
        now = time.monotonic()
        if now >= deadline:
            waiting = [message.key for message in self._inbox]
            raise TimedOut(f"Waited in vain for {what}; what came has the keys {waiting!r}")
        patience = self._heard_at + SILENCE_SECONDS - now
        if self._pump(max(0.0, min(deadline - now, patience))):
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at >= SILENCE_SECONDS:
            raise GaveUp(f"{type(self).__name__} heard nothing for {SILENCE_SECONDS:g} s")

    def _take(self, piece: str, *, is_first: bool) -> None:
        """Take one message; the first of a connection must introduce the server."""
        message = self._read(piece)
        if message.is_server_info:
            self.server = message.filt
        elif is_first:
            raise Unreadable(f"The first message does not introduce the server: {message!r}")
        elif self._is_beat(message):
            self.beats += 1
        else:
            self._check_date(message)
            self._inbox.append(message)

    def _is_beat(self, message: Message) -> bool:
        return False

    def _check_date(self, message: Message) -> None:
        if message.date is None:
            raise Unreadable(f"A message without a date is dropped: {message!r}")
        last = self._dates.get(message.key)
        if last is not None and (message.date < last or (self._is_same(message.date, last))):
            raise Unreadable(f"Dropped, the last of its key was of {last}: {message!r}")
        self._dates[message.key] = message.date

    def _is_same(self, date: datetime, last: datetime) -> bool:
        return self.dates_must_increase and date == last

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


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
        self._texts[stream] += self._decoded(stream)
        if stream.status not in (0, 200):
            raise Disconnected(f"Status {stream.status}: {self._texts[stream][:200]!r}")
        while (dot := self._find_dot(self._texts[stream])) >= 0:
            piece, self._texts[stream] = self._texts[stream][:dot], self._texts[stream][dot + 1 :]
            self._take_piece(piece, stream)
        if stream.is_broken:
            raise Disconnected("A response ended in the middle")
        if stream.is_ended:
            if self._texts[stream]:
                raise Unreadable(f"A message without its dot: {self._texts[stream][:60]!r}")
            if len(self.streams) == 1 or (stream is self.streams[-1] and stream in self._in_turn):
                raise Disconnected("The newest response has been ended")
            self.streams.remove(stream)
            stream.close()
        return count

    def _decoded(self, stream: HttpStream) -> str:
        text = stream.body.decode("latin-1")
        stream.body.clear()
        if stream not in self._introduced and text.startswith("<"):
            raise Unreadable("The page is reloaded, or taken for a login page")
        return text

    def _find_dot(self, text: str) -> int:
        return text.find(".")

    def _take_piece(self, piece: str, stream: HttpStream) -> None:
        if not piece:
            self.beats += 1
            return
        self._take(piece, is_first=stream not in self._introduced)
        self._introduced.add(stream)


class D0HttpPeer(HttpPeer):
    """VortexPY 0.3.0: compressed payloads without envelopes, no dot may stand alone."""

    opening = load_vectors("vortexpy-0.3.0.json", "payload_vectors")["empty"]["vortexMsg"]

    def _read(self, piece: str) -> Message:
        return read_d0(piece)

    def _find_dot(self, text: str) -> int:
        if text.startswith("."):
            raise Unreadable("A piece that begins with a dot stalls the client for ever")
        return text.find(".")

    def _is_beat(self, message: Message) -> bool:
        return not (message.filt or message.tuples or message.result)

    def _check_date(self, message: Message) -> None:
        """It does not look at dates."""


class VortexPy2HttpPeer(HttpPeer):
    """VortexPY 2.4.3: sends its payloads wrapped like bytes."""

    opening = load_vectors("vortexpy-2.4.3.json", "envelope_vectors")["empty"]["vortexMsg_b64"]

    def _read(self, piece: str) -> Message:
        return read_vortexpy_2(piece)


def as_vortexpy_3_1(message: str) -> str:
    """Give what VortexPY 3.1 sends where 2.4.3 sends this; it has no vectors of its own."""
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
        opening = connect(
            f"ws://{self._host}:{self._port}{self.path}"
            f"?vortexUuid={self.uuid}&vortexName={self.name}",
            additional_headers={"Origin": f"http://{self._host}:{self._port}"},
            max_size=None,
            proxy=None,
            ping_interval=None,
        )
        self._socket = self._exit.enter_context(opening)

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
