"""What is pushed to who watches, in our own dialect: envelopes under `WATCHED_KEY`.

Takes what is new in an answer, gives envelopes; `django_vortex.client.watched` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from django_vortex.exceptions import PeerError
from django_vortex.live.deltas import Delta, find_delta
from django_vortex.live.row_texts import RowTexts
from django_vortex.live.tags import ListState
from django_vortex.routing.failures import make_result
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.json_text import escape_json
from django_vortex.wire.parts import make_part
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

_write = msgspec.json.Encoder().encode
"""Writes positions as JSON numbers without a wrapper."""


@dataclass(frozen=True, slots=True)
class WrittenDelta:
    """What is sent of a delta: the members of its filt that name positions, and its rows."""

    members: dict[str, Any]
    rows: bytes


def make_filt(name: str, at: str, members: Filt) -> Filt:
    """Return the filt of what is pushed to those who watch.

    Args:
        name: Of the watch.
        at: The position that the answer is not older than.
        members: What there is beside these.
    """
    return {"key": WATCHED_KEY, WATCH_NAME: name, WATCHED_AT: at, **members}


def write_delta(
    former: ListState, state: ListState, rows: RowTexts, before: RowTexts | None = None
) -> WrittenDelta | None:
    """Return what has changed between two states, None if to say it takes above half of the list.

    Args:
        former: The older one.
        state: The newer one.
        rows: Those of the newer one.
        before: Those of the older one, if they are there: only parts of changed rows are sent then.
    """
    delta = find_delta(former, state)
    members = _name_positions(delta)
    if members is None:
        return None
    put: Sequence[bytes] = rows.choose(delta.put)
    if before is not None:
        put = _make_parts(put, before, delta.was)
    text = b"[%b]" % b",".join(put)
    size = len(_write(members)) + len(text)
    return WrittenDelta(members, text) if 2 * size <= rows.size else None


def _make_parts(
    put: Sequence[bytes], before: RowTexts, was: Sequence[int | None]
) -> Sequence[bytes]:
    """Return of each row what has changed in it, and those whole that were not there before."""
    known = [place for place in was if place is not None]
    if not known:
        return put
    former = dict(zip(known, before.choose(known), strict=True))
    return [
        row if place is None else make_part(former[place], row)
        for row, place in zip(put, was, strict=True)
    ]


def _name_positions(delta: Delta) -> dict[str, Any] | None:
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
    head = escape_json(_write(filt))
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
