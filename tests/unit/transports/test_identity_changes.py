"""Telling servers, from anywhere, that somebody is not who they were."""

import asyncio
from concurrent.futures import Future
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client

from django_vortex import disconnect
from django_vortex.exceptions import DefinitionError, DeliveryError
from django_vortex.routing.peer import Peer
from django_vortex.server.fan_out import Record
from django_vortex.testing import connect
from django_vortex.testing.failures import PeerClosed
from django_vortex.transports import hub, sending
from django_vortex.transports.flow import SCOPE_KEY, Flow
from django_vortex.transports.identity_changes import identity_changed, note_logout


class Records:
    """A way to other processes that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def publish(self, record: Record, *, wait: bool) -> "Future[int]":
        self.records.append(record)
        future: Future[int] = Future()
        future.set_result(0)
        return future


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Records:
    records = Records()
    monkeypatch.setattr(sending, "_publisher", records)
    return records


def make_request(session_key: str | None, **scope: Any) -> Any:
    request: Any = HttpRequest()
    request.session = SessionStore(session_key)
    request.scope = scope
    return request


def make_user(pk: int) -> Any:
    return get_user_model()(pk=pk)


def test_process_without_a_server_tells_those_that_have_one(elsewhere: Records) -> None:
    assert disconnect(user=make_user(7)).result(60) == 0
    disconnect(user=7, peer=UUID(int=1), session=SessionStore("key of s"))
    disconnect(peer=Peer("tab", "web"))
    identity_changed(make_user(7))
    identity_changed(session="s")
    assert elsewhere.records == [
        {"kind": "disconnect", "aim": [None, "7", None]},
        {"kind": "disconnect", "aim": [str(UUID(int=1)), "7", "key of s"]},
        {"kind": "disconnect", "aim": ["tab", None, None]},
        {"kind": "identity", "change": ["7", None, ""]},
        {"kind": "identity", "change": [None, "s", ""]},
    ]


def test_process_that_reaches_nobody_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeliveryError, match="No server runs in this process"):
        disconnect(user=7).result(60)
    assert "A disconnect reached nobody: No server runs" in caplog.text


@pytest.mark.parametrize(
    "whom",
    [
        {},
        {"user": AnonymousUser()},
        {"session": SessionStore()},
        {"session": ""},
        {"peer": 7},
    ],
    ids=["nobody", "anonymous user", "new session", "no key", "number"],
)
def test_who_names_nobody_is_told(whom: dict[str, Any], elsewhere: Records) -> None:
    with pytest.raises(DefinitionError):
        disconnect(**whom)
    if "peer" not in whom:
        with pytest.raises(DefinitionError):
            identity_changed(**whom)
    assert elsewhere.records == []


def test_logout_is_told_before_and_after_it(elsewhere: Records) -> None:
    note_logout(request=make_request("key of s"), user=make_user(7))
    assert [one["change"] for one in elsewhere.records] == [
        ["7", "key of s", "begun"],
        ["7", "key of s", "answered"],
    ]


def test_logout_works_though_nobody_can_be_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "_publisher", None)
    note_logout(request=make_request("key of s"), user=None)
    assert caplog.text.count("Peers were not told of a logout") == 2


def test_logout_of_nobody_is_no_news(elsewhere: Records) -> None:
    note_logout(request=make_request(None), user=None)
    note_logout(request=None, user=None)
    assert elsewhere.records == []


@pytest.mark.django_db
def test_django_tells_of_logouts(elsewhere: Records) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("anna"))
    key = client.session.session_key
    client.logout()
    assert [one["change"][1:] for one in elsewhere.records] == [[key, "begun"], [key, "answered"]]


@pytest.mark.usefixtures("fresh_hub")
async def test_logout_is_answered_when_the_request_is_over(elsewhere: Records) -> None:
    async def send(message: Any) -> None:
        raise AssertionError(message)

    flow = Flow(send)
    ends: list[str] = []
    flow.on_end = lambda: ends.append("before")
    hub.get_flows().add(flow)
    server = hub.get_server()
    told: list[str] = []
    server.logins.spread = lambda change: told.append(change.logout)  # type: ignore[method-assign]
    await asyncio.to_thread(
        user_logged_out.send, None, request=make_request("key of s", **{SCOPE_KEY: flow}), user=None
    )
    await asyncio.sleep(0)
    assert told == ["begun"]
    flow.end()
    assert (told, ends) == (["begun", "answered"], ["before"])
    hub.get_flows().discard(flow)
    user_logged_out.send(None, request=make_request("key of s", **{SCOPE_KEY: flow}), user=None)
    assert told == ["begun", "answered"] * 2


async def test_application_disconnects_the_peers_of_a_test() -> None:
    async with connect(user=make_user(7)) as peer, connect(user=make_user(8)) as other:
        assert disconnect(user=7).result(60) == 1
        with pytest.raises(PeerClosed, match="4401"):
            await peer.request({"key": "nobody"})
        await other.send({"key": "nobody"})


def test_application_disconnects_the_peer_of_a_plain_test() -> None:
    with connect(user=make_user(7)) as peer:
        assert disconnect(peer=peer.uuid).result(60) == 1
        with pytest.raises(PeerClosed, match="4401"):
            peer.request({"key": "nobody"})
