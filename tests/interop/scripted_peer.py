"""What the scripted peers have in common: an inbox, patience, and what they cannot bear.

Takes messages as a client reads them, gives those that are waited for. Where the client stalls,
drops, reloads or gives up, the peer raises `Unreadable`, `GaveUp` or `Disconnected`.
"""

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from tests.interop.readers import Message, Unreadable
from tests.support.closing import Closing
from tests.support.waiting import PATIENCE_SECONDS

VECTORS = Path(__file__).parent.parent / "vectors"

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
    """Return a section of a vector file by id; the last one, if there are several with an id."""
    vectors = json.loads((VECTORS / file).read_text("utf-8"))
    return {vector["id"]: vector for vector in vectors[section]}


class ScriptedPeer(Closing):
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
        """Return the messages that have come and nobody has waited for."""
        messages, self._inbox = self._inbox, []
        return messages

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

    def _take(self, piece: str, *, is_first: bool) -> Message:
        """Take one message and give it; the first of a connection must introduce the server."""
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
        return message

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
