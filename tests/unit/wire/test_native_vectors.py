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
    if form not in vector:
        assert vector["payload_bytes"] > SHORT_BYTES
        return
    protocol = Protocol(CODEC, framed=form == "http", dialect=get_native(version))
    events = protocol.receive(vector[form])
    (event,) = events or protocol.finish()
    assert isinstance(event, EnvelopeReceived)
    assert write_notes(event.envelope, None) == {
        part: vector[part] for part in ("filt", "result", "date", "payload")
    }


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
