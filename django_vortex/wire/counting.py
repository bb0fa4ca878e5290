"""Counting the messages of a session at both of its ends: `Window`, `Arrivals`, `Suspicion`.

Takes messages as they are written and as they arrive, gives their numbers, what the other end has
not acknowledged, and when to acknowledge. Introductions, beats and counts are not counted; every
other message is, whatever is in it and whether or not it can be read, on either transport.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

MAX_UNACKNOWLEDGED: Final = 2000
"""How many messages may be written before the other end has acknowledged the first."""

MAX_UNACKNOWLEDGED_BYTES: Final = 2_097_152
"""How long they may be together; one message alone may be longer."""

TELL_MESSAGES: Final = 64
"""After so many messages the other end is told that they have arrived."""

TELL_BYTES: Final = 131_072
"""The same for their bytes."""

MAX_ENDS: Final = 3
"""A message is given up when so many streams have ended with it."""

MIN_END_SECONDS: Final = 10.0
"""And over so long at least: a line that is cut all the time ends streams with any message."""

MAX_LONG_ENDS: Final = 2
"""The same at once where an end of the stream says that a message was too long."""

_Message = TypeVar("_Message")


class Window(Generic[_Message]):
    """The messages that were written and not acknowledged, oldest first.

    On a new stream the last of them are written once more; which those are `rewind` says.

    Args:
        measure: Returns the bytes of a message.
    """

    __slots__ = ("_measure", "_messages", "acknowledged", "size", "unwritten")

    def __init__(self, measure: Callable[[_Message], int]) -> None:
        self._measure = measure
        # An empty deque is 600 bytes, and most peers have acknowledged all.
        self._messages: deque[_Message] | None = None
        self.acknowledged = 0
        """The number of the last message that the other end is known to have."""
        self.size = 0
        """The bytes of all that are not acknowledged."""
        self.unwritten = 0
        """How many of the last messages are still to be written to the present stream."""

    def __len__(self) -> int:
        return len(self._messages) if self._messages else 0

    def __iter__(self) -> Iterator[_Message]:
        return iter(self._messages or ())

    @property
    def last(self) -> int:
        """The number of the newest message."""
        return self.acknowledged + len(self)

    @property
    def written(self) -> int:
        """The number of the last message that was written to the present stream."""
        return self.last - self.unwritten

    def has_room(self, size: int) -> bool:
        """Return whether a message of so many bytes may be written now."""
        if not self._messages:
            return True
        fits = self.size + size <= MAX_UNACKNOWLEDGED_BYTES
        return fits and len(self._messages) < MAX_UNACKNOWLEDGED

    def add(self, message: _Message) -> None:
        """Number a message, which is written now."""
        if self._messages is None:
            self._messages = deque()
        self._messages.append(message)
        self.size += self._measure(message)

    def acknowledge(self, number: int) -> bool:
        """Forget the messages up to a number; False if that is not possible.

        It is not where they were acknowledged before, or were not written to this stream.
        """
        count = number - self.acknowledged
        messages = self._messages
        if count < 0 or count > len(self) - self.unwritten:
            return False
        if messages is not None:
            for _ in range(count):
                self.size -= self._measure(messages.popleft())
            if not messages:
                self._messages = None
        self.acknowledged = number
        return True

    def rewind(self, number: int | None = None) -> None:
        """Let messages be written once more, to a new stream.

        Args:
            number: Of the last message that need not be; by default the last acknowledged one.
        """
        self.unwritten = self.last - (self.acknowledged if number is None else number)

    def take_unwritten(self) -> _Message | None:
        """Return the next message that is to be written once more, None where there is none."""
        if not self.unwritten or self._messages is None:
            return None
        message = self._messages[-self.unwritten]
        self.unwritten -= 1
        return message

    def get(self, number: int) -> _Message:
        """Return the message with a number, which must not be acknowledged."""
        assert self._messages is not None
        return self._messages[number - self.acknowledged - 1]

    def replace(self, number: int, message: _Message) -> None:
        """Put another message in the place of one, under the same number."""
        assert self._messages is not None
        index = number - self.acknowledged - 1
        self.size += self._measure(message) - self._measure(self._messages[index])
        self._messages[index] = message

    def restore(self, acknowledged: int, messages: Iterable[_Message]) -> None:
        """Begin with what another window had."""
        self.clear()
        self.acknowledged = acknowledged
        for message in messages:
            self.add(message)
        self.rewind()

    def clear(self) -> list[_Message]:
        """Forget everything, begin to number anew, and return what was not acknowledged."""
        messages = list(self._messages or ())
        self._messages = None
        self.acknowledged = self.size = self.unwritten = 0
        return messages


class Arrivals:
    """How many messages of the other end have arrived, each counted once over all streams."""

    __slots__ = ("_bytes", "arrived", "received", "told")

    def __init__(self) -> None:
        self.received = 0
        """The number of the last message that was taken."""
        self.arrived = 0
        """The number of the last message that came over the present stream."""
        self.told = 0
        """The number that the other end was told last."""
        self._bytes = 0

    def begin(self, first: int) -> bool:
        """Begin with a stream; False if messages are missing before its first.

        Args:
            first: The number of the first message that comes over it.
        """
        self.arrived = first - 1
        return 0 < first <= self.received + 1

    def take(self, size: int = 0) -> bool:
        """Count a message that has come; return whether it is new.

        Args:
            size: Its bytes.
        """
        self.arrived += 1
        if self.arrived <= self.received:
            return False
        self.received = self.arrived
        self._bytes += size
        return True

    def is_telling_due(self, messages: int = TELL_MESSAGES, size: int = TELL_BYTES) -> bool:
        """Return whether so many messages, or bytes, have come that the other end is told."""
        return self.received - self.told >= messages or self._bytes >= size

    def tell(self) -> int:
        """Return the number that the other end is told now."""
        self.told = self.received
        self._bytes = 0
        return self.received

    def restore(self, received: int) -> None:
        """Begin with what has arrived elsewhere."""
        self.received = self.arrived = self.told = received
        self._bytes = 0


class Suspicion:
    """Find the message with which streams end, so that it is not written for ever.

    It is the first that has not arrived, each time a stream has ended that it was written to.

    Attributes:
        is_too_long: Whether the last stream was ended by an end that does not take long messages.
    """

    __slots__ = ("_begun_at", "_ends", "_long_ends", "_number", "is_too_long")

    def __init__(self) -> None:
        self.is_too_long = False
        self._number = 0
        self._begun_at = 0.0
        self._ends = 0
        self._long_ends = 0

    def is_certain(self, number: int, now: float) -> bool:
        """Note that a stream has ended, and return whether a message is to be given up.

        Args:
            number: Of the first message that has not arrived and was written to it.
            now: The monotonic time.
        """
        if number != self._number:
            self._number, self._begun_at = number, now
            self._ends = self._long_ends = 0
        self._ends += 1
        self._long_ends += self.is_too_long
        self.is_too_long = False
        lasts = now - self._begun_at >= MIN_END_SECONDS
        return self._long_ends >= MAX_LONG_ENDS or (self._ends >= MAX_ENDS and lasts)
