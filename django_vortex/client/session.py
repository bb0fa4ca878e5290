"""The client's end of a session: what it has sent and got, over all connections.

Takes what a server says when a stream begins, gives what is to be written once more; where the
server has not got the session any more, sorts what was under way by what may have become of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from django_vortex.client.outgoing import BATCH_BYTES, Message
from django_vortex.wire.counting import Arrivals, Suspicion, Window
from django_vortex.wire.counts import write_counts
from django_vortex.wire.opening import Opening, SessionInfo
from django_vortex.wire.reserved import TOO_LONG_CLOSURE

KEY_BYTES: Final = 16
"""Random bytes of the key that nobody else knows."""

POST_TELL_MESSAGES: Final = 500
"""Over HTTP, where it takes a request, the server is told of arrivals after so many messages."""

POST_TELL_BYTES: Final = 524_288
"""The same for their bytes."""

MAX_SHORT_POSTS: Final = 2
"""How many POSTs may be under way whose short responses have not begun: one with messages, and one
that the server ends for it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What was under way when a session was lost, in order.

    Attributes:
        unknown: The server may have done it or not.
        unwritten: What came behind it, and the server has certainly not done.
    """

    unknown: list[Message]
    unwritten: list[Message]


class Session:
    """The session of one client.

    Attributes:
        is_active: Whether the server counts; one of the version before does not.
        window: What was written and not acknowledged.
        arrivals: What has come.
        hold: For how many seconds the server keeps it without a stream.
        awaits_info: Whether a POST has been written whose response has not begun, and nothing more
            is written before.
        is_short: Whether responses are short. The body of each POST then begins at the first
            message that is not acknowledged, so that nothing depends on the POST before it.
        poisonous: What is given up because streams end with it, until it is taken away.
    """

    def __init__(self) -> None:
        self.is_active = False
        self.window: Window[Message] = Window(lambda message: message.size)
        self.arrivals = Arrivals()
        self.hold = 0.0
        self.awaits_info = False
        self.is_short = False
        self.poisonous: list[Message] = []
        self._key = secrets.token_urlsafe(KEY_BYTES)
        self._since = 0
        self._attempt = 0
        self._progress = 0
        self._first = 0
        self._tried = 0
        self._tried_before = 0
        self._suspicion = Suspicion()
        self._unanswered = 0
        self._is_met = False

    def make_opening(self, *, continues: bool, wants_short: bool = False) -> str:
        """Return what the next handshake or POST says.

        Args:
            continues: Whether it follows another POST of the same connection.
            wants_short: Whether responses are short.
        """
        self._attempt += 1
        self._unanswered += 1
        self.is_short = wants_short
        if not continues:
            self.awaits_info = False
        self.arrivals.tell()
        first = self._first if self.awaits_info else self.window.acknowledged + 1
        opening = Opening(
            self._key,
            self._since,
            self._attempt,
            self.arrivals.received,
            first,
            continues,
            wants_short,
        )
        return opening.to_text()

    @property
    def may_post(self) -> bool:
        """Whether messages may be written now."""
        is_busy = self.is_short and self._unanswered >= MAX_SHORT_POSTS
        return not self.awaits_info and not is_busy

    def note_response(self) -> None:
        """Note that the response to a POST begins, or that there will be none."""
        self._unanswered = max(0, self._unanswered - 1)

    def note_written(self, count: int, *, in_post: bool) -> None:
        """Note that so many messages, the last that were taken, are written now."""
        written = self.window.written
        self._first = written - count + 1
        self._tried_before = self._tried
        self._tried = max(self._tried, written)
        self.awaits_info = in_post and not self.is_short

    def note_not_written(self, count: int) -> None:
        """Note that so many messages, the last that were written, have certainly not arrived."""
        self.awaits_info = False
        self.window.unwritten += count
        self._tried = max(self._tried_before, self.window.written)

    def take_unwritten(self, count: int) -> list[Message]:
        """Take the next messages that are written once more, about `BATCH_BYTES` of them.

        Args:
            count: How many at most.
        """
        window, unwritten = self.window, self.window.unwritten
        if self.is_short:
            window.rewind()
        batch: list[Message] = []
        size = 0
        while len(batch) < count and size < BATCH_BYTES:
            message = window.take_unwritten()
            if message is None:
                break
            batch.append(message)
            size += message.size
        if self.is_short:  # what was in a POST before is still written
            window.unwritten = min(unwritten, window.unwritten)
        return batch

    def resume(self, info: SessionInfo, empty: Message, now: float) -> bool:
        """Go on with the session; False if what the server says cannot be.

        Args:
            info: What the server says.
            empty: A message that says nothing, to take the place of one that ends streams.
            now: The time.
        """
        is_continued = self.awaits_info or (self.is_short and self._is_met)
        self.awaits_info, self._is_met = False, True
        self.hold = info.hold
        self._since = info.since
        window = self.window
        written = window.written
        if not is_continued:
            window.unwritten = 0
        if not window.acknowledge(info.received):
            return False
        if not is_continued:
            window.rewind()
            if info.received < written:
                self._look_for_poison(empty, now)
        return self.arrivals.begin(info.first)

    def end(self, code: int) -> None:
        """Take notice that a stream has ended.

        Args:
            code: With which it was closed.
        """
        self._suspicion.is_too_long = code == TOO_LONG_CLOSURE
        self._unanswered, self._is_met = 0, False

    def begin(self, info: SessionInfo) -> Loss:
        """Begin anew, and return what was under way.

        Args:
            info: What the server says.
        """
        loss = self.lose(self._tried_before if self.awaits_info else self._tried)
        self.is_active = True
        self.hold = info.hold
        self._since = info.since
        self._is_met = True
        # A POST that is under way still names the session before, and so ends this one.
        self.awaits_info = self.is_short and info.since < self._attempt
        self.arrivals.begin(info.first)
        return loss

    def lose(self, tried: int | None = None) -> Loss:
        """Forget the session, and return what was under way.

        Args:
            tried: The number of the last message that may have reached the server.
        """
        tried = self._tried if tried is None else tried
        count = max(0, tried - self.window.acknowledged)
        messages = self.window.clear()
        loss = Loss(messages[:count], messages[count:])
        self.awaits_info = False
        self.arrivals.restore(0)
        self._since = self._first = 0
        self._tried = self._tried_before = 0
        return loss

    def take_progress(self) -> bool:
        """Return whether anything more was acknowledged since this was asked last.

        What has come says nothing: whatever ends its streams may say something first.
        """
        before, self._progress = self._progress, self.window.acknowledged
        return self._progress > before

    def make_beat(self) -> str:
        """Return the text that takes the place of a heart-beat."""
        return write_counts(self.arrivals.tell(), self.window.written)

    def is_telling_due(self, *, framed: bool) -> bool:
        """Return whether so much has come that the server is to know."""
        if self.is_short:
            return False  # the next POST comes soon, and says so
        if framed:
            return self.arrivals.is_telling_due(POST_TELL_MESSAGES, POST_TELL_BYTES)
        return self.arrivals.is_telling_due()

    def _look_for_poison(self, empty: Message, now: float) -> None:
        """Give up a message with which streams end again and again."""
        number = self.window.acknowledged + 1
        if self._suspicion.is_certain(number, now):
            self.poisonous.append(self.window.get(number))
            self.window.replace(number, empty)
