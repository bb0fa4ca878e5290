"""Texts that a stream writes at once, among those that it does not."""

from django_vortex.server.server import Server
from tests.unit.server.fakes import (
    FakeClock,
    FakeStream,
    make_server,
    note,
    open_peer,
    settle,
)


async def open_writing_now(server: Server) -> FakeStream:
    stream = FakeStream()
    await open_peer(server, stream)
    stream.writes_now = True
    stream.sends = 0
    return stream


async def test_text_that_the_stream_writes_at_once_needs_no_send(server: Server) -> None:
    stream = await open_writing_now(server)
    for number in range(3):
        server.push(note(number))
    assert stream.values() == [0, 1, 2]
    assert stream.sends == 0


async def test_no_text_overtakes_one_that_blocks(server: Server) -> None:
    stream = await open_writing_now(server)
    server.push(note(0))
    stream.is_blocked = True
    server.push(note(1))
    stream.is_blocked = False  # the socket takes more, but the first in line has not gone on yet
    server.push(note(2))
    server.push(note(3))
    assert stream.values() == [0]
    stream.unblock()
    await settle()
    server.push(note(4))
    assert stream.values() == [0, 1, 2, 3, 4]
    assert stream.sends == 3


async def test_beat_is_written_at_once_too(server: Server) -> None:
    stream = await open_writing_now(server)
    (connection,) = server.connections.values()
    connection.beat()
    assert stream.received[-1] == "."
    assert stream.sends == 0


class FakeBurst:
    """Notes how many texts the streams had at its start and at its end."""

    def __init__(self, streams: list[FakeStream]) -> None:
        self.counts: list[int] = []
        self._streams = streams

    def count(self, *failure: object) -> None:
        self.counts.append(sum(len(stream.received) for stream in self._streams))

    __enter__ = __exit__ = count


async def test_push_is_one_burst_for_all_its_peers(clock: FakeClock) -> None:
    streams = [FakeStream() for _ in range(3)]
    burst = FakeBurst(streams)
    server = make_server(clock, burst=burst)
    for number, stream in enumerate(streams):
        await open_peer(server, stream, f"peer {number}")
    server.push(note(0))
    assert burst.counts == [3, 6]  # each has got the introduction before
    await server.stop(0)
