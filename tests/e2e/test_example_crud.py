"""The two apps of the example on a real server: everything a client can do to their rows."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from django_vortex.client import SyncClient, SyncWatch, connect_sync
from tests.e2e.crud_peer import CrudPeer, Row, date, make_tuple
from tests.e2e.peers import log_in
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

TICKETS = {"key": "board.tickets"}
AIRPORTS = {"key": "airports.airport"}
NOBODY = ""

Connect = Callable[..., CrudPeer]
Watcher = Callable[..., SyncClient]


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> ServerProcess:
    return start_server("uvicorn")


@pytest.fixture(params=["websocket", "http"])
def connect(request: pytest.FixtureRequest, server: ServerProcess) -> Iterator[Connect]:
    """Connect as a user, or as nobody."""
    peers: list[CrudPeer] = []

    def make(user: str = "demo") -> CrudPeer:
        cookie = log_in(server, user) if user else ""
        uuid = f"{request.node.name}-{len(peers)}"
        peers.append(CrudPeer(request.param, server.port, uuid, cookie=cookie))
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture(params=["websocket", "http"])
def watcher(request: pytest.FixtureRequest, server: ServerProcess) -> Iterator[Watcher]:
    """Connect our own client as a user, or as nobody."""
    with ExitStack() as stack:

        def make(user: str = "demo") -> SyncClient:
            headers = {"Cookie": log_in(server, user)} if user else {}
            url = f"{server.ws_url}/vortex"
            client = connect_sync(
                url, transports=[request.param], headers=headers, open_timeout=PATIENCE_SECONDS
            )
            return stack.enter_context(client)

        yield make


def wait_for(watch: SyncWatch, name: str, *expected: str) -> None:
    """Wait until a field of the rows that are watched is this; there may be older states before."""
    while watch.answer is None or [getattr(row, name, None) for row in watch.answer] != [*expected]:
        watch.next(PATIENCE_SECONDS)


def ticket(**fields: Any) -> Row:
    return make_tuple("board.Ticket", **fields)


def airport(**fields: Any) -> Row:
    return make_tuple("airports.AirportRow", **fields)


NEW = {
    "tickets": (
        TICKETS,
        ticket(title="Sweep the apron", state="done", due=date("2031-02-03")),
        "title",
    ),
    "airports": (
        AIRPORTS,
        airport(iata="ZZ1", name="Nowhere", latitude=1.5, longitude=-2.5),
        "name",
    ),
}
"""Of each app: the filt, a new row, and a field of text."""


@pytest.mark.parametrize("app", NEW)
def test_row_lives_and_dies(app: str, connect: Connect) -> None:
    filt, new, text = NEW[app]
    key_name = "iata" if "iata" in new else "id"
    peer = connect()
    created = peer.request(filt, [new])
    assert created.result is True
    (row,) = created.tuples
    key = row[key_name]
    assert (row[text], row["version"]) == (new[text], 1)
    assert peer.request({**filt, "id": key}).tuples == [row]

    saved = peer.request(
        filt, [{**new, "_ct": "rt", key_name: key, "version": 1, text: "Somewhere"}]
    )
    assert saved.result is True
    assert saved.tuples == [{**row, text: "Somewhere", "version": 2}]

    stale = peer.request(filt, [{**new, key_name: key, "version": 1, text: "Elsewhere"}])
    assert stale.result["error"] == "conflict"
    assert stale.tuples == saved.tuples
    assert peer.request({**filt, "id": key}).tuples == saved.tuples

    assert peer.request({**filt, "id": key, "delete": True}).result is True
    assert peer.request({**filt, "id": key}).tuples == []


@pytest.mark.parametrize("app", NEW)
def test_anonymous_peers_look_and_change_nothing(app: str, connect: Connect) -> None:
    filt, new, text = NEW[app]
    key_name = "iata" if "iata" in new else "id"
    anonymous, demo = connect(NOBODY), connect()
    (row,) = demo.request(filt, [new]).tuples
    key = row[key_name]
    one = {**filt, "id": key}
    assert anonymous.request(one).tuples == [row]
    changed = {**new, key_name: key, "version": 1, text: "Mine now"}
    for refused in (
        anonymous.request(filt, [{**new, **({"iata": "ZZ2"} if app == "airports" else {})}]),
        anonymous.request(filt, [changed]),
        anonymous.request({**one, "delete": True}),
    ):
        assert refused.result["error"] == "permission"
        assert refused.result["text"].startswith("You may not ")
        assert refused.tuples == []
    assert demo.request({**filt, "where": {f"{text}__icontains": new[text]}}).tuples == [row]
    assert demo.request(one).tuples == [row]
    assert demo.request({**one, "delete": True}).result is True


@pytest.mark.parametrize("app", NEW)
def test_change_reaches_who_watches_the_row(
    app: str, server: ServerProcess, watcher: Watcher
) -> None:
    filt, new, text = NEW[app]
    key_name = "iata" if "iata" in new else "id"
    writer = CrudPeer("websocket", server.port, "writer", cookie=log_in(server, "demo"))
    (row,) = writer.request(filt, [new]).tuples
    key = row[key_name]
    with watcher(NOBODY).watch({**filt, "id": key}) as watch:
        wait_for(watch, text, new[text])
        writer.request(filt, [{**new, key_name: key, "version": 1, text: "Seen"}])
        wait_for(watch, text, "Seen")
        writer.request({**filt, "id": key, "delete": True})
        wait_for(watch, text)
    writer.close()


def test_airports_are_listed_by_pages(connect: Connect) -> None:
    peer = connect(NOBODY)
    asked = {**AIRPORTS, "where": {"state": "DE"}, "order": ["-latitude"], "limit": 3}
    found: list[Row] = []
    after: dict[str, str] = {}
    while True:
        *rows, page = peer.request({**asked, **after}).tuples
        assert page["count"] == len(rows) <= 3
        found += rows
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert {row["state"] for row in found} == {"DE"}
    assert len({row["iata"] for row in found}) == len(found) == 5
    latitudes = [row["latitude"] for row in found]
    assert latitudes == sorted(latitudes, reverse=True)


def test_tickets_are_filtered_and_ordered(connect: Connect) -> None:
    peer = connect(NOBODY)
    rows = peer.request({**TICKETS, "where": {"state": "open"}, "order": ["due"]}).tuples
    assert [row["title"] for row in rows] == [
        "Renew the runway lights contract",
        "Find out why belt 2 stops at noon",
        "Repaint the stand markings at gate 4",
    ]
    assert [row["assignee"] and row["assignee"]["name"] for row in rows] == ["Ann", None, "Bob"]
    late = peer.request({**TICKETS, "where": {"due__lt": date("1999-12-31")}})
    assert (late.result, late.tuples) == (None, [])


@pytest.mark.parametrize(
    ("filt", "text"),
    [
        ({**TICKETS, "where": {"version": 1}}, "'version' is nothing to filter by"),
        ({**TICKETS, "order": ["assignee__name"]}, "'assignee__name' is nothing to order by"),
        ({**AIRPORTS, "where": {"city": "Bath"}}, "'city' is nothing to filter by"),
        ({**AIRPORTS, "limit": 1001}, "Expected 1 to 1000, got 1001"),
    ],
)
def test_what_is_not_declared_is_refused(filt: Row, text: str, connect: Connect) -> None:
    answer = connect().request(filt)
    assert answer.result["error"] == "validation"
    assert text in answer.result["text"]
    assert answer.tuples == []


def test_what_a_field_cannot_hold_is_refused_by_field(connect: Connect) -> None:
    peer = connect()
    answers = [
        peer.request(TICKETS, [ticket(title="", state="lost")]),
        peer.request(AIRPORTS, [airport(iata="TOOLONG", name="x", latitude=0.0, longitude=0.0)]),
    ]
    fields = [{error["field"] for error in answer.result["errors"]} for answer in answers]
    assert fields == [{"title", "state"}, {"iata"}]


def test_drafts_are_for_users_only_and_appear_when_they_are_opened(
    server: ServerProcess, watcher: Watcher
) -> None:
    writer = CrudPeer("websocket", server.port, "author", cookie=log_in(server, "demo"))
    listed = {**TICKETS, "where": {"title__icontains": "secret"}}
    visitor, demo = watcher(NOBODY), watcher()
    with visitor.watch(listed) as shown, demo.watch(listed) as known:
        wait_for(shown, "title")
        wait_for(known, "title")
        (draft,) = writer.request(TICKETS, [ticket(title="Secret", state="draft")]).tuples
        wait_for(known, "title", "Secret")
        with visitor.watch({**TICKETS, "id": draft["id"]}) as one:
            wait_for(one, "title")
            writer.request(TICKETS, [ticket(id=draft["id"], version=1, state="open")])
            wait_for(shown, "state", "open")
            wait_for(one, "state", "open")
            writer.request(TICKETS, [ticket(id=draft["id"], version=2, state="draft")])
            wait_for(shown, "title")
            wait_for(one, "title")
    assert writer.request({**TICKETS, "id": draft["id"], "delete": True}).result is True
    writer.close()


def test_people_are_listed(connect: Connect) -> None:
    rows = connect(NOBODY).request({"key": "board.people"}).tuples
    assert {row["_c"] for row in rows} == {"board.Person"}
    assert sorted(row["name"] for row in rows) == ["Ann", "Bob", "Cleo", "Dan"]
