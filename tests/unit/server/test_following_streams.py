"""Streams of one peer that block, end, fail and follow each other."""

import asyncio

from django_vortex.wire.reserved import (
    NORMAL_CLOSURE,
)
from tests.unit.server.fakes import (
    SERVER_UUID,
    FakeStream,
    infos,
    note,
    open_peer,
    settle,
)


async def test_what_waits_goes_out_in_order_when_the_peer_reads_again(server):
    stream = FakeStream()
    await open_peer(server, stream)
    stream.is_blocked = True
    for i in range(200):
        server.push(note(i))
    await settle()
    assert stream.values() == []
    stream.unblock()
    await settle()
    assert stream.values() == list(range(200))


async def test_write_that_does_not_block_needs_no_task(server):
    stream = FakeStream()
    await open_peer(server, stream)
    before = asyncio.all_tasks()
    server.push(note(1))
    assert asyncio.all_tasks() == before
    assert stream.values() == [1]


async def test_heartbeat_overtakes_what_waits(server):
    stream = FakeStream()
    connection = await open_peer(server, stream)
    stream.is_blocked = True
    server.push(note(1))
    server.push(note(2))
    connection.beat()
    connection.beat()
    await settle()
    stream.unblock()
    await settle()
    assert stream.received.index(".") == 2
    assert stream.received.count(".") == 1
    assert stream.values() == [1, 2]


async def test_new_response_gets_what_the_old_one_did_not_send(server):
    old = FakeStream(framed=True, slot=3)
    new = FakeStream(framed=True)
    connection = await open_peer(server, old)
    old.read()
    for i in range(10):
        server.push(note(i))
    await settle()
    old.read(1)
    await settle()
    await open_peer(server, new)
    await settle()
    assert old.closed_with == (
        NORMAL_CLOSURE,
        "Replaced by a newer stream of the same peer",
    )
    assert infos(new) == [SERVER_UUID]
    assert old.values() == [0]
    assert new.values() == list(range(1, 10))
    assert connection.waiting == 0


async def test_unsent_heartbeats_and_introductions_do_not_move_over(server):
    old, new = FakeStream(framed=True, slot=5), FakeStream(framed=True)
    connection = await open_peer(server, old)
    connection.beat()
    server.push(note(1))
    await open_peer(server, new)
    assert old.received == []
    assert len(new.received) == 2
    assert infos(new) == [SERVER_UUID]
    assert new.values() == [1]


async def test_peer_that_changes_to_a_websocket_gets_unsent_texts_in_its_form(server):
    old, new = FakeStream(framed=True, slot=1), FakeStream()
    await open_peer(server, old)
    server.push(note("a"))
    server.push(note("b"))
    await settle()
    await open_peer(server, new)
    assert not any(text.endswith(".") for text in new.received)
    assert new.values() == ["a", "b"]


async def test_peer_that_changes_to_http_gets_unsent_texts_in_its_form(server):
    old, new = FakeStream(), FakeStream(framed=True)
    await open_peer(server, old)
    old.is_blocked = True
    server.push(note("a"))
    server.push(note("b"))
    await settle()
    await open_peer(server, new)
    assert all(text.endswith(".") and "{" not in text for text in new.received)
    assert new.values() == ["a", "b"]


async def test_outbox_keeps_what_is_due_between_two_responses(server):
    first, second = FakeStream(framed=True), FakeStream(framed=True)
    connection = await open_peer(server, first)
    connection.detach(first)
    for i in range(5):
        server.push(note(i))
    assert connection.waiting == 5
    await open_peer(server, second)
    assert second.values() == list(range(5))


async def test_end_of_a_replaced_stream_changes_nothing(server):
    first, second = FakeStream(), FakeStream()
    connection = await open_peer(server, first)
    await open_peer(server, second)
    connection.detach(first)
    server.push(note(1))
    assert second.values() == [1]
    assert list(server.connections) == ["peer"]


async def test_http_stream_that_fails_while_written_to_loses_nothing(server):
    first, second = FakeStream(framed=True), FakeStream(framed=True)
    await open_peer(server, first)
    first.close(1000, "the peer went away and nobody has said so yet")
    server.push(note(1))
    server.push(note(2))
    assert "peer" in server.connections
    await open_peer(server, second)
    assert second.values() == [1, 2]


async def test_websocket_that_fails_while_it_blocks_ends_the_connection(server):
    stream = FakeStream()
    await open_peer(server, stream)
    stream.is_blocked = True
    server.push(note(1))
    await settle()
    stream.close(1000, "gone")
    await settle()
    assert not server.connections


async def test_peer_that_has_gone_is_let_go_without_a_word(server, caplog):
    class Gone(FakeStream):
        async def send(self, text):
            raise ConnectionResetError

    await open_peer(server, Gone())
    assert not server.connections
    assert not caplog.records


async def test_stream_that_raises_something_else_is_given_up(server, caplog):
    class Broken(FakeStream):
        async def send(self, text):
            raise RuntimeError("out of order")

    stream = Broken()
    await open_peer(server, stream)
    assert not server.connections
    assert stream.closed_with is not None
    assert "out of order" in caplog.text
