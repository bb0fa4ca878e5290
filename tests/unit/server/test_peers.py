from django_vortex.routing.address import EVERYONE, Address
from django_vortex.server.holding import PEER_BYTES
from django_vortex.server.identity import Identity
from tests.unit.server.fakes import FakeStream, make_server, note, open_peer


async def test_peers_are_found_by_uuid_name_and_user(clock):
    server = make_server(clock)
    ann = await open_peer(
        server, FakeStream(), "ann", name="tab", identity=Identity("user", "7", "s")
    )
    bob = await open_peer(server, FakeStream(), "bob", name="tab")
    cat = await open_peer(server, FakeStream(), "cat", name="job")
    peers = server.peers
    assert peers.get("ann") is ann
    assert peers.get("nobody") is None
    assert peers.find(EVERYONE) == [ann, bob, cat]
    assert peers.find(Address(uuid="bob")) == [bob]
    assert peers.find(Address(uuid="bob", name="job")) == []
    assert peers.find(Address(uuid="nobody")) == []
    assert peers.find(Address(name="tab")) == [ann, bob]
    assert peers.find(Address(user=7)) == [ann]
    await server.stop(0.01)


async def test_the_longest_held_is_closed_first_and_one_that_came_back_is_not(clock):
    server = make_server(clock, hold_seconds=10)
    streams = {uuid: FakeStream(framed=True) for uuid in ("first", "second", "third")}
    connections = [await open_peer(server, stream, uuid) for uuid, stream in streams.items()]
    for connection, stream in zip(connections, streams.values(), strict=True):
        connection.detach(stream)
        clock.seconds += 1
    await open_peer(server, FakeStream(framed=True), "second")
    server.peers.tick(clock.seconds + 7)
    assert list(server.peers.by_uuid) == ["second", "third"]
    server.peers.tick(clock.seconds + 60)
    assert list(server.peers.by_uuid) == ["second"]
    await server.stop(0.01)


async def test_what_has_ended_is_removed_once(clock):
    server = make_server(clock)
    connection = await open_peer(server, FakeStream())
    connection.close(1000, "")
    assert not server.peers.by_uuid
    assert not server.peers.remove(connection)
    assert server.push(note("x")) == 0
    assert not server.peers.moved
    assert server.peers.with_requests() == []
    await server.stop(0.01)


async def test_held_peers_of_an_address_take_no_more_than_they_may(clock):
    server = make_server(clock, held_max_bytes_per_address=200_000)
    for number in range(4):
        stream = FakeStream(framed=True)
        connection = await open_peer(server, stream, f"peer{number}")
        connection.detach(stream)
    here = await open_peer(server, FakeStream(framed=True, slot=1), "here")
    server.push(note("x" * 60_000))
    clock.seconds += 1
    server.tick()
    assert list(server.peers.by_uuid) == ["peer2", "peer3", "here"], "the longest held went first"
    assert not here.is_closed, "whoever has a stream is not held"
    await server.stop(0.01)


async def test_all_held_peers_take_no_more_than_they_may(clock):
    server = make_server(clock, held_max_bytes=200_000)
    for number in range(40):
        stream = FakeStream(framed=True)
        connection = await open_peer(server, stream, f"peer{number}")
        connection.detach(stream)
    clock.seconds += 1
    server.tick()
    assert len(server.peers.by_uuid) == 200_000 // PEER_BYTES, (
        "also of those that nothing waits for"
    )
    await server.stop(0.01)
