"""The vectors of watches: what is written now, and what each push means to a reader."""

import json
from typing import Any

import pytest

from django_vortex.client.watched import Watched
from tests.unit.live.applying import apply
from tests.vectors.native import write_note
from tests.vectors.watches import PATH, READING, make_cases, make_vectors, read, write_step

STORED = json.loads(PATH.read_text("ascii"))


def test_vectors_are_what_is_written_now() -> None:
    assert make_vectors() == STORED


@pytest.mark.parametrize("vector", STORED, ids=[one["id"] for one in STORED])
def test_push_means_what_is_noted(vector: Any) -> None:
    watched = Watched(READING)
    for step in vector["steps"]:
        assert write_step(watched, step["push"]) == step


@pytest.mark.parametrize("vector", STORED, ids=[one["id"] for one in STORED])
def test_another_reader_understands_the_same(vector: Any) -> None:
    rows: list[Any] = []
    for step in vector["steps"]:
        if step["news"] == "new":
            envelope = read(step["push"])
            put = envelope.decode_payload(READING).tuples
            rows = apply(rows, envelope.filt, put, READING)
            is_one = envelope.filt.get("one") is True
            assert write_note(rows[0] if is_one else rows) == step["answer"]


def test_there_is_each_kind_of_news() -> None:
    told = {step["news"] for vector in STORED for step in vector["steps"]}
    assert told == {"new", "same", "unfit", "error"}
    members = {name for vector in STORED for step in vector["steps"] for name in get_filt(step)}
    assert members >= {"from", "to", "gone", "put", "was", "moved", "one", "ended"}
    assert [one["id"] for one in STORED] == [name for name, _ in make_cases()]


def get_filt(step: Any) -> dict[str, Any]:
    filt: dict[str, Any] = json.loads(step["push"])["filt"]
    return filt
