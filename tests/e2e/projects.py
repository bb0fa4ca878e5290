"""Several server processes of one project behind one Redis."""

import uuid
from typing import Any

from tests.e2e.peers import ReadingPeer
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

LAYERS = ["pubsub", "core"]
VORTEX = {"HEARTBEAT_SECONDS": 1.0}


class Project:
    """Two server processes, on different servers, that share a Redis."""

    def __init__(self, start_server: StartServer, layer: str, redis_url: str) -> None:
        options: dict[str, Any] = {"layer": layer, "redis_url": redis_url, "vortex": VORTEX}
        self.a = start_server("uvicorn", **options)
        self.b = start_server("daphne", **options)
        self.peers: list[ReadingPeer] = []

    def open(
        self,
        server: ServerProcess,
        transport: str = "websocket",
        peer_uuid: str | None = None,
        **options: Any,
    ) -> ReadingPeer:
        peer = ReadingPeer(transport, server.port, peer_uuid or str(uuid.uuid4()), **options)
        self.peers.append(peer)
        return peer

    def meet(self) -> None:
        """Wait until what is pushed at each server arrives at the other."""
        one, two = self.open(self.a), self.open(self.b)
        wait_until(lambda: two.is_reached_by(self.a), "A to reach B")
        wait_until(lambda: one.is_reached_by(self.b), "B to reach A")
        one.close()
        two.close()

    def stop(self) -> None:
        for peer in self.peers:
            peer.close()
        self.a.stop()
        self.b.stop()
