import json

import pytest

from benchmarks.live import encode_watch, find_99th, find_frame_bytes
from benchmarks.order_database import is_of_rows


def test_99th_leaves_out_one_in_a_hundred() -> None:
    assert find_99th(range(1, 101)) == 99
    assert find_99th(range(1, 202)) == 199
    assert find_99th([3.0, 1.0]) == 3.0


def test_frame_has_a_head_by_its_length() -> None:
    short = b'{"put":[1]}'
    assert find_frame_bytes([short]) == len(short) + 2
    assert find_frame_bytes([short, short + b" " * 200]) == len(short) + 200 + 4
    assert find_frame_bytes([short + b" " * 70_000]) == len(short) + 70_000 + 10


def test_whole_list_is_not_measured_as_a_delta() -> None:
    with pytest.raises(RuntimeError, match="Expected a delta"):
        find_frame_bytes([b'{"put":[1]}', b'{"pieces":[61183,1]}'])


def test_statements_of_transactions_do_not_count() -> None:
    assert is_of_rows("SELECT 1")
    assert is_of_rows('UPDATE "a" SET "b" = 1')
    assert not any(map(is_of_rows, ["BEGIN", "COMMIT", 'SAVEPOINT "s"', "PRAGMA foreign_keys"]))


def test_list_is_watched_from_nothing() -> None:
    message = json.loads(encode_watch())
    assert message["filt"]["key"] == "vortex.watch"
    assert message["payload"]["tuples"] == [{"filt": {"key": "bench.orders"}, "tag": None}]
