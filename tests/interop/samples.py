"""Values that released clients can send and read, in the notation of the drivers."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.interop.originals.notation import Record
from tests.interop.originals.releases import Release

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


def of_release(values: list[Any], release: Release) -> list[Any]:
    """Return the values as a release can send and read them.

    VortexPY 0.x knows neither bytes nor time zones.
    """
    return [_of_oldest(value) for value in values] if release.is_oldest else values


def _of_oldest(value: Any) -> Any:
    if isinstance(value, Record):
        return Record(value.type_name, _of_oldest(value.fields))
    if isinstance(value, dict):
        return {key: _of_oldest(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_of_oldest(item) for item in value]
    if isinstance(value, bytes):
        return None
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


VALUES = [SAMPLE, 7, -1, 2**40, 0.1, "text", "", None, False, b"bytes", [[], {}], {"k": SAMPLE}]
