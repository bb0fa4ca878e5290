"""Short responses one after another, from a server that is told what to answer."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio

from django_vortex.client import short_line
from django_vortex.client.line import Address, LineEnded, TooLongForLine, begin
from django_vortex.client.short_line import ShortLine
from django_vortex.wire.opening import SESSION_HEADER

Answer = httpx.Response | Exception


class FakeServer:
    """Answers requests when it is told to, in any order.

    Attributes:
        requests: What was posted, by the number of the POST.
    """

    def __init__(self) -> None:
        self.requests: dict[int, httpx.Request] = {}
        self._answers: dict[int, asyncio.Future[Answer]] = {}

    def answer(self, number: int, answer: Answer) -> None:
        """Answer a POST, maybe before it comes."""
        self._get(number).set_result(answer)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        number = int(request.headers[SESSION_HEADER].split()[0])
        self.requests[number] = request
        answer = await self._get(number)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _get(self, number: int) -> asyncio.Future[Answer]:
        if number not in self._answers:
            self._answers[number] = asyncio.get_running_loop().create_future()
        return self._answers[number]


def respond(status: int, kind: str, *parts: bytes | Exception) -> httpx.Response:
    async def content() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return httpx.Response(status, headers={"Content-Type": kind}, content=content())


def stream(*parts: bytes | Exception) -> httpx.Response:
    return respond(200, "text/text", *parts)


def refusal(status: int) -> httpx.Response:
    return respond(status, "text/plain", b"no")


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest_asyncio.fixture
async def line(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShortLine]:
    monkeypatch.setattr(short_line, "PAUSE_SECONDS", 0.0)
    numbers = iter(range(1, 1000))

    def say(*, continues: bool, wants_short: bool = False) -> str:
        assert wants_short
        return f"{next(numbers)} {'follows' if continues else 'is the first'}"

    address = Address("ws://x", "http://x", {}, None, None, 60.0, say, is_short=True)
    line = ShortLine(address)
    line._poster._http = httpx.AsyncClient(transport=httpx.MockTransport(server.handle))
    yield await begin(line, [])
    await line.close()
    assert not [task for task in asyncio.all_tasks() if "post" in repr(task.get_coro())]


async def read(line: ShortLine) -> bytes:
    """Return the next response."""
    assert await line.receive() == b""
    return await line.receive()


async def test_next_post_follows_the_end_of_a_response(server: FakeServer, line: ShortLine) -> None:
    server.answer(1, stream(b"one."))
    assert await read(line) == b"one."
    server.answer(2, stream(b"two."))
    assert await read(line) == b"two."
    said = [one.headers[SESSION_HEADER] for one in server.requests.values()]
    assert said == ["1 is the first", "2 follows"]


async def test_messages_are_posted_while_a_response_is_awaited(
    server: FakeServer, line: ShortLine
) -> None:
    server.answer(1, stream(b"one."))
    assert await read(line) == b"one."
    reading = asyncio.create_task(read(line))
    while 2 not in server.requests:
        await asyncio.sleep(0)
    await line.send(['{"a": 1}'])
    server.answer(3, stream(b"three."))
    server.answer(2, stream(b"two."))
    assert await reading == b"two."
    assert await read(line) == b"three."
    assert server.requests[3].content == b"eyJhIjogMX0=."
    assert server.requests[3].headers[SESSION_HEADER] == "3 follows"


async def test_overtaken_post_has_a_response_with_nothing_in_it(
    server: FakeServer, line: ShortLine
) -> None:
    await line.send(["{}"])
    server.answer(1, refusal(409))
    server.answer(2, stream(b"two."))
    assert await line.receive() == b""
    assert await read(line) == b"two."


async def test_response_that_the_next_post_has_ended_at_once_is_empty(
    server: FakeServer, line: ShortLine
) -> None:
    await line.send(["{}"])
    server.answer(1, stream())
    server.answer(2, stream(b"two."))
    assert await line.receive() == b""
    assert await read(line) == b"two."


async def test_post_that_others_have_overtaken_ends_the_line(
    server: FakeServer, line: ShortLine
) -> None:
    server.answer(1, refusal(409))
    with pytest.raises(LineEnded) as caught:
        await line.receive()
    assert caught.value.ending.code == 409


async def test_body_that_is_too_long_is_told_and_the_line_goes_on(
    server: FakeServer, line: ShortLine
) -> None:
    server.answer(1, stream(b"one."))
    await line.send(["{}", "[]"])
    assert await read(line) == b"one."
    server.answer(2, refusal(413))
    with pytest.raises(TooLongForLine) as caught:
        await line.receive()
    assert list(caught.value.texts) == ["{}", "[]"]
    server.answer(3, stream(b"three."))
    assert await read(line) == b"three."


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: stream(), "empty"),
        (lambda: stream(b"one.", httpx.ReadError("cut")), "cut"),
        (lambda: httpx.ReadError("reset"), "reset"),
        (lambda: refusal(503), "no"),
        (lambda: refusal(413), "no"),
        (lambda: respond(200, "text/html", b"<html>"), "not a vortex"),
    ],
)
async def test_what_is_no_stream_ends_the_line(
    server: FakeServer, line: ShortLine, make: Callable[[], Answer], reason: str
) -> None:
    server.answer(1, make())
    with pytest.raises(LineEnded, match=reason):
        while True:
            await line.receive()


async def test_responses_that_end_at_once_are_not_asked_for_without_a_pause(
    server: FakeServer, line: ShortLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_line, "PAUSE_SECONDS", 3600.0)
    server.answer(1, stream(b"one."))
    assert await read(line) == b"one."
    reading = asyncio.create_task(read(line))
    for _ in range(20):
        await asyncio.sleep(0)
    assert list(server.requests) == [1]
    reading.cancel()
