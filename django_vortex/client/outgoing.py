"""What waits to be written: one queue, first in, first out, with bounds.

Takes encoded messages, gives them in batches to whoever has a connection, and takes back what was
not written after all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.framing import reframe
from django_vortex.wire.pieces import PiecedText

MAX_MESSAGES: Final = 2000
"""How many messages may wait."""

MAX_BYTES: Final = 2_000_000
"""How long all that wait may be together; one message alone may be longer."""

BATCH_BYTES: Final = 262_144
"""How much is written in one go; over HTTP, in one request."""

MAX_GROWTH: Final = 2
"""How much longer a message can be over HTTP: four thirds by base64, of its payload twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One encoded message.

    Attributes:
        text: The envelope as JSON; how a transport frames it is its own business.
        request_id: Of the request that it is, "" if nobody waits for an answer.
        envelope: What it was written of, to be written anew for a server of another version.
        dialect: What it is written in.
    """

    text: str
    request_id: str = ""
    envelope: PayloadEnvelope | None = None
    dialect: Dialect = Dialect.NATIVE

    @property
    def size(self) -> int:
        """The bytes of all of it on a WebSocket."""
        return self.text.size if isinstance(self.text, PiecedText) else len(self.text)

    def exceeds(self, limit: int, *, framed: bool) -> bool:
        """Return whether it is longer on the wire than a server takes.

        Args:
            limit: What the server takes.
            framed: Whether it travels over HTTP, where it is longer.
        """
        if self.size * MAX_GROWTH <= limit:
            return False
        return (len(reframe(self.text, framed=True)) - 1 if framed else self.size) > limit


class Outgoing:
    """The messages that are not written yet."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self.in_writing = 0
        """How many messages were taken and are not known to be written."""

    def __len__(self) -> int:
        return len(self._waiting) + self.in_writing

    @property
    def bytes(self) -> int:
        """Length of all that waits."""
        return self._bytes

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return not self._waiting

    def has_room(self, message: Message) -> bool:
        """Return whether `put` would keep the bounds."""
        if not self._waiting:
            return True
        fits = self._bytes + message.size <= self._max_bytes
        return fits and len(self._waiting) < self._max_messages

    def put(self, message: Message) -> None:
        """Add a message at the end."""
        self._waiting.append(message)
        self._bytes += message.size

    def take(self) -> list[Message]:
        """Take the next messages, about `BATCH_BYTES` of them, to be written now."""
        batch: list[Message] = []
        size = 0
        while self._waiting and (not batch or size + self._waiting[0].size <= BATCH_BYTES):
            message = self._waiting.popleft()
            size += message.size
            batch.append(message)
        self._bytes -= size
        self.in_writing += len(batch)
        return batch

    @property
    def next_size(self) -> int:
        """The bytes of the next message, 0 if there is none."""
        return self._waiting[0].size if self._waiting else 0

    def take_one(self) -> Message:
        """Take the next message out; there must be one. It is not counted as being written."""
        message = self._waiting.popleft()
        self._bytes -= message.size
        return message

    def put_first(self, messages: Iterable[Message]) -> None:
        """Put messages before all that wait, in their order."""
        for message in reversed(list(messages)):
            self._waiting.appendleft(message)
            self._bytes += message.size

    def confirm(self, count: int) -> None:
        """Note that so many of those that were taken are written, or given up."""
        self.in_writing -= count

    def put_back(self, batch: Iterable[Message]) -> None:
        """Take back messages that were taken and certainly not written; they are the next again."""
        taken = list(batch)
        self.put_first(taken)
        self.in_writing -= len(taken)

    def withdraw(self, request_id: str) -> bool:
        """Remove a request that nobody waits for any more; tell whether it was still here."""
        for message in self._waiting:
            if message.request_id == request_id:
                self._waiting.remove(message)
                self._bytes -= message.size
                return True
        return False

    def clear(self) -> int:
        """Drop everything that waits and tell how many messages that were."""
        dropped = len(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return dropped
