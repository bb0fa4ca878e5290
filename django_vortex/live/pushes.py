"""What is pushed to who watches, in our own dialect: envelopes under `WATCHED_KEY`.

Takes what is new in an answer, gives envelopes; `django_vortex.client.watched` reads them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from django_vortex.exceptions import PeerError
from django_vortex.live.deltas import Delta
from django_vortex.routing.failures import make_result
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.json_text import escape_json
from django_vortex.wire.reserved import (
    GONE,
    IS_ENDED,
    MOVED,
    PUT,
    WAS,
    WATCH_NAME,
    WATCHED_AT,
    WATCHED_KEY,
)

MAX_POSITIONS: Final = 3000
"""How many positions a delta may name: a message may have 10 000 values in its filt."""

write_positions = msgspec.json.Encoder().encode
"""Writes what a delta names; positions are JSON numbers without a wrapper."""


def make_filt(name: str, at: str, members: Filt) -> Filt:
    """Return the filt of what is pushed to those who watch.

    Args:
        name: Of the watch.
        at: The position that the answer is not older than.
        members: What there is beside these.
    """
    return {"key": WATCHED_KEY, WATCH_NAME: name, WATCHED_AT: at, **members}


def name_positions(delta: Delta) -> dict[str, Any] | None:
    """Return the members of a filt that are a delta, None if they are too many."""
    count = len(delta.gone) + 2 * len(delta.put) + 2 * len(delta.moved)
    if count > MAX_POSITIONS:
        return None
    members: dict[str, Any] = {}
    if delta.gone:
        members[GONE] = delta.gone
    if delta.put:
        members[PUT] = delta.put
    if any(place is not None for place in delta.was):
        members[WAS] = delta.was
    if delta.moved:
        members[MOVED] = [list(pair) for pair in delta.moved]
    return members


def make_push(filt: Filt, rows: bytes, columns: bytes | None = None) -> PayloadEnvelope:
    """Return the envelope with rows that are encoded already.

    Args:
        filt: As `make_filt` gives it.
        rows: The JSON of their list.
        columns: The same for peers who read columns, if it was made.
    """
    head = escape_json(write_positions(filt))
    by_dialect = {Dialect.NATIVE: columns or rows, Dialect.NATIVE_1: rows}
    return PayloadEnvelope.with_tuples(filt, EncodedTuples(by_dialect, head))


def make_failure(name: str, at: str, error: PeerError, *, is_ended: bool) -> PayloadEnvelope:
    """Return the envelope that tells why there is no answer.

    Args:
        name: Of the watch.
        at: The position of the evaluation that failed.
        error: What is told.
        is_ended: Whether the watch is over; else it is tried again.
    """
    filt = make_filt(name, at, {IS_ENDED: True} if is_ended else {})
    return PayloadEnvelope(filt, result=make_result(error, Dialect.NATIVE))
