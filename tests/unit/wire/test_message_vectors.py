"""The golden vectors of whole messages, both ways, against the protocol and the writer.

Every vector that a released library produced is a case per direction: we read what it wrote, and
it reads what we write (or we write what it wrote). Payloads are compared inflated, whichever way
their field spells them: as text or wrapped like bytes (PROTOCOL 2.1).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_vortex.exceptions import WireError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived, FailureReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.protocol import Protocol
from tests.interop.readers import Message, Record, Unreadable, is_empty_in_js, read_d0, read_js
from tests.vectors import notation
from tests.vectors.cases import FILE_OF_VERSION, Case, Cases, Key, build_payload
from tests.vectors.notation import (
    JS_FILE,
    PYTHON_FILES,
    build,
    load,
    see,
    see_note,
    strict,
)

CODEC = Codec(notation.registry)

D0_FILE = "vortexpy-0.3.0.json"

CUT_OFF = "big_1000"
"""Of this one the D0 file has only the beginning."""

ENVELOPE_FILES = {file: dialect for file, dialect in PYTHON_FILES.items() if file != D0_FILE}


class Refused(Exception):
    """The released library could not read it."""


REFUSAL = "refused"


def attempt(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (WireError, Unreadable, Refused):
        return REFUSAL


def make_case(
    file: str,
    section: str,
    id: str,
    direction: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
) -> Case:
    """Make the case of a vector.

    Args:
        file: Of vectors.
        section: Of the file.
        id: Of the vector.
        direction: Who reads what.
        ours: Gives what we make of it.
        theirs: Gives what the released library made of it; raises `Refused` if that failed.
    """
    return Case(
        file,
        section,
        id,
        direction,
        lambda: str(attempt(ours)),
        lambda: bool(attempt(ours) == attempt(theirs)),
    )


def read(text: str, *, framed: bool) -> PayloadEnvelope:
    """Read one message as a server does."""
    protocol = Protocol(CODEC, framed=framed)
    (event,) = [*protocol.receive(text), *protocol.finish()]
    if isinstance(event, FailureReceived):
        raise event.error
    assert isinstance(event, EnvelopeReceived)
    return event.envelope


def read_all_forms(vector: Any) -> list[PayloadEnvelope]:
    """Read a vector over HTTP and over WebSocket, and raw where its library writes that."""
    text = vector["vortexMsg_b64"]
    read_here = [read(f"{text}.", framed=True), read(f"{text}.", framed=False)]
    if "vortexMsg_raw" in vector:
        read_here.append(read(vector["vortexMsg_raw"], framed=False))
    return read_here


def opened(text: str) -> Any:
    """Parse the JSON of an envelope and put its inflated payload in the place of the encoded."""
    fields = json.loads(text)
    for name in ("data", "encodedPayload"):
        if fields.get(name):
            fields[name] = json.loads(zlib.decompress(base64.b64decode(unwrapped(fields[name]))))
    return fields


def unwrapped(field: Any) -> Any:
    return base64.b64decode(field["_fd"]) if isinstance(field, dict) else field


def write(envelope: PayloadEnvelope, dialect: Dialect, date: Any) -> str:
    """Write the base64 form of a message, without the dot."""
    return encode_message(envelope, WireForm(dialect, framed=True), date, CODEC).removesuffix(".")


def json_of(base64_text: str) -> str:
    return base64.b64decode(base64_text).decode("ascii")


def build_envelope(vector: Any) -> tuple[PayloadEnvelope, Any]:
    """Return the envelope that a Python vector was made from, and its date."""
    if "tuples" in vector:
        payload = build_payload(vector)
        return PayloadEnvelope(payload.filt, payload), payload.date
    date = build(json_date(vector["json"]))
    return PayloadEnvelope(build(vector["filt"]), result=build(vector["result"])), date


def json_date(text: str) -> Any:
    """Return the note of an envelope's date, which stands nowhere else."""
    moment = json.loads(text)["date"]["_fd"]
    assert moment.endswith("+0000")
    return {"t": "datetime", "v": moment[:-5].replace(" ", "T"), "tz": "+00:00"}


def python_cases() -> Iterator[Case]:
    for file, dialect in ENVELOPE_FILES.items():
        vectors = load(file)
        for section in ("payload_vectors", "envelope_vectors"):
            for vector in vectors[section]:
                yield python_encode_case(file, section, vector, dialect)
                yield python_decode_case(file, section, vector)
        for vector in vectors["vortexmsg_decode_vectors"]:
            yield odd_message_case(file, vector)
    for file in (*ENVELOPE_FILES, JS_FILE):
        for vector in load(file)["isEmpty_vectors"]:
            yield is_empty_case(file, vector)


def python_encode_case(file: str, section: str, vector: Any, dialect: Dialect) -> Case:
    def ours() -> Any:
        envelope, date = build_envelope(vector)
        return opened(json_of(write(envelope, dialect, date)))

    theirs = vector["envelope_json" if "envelope_json" in vector else "json"]
    return make_case(file, section, vector["id"], "encode", ours, lambda: opened(theirs))


def python_decode_case(file: str, section: str, vector: Any) -> Case:
    def ours() -> Any:
        return [parts(envelope) for envelope in read_all_forms(vector)]

    def theirs() -> Any:
        envelope, date = build_envelope(vector)
        expected = [strict(envelope.filt), strict(envelope.result), strict(date)]
        if "isEmpty" in vector:
            expected.append(vector["isEmpty"])
        else:
            expected.append(strict(envelope.decode_payload(CODEC)))
        return [expected] * (3 if "vortexMsg_raw" in vector else 2)

    def parts(envelope: PayloadEnvelope) -> Any:
        last = envelope.is_empty if "isEmpty" in vector else payload_of(envelope)
        return [strict(envelope.filt), strict(envelope.result), strict(envelope.date), last]

    return make_case(file, section, vector["id"], "decode", ours, theirs)


def payload_of(envelope: PayloadEnvelope) -> Any:
    return strict(envelope.decode_payload(CODEC))


def odd_message_case(file: str, vector: Any) -> Case:
    def theirs() -> Any:
        if "decoded" not in vector:
            raise Refused
        return strict(build(vector["decoded"]))

    return make_case(
        file,
        "vortexmsg_decode_vectors",
        vector["id"],
        "decode",
        lambda: strict(read(vector["msg"], framed=False)),
        theirs,
    )


def is_empty_case(file: str, vector: Any) -> Case:
    names = ("filt", "encodedPayload", "result")
    text = json.dumps({"_ct": "rpe", **{name: vector[name] for name in names}})
    return make_case(
        file,
        "isEmpty_vectors",
        vector["id"],
        "decode",
        lambda: read(text, framed=False).is_empty,
        lambda: vector["isEmpty"],
    )


def d0_cases() -> Iterator[Case]:
    for vector in load(D0_FILE)["payload_vectors"]:
        if vector["id"] != CUT_OFF:
            yield d0_encode_case(vector)
            yield d0_decode_case(vector)


def d0_encode_case(vector: Any) -> Case:
    def ours() -> Any:
        payload = build_payload(vector)
        return write(PayloadEnvelope(payload.filt, payload), Dialect.D0, payload.date)

    def read_all(text: str) -> Any:
        return json.loads(zlib.decompress(base64.b64decode(text))), read_d0(text)

    message = vector["vortexMsg"]
    return make_case(
        D0_FILE,
        "payload_vectors",
        vector["id"],
        "encode",
        lambda: read_all(ours()),
        lambda: read_all(message),
    )


def d0_decode_case(vector: Any) -> Case:
    def ours() -> Any:
        envelope = read(f"{vector['vortexMsg']}.", framed=True)
        assert envelope.reply_filt == {}
        return payload_of(envelope)

    return make_case(
        D0_FILE,
        "payload_vectors",
        vector["id"],
        "decode",
        ours,
        lambda: strict(build_payload(vector)),
    )


def javascript_cases() -> Iterator[Case]:
    vectors = load(JS_FILE)
    for vector in vectors["payload_vectors"]:
        if "vortexMsg_b64" in vector:  # else VortexJS could not send it at all
            yield javascript_encode_case(vector)
            yield javascript_decode_case(vector)
    for version, file in FILE_OF_VERSION.items():
        yield from javascript_reader_cases(version, file, vectors["envelope_decode_of_py"][version])


def javascript_encode_case(vector: Any) -> Case:
    """Let VortexJS read its message after we have read and written it."""

    def ours() -> Any:
        envelope = read(f"{vector['vortexMsg_b64']}.", framed=False)
        payload = envelope.decode_payload(CODEC)
        again = PayloadEnvelope(envelope.filt, payload, result=envelope.result)
        return seen_message(read_js(write(again, Dialect.D1, envelope.date)))

    return make_case(
        JS_FILE,
        "payload_vectors",
        vector["id"],
        "encode",
        ours,
        lambda: noted_message(vector),
    )


def javascript_decode_case(vector: Any) -> Case:
    def ours() -> Any:
        envelope = read(f"{vector['vortexMsg_b64']}.", framed=False)
        return see(envelope), see(envelope.decode_payload(CODEC))

    return make_case(
        JS_FILE,
        "payload_vectors",
        vector["id"],
        "decode",
        ours,
        lambda: (see_note(vector["decoded_envelope"]), see_note(vector["decoded_payload"])),
    )


def javascript_reader_cases(version: str, file: str, vectors: list[Any]) -> Iterator[Case]:
    """Let VortexJS read what VortexPY wrote, and what we write in its place."""
    sources: dict[str, list[Any]] = {}
    written = load(file)
    for source in (*written["payload_vectors"], *written["envelope_vectors"]):
        sources.setdefault(source["id"], []).append(source)
    sources["b64_with_trailing_dot"] = sources["server_info"]
    seen: Counter[tuple[str, str]] = Counter()
    for vector in vectors:
        # The id "empty" is twice there: with an empty payload, then without any.
        number = seen[vector["id"], vector["form"]]
        seen[vector["id"], vector["form"]] += 1
        source = sources[vector["id"]][number]
        yield from javascript_reader_pair(version, file, vector, source, number)


def javascript_reader_pair(
    version: str, file: str, vector: Any, source: Any, number: int
) -> Iterator[Case]:
    form = vector["form"]
    section = f"envelope_decode_of_py/{version}"
    name = f"{vector['id']}{'_bare' * number}:{form}"

    def ours() -> Any:
        envelope, date = build_envelope(source)
        return as_javascript_reads(write(envelope, ENVELOPE_FILES[file], date))

    def reader() -> Any:
        return as_javascript_reads(source["vortexMsg_b64"])

    def as_javascript_reads(text: str) -> Any:
        if form == "vortexMsg_raw":
            text = json_of(text)
        return seen_message(read_js(f"{text}." if form.endswith("'.'") else text))

    yield make_case(JS_FILE, section, name, "encode", ours, lambda: noted_message(vector))
    yield make_case(JS_FILE, section, name, "reader", reader, lambda: noted_message(vector))


def seen_message(message: Message) -> Any:
    payload = message.payload
    return [
        see(tuples_of(message.filt)),
        see(message.result),
        see(message.date),
        is_empty_in_js(message),
        payload
        and [see(tuples_of(payload.filt)), see(tuples_of(payload.tuples)), see(payload.date)],
    ]


def noted_message(vector: Any) -> Any:
    if "decoded_envelope" not in vector:
        raise Refused
    note = vector["decoded_envelope"]
    payload = vector.get("decoded_payload")
    return [
        see_note(note["filt"]),
        see_note(note["result"]),
        see_note(note["date"]),
        vector.get("isEmpty", False),
        payload and see_note(payload)[1:],
    ]


def tuples_of(value: Any) -> Any:
    """Return the values of a reader with its records as tuples, which `see` knows."""
    if isinstance(value, list):
        return [tuples_of(item) for item in value]
    if isinstance(value, dict):
        return {key: tuples_of(item) for key, item in value.items()}
    if not isinstance(value, Record):
        return value
    found = notation.registry.get_by_name(value.type_name)
    assert found is not None, value
    return found.cls(**{name: tuples_of(item) for name, item in value.fields.items()})


CASES = Cases(case for cases in (python_cases, d0_cases, javascript_cases) for case in cases())


@pytest.mark.parametrize("key", CASES.by_key, ids="-".join)
def test_vector_is_met_or_a_listed_exception(key: Key) -> None:
    CASES.check(key)


def test_every_exception_names_one_vector_and_its_section_of_the_protocol() -> None:
    CASES.check_exceptions()


@pytest.mark.parametrize(
    ("file", "sections"),
    [
        *[
            (file, ["payload_vectors", "envelope_vectors", "isEmpty_vectors"])
            for file in ENVELOPE_FILES
        ],
        *[(file, ["vortexmsg_decode_vectors"]) for file in ENVELOPE_FILES],
        (D0_FILE, ["payload_vectors"]),
        (JS_FILE, ["payload_vectors", "isEmpty_vectors"]),
    ],
)
def test_no_vector_is_left_out(file: str, sections: list[str]) -> None:
    vectors = load(file)
    for section in sections:
        ids = {key[2] for key in CASES.by_key if key[:2] == (file, section)}
        left_out = {vector["id"] for vector in vectors[section]} - ids
        assert left_out <= {CUT_OFF if file == D0_FILE else "cjk_filt"}


@pytest.mark.parametrize("version", FILE_OF_VERSION)
def test_no_reading_of_javascript_is_left_out(version: str) -> None:
    section = f"envelope_decode_of_py/{version}"
    cases = [key for key in CASES.by_key if key[1] == section]
    assert len(cases) == 2 * len(load(JS_FILE)["envelope_decode_of_py"][version])


@pytest.mark.parametrize("file", ENVELOPE_FILES)
def test_payload_is_written_as_text_even_where_python_bytes_were_wrapped(file: str) -> None:
    envelope, date = build_envelope(load(file)["payload_vectors"][0])
    dialect = ENVELOPE_FILES[file]
    fields = json.loads(json_of(write(envelope, dialect, date)))
    assert isinstance(fields[dialect.payload_field], str)


def test_big_d0_message_begins_as_the_one_that_is_cut_off() -> None:
    (vector,) = (v for v in load(D0_FILE)["payload_vectors"] if v["id"] == CUT_OFF)
    payload = build_payload(vector)
    message = write(PayloadEnvelope(payload.filt, payload), Dialect.D0, payload.date)
    ours = zlib.decompress(base64.b64decode(message)).replace(b" ", b"")
    theirs = vector["payload_json"].removesuffix("...").replace(" ", "").encode()
    assert len(theirs) > 300
    assert ours.startswith(theirs)
    assert len(read_d0(message).tuples) == 1000
