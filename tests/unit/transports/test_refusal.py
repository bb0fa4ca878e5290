from typing import Any

import pytest

from django_vortex.exceptions import InvalidCredentials, RefusedError, TakenByAnother, TooManyPeers
from django_vortex.transports.refusal import (
    BAD_HOST,
    BAD_ORIGIN,
    MAX_REASON_BYTES,
    NO_SUCH_PATH,
    NO_UUID,
    Refusal,
)


class Answer:
    def __init__(self) -> None:
        self.events: list[Any] = []

    async def receive(self) -> Any:
        self.events.append("received")
        return {"type": "websocket.disconnect"}

    async def send(self, event: Any) -> None:
        self.events.append(event)


def test_throttled_peer_is_told_when_to_come_back() -> None:
    refusal = Refusal.from_error(TooManyPeers("Too many new peers", 7.4))
    assert (refusal.status, refusal.headers["Retry-After"]) == (503, "7")


def test_peer_is_never_told_to_come_back_at_once() -> None:
    assert Refusal.from_error(TooManyPeers("Too many", 0.0)).headers["Retry-After"] == "1"


def test_uuid_of_another_is_forbidden() -> None:
    refusal = Refusal.from_error(TakenByAnother("In use"))
    assert refusal.status == 403
    assert "Retry-After" not in refusal.headers


def test_server_that_stops_is_unavailable() -> None:
    assert Refusal.from_error(RefusedError("The server is shutting down")).status == 503


async def test_handshake_is_answered_with_the_status_where_the_server_can() -> None:
    answer = Answer()
    scope = {"type": "websocket", "extensions": {"websocket.http.response": {}}}
    await NO_UUID.send_websocket(scope, answer.receive, answer.send)
    start, body, *ends = answer.events
    assert ends == ["received", "received"]  # when it was answered and when the socket is gone
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == 400
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    assert not body["body"].startswith(b"<")


async def test_handshake_is_closed_where_the_server_can_not() -> None:
    answer = Answer()
    await NO_UUID.send_websocket({"type": "websocket"}, answer.receive, answer.send)
    assert answer.events == [{"type": "websocket.close"}]


def test_bad_token_is_401_and_says_how_to_show_a_good_one() -> None:
    refusal = Refusal.from_error(InvalidCredentials("This token has expired"))
    assert (refusal.status, refusal.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "WWW-Authenticate" not in NO_UUID.headers


async def test_refused_browser_gets_the_subprotocol_that_it_offers() -> None:
    answer = Answer()
    scope = {"headers": [(b"sec-websocket-protocol", b"vortex.native, vortex.token.YQ")]}
    await NO_UUID.send_websocket(scope, answer.receive, answer.send, is_native=True)
    assert answer.events[0] == {"type": "websocket.accept", "subprotocol": "vortex.native"}


async def test_peer_of_our_own_dialect_hears_why_it_is_refused() -> None:
    answer = Answer()
    scope = {"type": "websocket", "extensions": {"websocket.http.response": {}}}
    refusal = Refusal.from_error(TooManyPeers("Too many new peers", 7.4))
    await refusal.send_websocket(scope, answer.receive, answer.send, is_native=True)
    accept, close = answer.events
    assert accept == {"type": "websocket.accept"}
    assert (close["code"], close["reason"]) == (4429, "7 s: Too many new peers")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (NO_UUID, 4400),
        (Refusal.from_error(InvalidCredentials("This token has expired")), 4401),
        (Refusal.from_error(TakenByAnother("In use")), 4403),
        (Refusal.from_error(RefusedError("The server is shutting down")), 4503),
    ],
)
async def test_each_reason_has_its_code(refusal: Refusal, code: int) -> None:
    answer = Answer()
    await refusal.send_websocket({}, answer.receive, answer.send, is_native=True)
    assert answer.events[1]["code"] == code


@pytest.mark.parametrize("refusal", [BAD_ORIGIN, BAD_HOST, NO_SUCH_PATH])
async def test_foreign_pages_are_never_accepted(refusal: Refusal) -> None:
    answer = Answer()
    await refusal.send_websocket({}, answer.receive, answer.send, is_native=True)
    assert answer.events == [{"type": "websocket.close"}]


async def test_403_needs_no_extension() -> None:
    answer = Answer()
    scope = {"type": "websocket", "extensions": {"websocket.http.response": {}}}
    await BAD_ORIGIN.send_websocket(scope, answer.receive, answer.send)
    assert answer.events == [{"type": "websocket.close"}]


def test_reasons_fit_into_a_close_frame() -> None:
    refusal = Refusal.from_error(TooManyPeers("ä" * 200, 7.4))
    assert len(refusal.reason.encode()) == MAX_REASON_BYTES


def test_log_says_who_was_refused_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    headers = [(b"host", b"a.example"), (b"origin", b"https://evil.example\nforged line")]
    BAD_ORIGIN.log({"type": "websocket", "client": ("1.2.3.4", 5), "headers": headers})
    [message] = caplog.messages
    assert "Refused a WebSocket from ('1.2.3.4', 5), host 'a.example'" in message
    assert "\n" not in message
    assert "VORTEX['ALLOWED_ORIGINS']" in message
