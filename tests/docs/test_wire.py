"""What the page of the wire shows is what is read and written."""

import json
import re

import pytest

from django_vortex.client.watched import News, Watched
from django_vortex.tuples import GenericTuple
from django_vortex.wire.codec import Codec
from django_vortex.wire.columns import fold_rows
from django_vortex.wire.counts import read_counts
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.field_types import READERS
from django_vortex.wire.opening import SessionInfo, read_opening, read_session_info
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import REFLECTED_KEY, REFLECTING_KEY, REQUEST_ID
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs/wire.rst").read_text("utf-8")
CODEC = Codec(reads_unknown_tuples=True, reads_parts=True)
NATIVE = Dialect.NATIVE

ROW = re.compile(
    r"^   \* - (?P<names>``.*)\n     - .*\n(?:       .*\n)*     - ``(?P<data>.*)``$", re.M
)


def get_section(title: str) -> str:
    """Return what stands below a heading, up to the next one."""
    match = re.search(rf"^{title}\n[~-]+\n((?:.|\n)*?)^[^\n]+\n[~=-]{{3,}}$", PAGE, re.M)
    assert match is not None, title
    return match[1]


def find_blocks(section: str) -> list[str]:
    return [found.strip() for found in re.findall(r"::\n\n((?:    .*\n|\n)+)", section)]


def read_tuples(text: str) -> list[object]:
    return CODEC.decode_inflated(f'{{"tuples": [{text}]}}'.encode(), NATIVE).tuples


def test_sessions_are_written_as_the_page_says() -> None:
    section = PAGE[PAGE.index("\nSessions\n---") : PAGE.index("\nVersions\n---")]
    openings = re.findall(r"Vortex-Session: (\S+)", section)
    assert len(openings) == 8
    assert all(read_opening(one) is not None for one in openings)
    infos = [
        read_session_info(json.loads(one)) for one in re.findall(r'"session": (\{.*?\})', section)
    ]
    assert len(infos) == 6
    assert all(info is not None and info.since <= 5 for info in infos)
    assert infos[1] == SessionInfo(True, 1, 7, 119, 30.0)
    found = re.findall(r"^    (?:server   )?(\d+,\d+)\.$", section, re.M)
    assert [read_counts(one) for one in found] == [(120, 7), (9, 120)]


def test_columns_mean_the_tuples_beside_them() -> None:
    columns, rows = find_blocks(get_section("Columns"))
    assert len(read_tuples(columns)) == 2
    assert read_tuples(columns) == read_tuples(rows)
    assert fold_rows(json.loads(f"[{rows}]")) == [json.loads(columns)]


def test_the_request_and_its_reply_are_read() -> None:
    block = next(one for one in find_blocks(get_section("Opening")) if "board.echo" in one)
    protocol = Protocol(CODEC, framed=False, dialect=NATIVE, whole_frames=True)
    for text in block.split("\n\n"):
        (event,) = protocol.receive(text.strip())
        assert isinstance(event, EnvelopeReceived)
        assert event.envelope.filt == {"key": "board.echo", "PayloadResponse.messageId": "a.1"}
        assert event.envelope.decode_payload(CODEC).tuples == ["x"]
        assert event.envelope.result is None


EXAMPLES = {
    name: row["data"]
    for row in ROW.finditer(get_section("Field types"))
    for name in re.findall(r"``(\w+)``", row["names"])
}
"""Of each field type, the text of its data."""


def test_every_field_type_is_in_the_table() -> None:
    assert EXAMPLES.keys() - {"_ft"} == {*READERS, "tuple", "set", "frozenset", "map"}


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"_ft", "wkb"}))
def test_the_example_of_a_field_type_is_read_and_written(name: str) -> None:
    data = "a" if name == "str" else json.loads(EXAMPLES[name])
    value = CODEC.decode_value({"_ft": name, "_fd": data}, NATIVE)
    written = CODEC.encode_value(value, NATIVE)
    assert CODEC.decode_value(written, NATIVE) == value
    is_plain = name in ("bool", "str")
    assert is_plain or (isinstance(written, dict) and written["_ft"] == name)


def read_envelope(text: str) -> PayloadEnvelope:
    protocol = Protocol(CODEC, framed=False, dialect=NATIVE, whole_frames=True)
    (event,) = protocol.receive(" ".join(text.split()))
    assert isinstance(event, EnvelopeReceived)
    return event.envelope


def get_watches() -> tuple[list[PayloadEnvelope], list[PayloadEnvelope]]:
    """Return what the section about watches shows: of their beginning, and of what is pushed."""
    section = PAGE[PAGE.index(".. _watches:") :]
    blocks = re.findall(r"::\n\n((?: {4,}.*\n)+)", section)
    shown = [read_envelope(block) for block in blocks]
    pushes = [one for one in shown if one.filt["key"] == "vortex.watched"]
    others = [one for one in shown if one.filt["key"] in ("vortex.watch", "vortex.unwatch")]
    told = [one.filt for one in shown if one not in pushes and one not in others]
    assert told == [
        {"key": REFLECTING_KEY, REQUEST_ID: "a.8"},
        {"key": REFLECTED_KEY, REQUEST_ID: "a.8"},
    ]
    return others, pushes


def test_watches_are_begun_and_ended_as_shown() -> None:
    (asked, reply, ended), _ = get_watches()
    assert (asked.filt["key"], ended.filt["key"]) == ("vortex.watch", "vortex.unwatch")
    assert reply.filt == asked.filt
    asked_for, told = asked.decode_payload(CODEC).tuples, reply.decode_payload(CODEC).tuples
    assert [one.keys() for one in asked_for] == [{"filt", "tag"}, {"filt", "tag"}]
    assert len(told) == len(asked_for)
    assert ended.decode_payload(CODEC).tuples == [told[0]["watch"]]
    assert told[1]["error"]["error"] == "permission"


def test_pushes_of_watches_mean_what_the_page_says() -> None:
    _, (whole, same, delta, part, error) = get_watches()
    watched = Watched(CODEC)
    news = [
        watched.receive(one.filt, lambda one=one: one.decode_payload(CODEC).tuples)
        for one in (whole, same, delta)
    ]
    assert news == [News.NEW, News.SAME, News.NEW]
    assert watched.snapshot is not None
    assert watched.snapshot.answer == ["x", "e", "b", "C"]
    assert """``["x", "e", "b", "C"]``""" in PAGE
    begun = Watched(CODEC)
    before = [GenericTuple("board.Ticket", {"id": n, "title": "Open"}) for n in range(100)]
    assert begun.receive(whole.filt | {"to": part.filt["from"]}, lambda: before) is News.NEW
    assert begun.receive(part.filt, lambda: part.decode_payload(CODEC).tuples) is News.NEW
    assert begun.snapshot is not None
    done = GenericTuple("board.Ticket", {"id": 31, "title": "Done"})
    assert begun.snapshot.answer == [*before[:31], done, *before[32:]]
    assert error.filt["ended"] is True
    assert error.result["error"] == "permission"
