import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from django_vortex.server.stream import StreamClosed
from django_vortex.transports import http_stream
from django_vortex.transports.http_stream import CHUNK_BYTES, HttpStream
from tests.unit.transports.fake_flow import FakeFlow

LONG = "x" * CHUNK_BYTES


class Request(FakeFlow):
    """A request that notes when it is told to start and to stop."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


class Reader:
    """What Django does with a response: take one chunk after the other."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.received: list[bytes] = []
        self._task = asyncio.create_task(self._read(chunks))

    async def _read(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            self.received.append(chunk)

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    async def end(self) -> list[bytes]:
        await asyncio.wait_for(self._task, 60)
        return self.received

    def disconnect(self) -> None:
        self._task.cancel()


async def until_idle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_texts_that_wait_together_are_one_chunk() -> None:
    stream = HttpStream(Request())
    await stream.send("one.")
    await stream.send("two.")
    reader = Reader(stream.chunks())
    await until_idle()
    await stream.send("three.")
    await until_idle()
    assert reader.received == [b"one.two.", b"three."]
    stream.close(1000, "")
    await reader.end()


async def test_first_chunk_waits_for_what_is_to_be_done_before() -> None:
    stream = HttpStream(Request())
    await stream.send("info.")

    async def prepare() -> None:
        await asyncio.sleep(0)
        await stream.send("reply.")

    reader = Reader(stream.chunks(prepare))
    await until_idle()
    assert reader.received == [b"info.reply."]
    stream.close(1000, "")
    await reader.end()


async def test_second_chunk_waits_for_what_is_to_be_done_before_it() -> None:
    stream = HttpStream(Request())
    await stream.send("info.")
    may_go_on = asyncio.Event()

    async def wait() -> None:
        await may_go_on.wait()

    async def prepare() -> Any:
        return wait

    reader = Reader(stream.chunks(prepare))
    await until_idle()
    await stream.send("reply.")
    await until_idle()
    assert reader.received == [b"info."]
    assert stream.take_unsent() == ["reply."]  # a newer response may still have it
    await stream.send("another.")
    may_go_on.set()
    await until_idle()
    assert reader.received == [b"info.", b"another."]
    stream.close(1000, "")
    await reader.end()


async def test_full_slot_blocks_until_the_response_has_taken_it() -> None:
    stream = HttpStream(Request())
    await stream.send(LONG)
    sending = asyncio.create_task(stream.send("next."))
    await until_idle()
    assert not sending.done()
    reader = Reader(stream.chunks())
    await asyncio.wait_for(sending, 60)
    stream.close(1000, "")
    assert await reader.end() == [LONG.encode(), b"next."]


async def test_long_text_is_cut_and_each_piece_waits_for_the_socket() -> None:
    request = Request()
    stream = HttpStream(request)
    await stream.send(LONG * 2 + "end.")
    chunks = stream.chunks()
    assert await anext(chunks) == LONG.encode()
    request.fill()
    following = asyncio.ensure_future(anext(chunks))
    await until_idle()
    assert not following.done()
    request.drain()
    assert await following == LONG.encode()
    assert await anext(chunks) == b"end."
    await chunks.aclose()


async def test_nothing_leaves_while_the_socket_is_full() -> None:
    request = Request()
    request.fill()
    stream = HttpStream(request)
    await stream.send("one.")
    reader = Reader(stream.chunks())
    await until_idle()
    assert reader.received == []
    assert stream.take_unsent() == ["one."]
    stream.close(1000, "replaced")
    assert await reader.end() == []


async def test_all_that_was_not_given_away_is_given_back_in_order() -> None:
    stream = HttpStream(Request())
    await stream.send(LONG)
    sending = asyncio.create_task(stream.send("two."))
    await until_idle()
    assert stream.take_unsent() == [LONG, "two."]
    stream.close(1000, "replaced")
    with pytest.raises(StreamClosed):
        await sending
    assert await Reader(stream.chunks()).end() == []


async def test_close_sends_what_is_in_the_slot_and_ends_the_response() -> None:
    stream = HttpStream(Request())
    reader = Reader(stream.chunks())
    await until_idle()
    await stream.send("last.")
    stream.close(1000, "")
    assert await reader.end() == [b"last."]
    with pytest.raises(StreamClosed):
        await stream.send("late.")


async def test_end_of_the_response_is_told_once_with_the_socket_let_go_before() -> None:
    request = Request()
    stream = HttpStream(request)
    stream.on_end = lambda ended: request.calls.append("end" if ended is stream else "other")
    reader = Reader(stream.chunks())
    await until_idle()
    stream.close(1000, "")
    await reader.end()
    request.end()
    assert request.calls == ["start", "stop", "end", "stop"]


async def test_disconnect_ends_the_stream() -> None:
    stream = HttpStream(Request())
    ended: list[HttpStream] = []
    stream.on_end = ended.append
    reader = Reader(stream.chunks())
    await until_idle()
    reader.disconnect()
    await until_idle()
    assert reader.has_ended
    assert ended == [stream]


async def test_response_dropped_before_its_first_chunk_ends_the_stream() -> None:
    request = Request()
    stream = HttpStream(request)
    ended: list[HttpStream] = []
    stream.on_end = ended.append
    unread: AsyncGenerator[bytes, None] = stream.chunks()
    request.end()
    assert ended == [stream]
    await unread.aclose()


async def test_peer_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_stream, "CLOSE_SECONDS", 0.0)
    request = Request()
    stream = HttpStream(request)
    stream.close(4008, "too slow")
    await asyncio.wait_for(request.aborted.wait(), 60)


async def test_response_that_ended_in_time_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its connection may serve the peer's next request by then."""
    monkeypatch.setattr(http_stream, "CLOSE_SECONDS", 0.0)
    request = Request()
    stream = HttpStream(request)
    stream.close(1000, "replaced")
    request.end()
    fired = asyncio.Event()
    asyncio.get_running_loop().call_later(0.0, fired.set)
    await fired.wait()
    await until_idle()
    assert not request.aborted.is_set()


INFO = ".info."
COUNTS = "1,2."


async def test_short_response_ends_behind_its_first_message() -> None:
    stream = HttpStream(Request(), is_short=True)
    ended: list[HttpStream] = []
    stream.on_end = ended.append
    reader = Reader(stream.chunks())
    for text in (INFO, COUNTS):
        await stream.send(text)
        await until_idle()
    assert not reader.has_ended, "what is no message does not end it"
    await stream.send("one.")
    await stream.send("two.")
    assert await reader.end() == [b".info.", b"1,2.", b"one.two."]
    assert ended == [stream]
    with pytest.raises(StreamClosed):
        await stream.send("late.")


async def test_short_response_stays_open_for_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_stream, "BURST_SECONDS", 3600.0)
    stream = HttpStream(Request(), is_short=True)
    reader = Reader(stream.chunks())
    for text in (INFO, "one.", "two."):
        await stream.send(text)
        await until_idle()
    assert not reader.has_ended
    stream.end_soon()
    assert await reader.end() == [b".info.", b"one.", b"two."]


async def test_short_response_with_nothing_to_say_ends_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_stream, "SHORT_SECONDS", 0.0)
    stream = HttpStream(Request(), is_short=True)
    await stream.send(INFO)
    await stream.send(COUNTS)
    assert await Reader(stream.chunks()).end() == [b".info.1,2."]


async def test_short_response_that_is_awaited_ends_with_what_there_is() -> None:
    stream = HttpStream(Request(), is_short=True)
    await stream.send(INFO)
    stream.end_soon()

    async def prepare() -> None:
        await stream.send("reply.")

    assert await Reader(stream.chunks(prepare)).end() == [b".info.reply."]


async def test_short_response_gives_back_what_comes_while_its_last_chunk_leaves() -> None:
    request = Request()
    stream = HttpStream(request, is_short=True)
    given_back: list[str] = []
    stream.on_end = lambda one: given_back.extend(one.take_unsent())
    await stream.send(INFO)
    stream.end_soon()
    await stream.send(LONG * 2)
    chunks = stream.chunks()
    received = [await anext(chunks)]
    await stream.send("next.")
    received += [chunk async for chunk in chunks]
    assert b"".join(received) == INFO.encode() + LONG.encode() * 2
    assert given_back == ["next."]


async def test_short_response_that_is_closed_at_its_end_says_why() -> None:
    stream = HttpStream(Request(), is_short=True)
    await stream.send(INFO)
    stream.end_soon()
    chunks = stream.chunks()
    assert await anext(chunks) == INFO.encode()
    stream.close(4403, "taken", "closing.")
    assert [chunk async for chunk in chunks] == [b"closing."]


async def test_other_responses_are_ended_by_nothing_of_this() -> None:
    stream = HttpStream(Request())
    stream.end_soon()
    reader = Reader(stream.chunks())
    for text in (INFO, "one.", "two."):
        await stream.send(text)
        await until_idle()
    await asyncio.sleep(2 * http_stream.BURST_SECONDS)
    assert not reader.has_ended
    stream.close(1000, "")
    await reader.end()
