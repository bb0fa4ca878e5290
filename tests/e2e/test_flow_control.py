"""A peer that does not read costs its outbox and nobody anything else."""

import pytest

from tests.e2e.app.flood import KEY
from tests.e2e.peers import ReadingPeer, StalledPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.waiting import wait_until

MEBIBYTE = 2**20
OUTBOX_BYTES = 8 * MEBIBYTE
ALLOWED_BYTES = OUTBOX_BYTES + 4 * MEBIBYTE
SIZE = 48 * 1024
"""Becomes 64 KiB of text on the way to a peer."""
ROUND = 16
"""Pushes between two looks at what the reading peer got."""
ROUNDS = 100

servers = pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])
transports = pytest.mark.parametrize("transport", ["websocket", "http"])


@servers
@transports
def test_peer_that_never_reads_neither_delays_another_nor_grows_memory(
    server_kind: str, transport: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"OUTBOX_MAX_BYTES": OUTBOX_BYTES})
    reader = ReadingPeer(transport, server.port, "reader")
    # What the allocator takes once for so much traffic is not what a slow peer costs.
    for _ in range(20):
        server.get_json("/e2e/flood", count=ROUND, size=SIZE)
        for _ in range(ROUND):
            reader.wait_for(KEY)
    before = server.stats()
    stalled = StalledPeer(transport, server.port, "stalled")
    wait_until(lambda: server.stats()["peers"] == 2, "both peers")
    worst = 0
    pushed = 0
    for number in range(ROUNDS):
        memory = server.get_json("/e2e/flood", count=ROUND, size=SIZE, first=number * ROUND)
        worst = max(worst, memory["worst"])
        for _ in range(ROUND):  # all of this round comes before the next one is pushed
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
