"""How late heart-beats come while five peers send the worst messages that the limits let in.

Idle peers note the longest time between two beats. "Theirs" is the delay that is allowed, so a
ratio of 1 or more says that nobody waited longer. The same with harmless messages stands beside it.
"""

import asyncio
import multiprocessing
import time
from functools import partial
from typing import Final

from benchmarks.goals import HOSTILE_DELAY
from benchmarks.hostile_peers import send_for_ever
from benchmarks.load import LoadSocket, open_sockets
from benchmarks.peers import open_vortex_peer
from benchmarks.results import Result, compare, format_table
from benchmarks.servers import OURS_WITH_DJANGO, SERVERS, run_server

ALLOWED_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 0.5
"""The period of heart-beats in `benchmarks.hostile_settings`."""

_SECONDS: Final = 25.0
_IDLE: Final = 10


def measure() -> list[Result]:
    """Compare the longest delay with the allowed one, on each server, with either load."""
    return [
        compare(
            f"delay of heart-beats by {kind} messages, {server}, against 1 s allowed",
            measure_delay(server, is_hostile=kind == "hostile"),
            ALLOWED_SECONDS,
            "s",
            goal=HOSTILE_DELAY,
            is_less_better=True,
        )
        for server in SERVERS
        for kind in ("hostile", "harmless")
    ]


def measure_delay(server: str, *, is_hostile: bool) -> float:
    """Return by how many seconds the latest heart-beat of any idle peer was late."""
    context = multiprocessing.get_context("spawn")
    with run_server(server, OURS_WITH_DJANGO, settings="benchmarks.hostile_settings") as process:
        peers = context.Process(
            target=send_for_ever, args=(process.port,), kwargs={"is_hostile": is_hostile}
        )
        try:
            return asyncio.run(_watch(process.port, peers.start))
        finally:
            peers.kill()
            peers.join()


async def _watch(port: int, start_load: partial[None] | object) -> float:
    idle = await open_sockets(partial(open_vortex_peer, port), _IDLE)
    watches = [Watch(each) for each in idle]
    start_load()  # type: ignore[operator]
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(0.05)
    # A beat that has not come by now is late as well.
    delay = max(each.longest(time.monotonic()) for each in watches) - BEAT_SECONDS
    for each in idle:
        each.transport.close()
    return max(delay, 0.001)


class Watch:
    """The longest time that one peer heard nothing."""

    def __init__(self, load_socket: LoadSocket) -> None:
        self._heard_at = time.monotonic()
        self._longest = 0.0
        load_socket.on_beat = self._hear

    def longest(self, now: float) -> float:
        """Return it, counting the time since the last beat."""
        return max(self._longest, now - self._heard_at)

    def _hear(self, load_socket: LoadSocket) -> None:
        now = time.monotonic()
        self._longest = self.longest(now)
        self._heard_at = now


if __name__ == "__main__":
    print(format_table(measure()))
