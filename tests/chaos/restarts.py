"""Rolling restarts under load: one server after the other ends and is started again.

Clients ask and send all the time over both transports, each through a proxy that leads to the
other server where one refuses; a process without a server, and views of both servers, push. Every
push arrives once and in the order of its source, every call is answered once, and nobody sees more
of it than that the connection was lost and is there again.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from django_vortex.client import Event, Offline, Online, Payload, connect
from django_vortex.exceptions import VortexError
from tests.chaos.cuts import TRANSPORTS, Traveller
from tests.support.processes import ROOT, LoggedProcess
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

SOURCE: Final = "outside"

OUTSIDE_RATE: Final = 250.0
"""Pushes a second of the process without a server."""

VIEW_PUSHES: Final = 25
"""Of a view, which begins them just before a server is told to stop."""

CALL_SECONDS: Final = 0.02
"""Between two calls of each client."""

MEETING_SECONDS: Final = 2.0
"""After so long both servers know of each other."""

WRITE_SECONDS: Final = 0.2
"""Between two tickets that are written."""

VORTEX: Final[Mapping[str, object]] = {"SHUTDOWN_SECONDS": 20.0, "HOLD_SECONDS": 60.0}


class Commuter(Traveller):
    """A client that works until it is told to stop, and notes what happens to its connection."""

    numbers: int = 0
    is_done: bool = False

    async def note_events(self) -> None:
        """Take what the client says of its connection."""
        self.events: list[Event] = []
        async with self.client.events() as events:
            async for event in events:
                self.events.append(event)

    async def watch(self) -> None:
        """Watch how many tickets of the run there are, which are written by one of all clients."""
        self.counts: list[int] = []
        try:
            async with self.client.watch("e2e.watched_count", prefix=self.prefix) as counts:
                async for count in counts:
                    self.counts.append(count)
        except VortexError as error:
            self.faults.append(f"watch: {error!r}")

    async def write_on(self) -> int:
        """Write tickets, and return how many."""
        filt, number = {"key": "e2e.change_watched", "prefix": self.prefix}, 0
        while not self.is_done:
            await self.client.call(filt, tuples=[["create", f"{number:05}"]], timeout=None)
            number += 1
            await asyncio.sleep(WRITE_SECONDS)
        return number

    @property
    def prefix(self) -> str:
        """Of the titles of the tickets."""
        return self.run.partition("/")[0]

    async def work_on(self) -> None:
        """Ask and send."""
        async with asyncio.TaskGroup() as calls:
            while not self.is_done:
                number, self.numbers = self.numbers, self.numbers + 1
                calls.create_task(self.call(number))
                filt = {"key": "e2e.noted", "n": number}
                await self.client.send(Payload(filt, tuples=[self.run, number]))
                await asyncio.sleep(CALL_SECONDS)

    def is_up_to_date(self, pushed: Mapping[str, int], tickets: int) -> bool:
        """Return whether nothing more is to come."""
        return self.counts[-1:] == [tickets] and all(
            len(self.pushed[source]) >= count for source, count in pushed.items()
        )

    def describe_progress(self, pushed: Mapping[str, int]) -> str:
        """Return how far it is."""
        core = self.client._core
        missing = {
            source: count - len(self.pushed[source])
            for source, count in pushed.items()
            if len(self.pushed[source]) < count
        }
        return (
            f"{self.name}: {self.client!r}, {core.unsettled} unsettled, {len(core.requests)}"
            f" requests, {self.counts[-1:]} tickets, missing {missing}"
        )

    def find_wrongs(self, pushed: Mapping[str, int], ran: Mapping[str, int]) -> list[str]:
        """Return what is not as it must be."""
        wrong = [*self.faults, *self.unknown]
        for source, count in pushed.items():
            got = self.pushed[source]
            if got != list(range(count)):
                missing = sorted(set(range(count)) - set(got))
                wrong.append(
                    f"{count} pushes of {source}: {len(got)} came, missing {missing[:9]},"
                    f" in order {got == sorted(got)}"
                )
        if any(self.answers[number] != 1 for number in range(self.numbers)):
            wrong.append(f"answered {self.answers}")
        for number in range(self.numbers):
            for kind in ("call", "send"):
                if ran.get(f"{kind} {number}") != 1:
                    wrong.append(f"{kind} {number} ran {ran.get(f'{kind} {number}', 0)} times")
        if self.counts != sorted(self.counts):
            wrong.append(f"saw {self.counts}")
        for before, event in zip([None, *self.events], self.events, strict=False):
            is_back = isinstance(event, Online) and event.resumed
            if not (isinstance(event, Offline) or (is_back and isinstance(before, Offline))):
                wrong.append(f"{event} after {before}")
        return [f"{self.name}: {one}" for one in wrong]


async def run(
    run_id: str,
    servers: Sequence[ServerProcess],
    log: Path,
    *,
    names: Sequence[str] = tuple(TRANSPORTS),
    takes_turns: bool = False,
) -> tuple[list[str], dict[str, int]]:
    """Return all that went wrong, and how much went right.

    Args:
        run_id: Tells it from others.
        servers: Two of one project, with a layer between; both are restarted, the first one twice.
        log: The file in which they count what has run.
        names: Of the clients, keys of `TRANSPORTS`; there are two of each.
        takes_turns: Whether proxies lead to both servers in turn until one refuses; else they know
            at once which one stops, as balancers do that are told.
    """
    pusher = LoggedProcess(
        "pusher",
        [sys.executable, "-m", "tests.chaos.pusher", run_id, SOURCE, str(OUTSIDE_RATE)],
        log.parent,
        {**servers[0].environment, "PYTHONPATH": str(ROOT)},
    )
    await _meet(servers)
    async with AsyncExitStack() as stack:
        commuters: list[Commuter] = []
        for number, name in enumerate([*names, *names]):
            ports = [server.port for server in servers]
            proxy = await stack.enter_async_context(tcp_proxy(ports[(number + 1) % 2]))
            proxy.targets, proxy.alternates = ports, takes_turns
            client = await stack.enter_async_context(
                connect(proxy.url, transports=TRANSPORTS[name], open_timeout=PATIENCE_SECONDS)
            )
            label = f"{name}-{number}"
            commuters.append(Commuter(label, f"{run_id}/{label}", client, proxy))
        listening = [
            asyncio.create_task(work())
            for one in commuters
            for work in (one.hear, one.note_events, one.watch)
        ]
        await asyncio.sleep(0)
        pusher.launch(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stack.callback(pusher.stop)
        pushed: dict[str, int] = {}
        working = [asyncio.create_task(one.work_on()) for one in commuters]
        writing = asyncio.create_task(commuters[0].write_on())
        await eventually(lambda: commuters[0].pushed[SOURCE], "the first push")
        for index in (0, 1, 0):
            source = f"view {len(pushed)}"
            pushed[source] = VIEW_PUSHES
            await _restart(servers[index], servers[1 - index], run_id, source, commuters)
        for one in commuters:
            one.is_done = True
        out, _ = await asyncio.to_thread(pusher.process.communicate, b"x", PATIENCE_SECONDS)
        pushed[SOURCE] = int(out)
        wrong = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*working)
                tickets = await writing
                for one in commuters:
                    await one.client.flush(None)
                while not all(one.is_up_to_date(pushed, tickets) for one in commuters):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            wrong.append(f"not complete in time, {writing}")
            wrong += [one.describe_progress(pushed) for one in commuters]
        await asyncio.sleep(0.2)  # what comes twice
        for task in (*listening, writing):  # also those that wait for what will not come
            task.cancel()
        await asyncio.gather(*listening, *working, writing, return_exceptions=True)
    ran: dict[str, Counter[str]] = {one.run: Counter() for one in commuters}
    for line in log.read_text("utf-8").splitlines():
        of, _, what = line.partition(" ")
        if of in ran:
            ran[of][what] += 1
    for one in commuters:
        wrong += one.find_wrongs(pushed, ran[one.run])
    told = {"pushes": sum(pushed.values()), "calls": sum(one.numbers for one in commuters)}
    told["moves"] = sum(isinstance(event, Online) for one in commuters for event in one.events)
    return wrong, told


async def _meet(servers: Sequence[ServerProcess]) -> None:
    """Let processes hear of each other before a peer may go from one that they do not know."""
    for server in servers:
        warm = {"run": "none", "source": "none", "count": 1}
        await asyncio.to_thread(server.get_json, "/e2e/push_counted", **warm)
    await asyncio.sleep(MEETING_SECONDS)


async def _restart(
    server: ServerProcess,
    other: ServerProcess,
    run_id: str,
    source: str,
    commuters: Sequence[Commuter],
) -> None:
    """Let a view of a server push, stop the server meanwhile, and start it again."""
    asking = {"run": run_id, "source": source, "count": VIEW_PUSHES, "pause": 0.02}
    pushing = asyncio.create_task(asyncio.to_thread(server.get_json, "/e2e/push_counted", **asking))
    await eventually(lambda: commuters[0].pushed[source], "the view to push")
    assert server.process is not None
    for one in commuters:
        if not one.proxy.alternates:
            one.proxy.target = other.port
    server.process.terminate()
    await pushing
    await asyncio.to_thread(server.wait)
    await asyncio.to_thread(server.restart)
    await asyncio.sleep(0.5)
