"""A peer that does not read costs its outbox and nobody anything else."""

import pytest

from tests.e2e.app.flood import KEY
from tests.e2e.peers import ReadingPeer, StalledPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

MEBIBYTE = 2**20
OUTBOX_BYTES = 8 * MEBIBYTE
ALLOWED_BYTES = OUTBOX_BYTES + 4 * MEBIBYTE
SIZE = 48 * 1024
"""Becomes 64 KiB of text on the way to a peer."""
ROUND = 16
"""Pushes between two looks at what the reading peer got."""
ROUNDS = 100

SHORT_SIZE = 12 * 1024
"""Becomes a text that is short enough for a prepared frame."""

servers = pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
transports = pytest.mark.parametrize("transport", ["websocket", "http"])


@servers
@transports
def test_peer_that_never_reads_neither_delays_another_nor_grows_memory(
    server_kind: str, transport: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"OUTBOX_MAX_BYTES": OUTBOX_BYTES})
    check_peer_that_never_reads(server, transport, SIZE, ROUND)


@pytest.mark.parametrize("server_kind", ["websockets", "websockets-sansio", "daphne"])
def test_peer_that_never_reads_prepared_frames_does_not_either(
    server_kind: str, start_server: StartServer
) -> None:
    vortex = {"OUTBOX_MAX_BYTES": OUTBOX_BYTES}
    if server_kind == "daphne":
        server = start_server("daphne", vortex=vortex)
    else:
        server = start_server("uvicorn", vortex=vortex, arguments=["--ws", server_kind])
    check_peer_that_never_reads(server, "websocket", SHORT_SIZE, 4 * ROUND)


def check_peer_that_never_reads(
    server: ServerProcess, transport: str, size: int, in_round: int
) -> None:
    reader = ReadingPeer(transport, server.port, "reader")
    # What the allocator takes once for so much traffic is not what a slow peer costs.
    for _ in range(20):
        server.get_json("/e2e/flood", count=in_round, size=size)
        for _ in range(in_round):
            reader.wait_for(KEY)
    before = server.stats()
    stalled = StalledPeer(transport, server.port, "stalled")
    wait_until(lambda: server.stats()["peers"] == 2, "both peers")
    worst = 0
    pushed = 0
    for number in range(ROUNDS):
        memory = server.get_json("/e2e/flood", count=in_round, size=size, first=number * in_round)
        worst = max(worst, memory["worst"])
        for _ in range(in_round):  # all of this round comes before the next one is pushed
            pushed += len(reader.wait_for(KEY)["data"])
    assert pushed >= 100 * MEBIBYTE
    assert worst - before["rss_bytes"] <= ALLOWED_BYTES
    # It was sent away when its outbox was full, and its socket does not outlive it for long.
    wait_until(lambda: server.stats()["peers"] == 1, "the stalled peer to be closed")
    wait_until(
        lambda: server.stats()["open_descriptors"] <= before["open_descriptors"],
        "the socket of the stalled peer to be released",
    )
    stalled.close()
    reader.close()
    server.stop()


@servers
@transports
def test_peer_that_reads_late_gets_everything_in_order(
    server_kind: str, transport: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"OUTBOX_MAX_BYTES": 64 * MEBIBYTE})
    peer = ReadingPeer(transport, server.port, "late")
    memory = server.get_json("/e2e/flood", count=400, size=SIZE)
    assert memory["worst"] > memory["before"]
    numbers = [decode_tuples(peer.wait_for(KEY))[0] for _ in range(400)]
    assert numbers == list(range(400))
    peer.close()
    server.stop()
