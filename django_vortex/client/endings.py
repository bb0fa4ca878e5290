"""What the end of a connection means for the next one.

Takes a close code with its reason or an HTTP status with its text, gives an `Ending`: the one table
of who comes back and when. Everything comes back but what the server has said is final.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django_vortex.wire.reserved import (
    MOVE_CLOSURE,
    NORMAL_CLOSURE,
    NOT_THIS_USER_CLOSURE,
    REFUSED_CLOSURE,
    STALE_COOKIES_CLOSURE,
    STOPPING_CLOSURE,
    THROTTLED_CLOSURE,
    UPDATE_REQUIRED,
    UPDATE_REQUIRED_CLOSURE,
)

DEPARTURE_CODES: Final = frozenset({NORMAL_CLOSURE, 1001, 1012, STOPPING_CLOSURE, 503})
"""The server, or a proxy, leaves in good order: everybody comes back at once, so nobody hurries."""

UNAUTHENTICATED_CODES: Final = frozenset({NOT_THIS_USER_CLOSURE, STALE_COOKIES_CLOSURE, 401})
"""Whoever token or cookies name is not let in, or not any more; with fresh ones it may be."""

REFUSED_CODES: Final = frozenset({REFUSED_CLOSURE, 403})
"""Coming back with the same uuid and token changes nothing."""

RATE_CODES: Final = frozenset({THROTTLED_CLOSURE, 429})
"""Too often."""

STOPPING_CODES: Final = frozenset({STOPPING_CLOSURE, 503})
"""Of these 0 s to wait say that another process is there already, so that few come at once."""

OUTDATED_CODES: Final = frozenset({UPDATE_REQUIRED_CLOSURE, 426})
"""This client is too old, if the reason says so: proxies have 426 for other things."""

_WAIT = re.compile(r"\s*(\d{1,6}(?:\.\d{1,3})?) s\b")


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended, or an attempt failed.

    Attributes:
        reason: For people.
        code: A close code or an HTTP status, 0 for none.
        retry_seconds: What the server asks to wait at least.
        span_seconds: Within which the server asks to come back, 0 where the cause says it.
        is_departure: Whether the server leaves, and all its clients with it.
        is_move: Whether it has said so before it left, so that nothing has failed.
        is_own: Whether only this client has found the connection dead, as after a suspend.
        is_refusal: Whether coming back changes nothing.
        is_outdated: Whether it is one because this client is too old.
        is_unauthenticated: Whether only a fresh token, or fresh cookies, may change something.
        keeps_requests: Whether the server may still answer on the next connection, as it does over
            HTTP.
    """

    reason: str
    code: int = 0
    retry_seconds: float = 0.0
    span_seconds: float = 0.0
    is_departure: bool = False
    is_move: bool = False
    is_own: bool = False
    is_refusal: bool = False
    is_outdated: bool = False
    is_unauthenticated: bool = False
    keeps_requests: bool = False


def read_ending(
    code: int, reason: str, *, retry_after: str = "", keeps_requests: bool = False
) -> Ending:
    """Return what a close code or a status means.

    Args:
        code: Of the close frame or of the response.
        reason: What came with it; our server's begins with the seconds to wait where there are any.
        retry_after: The header of that name.
        keeps_requests: See `Ending`.
    """
    waits = code in RATE_CODES or code in DEPARTURE_CODES
    is_move = code == MOVE_CLOSURE
    is_outdated = code in OUTDATED_CODES and reason.startswith(UPDATE_REQUIRED)
    told = _WAIT.match(reason) or _WAIT.match(f"{retry_after} s")
    seconds = float(told[1]) if told and (waits or is_move) else 0.0
    is_replaced = told is not None and not seconds and code in STOPPING_CODES
    return Ending(
        reason,
        code,
        0.0 if is_move else seconds,
        span_seconds=seconds if is_move else 0.0,
        is_departure=waits and not is_replaced,
        is_move=is_move,
        is_refusal=code in REFUSED_CODES or is_outdated,
        is_outdated=is_outdated,
        is_unauthenticated=code in UNAUTHENTICATED_CODES,
        keeps_requests=keeps_requests,
    )
