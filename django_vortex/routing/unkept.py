"""Log endpoints that are collected because no reference to them is kept.

Takes references to endpoints, which the registry holds weakly. One that was made within a function,
had no owner and ends before anybody has asked it was most likely meant to stay.
"""

import weakref
from typing import TYPE_CHECKING, Any, Final

from django_vortex.logs import get_limited_logger

if TYPE_CHECKING:
    from django_vortex.routing.filt import FiltPattern

logger = get_limited_logger(__name__)

MAX_PLACES: Final = 1_000
"""How many places are written to the log; code that is made anew could have more without end."""


class Unkept:
    """An endpoint to which only its caller has a reference.

    Args:
        text: What it is.
        place: Where it was made: file and line.

    Attributes:
        is_asked: Whether anybody has asked it.
    """

    __slots__ = ("is_asked", "place", "text")

    def __init__(self, text: str, place: str) -> None:
        self.text = text
        self.place = place
        self.is_asked = False


class EndpointReference(weakref.ref[Any]):
    """A weak reference to an endpoint, as the index wants its items; equal while that lives."""

    __slots__ = ("rest", "unkept")

    rest: "FiltPattern | None"
    unkept: Unkept | None


class LostEndpoints:
    """Logs endpoints that were collected before their first request, each place once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def note(self, reference: EndpointReference) -> None:
        """Log that the endpoint of a reference has ended, where that was hardly meant."""
        lost = reference.unkept
        if lost is None or lost.is_asked or lost.place in self._told:
            return
        if len(self._told) < MAX_PLACES:
            self._told.add(lost.place)
            logger.warning(
                "%s, made at %s, has ended before anybody asked it, since nothing keeps it. Make "
                "it in the body of a module such as vortex.py or in AppConfig.ready(), keep it in "
                "a variable that lives longer, or give it an owner; close() ends it on purpose",
                lost.text,
                lost.place,
            )
