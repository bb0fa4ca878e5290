"""Sequences of frames that a receiver of our own dialect may see, and what they mean.

Takes the cases below, gives ``frames-2.json``: messages in pieces as other clients may send them,
well and badly. Of each case there is

* ``id``
* ``frames``, as ``frames.py`` notes them
* ``events``, what they mean to a server: ``"beat"``, or the notes of a message as in
  ``native-2.json``, or an object with the code of an ``error`` and the note of the ``filt`` under
  which it is told, null where it has none

``python -m tests.vectors.sequences`` writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django_vortex.exceptions import WireError
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.events import EnvelopeReceived, Event, FailureReceived
from django_vortex.wire.pieces import PIECE_BYTES
from django_vortex.wire.protocol import Protocol
from tests.vectors.frames import write_frame
from tests.vectors.native import CODEC, write_note, write_notes

PATH = Path(__file__).parent / "frames-2.json"
BEAT = "."
LONG = PIECE_BYTES + 10_000


def announce(json_text: bytes, count: int) -> str:
    """Return the envelope that announces a payload."""
    return write_envelope(pieces=[len(json_text), count])


def write_envelope(key: str = "vectors", **more: object) -> str:
    """Return an envelope as another client may write it."""
    return json.dumps({"_ct": "rpe", "filt": {"key": key}, **more})


def split(json_text: bytes, *lengths: int) -> list[bytes]:
    """Return pieces of these lengths, and what is left."""
    pieces = []
    for length in lengths:
        pieces.append(json_text[:length])
        json_text = json_text[length:]
    return [*pieces, json_text]


def make_sequences() -> Iterator[tuple[str, Sequence[str | bytes]]]:
    """Return what other clients may send."""
    long = b'{"tuples":["%b"]}' % (b"x" * LONG)
    two = split(long, PIECE_BYTES)
    after = write_envelope("after")
    yield "beats between", [BEAT, announce(long, 2), BEAT, two[0], BEAT, BEAT, two[1], BEAT, after]
    yield "shorter frames", [announce(long, 4), *split(long, 1, 100_000, 100_000)]
    yield (
        "as many frames as may be",
        [
            announce(long[:9990], 3),
            *split(b'{"tuples":["%b"]}' % (b"x" * 9975), 3330, 3330),
        ],
    )
    yield "short payload", [announce(b'{"tuples":[5]}', 1), b'{"tuples":[5]}']
    accents = '{"tuples":["%s"]}' % ("é" * 5000)
    yield (
        "UTF-8 that a border cuts",
        [
            announce(accents.encode(), 2),
            *split(accents.encode(), 5001),
        ],
    )
    own = b'{"_ct":"rp","filt":{"key":"own"},"tuples":["%b"],"date":null}' % (b"x" * 5000)
    yield "filt of its own", [announce(own, 1), own]
    yield "two messages", [announce(long, 2), *two, announce(own, 1), own]
    yield "bytes that are missing", [announce(long, 2), two[0], two[1][:-1], after]
    yield "bytes too many", [announce(long, 2), two[0], two[1] + b" ", after]
    yield "frame too long", [announce(long, 2), long[: PIECE_BYTES + 1], b"x", after]
    yield "frame too many", [announce(long, 2), *two, b"x", b"y", after]
    yield "empty frame", [announce(long, 3), two[0], b"", two[1], after]
    yield "message before the last frame", [announce(long, 2), two[0], after, two[1]]
    yield "frame that nothing announced", [b"{}", b"{}", after]
    yield "frames that are no JSON", [announce(b"x" * 5000, 1), b"x" * 5000, after]
    for name, pieces in {
        "no frames": [5, 0],
        "too few frames": [PIECE_BYTES + 1, 1],
        "too many frames": [8000, 3],
        "no bytes": [0, 1],
        "true": [5, True],
        "text": "5",
        "three numbers": [1, 1, 1],
        "longer than a message may be": [2**40, 2**22],
    }.items():
        yield f"announced: {name}", [write_envelope(pieces=pieces), b"12345", after]


def write_events(frames: Sequence[str | bytes]) -> list[Any]:
    """Return what frames mean to a server."""
    protocol = Protocol(CODEC, framed=False, dialect=Dialect.NATIVE)

    def write(event: Event) -> Any:
        if isinstance(event, EnvelopeReceived):
            try:
                return write_notes(event.envelope, None)
            except WireError as error:  # found when somebody reads it
                return {"error": error.code, "filt": write_note(event.envelope.filt)}
        if isinstance(event, FailureReceived):
            filt = None if event.filt is None else write_note(event.filt)
            return {"error": event.error.code, "filt": filt}
        return "beat"

    return [write(event) for frame in frames for event in protocol.receive(frame)]


def make_vectors() -> list[dict[str, Any]]:
    """Return the content of the file."""
    return [
        {"id": name, "frames": list(map(write_frame, frames)), "events": write_events(frames)}
        for name, frames in make_sequences()
    ]


if __name__ == "__main__":
    PATH.write_text(json.dumps(make_vectors(), indent=1) + "\n", "ascii")
