"""Answers of watches on their way to one peer: `ShownAnswer`.

What waits in an outbox is not a text but the intention to show the newest answer: the text is made
when it is written, from what the peer has then. So a slow peer gets the newest, nothing follows
from what it never got, and what it may not see any more is not among what waits.
"""

from typing import Final, Protocol

from django_vortex.server.delivery import Delivery
from django_vortex.server.texts import NumberedText
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import WATCHED_KEY

SHOWN: Final = "vortex.watched"
"""The source of texts of answers: none of them goes to another process with its peer, which shows
the newest answer itself.
"""

_NOTHING: Final = PayloadEnvelope({"key": WATCHED_KEY})


class Shows(Protocol):
    """What one peer is shown of one watch."""

    def get_delivery(self) -> Delivery | None:
        """Return what takes the peer from what it has to the newest, None if nothing is to say."""

    def take_delivery(self) -> Delivery | None:
        """Return it, since it is written now."""


class ShownAnswer(Delivery):
    """The newest answer of a watch, whatever it is when it is written.

    Args:
        shows: Knows the answer and what the peer has.
        date: In milliseconds.
    """

    __slots__ = ("_shows",)

    def __init__(self, shows: Shows, date: int) -> None:
        super().__init__(_NOTHING, date, SHOWN)
        self._shows = shows

    def take(self) -> Delivery | None:
        """Return what is written now."""
        return self._shows.take_delivery()

    def size(self, form: int, date: int, codec: Codec) -> int:
        """Return about what it costs to let it wait; the answer itself is shared."""
        delivery = self._shows.get_delivery()
        return 0 if delivery is None else delivery.size(form, date, codec)


def is_shown(entry: object) -> bool:
    """Return whether an entry of an outbox is an answer of a watch, or the text of one."""
    if isinstance(entry, NumberedText):
        return entry.source == SHOWN
    return isinstance(entry, ShownAnswer)
