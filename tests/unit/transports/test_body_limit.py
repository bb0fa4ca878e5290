import asyncio
from typing import Any

import pytest

from django_vortex.transports import body_limit
from django_vortex.transports.body_limit import MAX_MESSAGES_PER_BODY, BodyLimit
from tests.support.waiting import eventually
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
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": headers,
            "client": ("10.0.0.1", 4711),
        }
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


async def test_announced_body_over_the_limit_is_answered_before_it_is_read() -> None:
    request = Request("/live/vortex", [b"x" * (LIMIT + 1)], is_announced=True)
    receive = request.receive

    async def receive_after_the_answer() -> Any:
        assert request.answers[0]["status"] == 413
        assert b"longer" in request.answers[1]["body"]
        return await receive()

    request.receive = receive_after_the_answer  # type: ignore[method-assign]
    await request.serve()
    assert request.pieces == []
    assert not request.was_served


@pytest.mark.parametrize("is_announced", [True, False])
async def test_body_over_the_limit_is_answered_as_text(is_announced: bool) -> None:
    pieces = [b"x" * LIMIT, b"x", b"thrown away", b"thrown away, too"]
    request = Request("/live/vortex/", pieces, is_announced=is_announced)
    await request.serve()
    start, body, end = request.answers
    assert start["status"] == 413
    assert (b"content-type", b"text/plain; charset=utf-8") in start["headers"]
    assert body["body"] == f"The body is longer than {LIMIT} bytes".encode()
    assert (body["more_body"], end["body"], end["more_body"]) == (True, b"", False)
    assert request.pieces == []
    assert not request.was_served


@pytest.mark.parametrize("is_announced", [True, False])
async def test_rest_of_a_long_body_is_not_waited_for_for_ever(
    is_announced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "LINGER_SECONDS", 0.05)
    request = Request("/live/vortex", [b"x" * (LIMIT + 1), b"x"], is_announced=is_announced)
    receive, left = request.receive, [False]

    async def receive_once() -> Any:
        if len(request.pieces) == 1:
            left[0] = True
            await asyncio.Event().wait()
        return await receive()

    request.receive = receive_once  # type: ignore[method-assign]
    await asyncio.wait_for(request.serve(), 60)
    assert left == [True]
    assert request.answers[0]["status"] == 413
    assert request.answers[-1]["more_body"] is False


async def test_sender_that_goes_away_ends_it() -> None:
    request = Request("/live/vortex", [b"x" * (LIMIT + 1), b"x"], is_announced=False)
    receive = request.receive

    async def receive_and_go() -> Any:
        return await receive() if len(request.pieces) > 1 else {"type": "http.disconnect"}

    request.receive = receive_and_go  # type: ignore[method-assign]
    await asyncio.wait_for(request.serve(), 60)
    assert request.answers[0]["status"] == 413


@pytest.mark.parametrize("is_announced", [True, False])
async def test_bodies_of_other_views_are_none_of_our_business(is_announced: bool) -> None:
    request = Request("/upload", [b"x" * LIMIT, b"x"], is_announced=is_announced)
    await request.serve()
    assert request.was_served


class SlowRequest(Request):
    """One whose body stops after its first piece until the test goes on."""

    def __init__(self, path: str = "/live/vortex") -> None:
        super().__init__(path, [b"x", b"y"], is_announced=False)
        self.may_go_on = asyncio.Event()

    async def receive(self) -> Any:
        if len(self.pieces) == 1:
            await self.may_go_on.wait()
        return await super().receive()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "QUICK_SECONDS", 0.01)


def set_limits(settings: Any, **limits: float) -> None:
    settings.VORTEX = {"MAX_MESSAGE_BYTES": 1024, **limits}


@pytest.mark.usefixtures("quick")
async def test_body_that_stops_is_answered_and_not_waited_for(settings: Any) -> None:
    set_limits(settings, BODY_SECONDS=1.0)
    request = SlowRequest()
    await asyncio.wait_for(request.serve(), 60)
    start, body = request.answers
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert body["body"] == b"The body took longer than 1 s"
    assert not request.was_served


@pytest.mark.usefixtures("quick")
async def test_body_that_trickles_is_over_at_the_same_time(settings: Any) -> None:
    set_limits(settings, BODY_SECONDS=1.0)
    request = Request("/live/vortex", [b"x"] * 100_000, is_announced=False)
    receive = request.receive

    async def trickle() -> Any:
        await asyncio.sleep(0.02)
        return await receive()

    request.receive = trickle  # type: ignore[method-assign]
    await asyncio.wait_for(request.serve(), 60)
    assert request.answers[0]["status"] == 408


@pytest.mark.usefixtures("quick")
async def test_slow_bodies_of_other_views_are_none_of_our_business(settings: Any) -> None:
    set_limits(settings, BODY_SECONDS=1.0)
    request = SlowRequest("/upload")
    serving = asyncio.create_task(request.serve())
    await asyncio.sleep(1.2)
    request.may_go_on.set()
    await asyncio.wait_for(serving, 60)
    assert request.was_served
    assert request.answers == []


@pytest.mark.usefixtures("quick")
async def test_one_address_may_have_so_many_slow_bodies(settings: Any) -> None:
    set_limits(settings, SLOW_BODIES_PER_ADDRESS=2)
    limit = BodyLimit(SlowRequest().application)
    requests = [SlowRequest() for _ in range(3)]
    others = SlowRequest()
    others.scope["client"] = ("10.0.0.2", 4711)

    async def serve(request: SlowRequest) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await request.application(scope, receive, send)

        limit._inner = application
        await limit(request.scope, request.receive, request.send)

    serving = []
    for number, request in enumerate((*requests, others)):
        serving.append(asyncio.create_task(serve(request)))
        if request is requests[2]:
            await asyncio.wait_for(serving[-1], 60)
        else:
            counted = min(number, 2) + 1
            await eventually(lambda n=counted: limit._slow.total() == n, "it to count as slow")
    [start, body] = requests[2].answers
    assert start["status"] == 503
    assert body["body"] == b"Too many slow bodies from this address"
    for request in (*requests, others):
        request.may_go_on.set()
    await asyncio.wait_for(asyncio.gather(*serving), 60)
    assert [one.was_served for one in (*requests, others)] == [True, True, False, True]
    assert not limit._slow
