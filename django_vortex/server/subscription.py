"""What one peer watches of one question: `Subscription`.

Takes what its watch shows, gives deliveries to the peer's connection: at most one waits there, and
becomes what the peer has not got when it is written.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from django_vortex.exceptions import PeerError
from django_vortex.live.watch import Watch
from django_vortex.routing.failures import make_result
from django_vortex.server.delivery import Delivery
from django_vortex.server.gate import Gate
from django_vortex.server.shown import SHOWN, ShownAnswer
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import WATCHED_KEY

NO_TAG: Final = None
"""Of a peer that has no answer yet, or none that is known."""


class Shower(Protocol):
    """What subscriptions need of who holds them all."""

    def deliver(self, shown: ShownAnswer, uuid: str) -> None:
        """Give something to the connection of a peer, if that is here."""

    def get_delivery(self, watch: Watch, tag: str | None) -> Delivery:
        """Return what takes peers from an answer to the newest, the same for all of them."""

    def date(self) -> int:
        """Return the time in milliseconds."""

    def call_when_open(self, gate: Gate, function: Callable[[], None]) -> None:
        """Call a function when it is known that a peer may see its answer."""

    def end(self, subscription: "Subscription", error: PeerError) -> bool:
        """Let go of a subscription whose watch is over.

        Returns:
            Whether the peer is told; it is not where it watches the same in another scope now.
        """


class Subscription:
    """One peer's interest in one watch; a `Subscriber`.

    Args:
        shower: Who holds it.
        peer: The uuid of the peer.
        user: The primary key of its user as text.
        filt: What it asked.
        name: What the peer knows the watch by.
        tag: Of the answer that it has.
    """

    __slots__ = (
        *("_error", "_is_gated", "_is_held", "_is_over", "_is_waiting", "_shower"),
        *("filt", "gate", "name", "peer", "tag", "user", "watch"),
    )

    def __init__(
        self,
        shower: Shower,
        peer: str,
        user: str | None,
        filt: Filt,
        name: str,
        tag: str | None = NO_TAG,
    ) -> None:
        self._shower = shower
        self._error: PeerError | None = None
        self._is_gated = False
        self._is_held = True
        self._is_over = False
        self._is_waiting = False
        self.peer = peer
        self.user = user
        self.filt = filt
        self.name = name
        self.tag = tag
        self.watch: Watch | None = None
        self.gate: Gate | None = None
        """Whether the peer may see an answer that all share; None if everybody may."""

    def start(self) -> None:
        """Show from now on, and what there was to show until now."""
        self._is_held = False
        if self._is_waiting:
            self._deliver()

    def show(self, watch: Watch) -> None:
        """Show the peer the newest answer, unless that waits for it already."""
        self.watch = watch
        self._error = None
        self._offer_if_open()

    def fail(self, watch: Watch, error: PeerError, *, is_final: bool) -> None:
        """Tell the peer what went wrong, in place of an answer that waits for it."""
        self.watch = watch
        if is_final and not self._shower.end(self, error):
            return
        self._error = error
        self._is_over = is_final
        self._offer()

    def refuse(self, error: PeerError) -> None:
        """Tell the peer why it does not watch any more."""
        self._error = error
        self._is_over = True
        self._offer()

    def stop(self) -> None:
        """Show nothing more; what waits for the peer says that it is over."""
        self._is_over = True

    def get_delivery(self) -> Delivery:
        """Return what takes the peer from what it has to the newest."""
        watch = self.watch
        if self._shows_answer and watch is not None:
            return self._shower.get_delivery(watch, self.tag)
        result: Any = None
        if self._error is not None:
            result = make_result(self._error, Dialect.NATIVE)
        filt: Filt = {"key": WATCHED_KEY, "watch": self.name}
        if self._is_over:
            filt["ended"] = True
        return Delivery(PayloadEnvelope(filt, result=result), self._shower.date(), SHOWN)

    def note_written(self) -> None:
        """Take notice that the peer has what `get_delivery` gave."""
        self._is_waiting = False
        watch = self.watch
        if self._shows_answer and watch is not None and watch.answer is not None:
            self.tag = watch.answer.tag
        elif self._error is None and not self._is_over:
            self._offer_if_open()

    @property
    def _shows_answer(self) -> bool:
        """Whether the newest answer is what is to be written for the peer, and may be now."""
        is_open = self.gate is None or self.gate.is_open
        return is_open and self._error is None and not self._is_over

    def _offer_if_open(self) -> None:
        gate = self.gate
        if gate is None or gate.is_open:
            self._offer()
        elif not self._is_gated:
            self._is_gated = True
            self._shower.call_when_open(gate, self._open)

    def _open(self) -> None:
        self._is_gated = False
        if not self._is_over and self._error is None:
            self._offer_if_open()

    def _offer(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        if not self._is_held:
            self._deliver()

    def _deliver(self) -> None:
        self._shower.deliver(ShownAnswer(self, self._shower.date()), self.peer)
