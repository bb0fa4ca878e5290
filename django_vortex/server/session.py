"""What one peer of our own dialect has got and sent over all its streams: `Session`.

Takes what the peer says when a stream begins, and counts what goes out and comes in, so that over
cuts, changes of transport and of process each message arrives once, in order.
"""

from typing import Any

from django_vortex.server.texts import measure
from django_vortex.wire.counting import Arrivals, Suspicion, Window
from django_vortex.wire.counts import write_counts
from django_vortex.wire.opening import Opening, SessionInfo


class Session:
    """The session of one peer.

    Args:
        attempt: Of the stream that asks for it.
    """

    __slots__ = ("_suspicion", "arrivals", "attempt", "is_resumed", "since", "unsent", "window")

    def __init__(self, attempt: int) -> None:
        self.since = 0
        """The attempt that it began with, which tells it from all others of the peer.

        0 while another process may have it.
        """
        self.attempt = attempt
        """The newest attempt; what is older has come too late."""
        self.is_resumed = False
        """Whether the newest stream goes on with it, and so what comes along is taken."""
        self.window: Window[str] = Window(measure)
        """What was written and not acknowledged."""
        self.arrivals = Arrivals()
        """What has come."""
        self.unsent: int | None = None
        """How many of the last messages a response gave back that has ended by itself.

        None where the last stream ended otherwise, or there is one.
        """
        self._suspicion: Suspicion | None = None

    @property
    def has_begun(self) -> bool:
        """Whether it is known what is in it."""
        return self.since > 0

    def may_resume(self, opening: Opening) -> bool:
        """Return whether all that the peer lacks is here, and the peer has all that lacks here."""
        received, window = self.arrivals.received, self.window
        if opening.since:
            is_same = opening.since == self.since
        else:  # the peer was told nothing yet
            is_same = self.has_begun and not received
        is_known = window.acknowledged <= opening.received <= window.last
        return is_same and is_known and opening.first <= received + 1

    def may_lead_to(self, opening: Opening) -> bool:
        """Return whether another process may go on with it; it may not be known what is in it."""
        return not self.has_begun or self.may_resume(opening)

    def begin(self) -> None:
        """Begin with nothing in it, over the stream of the newest attempt."""
        self.since = self.attempt
        self.is_resumed = False
        self.window.clear()
        self.arrivals.restore(0)

    def note_too_long(self) -> None:
        """Note that the peer has ended a stream since a message is longer than it takes."""
        self._suspicion = self._suspicion or Suspicion()
        self._suspicion.is_too_long = True

    def find_poison(self, now: float) -> int | None:
        """Return the number of a message that streams end with; to be asked before each resumption.

        Args:
            now: The monotonic time.
        """
        window = self.window
        number = window.acknowledged + 1
        if number > window.written:
            self._suspicion = None
            return None
        self._suspicion = self._suspicion or Suspicion()
        return number if self._suspicion.is_certain(number, now) else None

    def resume(self, opening: Opening, unsent: int | None, *, has_body: bool) -> None:
        """Go on over a new stream, which `may_resume` has allowed.

        Args:
            opening: What the peer says.
            unsent: How many of the last messages the stream before it gave back, where the peer
                reads that to its end; None where nobody knows what of it arrives.
            has_body: Whether messages come along; else the peer goes on behind what it is told to
                have arrived.
        """
        self.is_resumed = True
        window = self.window
        never_written, window.unwritten = window.unwritten, 0
        window.acknowledge(opening.received)
        if unsent is None:
            behind = None
        else:
            behind = window.last - min(unsent + never_written, len(window))
        window.rewind(behind)
        self.arrivals.begin(opening.first if has_body else self.arrivals.received + 1)

    def make_info(self, hold_seconds: float) -> SessionInfo:
        """Return what the peer is told when a stream begins."""
        window = self.window
        return SessionInfo(
            self.is_resumed,
            self.since,
            self.arrivals.received,
            window.written + 1,
            hold_seconds,
        )

    def write_beat(self, *, is_amid_message: bool) -> str:
        """Return the text that takes the place of a heart-beat.

        Args:
            is_amid_message: Whether pieces of the last message are still to be written.
        """
        return write_counts(self.arrivals.tell(), self.window.written - is_amid_message)

    def to_record(self) -> list[int]:
        """Return what `restore` takes, beside the texts of the window."""
        return [self.since, self.window.acknowledged, self.arrivals.received]

    def restore(self, record: Any, texts: list[str]) -> None:
        """Begin with what another process had."""
        self.since, acknowledged, received = record
        self.window.restore(acknowledged, texts)
        self.arrivals.restore(received)
