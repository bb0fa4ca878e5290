from typing import Any

import pytest

from django_vortex.transports.body_limit import MAX_MESSAGES_PER_BODY, BodyLimit
from tests.unit.transports import urlconf

LIMIT = 1024 * MAX_MESSAGES_PER_BODY


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.VORTEX = {"MAX_MESSAGE_BYTES": 1024}
    settings.ROOT_URLCONF = urlconf.__name__


class Request:
    """One request with its body in pieces, and how Django's handler would serve it."""

    def __init__(self, path: str, pieces: list[bytes], *, is_announced: bool) -> None:
        length = str(sum(map(len, pieces))).encode()
        headers = [(b"content-length", length)] if is_announced else []
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        self.pieces = list(pieces)
        self.answers: list[Any] = []
        self.was_served = False

    async def receive(self) -> Any:
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, event: Any) -> None:
        self.answers.append(event)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            if not event["more_body"]:
                break
        self.was_served = True

    async def serve(self) -> None:
        await BodyLimit(self.application)(self.scope, self.receive, self.send)


@pytest.mark.parametrize("is_announced", [True, False])
async def test_body_within_the_limit_is_served(is_announced: bool) -> None:
    request = Request("/live/vortex", [b"x" * LIMIT], is_announced=is_announced)
    await request.serve()
    assert request.was_served
    assert request.answers == []


async def test_announced_body_over_the_limit_is_not_read() -> None:
    request = Request("/live/vortex", [b"x" * (LIMIT + 1)], is_announced=True)
    await request.serve()
    assert len(request.pieces) == 1
    assert not request.was_served


@pytest.mark.parametrize("is_announced", [True, False])
async def test_body_over_the_limit_is_answered_as_text(is_announced: bool) -> None:
    pieces = [b"x" * LIMIT, b"x", b"never read"]
    request = Request("/live/vortex/", pieces, is_announced=is_announced)
    await request.serve()
    start, body = request.answers
    assert start["status"] == 413
    assert (b"content-type", b"text/plain; charset=utf-8") in start["headers"]
    assert body["body"] == f"The body is longer than {LIMIT} bytes".encode()
    assert request.pieces[-1] == b"never read"
    assert not request.was_served


@pytest.mark.parametrize("is_announced", [True, False])
async def test_bodies_of_other_views_are_none_of_our_business(is_announced: bool) -> None:
    request = Request("/upload", [b"x" * LIMIT, b"x"], is_announced=is_announced)
    await request.serve()
    assert request.was_served
