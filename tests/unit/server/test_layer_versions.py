"""Processes of versions that follow one another: recorded records of the older are read, and what
is written here has all that the older looks for."""

import json
from typing import Any

import pytest

from django_vortex.wire.inflate import inflate
from django_vortex.wire.versions import OLDEST_VERSION, VERSION
from tests.vectors.layer import Conversation, Said, load, steps_of

KINDS = {
    *("presence", "leave", "push", "push_to_readers", "news", "take_over", "answer"),
    *("identity", "disconnect", "cancel"),
}
"""All that processes say, so that none is left out of the recordings."""

DIALECTS_OF_VERSION = {1: {"native", "D2", "D1", "D1B"}}
"""What a version knows as names of payload texts; any other name fails the record there."""


def find_missing(written: Any, wanted: Any, version: int, path: str = "$") -> list[str]:
    """Return where a record lacks what a version looks for; more than that may be in it."""
    if path.endswith(".texts"):
        texts, older = split_names(written), split_names(wanted)
        known = DIALECTS_OF_VERSION[version]
        found = [f"{path}: {name} is not known" for name in texts.keys() - known]
        for name in older:
            found += find_missing(
                read_text(texts[name]), read_text(older[name]), version, f"{path}[{name}]"
            )
        return found
    if isinstance(wanted, dict) and isinstance(written, dict):
        missing = [f"{path}.{key} is missing" for key in wanted.keys() - written.keys()]
        return missing + [
            one
            for key in wanted.keys() & written.keys()
            for one in find_missing(written[key], wanted[key], version, f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(written, list) and len(wanted) == len(written):
        return [
            one
            for index, (new, old) in enumerate(zip(written, wanted, strict=True))
            for one in find_missing(new, old, version, f"{path}[{index}]")
        ]
    return [] if written == wanted else [f"{path}: {written!r} is not {wanted!r}"]


def split_names(texts: dict[str, bytes]) -> dict[str, bytes]:
    return {name: text for names, text in texts.items() for name in names.split(" ")}


def read_text(text: bytes) -> Any:
    """Return a payload without its date, which may be that of today."""
    return {**json.loads(inflate(text, 1_000_000)), "date": None}


def find_steps_with_less(
    said: list[Said], recorded: list[Said], name: str, version: int
) -> list[str]:
    return [
        one
        for new, old in zip(said, recorded, strict=True)
        for one in find_missing(new.records[name], old.records[name], version, new.label)
    ]


@pytest.fixture(params=range(OLDEST_VERSION, VERSION))
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("name", ["A", "B"])
async def test_process_talks_with_one_of_the_version_before(name: str, version: int) -> None:
    recorded = load(version)
    assert [one.label for one in recorded] == [step.label for step in steps_of(version)]
    alone = Conversation(name, recorded, version=version)
    said = await alone.hold()
    assert find_steps_with_less(said, recorded, name, version) == []

    together = Conversation(version=version)
    await together.hold()
    real, other = alone.processes[name], together.processes[name]
    assert real.notes.heard == other.notes.heard
    for label, stream in other.streams.items():
        assert real.streams[label].values() == stream.values(), label
        assert real.streams[label].closed_with == stream.closed_with, label


async def test_recording_has_what_peers_should_get(version: int) -> None:
    alone = Conversation("B", load(version), version=version)
    await alone.hold()
    streams, notes = alone.processes["B"].streams, alone.processes["B"].notes
    assert streams["ann again"].values()[:5] == ["a reply", "to all", 0, "to all", 1]
    assert "second" in streams["bob"].values()
    assert "to somebody" in streams["bob"].values()
    assert notes.heard == [
        "news",
        "bob has of bob",
        "ann has kept for ann",
        "bob is gone",
        "ann is gone",
    ]


async def test_conversation_has_every_kind_of_record() -> None:
    together = Conversation()
    said = await together.hold()
    records = [one for step in said for each in step.records.values() for one in each]
    assert {one["kind"] for one in records} == KINDS
    [step] = [one for one in said if "takes back" in one.label]
    assert [one["kind"] for one in step.records["B"]] == ["cancel"]
