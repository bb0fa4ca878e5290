"""What both ends say of their session when a stream begins: `Opening` and `SessionInfo`.

Takes the header that a client sends with each handshake and each POST, gives an `Opening`; takes
the introduction of a server, gives a `SessionInfo`. And back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

SESSION_HEADER: Final = "Vortex-Session"
"""The header of a handshake or a POST that has an `Opening`."""

SESSION_SUBPROTOCOL: Final = "vortex.session."
"""Browsers offer a subprotocol in its place; behind this comes the text in base64url."""

SESSION_KEY: Final = "session"
"""The filt key of an introduction under which `SessionInfo.to_record` stands."""

MIN_KEY_CHARACTERS: Final = 22
"""A key has 128 random bits or more, as base64url."""

_read_opening = re.compile(
    rf"([A-Za-z0-9_-]{{{MIN_KEY_CHARACTERS},64}})"
    r"\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:\.([a-z]{1,8}))?",
    re.ASCII,
).fullmatch

_CONTINUES: Final = "c"
_WANTS_SHORT: Final = "s"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client says of its session when it opens a stream.

    Attributes:
        key: The secret of the client, which nobody else knows; the same over all its streams.
        since: The attempt that the session began with; 0 if the client knows of none yet.
        attempt: The number of this stream among all of the client's; only grows.
        received: The number of the last message that has arrived at the client.
        first: The number of the first message that follows in a body, if there is one.
        continues: Whether the client reads the response before this one to its end.
        wants_short: Whether the response is to end as soon as it has carried something.
    """

    key: str
    since: int
    attempt: int
    received: int
    first: int
    continues: bool = False
    wants_short: bool = False

    def to_text(self) -> str:
        """Return what `read_opening` reads."""
        numbers = f"{self.key}.{self.since}.{self.attempt}.{self.received}.{self.first}"
        flags = _CONTINUES * self.continues + _WANTS_SHORT * self.wants_short
        return f"{numbers}.{flags}" if flags else numbers


def read_opening(text: str) -> Opening | None:
    """Return what a client says of its session, None if it cannot be read.

    Letters behind the numbers that have no meaning here are ignored.
    """
    match = _read_opening(text)
    if match is None:
        return None
    key, *numbers, flags = match.groups(default="")
    since, attempt, received, first = map(int, numbers)
    if not attempt or not first or since > attempt:
        return None
    return Opening(key, since, attempt, received, first, _CONTINUES in flags, _WANTS_SHORT in flags)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a server says of the session when a stream begins.

    Attributes:
        resumed: Whether the session goes on. Else it begins now, with nothing in it, and what came
            along in the body was not looked at.
        since: The attempt that it began with.
        received: The number of the last message that has arrived at the server.
        first: The number of the first message that comes over this stream.
        hold: For how many seconds the session is kept without a stream.
    """

    resumed: bool
    since: int
    received: int
    first: int
    hold: float

    def to_record(self) -> dict[str, Any]:
        """Return what `read_session_info` reads."""
        return {
            "resumed": self.resumed,
            "since": self.since,
            "received": self.received,
            "first": self.first,
            "hold": self.hold,
        }


def read_session_info(record: Any) -> SessionInfo | None:
    """Return what a server says of the session; None where it has none, or what says nothing."""
    match record:
        case {
            "resumed": bool(resumed),
            "since": int(since),
            "received": int(received),
            "first": int(first),
            "hold": int() | float() as hold,
        }:
            return SessionInfo(resumed, since, received, first, float(hold))
    return None
