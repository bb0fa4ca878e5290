"""Streams whose login ends or changes while they are open, on both servers and transports."""

import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.crud_peer import Answer, CrudPeer, make_tuple
from tests.e2e.logins import Login, read_to_end
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

KEY = "e2e.permitted"
TICKETS = {"key": KEY}
OFTEN = {"HEARTBEAT_SECONDS": 1.0, "RECHECK_SECONDS": 0.5}
NEVER = {"HEARTBEAT_SECONDS": 1.0, "RECHECK_SECONDS": 3600}
NOT_THIS_USER, NEW_COOKIES = 4401, 4408
ENDINGS = {
    "logout": NOT_THIS_USER,
    "deactivate": NOT_THIS_USER,
    "password": NOT_THIS_USER,
    "delete": NOT_THIS_USER,
    "session": NEW_COOKIES,
}


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param, vortex=OFTEN)


@pytest.fixture(params=["websocket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def open_peer(transport: str, login: Login, *, name: str = "") -> CrudPeer:
    return CrudPeer(transport, login.server.port, name or str(uuid.uuid4()), cookie=login.cookie)


def save(peer: CrudPeer, title: str) -> Answer:
    """Write the first ticket."""
    return peer.request(TICKETS, [make_tuple(KEY, id=1, title=title)])


def titles(answer: Answer) -> list[str]:
    return [row["title"] for row in answer.tuples]


def carries_data(message: dict[str, Any]) -> bool:
    return message["data"] is not None and bool(decode_tuples(message))


@pytest.mark.parametrize("what", ENDINGS)
def test_ended_login_reads_and_writes_nothing(
    server: ServerProcess, transport: str, what: str
) -> None:
    ann, bob = Login(server), Login(server)
    name = str(uuid.uuid4())
    peer, other = open_peer(transport, ann, name=name), open_peer(transport, bob)
    assert save(peer, "before").result in (None, True)
    assert "before" in titles(peer.request(TICKETS))
    ann.revoke(what)
    code, messages = read_to_end(peer)
    assert code == ENDINGS[what]
    assert not any(map(carries_data, messages))

    # The same cookie, and the uuid that had loaded the rows, which is free at once.
    again = open_peer(transport, ann, name=name)
    assert save(other, "after").result in (None, True)
    assert save(again, "stolen").result not in (None, True)
    assert again.request(TICKETS).tuples == []
    server.push(key="end", to_peer=name)
    pushed = again.wait_for("end", KEY)
    assert pushed["filt"]["key"] == "end"
    loaded = titles(other.request(TICKETS))
    assert "after" in loaded
    assert "stolen" not in loaded
    for one in (peer, other, again):
        one.close()


def test_withdrawn_permission_ends_reading_and_writing_but_not_the_stream(
    server: ServerProcess, transport: str
) -> None:
    ann, bob = Login(server), Login(server)
    peer, other = open_peer(transport, ann), open_peer(transport, bob)
    assert save(peer, "before").result in (None, True)
    assert "before" in titles(peer.request(TICKETS))
    ann.revoke("permission")
    wait_until(lambda: not peer.request(TICKETS).tuples, "the permission to be gone")
    assert save(other, "after").result in (None, True)
    assert save(peer, "stolen").result not in (None, True)
    server.push(key="end", to_user=ann.user)
    for message in peer.messages():
        if message is not None:
            assert message["filt"]["key"] == "end" or not carries_data(message)
            if message["filt"]["key"] == "end":
                break
    assert "stolen" not in titles(other.request(TICKETS))
    peer.close()
    other.close()


def test_stream_ends_only_after_the_response_that_logged_out(
    server: ServerProcess, transport: str
) -> None:
    ann = Login(server)
    peer = open_peer(transport, ann)
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(lambda: (read_to_end(peer)[0], time.monotonic()))
        ann.ask("logout_async")
        answered_at = time.monotonic()
        code, ended_at = reading.result(60)
    assert code == NOT_THIS_USER
    assert ended_at > answered_at - 0.5  # the view takes a second more
    peer.close()


def test_check_that_fails_ends_nothing_and_is_made_up_for(
    server: ServerProcess, transport: str, database: Path
) -> None:
    """The table of the sessions is gone for a while, in place of the database."""
    ann = Login(server)
    peer = open_peer(transport, ann)
    start = len(server.log)
    rename(database, "django_session", "gone")
    try:
        server.wait_for_log("cannot be checked", start=start)
        ann.revoke("deactivate")
        assert server.push(key="still", to_user=ann.user, wait=1)["reached"] == [1]
        peer.wait_for("still")
    finally:
        rename(database, "gone", "django_session")
    assert read_to_end(peer)[0] == NOT_THIS_USER
    server.wait_for_log("can be checked again", start=start)
    assert server.log[start:].count("cannot be checked") == 1
    peer.close()


def rename(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as link:
        link.execute(f"ALTER TABLE {old} RENAME TO {new}")


def test_own_change_of_password_lets_a_peer_come_again(
    server: ServerProcess, transport: str
) -> None:
    ann = Login(server)
    name = str(uuid.uuid4())
    peer = open_peer(transport, ann, name=name)
    ann.cookie = f"sessionid={ann.ask('change_password')['session']}"
    assert read_to_end(peer)[0] == NEW_COOKIES
    again = open_peer(transport, ann, name=name)
    assert save(again, "after").result in (None, True)
    peer.close()
    again.close()


def test_released_client_hears_the_end_of_its_stream_and_no_word_that_it_does_not_know(
    server: ServerProcess, transport: str
) -> None:
    ann = Login(server)
    peer = ReadingPeer(transport, server.port, str(uuid.uuid4()), headers=ann.headers, dialect="")
    ann.revoke("logout")
    code, messages = read_to_end(peer)
    assert (code, messages) == ({"websocket": NOT_THIS_USER, "http": 0}[transport], [])
    peer.close()


def test_visitor_who_logs_in_goes_on_as_that_user(server: ServerProcess, transport: str) -> None:
    name = str(uuid.uuid4())
    visitor = CrudPeer(transport, server.port, name)
    assert save(visitor, "nobody").result not in (None, True)
    ann = Login(server)
    peer = open_peer(transport, ann, name=name)
    assert save(peer, "somebody").result in (None, True)
    visitor.close()
    peer.close()


@pytest.mark.parametrize("engine", ["cached_db", "cache", "signed_cookies"])
def test_login_ends_whatever_keeps_the_sessions(
    start_server: StartServer, transport: str, engine: str
) -> None:
    server = start_server("uvicorn", vortex=OFTEN, env={"E2E_SESSION_ENGINE": engine})
    for what in ("logout", "deactivate", "password"):
        ann = Login(server)
        peer = open_peer(transport, ann)
        assert peer.request(TICKETS).tuples
        ann.revoke(what)
        may_have_new = (engine, what) == ("signed_cookies", "password")
        assert read_to_end(peer)[0] == (NEW_COOKIES if may_have_new else NOT_THIS_USER)
        peer.close()
    ann = Login(server)
    peer = open_peer(transport, ann)
    changed = ann.ask("change_password")
    assert read_to_end(peer)[0] == NEW_COOKIES
    assert changed
    peer.close()
    server.stop()


@pytest.fixture(params=[("uvicorn", "daphne"), ("daphne", "uvicorn")], ids="-".join)
def two_servers(
    request: pytest.FixtureRequest, start_server: StartServer, redis_server: RedisServer
) -> Iterator[list[ServerProcess]]:
    """Two processes that ask by themselves once an hour."""
    servers = [
        start_server(kind, layer="pubsub", redis_url=redis_server.url, vortex=NEVER)
        for kind in request.param
    ]
    yield servers
    for server in servers:
        server.stop()


def test_what_one_process_ends_is_ended_in_the_other(two_servers: list[ServerProcess]) -> None:
    here, there = two_servers
    bob = Login(here)
    bob.server = there
    other = open_peer("websocket", bob)
    wait_until(lambda: reaches(here, other), "the processes to meet")
    for what in ("logout", "user", "peer", "session", "command"):
        ann = Login(here)
        ann.server = there
        peers = [open_peer("websocket", ann), open_peer("http", ann)]
        for peer in peers:
            assert peer.request(TICKETS).tuples
        if what == "logout":
            ann.ask("logout", server=here)
        elif what == "command":
            code = f"from django_vortex import disconnect; disconnect(user={ann.user})"
            manage("shell", "-c", code, env=here.environment)
        elif what == "peer":
            for peer in peers:
                assert here.get_json("/e2e/disconnect", peer=peer.uuid) == {"ended": 0}
        else:
            value = {"user": ann.user, "session": ann.session}[what]
            assert here.get_json("/e2e/disconnect", **{what: value}) == {"ended": 0}
        for peer in peers:
            assert read_to_end(peer)[0] == NOT_THIS_USER, what
            peer.close()
    assert other.request(TICKETS).tuples
    other.close()


def reaches(server: ServerProcess, peer: CrudPeer) -> bool:
    """Return whether a push at a server arrives at a peer before its next two heart-beats."""
    key = f"meet.{uuid.uuid4()}"
    server.push(key=key)
    beats = 0
    for message in peer.messages():
        beats += message is None
        if message is not None and message["filt"]["key"] == key:
            return True
        if beats == 2:
            return False
    raise AssertionError("The stream ended")
