"""Whatever one peer asks for, every peer's heart-beats come in time.

In time is by the server's own clock: a thread of the server pushes ticks at the rate of the
heart-beats, and no two beats may have more than a few ticks between them.
"""

import threading

import pytest

from tests.e2e.app.ticks import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer

SECONDS = 0.5
TICKS = 8
TICKS_BETWEEN_BEATS = 3
"""One is the rule; the thread and the timer may each be late by a period."""

servers = pytest.mark.parametrize("server_kind", ["uvicorn", "daphne"])


class Listener:
    """Reads what a peer gets, up to the last tick and the last reply, in a thread."""

    def __init__(self, peer: ReadingPeer, key: str, replies: int) -> None:
        self.ticks_between: list[int] = []
        self.numbers: list[int] = []
        self._peer = peer
        self._key = key
        self._replies = replies
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        ticks = seen = 0
        for message in self._peer.messages():
            if message is None:
                self.ticks_between.append(ticks)
                ticks = 0
            elif message["filt"].get("key") == KEY:
                ticks += 1
                seen += 1
            elif message["filt"].get("key") == self._key:
                assert message["result"] is None
                self.numbers += decode_tuples(message)
            if seen == TICKS and len(self.numbers) == self._replies:
                self.ticks_between.append(ticks)
                return

    def finish(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive(), (self.numbers[-3:], self.ticks_between)


@servers
@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize(("key", "count"), [("e2e.slow_async", 1000), ("e2e.slow_sync", 200)])
def test_many_requests_delay_no_heartbeat(
    server_kind: str, transport: str, key: str, count: int, start_server: StartServer
) -> None:
    server = start_server(
        server_kind, vortex={"HEARTBEAT_SECONDS": SECONDS, "MAX_REQUESTS_IN_FLIGHT": count}
    )
    idle = ReadingPeer(transport, server.port, "idle")
    asking = ReadingPeer(transport, server.port, "asking")
    requests = [{"filt": {"key": key, "number": number}, "data": None} for number in range(count)]
    server.get_json("/e2e/tick", count=TICKS, seconds=SECONDS)
    asking.send(*requests)
    listeners = [Listener(asking, key, count), Listener(idle, key, 0)]
    for listener in listeners:
        listener.finish()
        assert max(listener.ticks_between) <= TICKS_BETWEEN_BEATS, listener.ticks_between
    assert sorted(listeners[0].numbers) == list(range(count))
    idle.close()
    asking.close()
    server.stop()


@servers
def test_requests_beyond_the_limit_wait_and_are_all_answered(
    server_kind: str, start_server: StartServer
) -> None:
    server = start_server(server_kind, vortex={"MAX_REQUESTS_IN_FLIGHT": 2})
    peer = ReadingPeer("websocket", server.port, "eager")
    for number in range(300):
        peer.ask(key="e2e.slow_async", number=number, seconds=0.001)
    numbers = [decode_tuples(peer.wait_for("e2e.slow_async"))[0] for _ in range(300)]
    assert sorted(numbers) == list(range(300))
    peer.close()
    server.stop()
