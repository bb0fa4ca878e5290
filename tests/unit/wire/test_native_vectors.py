"""The vectors of our own dialect: what is written here, and what it is decoded to."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from django_vortex.wire.dialects import get_native
from django_vortex.wire.encoded_payload import SHORT_BYTES
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.versions import VERSION
from tests.vectors.frames import read_frame
from tests.vectors.native import (
    CODEC,
    FILT,
    VERSIONS,
    get_path,
    make_cases,
    make_vectors,
    write_note,
    write_notes,
)
from tests.vectors.sequences import PATH, make_sequences, write_events

STORED = {version: json.loads(get_path(version).read_text("ascii")) for version in VERSIONS}
CASES = [(version, one["id"]) for version in VERSIONS for one in STORED[version]]
BY_ID = {
    (version, one["id"], form): one.get(form)
    for version in VERSIONS
    for one in STORED[version]
    for form in ("websocket", "http")
}


def open_up(text: str | None) -> Any:
    """Return a message with the JSON of its payload instead of compressed text.

    Compressors of different versions need not make the same of it.
    """
    if text is None:
        return None
    fields = json.loads(text if text.startswith("{") else base64.b64decode(text))
    if fields.get("data") is not None:
        fields["data"] = json.loads(zlib.decompress(base64.b64decode(fields["data"])))
    return fields


def opened(vector: dict[str, Any]) -> dict[str, Any]:
    return {
        **vector,
        "websocket": open_up(vector.get("websocket")),
        "http": open_up(vector["http"]),
        "frames": list(map(read_frame, vector.get("frames", ()))),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_vectors_are_what_is_written_now(version: int) -> None:
    assert list(map(opened, make_vectors(version))) == list(map(opened, STORED[version]))


def test_there_are_vectors_of_every_version() -> None:
    assert set(VERSIONS) == set(range(1, VERSION + 1))
    assert [one["id"] for one in STORED[1]] == [one["id"] for one in STORED[2]]


@pytest.mark.parametrize("form", ["websocket", "http"])
@pytest.mark.parametrize(("version", "name"), CASES)
def test_vector_is_decoded_to_what_is_noted(version: int, name: str, form: str) -> None:
    (vector,) = [one for one in STORED[version] if one["id"] == name]
    assert (form not in vector) is (form == "websocket" and "frames" in vector)
    protocol = Protocol(CODEC, framed=form == "http", dialect=get_native(version))
    frames = [vector[form]] if form in vector else list(map(read_frame, vector["frames"]))
    events = [event for frame in frames for event in protocol.receive(frame)]
    (event,) = events or protocol.finish()
    assert isinstance(event, EnvelopeReceived)
    assert write_notes(event.envelope, None) == {
        part: vector[part] for part in ("filt", "result", "date", "payload")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_long_payloads_are_in_frames_in_version_2_alone(version: int) -> None:
    for vector in STORED[version]:
        is_pieced = version == 2 and vector["payload_bytes"] > SHORT_BYTES
        assert ("frames" in vector) is is_pieced
        assert ("websocket" in vector) is not is_pieced


@pytest.mark.parametrize(
    ("length", "lengths"),
    [
        (262_143, [262_143]),
        (262_144, [262_144]),
        (262_145, [262_144, 1]),
        (524_288, [262_144, 262_144]),
        (524_289, [262_144, 262_144, 1]),
    ],
)
def test_frames_end_where_they_are_full(length: int, lengths: list[int]) -> None:
    (vector,) = [one for one in STORED[2] if one["id"] == f"pieces: {length}"]
    text, *pieces = map(read_frame, vector["frames"])
    assert list(map(len, pieces)) == lengths
    assert json.loads(text)["pieces"] == [length, len(lengths)]


SEQUENCES = json.loads(PATH.read_text("ascii"))


@pytest.mark.parametrize("name", [name for name, _ in make_sequences()])
def test_sequences_of_frames_mean_what_is_noted(name: str) -> None:
    (stored,) = [one for one in SEQUENCES if one["id"] == name]
    frames = list(map(read_frame, stored["frames"]))
    assert frames == list(dict(make_sequences())[name])
    assert write_events(frames) == stored["events"]


def test_sequences_are_those_that_are_stored() -> None:
    assert [one["id"] for one in SEQUENCES] == [name for name, _ in make_sequences()]


def test_sequences_fail_alone() -> None:
    """Whatever came of a message that failed, the one behind it is read."""
    told = {one["id"]: [get_meaning(event) for event in one["events"]] for one in SEQUENCES}
    good, after = "vectors", "after"
    assert told["beats between"] == [*["beat"] * 4, good, "beat", after]
    assert told["filt of its own"] == [good]
    assert told["two messages"] == [good, good]
    for name in ("shorter frames", "as many frames as may be", "short payload"):
        assert told[name] == [good]
    assert told["UTF-8 that a border cuts"] == [good]
    assert told["frame too many"] == [good, "malformed", after]
    assert told["message before the last frame"] == ["malformed", after, "malformed"]
    for name in ("bytes that are missing", "bytes too many", "frame too long", "empty frame"):
        assert told[name] == ["malformed", after]
    assert told["frame that nothing announced"] == ["malformed", after]
    assert told["frames that are no JSON"] == ["malformed", after]
    announced = {name: events for name, events in told.items() if name.startswith("announced")}
    longest = announced.pop("announced: longer than a message may be")
    assert longest == ["limit", after]
    assert len(announced) == 7
    assert all(events == ["malformed", after] for events in announced.values())


def get_meaning(event: Any) -> str:
    if isinstance(event, str):
        return event
    if "error" in event:
        return str(event["error"])
    return str(event["filt"]["v"][0][1]["v"])


@pytest.mark.parametrize("name", [name for name, _ in make_cases()])
def test_short_payloads_stand_in_the_envelope_of_version_2_alone(name: str) -> None:
    for version in VERSIONS:
        fields = open_up(BY_ID[version, name, "http"])
        has_payload = fields.get("payload") is not None or fields.get("data") is not None
        assert has_payload is (name not in ("no payload", "message: error"))
        assert ("payload" in fields) is (version == 2 and has_payload and "data" not in fields)


def test_notes_tell_values_apart() -> None:
    values = [1, 1.0, True, "1", b"1", None, [1], (1,), {1}, {"a": 1}, {"a": True}, dict(FILT)]
    assert len({json.dumps(write_note(one)) for one in values}) == len(values)
