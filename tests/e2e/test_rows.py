"""Rows of both ORMs in payloads of a real server: querysets and scalars just work."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.servers import ServerProcess

STATE = "DE"


@pytest.fixture(scope="module")
def stored(database: Path) -> list[tuple[str, str]]:
    """What the table has, read by neither ORM."""
    connection = sqlite3.connect(database)
    rows = connection.execute(
        "SELECT iata, name FROM airport WHERE state = ? ORDER BY iata", [STATE]
    ).fetchall()
    connection.close()
    assert len(rows) > 1
    return rows


def read(message: dict[str, Any], tuple_type: str) -> list[tuple[str, str]]:
    assert message["result"] is None
    tuples = decode_tuples(message)
    assert {one["_c"] for one in tuples} == {tuple_type}
    return [(one["iata"], one["name"]) for one in tuples]


@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("form", ["payload", "bare", "envelope"])
@pytest.mark.parametrize(
    ("key", "tuple_type"),
    [
        ("e2e.queryset", "e2e.AirportRow"),
        ("e2e.queryset_async", "e2e.AirportRow"),
        ("e2e.scalars", "airports.Airport"),
    ],
)
def test_rows_arrive_in_whatever_form_a_handler_returns_them(
    server: ServerProcess,
    stored: list[tuple[str, str]],
    transport: str,
    form: str,
    key: str,
    tuple_type: str,
) -> None:
    peer = ReadingPeer(transport, server.port, f"{transport}-{form}-{key}")
    peer.ask(key=key, state=STATE, form=form)
    assert read(peer.wait_for(key), tuple_type) == stored
    peer.close()


def test_queryset_is_pushed(server: ServerProcess, stored: list[tuple[str, str]]) -> None:
    peers = [ReadingPeer(kind, server.port, f"pushed-{kind}") for kind in ("websocket", "http")]
    peers[0].ask(key="e2e.push_rows", state=STATE)
    for peer in peers:
        assert read(peer.wait_for("e2e.pushed_rows"), "e2e.AirportRow") == stored
        peer.close()
