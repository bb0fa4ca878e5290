"""How answers of watches are written for peers: `Presentation`, of our own dialect and released.

Takes a watch and what a peer has of its answer, gives deliveries, each made once for all peers that
need the same.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeAlias

from django_vortex.exceptions import PeerError, PermissionDenied
from django_vortex.live.watch import Watch
from django_vortex.logs import get_limited_logger
from django_vortex.routing.failures import make_result
from django_vortex.server.delivery import Delivery
from django_vortex.server.shown import SHOWN
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import IS_ENDED, WATCH_NAME, WATCHED_KEY

logger = get_limited_logger("django_vortex.server")

KEPT_MILLISECONDS: Final = 10_000
"""For how long something is kept that was shown and may be needed again for a slow peer."""

MakeEnvelope = Callable[[], PayloadEnvelope]

More: TypeAlias = list[str] | bool | None
"""The observers that share an answer, or whether something loaded is a list; else None."""


class Presentation(Protocol):
    """How one peer is shown one answer."""

    @property
    def name(self) -> str:
        """What tells it from all else that the peer watches."""

    @property
    def is_counted(self) -> bool:
        """Whether what is shown is one of the watches that a peer may have so many of."""

    @property
    def filt(self) -> Filt | None:
        """What whole answers are written under; None in our own dialect."""

    @property
    def more(self) -> More:
        """What it is made of again in another process, beside the filt."""

    def get_delivery(self, watch: Watch, tag: str | None, /) -> Delivery | None:
        """Return what takes the peer from an answer to the newest.

        Args:
            watch: It has an answer.
            tag: Of what the peer has.
        """

    def get_failure(self, error: PeerError | None, /, *, is_over: bool) -> Delivery | None:
        """Return what tells the peer of a failure, None if it is not told.

        Args:
            error: What went wrong; None is nothing, but the watch is over.
            is_over: Whether the watch is over.
        """

    def note_written(self) -> None:
        """Take notice that something was written."""


class ShownAnswers:
    """What is shown of the newest answers, shared by peers.

    Args:
        date: Returns the time in milliseconds.
        write_position: Writes a position of the change log for peers.
    """

    def __init__(self, date: Callable[[], int], write_position: Callable[[int], str]) -> None:
        self._date = date
        self._write_position = write_position
        self._known: dict[Watch, _Shown] = {}  # in the order of their last use

    def __len__(self) -> int:
        return len(self._known)

    def get(self, watch: Watch, key: Any, make: MakeEnvelope) -> Delivery:
        """Return the delivery of the newest answer that a key stands for.

        Args:
            watch: Whose answer.
            key: What it is for.
            make: Makes the envelope when it is asked for first.
        """
        newest, now = (watch.answer, watch.answered_at), self._date()
        known = self._known.pop(watch, None)
        if known is None or known.answer != newest:
            known = _Shown(newest)
        known.used_at = now
        self._known[watch] = known
        self._forget_unused(now)
        delivery = known.deliveries.get(key)
        if delivery is None:
            delivery = known.deliveries[key] = self.make(make())
        return delivery

    def make(self, envelope: PayloadEnvelope) -> Delivery:
        """Return a delivery for one peer."""
        return Delivery(envelope, self._date(), SHOWN)

    def write_position(self, watch: Watch) -> str:
        """Return the position that the answer of a watch is not older than, as peers are told."""
        return self._write_position(watch.answered_at)

    def forget(self, watch: Watch) -> None:
        """Forget a watch that nobody watches any more."""
        self._known.pop(watch, None)

    def _forget_unused(self, now: int) -> None:
        """Forget what nobody has needed for a while: it is made again of the answer."""
        while self._known:
            watch = next(iter(self._known))
            if self._known[watch].used_at + KEPT_MILLISECONDS > now:
                break
            del self._known[watch]


class _Shown:
    """What was made of one answer, by whom it is for."""

    __slots__ = ("answer", "deliveries", "used_at")

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.deliveries: dict[Any, Delivery] = {}
        self.used_at = 0


class OwnPresentation:
    """For peers of our own dialect: what has changed since what they have.

    Args:
        shown: Shares it.
        name: The name of the question, as they know the watch.
    """

    __slots__ = ("_shown", "name")

    is_counted = True

    def __init__(self, shown: ShownAnswers, name: str) -> None:
        self._shown = shown
        self.name = name

    @property
    def filt(self) -> None:
        """None: what it is about is said by the name."""
        return None

    @property
    def more(self) -> More:
        """None."""
        return None

    def get_delivery(self, watch: Watch, tag: str | None, /) -> Delivery | None:
        """Return what takes the peer from an answer to the newest."""

        def make() -> PayloadEnvelope:
            answer = watch.answer
            if answer is None:
                raise LookupError(f"{watch.question} has no answer")
            return answer.make_envelope(self.name, self._shown.write_position(watch), tag)

        return self._shown.get(watch, tag, make)

    def get_failure(self, error: PeerError | None, /, *, is_over: bool) -> Delivery | None:
        """Return what tells the peer of a failure."""
        filt: Filt = {"key": WATCHED_KEY, WATCH_NAME: self.name}
        if is_over:
            filt[IS_ENDED] = True
        result = None if error is None else make_result(error, Dialect.NATIVE)
        return self._shown.make(PayloadEnvelope(filt, result=result))

    def note_written(self) -> None:
        """Need nothing."""


class _WholePresentation:
    """For released clients, who wait for whole answers under a filt of their own.

    Args:
        shown: Shares them.
        name: The canonical text of the filt.
        filt: What they wait under.
        dialect: What they read.
    """

    __slots__ = ("_dialect", "_filt", "_shown", "name")

    def __init__(self, shown: ShownAnswers, name: str, filt: Filt, dialect: Dialect) -> None:
        self._shown = shown
        self._filt = filt
        self._dialect = dialect
        self.name = name

    @property
    def filt(self) -> Filt:
        """What the peer waits under."""
        return self._filt

    def _share(self, watch: Watch) -> Delivery:
        """Return what is pushed to all who wait under the filt."""
        return self._shown.get(watch, (_WHOLE, self.name), lambda: self._make(watch, self._filt))

    def _make(self, watch: Watch, filt: Filt) -> PayloadEnvelope:
        if watch.answer is None:
            raise LookupError(f"{watch.question} has no answer")
        return watch.answer.make_whole(filt, self._dialect)


_WHOLE: Final = "whole"


class ObserverPresentation(_WholePresentation):
    """For observers (PROTOCOL 11): each evaluation that gave something else is shown.

    Args:
        shown: As of the base.
        name: As of the base.
        filt: As of the base.
        dialect: As of the base.
        first: What they wait for the first answer under; None if they have that already.
        observers: What the observers in the peer call themselves that share it; at least one.
    """

    __slots__ = ("_first", "observers")

    is_counted = True

    def __init__(
        self,
        shown: ShownAnswers,
        name: str,
        filt: Filt,
        dialect: Dialect,
        first: Filt | None,
        observers: Iterable[str],
    ) -> None:
        super().__init__(shown, name, filt, dialect)
        self._first = first
        self.observers = set(observers)

    @property
    def more(self) -> More:
        """The observers."""
        return sorted(self.observers)

    def get_delivery(self, watch: Watch, tag: str | None, /) -> Delivery | None:
        """Return the whole answer."""
        if self._first is not None:
            return self._shown.make(self._make(watch, self._first))
        return self._share(watch)

    def get_failure(self, error: PeerError | None, /, *, is_over: bool) -> Delivery | None:
        """Return what whoever waits for the first answer is told; others keep what they have."""
        if self._first is None or error is None:
            return None
        result = make_result(error, self._dialect)
        return self._shown.make(PayloadEnvelope(dict(self._first), result=result))

    def note_written(self) -> None:
        """Take notice that the peer has its first answer."""
        self._first = None


class LoadedPresentation(_WholePresentation):
    """For who has loaded something, and is pushed what has become of it.

    Args:
        shown: As of the base.
        name: As of the base.
        filt: As of the base.
        dialect: As of the base.
        is_list: Whether it is a list, and not one row.
    """

    __slots__ = ("is_list",)

    is_counted = False  # nobody has asked to watch; `Loading` has bounds of its own

    def __init__(
        self, shown: ShownAnswers, name: str, filt: Filt, dialect: Dialect, *, is_list: bool
    ) -> None:
        super().__init__(shown, name, filt, dialect)
        self.is_list = is_list

    @property
    def more(self) -> More:
        """Whether it is a list."""
        return self.is_list

    def get_delivery(self, watch: Watch, tag: str | None, /) -> Delivery | None:
        """Return the whole answer, None for who has it."""
        has_it = watch.answer is not None and watch.answer.tag == tag
        return None if has_it else self._share(watch)

    def get_failure(self, error: PeerError | None, /, *, is_over: bool) -> Delivery | None:
        """Return an empty answer for who may see it no more; others keep what they have."""
        if isinstance(error, PermissionDenied):
            return self._shown.make(PayloadEnvelope(self._filt, Payload(self._filt, [])))
        if error is not None:  # nobody has asked, so nobody is told
            logger.warning("Nothing is pushed to who has loaded %s: %s", self.name, error)
        return None

    def note_written(self) -> None:
        """Need nothing."""
