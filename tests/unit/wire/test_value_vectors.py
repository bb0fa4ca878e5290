"""The golden vectors of values, both ways, against the codec.

Every vector that a released library produced is a case per direction.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, WireError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.vectors import notation
from tests.vectors.cases import FILE_OF_VERSION, Case, Cases, Key, build_payload
from tests.vectors.notation import (
    JS_FILE,
    PYTHON_FILES,
    build,
    build_js,
    load,
    see,
    see_note,
    strict,
)

CODEC = Codec(notation.registry)

JS = Dialect.D1
"""What VortexJS speaks."""


def encode_case(file: str, section: str, vector: Any, value: Any, dialect: Dialect) -> Case:
    def text() -> str:
        return CODEC.encode_json(CODEC.encode_value(value, dialect), dialect).decode("ascii")

    def agrees() -> bool:
        try:
            ours = text()
        except DefinitionError:
            return "json" not in vector
        return "json" in vector and same_json(ours, vector["json"])

    return Case(file, section, vector["id"], "encode", lambda: attempt(text), agrees)


def decode_case(
    file: str, section: str, vector: Any, dialect: Dialect, same: Callable[[Any], bool]
) -> Case:
    def value() -> Any:
        return CODEC.decode_value(CODEC.read_json(vector["json"]), dialect)

    def agrees() -> bool:
        try:
            ours = value()
        except WireError:
            return "decoded" not in vector
        return "decoded" in vector and same(ours)

    return Case(
        file, section, vector["id"], "decode", lambda: attempt(lambda: repr(value())), agrees
    )


def attempt(run: Callable[[], str]) -> str:
    try:
        return run()
    except (DefinitionError, WireError) as error:
        return f"{type(error).__name__}: {error}"


def same_json(ours: str, theirs: str) -> bool:
    """Compare by content; the dump tells 5 from 5.0 and knows NaN."""
    return dump(json.loads(ours)) == dump(json.loads(theirs))


def dump(parsed: Any) -> str:
    return json.dumps(parsed, sort_keys=True)


def without_marks_of_python(parsed: Any) -> Any:
    """Reduce what we write to what VortexJS writes: plain ints, no class on payloads."""
    if isinstance(parsed, list):
        return [without_marks_of_python(item) for item in parsed]
    if not isinstance(parsed, dict):
        return parsed
    if parsed.get("_ft") == "int":
        return parsed["_fd"]
    is_payload = parsed.get("_ct") in ("rp", "rpe")
    return {
        key: without_marks_of_python(item)
        for key, item in parsed.items()
        if not (is_payload and key == "_c")
    }


def python_cases() -> Iterator[Case]:
    for file, dialect in PYTHON_FILES.items():
        vectors = load(file)
        for section in ("value_vectors", "decode_vectors"):
            for vector in vectors[section]:
                if "input" in vector:
                    yield encode_case(file, section, vector, build(vector["input"]), dialect)
                if "json" in vector:
                    yield decode_case(file, section, vector, dialect, equal_to_note(vector))


def equal_to_note(vector: Any) -> Callable[[Any], bool]:
    return lambda ours: strict(ours) == strict(build(vector["decoded"]))


def javascript_cases() -> Iterator[Case]:
    vectors = load(JS_FILE)
    for section in ("encode_vectors", "decode_vectors"):
        for vector in vectors[section]:
            if "json" in vector:  # else VortexJS could not send it at all
                yield decode_case(JS_FILE, section, vector, JS, seen_as_noted(vector))
            if section == "encode_vectors" and "json" in vector and is_readable(vector["json"]):
                yield javascript_encode_case(section, vector)
    for version, file in FILE_OF_VERSION.items():
        inputs = {vector["id"]: vector["input"] for vector in load(file)["value_vectors"]}
        for vector in vectors["decode_of_py"][version]:
            section = f"decode_of_py/{version}"
            value = build(inputs[vector["id"]])
            yield encode_case(JS_FILE, section, vector, value, JS)
            yield decode_case(JS_FILE, section, vector, JS, seen_as_noted(vector))


def seen_as_noted(vector: Any) -> Callable[[Any], bool]:
    return lambda ours: bool(see(ours) == see_note(vector["decoded"]))


def is_readable(text: str) -> bool:
    try:
        CODEC.decode_value(CODEC.read_json(text), JS)
    except WireError:
        return False
    return True


def javascript_encode_case(section: str, vector: Any) -> Case:
    """Read what VortexJS wrote and write it again."""

    def again() -> Any:
        return CODEC.encode_value(CODEC.decode_value(CODEC.read_json(vector["json"]), JS), JS)

    def agrees() -> bool:
        return bool(
            without_marks_of_python(again()) == without_marks_of_python(json.loads(vector["json"]))
        )

    return Case(JS_FILE, section, vector["id"], "encode", lambda: json.dumps(again()), agrees)


CASES = Cases((*python_cases(), *javascript_cases()))


@pytest.mark.parametrize("key", CASES.by_key, ids="-".join)
def test_vector_is_met_or_a_listed_exception(key: Key) -> None:
    CASES.check(key)


def test_every_exception_names_one_vector_and_its_section_of_the_protocol() -> None:
    CASES.check_exceptions()


@pytest.mark.parametrize("file", [*list(PYTHON_FILES)[1:], JS_FILE])
def test_selectors_have_the_text_that_the_released_libraries_compute(file: str) -> None:
    vectors = load(file)["selector_str_vectors"]
    assert vectors
    for vector in vectors:
        if file == JS_FILE:
            ours = json.loads(build_js(vector["input"]).canonical)
            assert without_marks_of_python(ours) == json.loads(vector["toOrderedJsonStr"])
        else:
            assert build(vector["input"]).canonical == vector["toJsonStr"]
            assert build(vector["from"]) == build(vector["input"])


@pytest.mark.parametrize("file", list(PYTHON_FILES)[1:])
def test_payloads_are_written_as_the_released_libraries_write_them(file: str) -> None:
    dialect = PYTHON_FILES[file]
    vectors = load(file)["payload_vectors"]
    assert vectors
    for vector in vectors:
        payload = build_payload(vector)
        encoded = CODEC.encode_payload(payload, dialect, None)
        theirs = vector["encodedPayload"]
        assert same_json(inflated(encoded.text), inflated(theirs)), vector["id"]
        assert strict(CODEC.decode_payload(theirs, dialect)) == strict(payload)
        assert encoded.portable


def inflated(encoded: bytes | str) -> str:
    return zlib.decompress(base64.b64decode(encoded)).decode("ascii")


def test_payloads_of_the_browser_are_read() -> None:
    vectors = load(JS_FILE)["payload_vectors"]
    assert vectors
    for vector in vectors:
        note = {"t": "payload", **{name: vector[name] for name in ("filt", "tuples", "date")}}
        payload = CODEC.decode_payload(vector["encodedPayload"], JS)
        assert see(payload) == see_note(note), vector["id"]
