from typing import Any

from django_vortex.exceptions import RefusedError, TakenByAnother, TooManyPeers
from django_vortex.transports.refusal import NO_UUID, Refusal


class Answer:
    def __init__(self) -> None:
        self.events: list[Any] = []

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
    await NO_UUID.send_websocket(scope, answer.send)
    start, body = answer.events
    assert start["type"] == "websocket.http.response.start"
    assert start["status"] == 400
    assert (b"content-length", str(len(body["body"])).encode()) in start["headers"]
    assert not body["body"].startswith(b"<")


async def test_handshake_is_closed_where_the_server_can_not() -> None:
    answer = Answer()
    await NO_UUID.send_websocket({"type": "websocket"}, answer.send)
    assert answer.events == [{"type": "websocket.close"}]
