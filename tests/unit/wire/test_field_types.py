"""Reading wrapped values."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest

from django_vortex.wire.field_types import READER_ERRORS, READERS
from django_vortex.wire.wkb import Wkb

UTC = dt.UTC


@pytest.mark.parametrize(
    ("field_type", "data", "value"),
    [
        ("int", 5, 5),
        ("int", "5", 5),
        ("int", 5.9, 5),
        pytest.param("bigint", "0x20000000000001", 2**53 + 1, id="bigint-2**53 + 1"),
        ("bigint", "-0xff", -255),
        ("float", "5.0", 5.0),
        ("float", "-inf", float("-inf")),
        ("bool", "1", True),
        ("bool", True, True),
        ("bool", "0", False),
        ("bool", "true", False),
        ("str", "abc", "abc"),
        ("bytes", "AP8=", b"\x00\xff"),
        ("bytes", "A.P8=", b"\x00\xff"),
        ("bytearray", "AP8=", bytearray(b"\x00\xff")),
        ("wkb", "AP8=", Wkb(b"\x00\xff")),
        ("decimal", "1.10", decimal.Decimal("1.10")),
        ("date", "2024-01-02", dt.date(2024, 1, 2)),
        ("time", "03:04:05.000006+10:00", dt.time(3, 4, 5, 6, dt.timezone(dt.timedelta(hours=10)))),
        ("timedelta", "-1:5:7", dt.timedelta(-1, 5, 7)),
        ("uuid", "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
        (
            "datetime",
            "2024-01-02 03:04:05.678901+0000",
            dt.datetime(2024, 1, 2, 3, 4, 5, 678901, UTC),
        ),
        ("datetime", "2024-01-02T03:04:05.678Z", dt.datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
        ("datetime", "2024-01-02 03:04:05", dt.datetime(2024, 1, 2, 3, 4, 5)),
        ("datetime", "2024-01-02", dt.datetime(2024, 1, 2)),
        ("datetime", "7-01-02 00:00:00.000000+0000", dt.datetime(7, 1, 2, tzinfo=UTC)),
    ],
)
def test_data_is_read(field_type: str, data: Any, value: object) -> None:
    read = READERS[field_type](data)
    assert read == value
    assert type(read) is type(value)
    if isinstance(value, dt.datetime | dt.time) and isinstance(read, dt.datetime | dt.time):
        assert read.utcoffset() == value.utcoffset()


@pytest.mark.parametrize("field_type", sorted(READERS.keys() - {"bool", "str"}))
@pytest.mark.parametrize("data", ["x?", [], {}, "9" * 5000 + "x", "é"])
def test_data_that_is_not_theirs_raises_what_readers_may_raise(field_type: str, data: Any) -> None:
    with pytest.raises(READER_ERRORS):
        READERS[field_type](data)
