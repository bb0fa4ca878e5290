"""Rows that are changed at one server process reach who has loaded them at another."""

import base64
import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest

from django_vortex.wire.reserved import MESSAGE_ID
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.e2e.projects import LAYERS, Project
from tests.support.processes import manage

HANDLERS = {"e2e.django": (1, 2), "e2e.sqlalchemy": (3, 4)}
"""Handlers of the one table, and the tickets that a test changes through them."""


@pytest.fixture
def layer() -> str:
    """The one that a test does not name."""
    return "pubsub"


@pytest.fixture(autouse=True)
def stored(database: Path) -> None:
    """Two tickets for each handler, and no others."""
    with sqlite3.connect(database, timeout=60) as link:
        link.execute("DELETE FROM board_ticket")
        link.execute(
            "INSERT INTO board_ticket (id, title, state, version)"
            " VALUES (1, 'a', 'open', 1), (2, 'b', 'open', 1),"
            " (3, 'a', 'doing', 1), (4, 'b', 'doing', 1)"
        )


def load(peer: ReadingPeer, key: str, **filt: Any) -> list[str]:
    """Ask for rows and give their titles."""
    peer.ask(key=key, **filt)
    [titles] = receive(peer, key, filt)
    return titles


def receive(peer: ReadingPeer, key: str, *filts: dict[str, Any]) -> list[list[str]]:
    """Read until there are rows under each of the filts, whichever comes first."""
    found: dict[int, list[str]] = {}
    wanted = [{"key": key, **filt} for filt in filts]
    while len(found) < len(filts):
        message = peer.wait_for(key)
        if (filt := unwrap(message["filt"])) in wanted:
            assert message["result"] is None
            found[wanted.index(filt)] = [row["title"] for row in decode_tuples(message)]
    return [found[index] for index in range(len(filts))]


def of(key: str) -> dict[str, Any]:
    """Return the list of the tickets of a handler that nobody has done yet."""
    return {"where": {"state": {"e2e.django": "open", "e2e.sqlalchemy": "doing"}[key]}}


def unwrap(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("_fd", {name: unwrap(item) for name, item in value.items()})
    return value


def change(peer: ReadingPeer, key: str, *rows: dict[str, Any], **filt: Any) -> None:
    """Save rows, or delete with ``delete``, and wait until that is done."""
    payload = {
        "_ct": "rp",
        "filt": {},
        "tuples": [{"_ct": "rt", "_c": key, **row} for row in rows],
        "date": None,
    }
    data = base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()
    peer.send({"filt": {"key": key, MESSAGE_ID: "b", **filt}, "data": data})
    assert peer.wait_for(key)["result"] is True


@pytest.mark.parametrize("layer", LAYERS)
def test_changes_at_one_process_reach_the_peers_of_the_other(project: Project) -> None:
    ann, bob = project.open(project.a), project.open(project.b)
    for key, (first, second) in HANDLERS.items():
        assert load(ann, key, id=first) == ["a"]
        assert load(ann, key, **of(key)) == ["a", "b"]

        change(bob, key, {"id": first, "title": "A"})
        assert receive(ann, key, {"id": first}, of(key)) == [["A"], ["A", "b"]]

        change(bob, key, {"id": second, "state": "done"})
        assert receive(ann, key, of(key)) == [["A"]]

        change(bob, key, id=first, delete=True)
        assert receive(ann, key, {"id": first}, of(key)) == [[], []]


def test_peer_that_posts_to_another_process_takes_along_what_it_has_loaded(
    project: Project,
) -> None:
    key = "e2e.django"
    bob = project.open(project.a)
    there = ReadingPeer("http", project.a.port, "wanderer")
    there.ask(key=key, id=1)
    assert receive(there, key, {"id": 1}) == [["a"]]
    here = ReadingPeer("http", project.b.port, "wanderer")
    project.peers += [there, here]
    change(bob, key, {"id": 1, "title": "A"})
    assert receive(here, key, {"id": 1}) == [["A"]]


def test_command_pushes_a_row_to_the_peers_of_both_processes(project: Project) -> None:
    peers = [project.open(project.a), project.open(project.b)]
    manage("e2e_update", "2", env=project.a.environment)
    for peer in peers:
        for key in HANDLERS:
            assert receive(peer, key, {"id": 2}) == [["b"]]


def test_what_a_command_writes_is_pushed_to_the_peers_of_both_processes(project: Project) -> None:
    peers = [project.open(project.a), project.open(project.b)]
    key = "e2e.django"
    for peer in peers:
        assert load(peer, key, id=1) == ["a"]
        assert load(peer, key, **of(key)) == ["a", "b"]
    lines = [
        "from example_project.board.models import Ticket",
        "Ticket.objects.filter(pk=1).update(title='A')",
    ]
    manage("shell", "-c", "\n".join(lines), env=project.a.environment)
    for peer in peers:
        assert receive(peer, key, {"id": 1}, of(key)) == [["A"], ["A", "b"]]
