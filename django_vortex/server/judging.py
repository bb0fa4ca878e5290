"""The interface for checking logins of connected peers: `Question`, its outcome, `Judge`.

The transports implement it.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from django_vortex.routing.peer import Peer
from django_vortex.wire.reserved import NOT_THIS_USER_CLOSURE, STALE_COOKIES_CLOSURE

Logout: TypeAlias = Literal["", "user", "session"]


@dataclass(frozen=True, slots=True)
class Question:
    """A peer whose login is to be checked.

    Attributes:
        peer: As it was when its newest stream began, or when it was last asked about.
        logout: What was announced since then: ``"session"`` that just its session is to end,
            ``"user"`` that some session of its user is.
    """

    peer: Peer
    logout: Logout = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome for a peer that may not go on.

    Attributes:
        code: The close code.
        reason: Its text.
        is_certain: Whether to say so at once. Who changes a password stays logged in with a new
            session, but its browser hears of that only with the response, and before that for a
            moment the old session is there with the new password.
    """

    code: int
    reason: str
    is_certain: bool = True


NOT_THIS_USER: Final = Ended(NOT_THIS_USER_CLOSURE, "Not this user any more")
NOT_THIS_PASSWORD: Final = Ended(NOT_THIS_USER_CLOSURE, "Not this user any more", is_certain=False)
NEW_COOKIES: Final = Ended(STALE_COOKIES_CLOSURE, "Come again with new cookies", is_certain=False)

Outcome: TypeAlias = Peer | Ended
"""The peer as it is now, or why there is none."""


class Judge(Protocol):
    """Checks the logins of peers."""

    def __call__(
        self, questions: Sequence[Question], seconds: float
    ) -> AsyncIterator[tuple[int, Outcome]]:
        """Yield outcomes by the index of their question, in any order.

        Args:
            questions: About whom.
            seconds: Over which time to spread what cannot be asked about together.

        Raises:
            Exception: Some could not be asked about; no outcome was given for those.
        """


def get_session_key(peer: Peer) -> str | None:
    """Return the key of a peer's session, None if it has none."""
    key: Any = getattr(peer.session, "session_key", None)
    return key or None
