"""How many requests of a peer run and wait, by number and by size."""

import asyncio
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.server.requests import (
    DECODED_FACTOR,
    MAX_PENDING_BYTES,
    MAX_RUNNING_BYTES,
    PENDING_FACTOR,
    READ_AHEAD_FACTOR,
    Requests,
)
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from tests.unit.server.fakes import settle

LIMIT = 4


class Handler:
    """Answers when it is told to, and knows what runs."""

    def __init__(self):
        self.running = []
        self.begun = []
        self.may_end = asyncio.Event()

    async def __call__(self, envelope):
        self.begun.append(envelope)
        self.running.append(envelope)
        try:
            await self.may_end.wait()
        finally:
            self.running.remove(envelope)

    @property
    def running_bytes(self):
        return sum(envelope.size for envelope in self.running)


def sized(size):
    body = EncodedBody("x" * size, Dialect.D2) if size else None
    envelope = PayloadEnvelope.received({"key": "x"}, body)
    envelope.size = size
    return envelope


async def finish(requests, handler):
    handler.may_end.set()
    while len(requests):
        await settle()


async def test_large_requests_of_one_peer_do_not_fill_the_memory_while_they_run():
    handler = Handler()
    requests = Requests(handler, 256)
    for _ in range(100):
        requests.add(sized(MAX_RUNNING_BYTES // 10))
    await settle()
    assert len(handler.running) == 10
    assert not requests.is_ready  # so that a transport reads no more
    await finish(requests, handler)


async def test_filts_count_by_what_they_take_when_they_are_decoded():
    handler = Handler()
    requests = Requests(handler, 256)
    for _ in range(20):
        envelope = PayloadEnvelope({"key": "x"})
        envelope.size = envelope.beside_size = MAX_RUNNING_BYTES // (10 * (1 + DECODED_FACTOR))
        requests.add(envelope)
    await settle()
    assert len(handler.running) == 10
    await finish(requests, handler)


async def test_large_requests_that_wait_are_refused_where_a_transport_does_not_wait():
    handler = Handler()
    requests = Requests(handler, 1)
    taken = sum(requests.add(sized(MAX_PENDING_BYTES // 10)) for _ in range(100))
    assert taken == 1 + 10
    await finish(requests, handler)
    assert len(handler.begun) == taken
    assert requests.add(sized(1))
    requests.cancel()
    await settle()


async def test_request_larger_than_all_limits_is_answered_alone():
    handler = Handler()
    requests = Requests(handler, LIMIT)
    assert requests.add(sized(1))
    assert requests.add(sized(3 * MAX_RUNNING_BYTES))
    await settle()
    assert [envelope.size for envelope in handler.running] == [1]
    await finish(requests, handler)
    assert [envelope.size for envelope in handler.begun] == [1, 3 * MAX_RUNNING_BYTES]


@given(st.lists(st.integers(0, MAX_RUNNING_BYTES // 2), max_size=LIMIT * PENDING_FACTOR))
def test_requests_begin_in_order_and_never_more_than_may_run(sizes):
    async def run():
        handler = Handler()
        requests = Requests(handler, LIMIT)
        taken = [envelope for envelope in map(sized, sizes) if requests.add(envelope)]
        await settle()
        assert len(handler.running) <= LIMIT
        assert handler.running_bytes <= MAX_RUNNING_BYTES
        await finish(requests, handler)
        assert handler.begun == taken
        assert requests.is_ready
        assert not requests.tasks

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 10])
async def test_whoever_waits_for_readiness_is_woken_when_nothing_waits(size):
    handler = Handler()
    requests = Requests(handler, 1)
    for _ in range(2 + READ_AHEAD_FACTOR):
        requests.add(sized(size))
    ready = asyncio.ensure_future(requests.ready())
    await settle()
    assert not ready.done()
    await finish(requests, handler)
    await ready


async def test_request_that_fails_is_written_about_once(caplog: pytest.LogCaptureFixture):
    untold: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: untold.append(context))

    async def fail(envelope):
        raise RuntimeError("bug")

    requests = Requests(fail, LIMIT)
    requests.add(sized(1))
    for _ in range(4):
        await asyncio.sleep(0)
    assert len(requests) == 0
    gc.collect()
    assert untold == []
    assert [record.exc_info is not None for record in caplog.records] == [True]
