"""Encoding and decoding rows in our own dialect, for messages of one row up to a whole table.

Ours is the payload of `benchmarks.codec`'s rows as it stands in an envelope, or in its pieces: from
tuples to JSON and back, in columns where there are two rows or more. The other side is bare
``orjson``, which dumps and loads the same rows as plain dicts: it makes no tuples, checks nothing,
and leaves datetimes as text.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from benchmarks import goals
from benchmarks.codec import TUPLES, Order, make_rows, registry
from benchmarks.results import Result, compare, format_table, interleave
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload

COUNTS: Final = (1, 20, 100, 3376)
"""Rows of a message: one, a page, a screen, all airports of the example."""

ROWS_PER_MEASUREMENT: Final = 20_000
ROUNDS: Final = 15
NATIVE: Final = Dialect.NATIVE


def find_rows(count: int) -> list[dict[str, Any]]:
    """Return so many rows."""
    rows = make_rows()
    return [dict(rows[index % TUPLES]) for index in range(count)]


def make_payload(rows: list[dict[str, Any]]) -> Payload:
    """Return the rows as tuples."""
    return Payload({}, [Order(**row) for row in rows])


def encode(codec: Codec, payload: Payload) -> bytes:
    """Return the JSON of a payload that says nothing but its tuples."""
    encoded = codec.encode_payload(payload, NATIVE)
    encoded.says_filt = encoded.says_date = False
    return encoded.short or encoded.json or b""


def rate(run: Callable[[], object], count: int) -> Callable[[], float]:
    """Return a measurement of many runs in rows per second of this thread's processor time."""
    runs = max(1, ROWS_PER_MEASUREMENT // count)

    def measurement() -> float:
        start = time.thread_time()
        for _ in range(runs):
            run()
        return runs * count / (time.thread_time() - start)

    return measurement


def measure() -> list[Result]:
    """Compare both ways for each number of rows."""
    return [line for count in COUNTS for line in _measure(count)]


def _measure(count: int) -> list[Result]:
    codec = Codec(registry)
    rows = find_rows(count)
    payload = make_payload(rows)
    json, bare = encode(codec, payload), orjson.dumps(rows)
    if list(codec.decode_inflated(json, NATIVE).tuples) != payload.tuples:
        raise AssertionError("The decoded tuples are not those that were encoded")
    rates = interleave(
        {
            "ours encode": rate(lambda: encode(codec, payload), count),
            "bare encode": rate(lambda: orjson.dumps(rows), count),
            "ours decode": rate(lambda: codec.decode_inflated(json, NATIVE), count),
            "bare decode": rate(lambda: orjson.loads(bare), count),
        },
        rounds=ROUNDS,
    )
    goal = goals.NATIVE_OVER_BARE_FEW if count < goals.MANY_ROWS else goals.NATIVE_OVER_BARE_MANY
    return [
        compare(
            f"{way} {count} native rows against bare orjson",
            rates[f"ours {way}"],
            rates[f"bare {way}"],
            "rows/s",
            goal=goal,
        )
        for way in ("encode", "decode")
    ]


if __name__ == "__main__":
    print(format_table(measure()))
