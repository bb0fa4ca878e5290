"""What one peer watches of one question: `Subscription`.

Takes what its watch shows, gives deliveries to the peer's connection: at most one waits there, and
becomes what the peer has not got when it is written.
"""

from collections.abc import Callable
from typing import Protocol

from django_vortex.exceptions import PeerError
from django_vortex.live.watch import Watch
from django_vortex.server.delivery import Delivery
from django_vortex.server.gate import Gate
from django_vortex.server.presentation import Presentation
from django_vortex.server.shown import ShownAnswer
from django_vortex.typedefs import Filt


class Holder(Protocol):
    """What a subscription needs of who holds them all."""

    def deliver(self, subscription: "Subscription", /) -> None:
        """Give something to the connection of the peer, if that is here."""

    def call_when_open(self, gate: Gate, function: Callable[[], None], /) -> None:
        """Call a function when it is known that a peer may see its answer."""

    def end(self, subscription: "Subscription", error: PeerError, /) -> bool:
        """Let go of a subscription whose watch is over.

        Returns:
            Whether the peer is told; it is not where it watches the same in another scope now.
        """


class Subscription:
    """One peer's interest in one watch; a `Subscriber`.

    Args:
        holder: Who holds it.
        peer: The uuid of the peer.
        user: The primary key of its user as text.
        filt: The question.
        presentation: How the peer is shown its answer.
        tag: Of the answer that it has.
    """

    __slots__ = (
        *("_error", "_holder", "_is_gated", "_is_held", "_is_over", "_is_waiting"),
        *("filt", "gate", "peer", "presentation", "tag", "user", "watch"),
    )

    def __init__(
        self,
        holder: Holder,
        peer: str,
        user: str | None,
        filt: Filt,
        presentation: Presentation,
        tag: str | None = None,
    ) -> None:
        self._holder = holder
        self._error: PeerError | None = None
        self._is_gated = False
        self._is_held = True
        self._is_over = False
        self._is_waiting = False
        self.peer = peer
        self.user = user
        self.filt = filt
        self.presentation = presentation
        self.tag = tag
        self.watch: Watch | None = None
        self.gate: Gate | None = None
        """Whether the peer may see an answer that all share; None if everybody may."""

    @property
    def is_counted(self) -> bool:
        """Whether it is one of the watches that a peer may have so many of."""
        return self.presentation.is_counted

    @property
    def name(self) -> str:
        """What tells it from all else that the peer watches."""
        return self.presentation.name

    def hold(self) -> None:
        """Show nothing before `start`, nor what waits for the peer already."""
        self._is_held = True

    def start(self) -> None:
        """Show from now on, and what there was to show until now."""
        self._is_held = False
        if self._is_waiting:
            self._holder.deliver(self)

    def show(self, watch: Watch, /) -> None:
        """Show the peer the newest answer, unless that waits for it already."""
        self.watch = watch
        self._error = None
        self._offer_if_open()

    def fail(self, watch: Watch, error: PeerError, /, *, is_final: bool) -> None:
        """Tell the peer what went wrong, in place of an answer that waits for it."""
        self.watch = watch
        if is_final and not self._holder.end(self, error):
            return
        self._error = error
        self._is_over = is_final
        self._offer()

    def doubt(self, error: PeerError, /) -> None:
        """Tell the peer why nobody can tell whether it may watch; it is shown nothing meanwhile."""
        self._error = error
        self._offer()

    def trust(self) -> None:
        """Show the peer the newest answer, after it was in doubt whether it may see that."""
        self._error = None if self.watch is None else self.watch.error
        if not self._is_over and not self._is_gated:  # else it is offered when the gate opens
            self._offer_if_open()

    def refuse(self, error: PeerError) -> None:
        """Tell the peer why it does not watch any more."""
        self._error = error
        self._is_over = True
        self._offer()

    def stop(self) -> None:
        """Show nothing more."""
        self._is_over = True

    def make_shown(self, date: int) -> ShownAnswer:
        """Return what waits for the peer."""
        return ShownAnswer(self, date)

    def get_delivery(self) -> Delivery | None:
        """Return what takes the peer from what it has to the newest, None if nothing is to say."""
        watch = self.watch
        if self._error is not None:
            return self.presentation.get_failure(self._error, is_over=self._is_over)
        if self._is_over or watch is None or watch.answer is None or not self._is_open:
            return None
        return self.presentation.get_delivery(watch, self.tag)

    def take_delivery(self) -> Delivery | None:
        """Return what `get_delivery` does, and note that the peer has it."""
        if self._is_held:
            return None  # it waits for `start`
        delivery = self.get_delivery()
        self._is_waiting = False
        if delivery is not None:
            self.presentation.note_written()
            if self._error is None and self.watch is not None and self.watch.answer is not None:
                self.tag = self.watch.answer.tag
        elif self._error is None and not self._is_over and not self._is_open:
            self._offer_if_open()
        return delivery

    @property
    def _is_open(self) -> bool:
        return self.gate is None or self.gate.is_open

    def _offer_if_open(self) -> None:
        if self._is_open:
            self._offer()
        elif self.gate is not None and not self._is_gated:
            self._is_gated = True
            self._holder.call_when_open(self.gate, self._open)

    def _open(self) -> None:
        self._is_gated = False
        if not self._is_over and self._error is None:
            self._offer_if_open()

    def _offer(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        if not self._is_held:
            self._holder.deliver(self)
