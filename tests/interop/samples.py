"""Values that released clients can send and read, in the notation of the drivers."""

from datetime import UTC, datetime, timedelta, timezone

from tests.interop.originals.notation import Record

SAMPLE = Record(
    "e2e.Sample",
    {
        "number": 5,
        "text": "Zoë \U0001f600",
        "ratio": 5.0,
        "flag": True,
        "when": datetime(2024, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=10))),
        "data": b"\x00\xff",
        "children": [1, 2.5, None, "three"],
        "mapping": {"a": 1, "b": [datetime(2024, 1, 1, tzinfo=UTC)]},
    },
)

VALUES = [SAMPLE, 7, -1, 2**40, 0.1, "text", "", None, False, b"bytes", [[], {}], {"k": SAMPLE}]
