"""Readers that are slow, and the stream that is held for them."""

import asyncio

import pytest

from django_vortex.client import feeds as module
from django_vortex.client.errors import Closed, Overflow
from django_vortex.client.feed import Feed
from django_vortex.client.feeds import Feeds


@pytest.fixture
async def feeds(monkeypatch: pytest.MonkeyPatch) -> Feeds:
    monkeypatch.setattr(module, "HOLD_SECONDS", 60.0)
    return Feeds()


def open_feed(feeds: Feeds, max_waiting: int) -> tuple[Feed[int], list[str]]:
    ended: list[str] = []
    return feeds.open(max_waiting, lambda put: lambda: ended.append("ended")), ended


async def read(feed: Feed[int], count: int) -> list[int]:
    return [await anext(feed) for _ in range(count)]


async def test_G4_stream_is_held_until_a_full_reader_has_read_half(feeds: Feeds) -> None:
    feed, _ = open_feed(feeds, 4)
    for number in range(3):
        feed.put(number)
    assert not feeds.is_full
    feed.put(3)
    assert feeds.is_full
    feed.put(4)  # of the same piece as the one before
    holding = asyncio.create_task(feeds.make_room())
    await asyncio.sleep(0)
    assert await read(feed, 2) == [0, 1]
    await asyncio.sleep(0)
    assert not holding.done()
    assert await read(feed, 1) == [2]
    await holding
    assert not feeds.is_full
    assert await read(feed, 2) == [3, 4], "nothing was lost"


async def test_G4_reader_that_does_not_read_loses_and_holds_up_nobody(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, _ = open_feed(feeds, 4)
    monkeypatch.setattr(module, "HOLD_SECONDS", 0.01)
    for number in range(4):
        feed.put(number)
    await feeds.make_room()
    for number in range(4, 1000):
        feed.put(number)
        assert not feeds.is_full, "it was waited for once"
    assert await read(feed, 4) == [0, 1, 2, 3]
    with pytest.raises(Overflow) as caught:
        await anext(feed)
    assert caught.value.lost == 996
    for number in range(4):
        feed.put(number)
    assert feeds.is_full, "it reads again"
    monkeypatch.setattr(module, "HOLD_SECONDS", 60.0)
    holding = asyncio.create_task(feeds.make_room())
    await asyncio.sleep(0)
    feed.close()
    await holding


async def test_G4_one_slow_reader_does_not_take_from_another(feeds: Feeds) -> None:
    slow, _ = open_feed(feeds, 1)
    quick, _ = open_feed(feeds, 100)
    for number in range(50):
        slow.put(number)
        quick.put(number)
    assert await read(quick, 50) == list(range(50))


@pytest.mark.parametrize("number", range(20))
async def test_G1_cancelling_a_reader_loses_nothing_and_is_no_end(
    feeds: Feeds, number: int
) -> None:
    feed, ended = open_feed(feeds, 100)
    reading = asyncio.create_task(anext(feed))  # type: ignore[arg-type]
    for _ in range(number % 4):
        await asyncio.sleep(0)
    if number >= 10:
        feed.put(1)
    for _ in range(number % 3):
        await asyncio.sleep(0)
    if reading.cancel():
        with pytest.raises(asyncio.CancelledError):
            await reading
    got = [] if reading.cancelled() else [reading.result()]
    feed.put(2)
    feeds.finish(Closed("over"))
    with pytest.raises(Closed):
        while True:
            got.append(await anext(feed))
    assert got == ([1, 2] if number >= 10 else [2])
    assert ended == []
    feed.close()
    assert ended == ["ended"]
