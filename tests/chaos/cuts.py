"""One random run of sessions: clients whose connections are cut again and again.

Two servers push numbers, clients ask and send over both transports through proxies that lead to
either server and cut every few milliseconds. Every push arrives once and in the order of its
source, every request runs once and is answered once, or the client has said which may not have.
What the clients watch meanwhile equals a fresh query in the end.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from django_vortex.client import Client, ClientError, FateUnknown, Lost, Payload, connect
from django_vortex.client.backoff import Backoff
from tests.e2e.app.counted import PUSHED
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS

PUSHES: Final = 100
"""Of each server."""

CALLS: Final = 50
"""Of each client, and as many messages that nobody answers."""

CHANGES: Final = 40
"""Of what is watched."""

CUTS: Final = 40
"""Of each client's connections, before they are left alone."""

CUT_SECONDS: Final = (0.01, 0.15)

VORTEX: Final[Mapping[str, object]] = {"HEARTBEAT_SECONDS": 0.3, "HOLD_SECONDS": 20.0}

TRANSPORTS: Final[Mapping[str, Sequence[str]]] = {
    "websocket": ["websocket"],
    "http": ["http"],
    "both": ["websocket", "http"],
    "short": ["http"],
}
"""By names of clients; the proxy before the last delivers responses at their end only."""

FORBIDDEN: Final = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Traveller:
    """One client, and what it has got.

    Attributes:
        name: Which transports it uses.
        run: Tells its messages from those of others.
        client: Of ours.
        proxy: What it is connected through.
    """

    name: str
    run: str
    client: Client
    proxy: TcpProxy
    pushed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    answers: Counter[int] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    cuts: int = 0
    watched: list[Any] | None = None

    async def hear(self) -> None:
        """Take pushes for as long as the task lives."""
        async with self.client.on({"key": PUSHED, "run": self.run.partition("/")[0]}) as pushes:
            async for push in pushes:
                self.pushed[push.filt["source"]].append(push.tuples[0])

    async def follow(self) -> None:
        """Watch for as long as the task lives."""
        prefix = self.run.partition("/")[0]
        async with self.client.watch("e2e.watched", prefix=prefix) as watch:
            async for answer in watch:
                self.watched = list(answer)

    async def note_losses(self) -> None:
        """Take what the client says that it has lost."""
        async with self.client.events() as events:
            async for event in events:
                if isinstance(event, Lost):
                    self.lost.append(event)
                    self.unknown |= {f"send {filt['n']}" for filt in event.sent}

    async def call(self, number: int) -> None:
        """Ask once."""
        try:
            reply = await self.client.call("e2e.counted", tuples=[self.run, number], timeout=None)
            self.answers[reply.tuples[0]] += 1
        except FateUnknown:
            self.unknown.add(f"call {number}")
        except ClientError as error:
            self.faults.append(f"call {number}: {error!r}")

    async def work(self, rng: random.Random) -> None:
        """Ask and send everything."""
        async with asyncio.TaskGroup() as calls:
            for number in range(CALLS):
                calls.create_task(self.call(number))
                filt = {"key": "e2e.noted", "n": number}
                await self.client.send(Payload(filt, tuples=[self.run, number]))
                await asyncio.sleep(rng.random() * 0.05)

    async def cut(self, rng: random.Random, ports: Sequence[int]) -> None:
        """Cut the connection again and again, and lead the next elsewhere."""
        while self.cuts < CUTS:
            while not self.proxy.count:
                await asyncio.sleep(0.005)
            await asyncio.sleep(rng.uniform(*CUT_SECONDS))
            self.cuts += 1
            self.proxy.target = rng.choice(ports)
            if self.name == "both":
                refused = rng.random() < 0.5
                self.proxy.answer_to_upgrades = FORBIDDEN if refused else None
            self.proxy.cut()
        self.proxy.answer_to_upgrades = None

    def is_complete(self, sources: Sequence[str]) -> bool:
        """Return whether nothing more is to come."""
        if any(lost.pushes for lost in self.lost):
            return True
        return all(len(self.pushed[one]) >= PUSHES for one in sources)

    def find_faults(self, sources: Sequence[str], ran: Mapping[str, int]) -> list[str]:
        """Return what is not as it must be."""
        faults = [f"{self.name}: {fault}" for fault in self.faults]
        for source in sources:
            got = self.pushed[source]
            if got == list(range(PUSHES)):
                continue
            doubled = [number for number, count in Counter(got).items() if count > 1]
            missing = sorted(set(range(PUSHES)) - set(got))
            is_told = any(lost.pushes for lost in self.lost)
            if doubled or got != sorted(got) or (missing and not is_told):
                faults.append(
                    f"{self.name}: pushes of {source}: {len(got)} came, missing {missing[:9]},"
                    f" twice {doubled[:9]}, in order {got == sorted(got)}"
                )
        for kind in ("call", "send"):
            for number in range(CALLS):
                count, label = ran.get(f"{kind} {number}", 0), f"{kind} {number}"
                if count > 1 or (count == 0 and label not in self.unknown):
                    faults.append(f"{self.name}: {label} ran {count} times")
        expected = {n for n in range(CALLS) if f"call {n}" not in self.unknown}
        wrong = {n: self.answers[n] for n in range(CALLS) if self.answers[n] != (n in expected)}
        if wrong:
            faults.append(f"{self.name}: answered {wrong}")
        return faults


async def change(rng: random.Random, writer: Client, prefix: str) -> None:
    """Change what is watched again and again."""
    titles: list[str] = []
    for number in range(CHANGES):
        deed = rng.choice(["create", "create", "rename", "delete"]) if titles else "create"
        if deed == "create":
            arguments = [str(number)]
            titles.append(str(number))
        else:
            title = titles.pop(rng.randrange(len(titles)))
            arguments = [title] if deed == "delete" else [title, f"{title}r"]
            titles += arguments[1:]
        filt = {"key": "e2e.change_watched", "prefix": prefix}
        await writer.call(filt, tuples=[[deed, *arguments]], timeout=PATIENCE_SECONDS)
        await asyncio.sleep(rng.random() * 0.05)


async def run(
    seed: int, servers: Sequence[ServerProcess], *, names: Sequence[str] = tuple(TRANSPORTS)
) -> tuple[list[str], dict[str, Any]]:
    """Return all that went wrong, and what may be told of the run.

    Args:
        seed: Of everything that is random.
        servers: Of one project, two of them with a layer between.
        names: Of the clients, keys of `TRANSPORTS`.
    """
    rng = random.Random(seed)
    ports = [server.port for server in servers]
    run_id = f"run{seed}-{rng.randrange(10**9)}"
    sources = [str(port) for port in ports]
    async with AsyncExitStack() as stack:
        travellers: list[Traveller] = []
        for name in names:
            proxy = await stack.enter_async_context(tcp_proxy(rng.choice(ports)))
            client = await stack.enter_async_context(
                connect(proxy.url, transports=TRANSPORTS[name], open_timeout=0)
            )
            # Else it would find out in five seconds.
            client._driver._is_short = proxy.buffers = name == "short"
            await client.wait_online(PATIENCE_SECONDS)
            # Else most of the time would go by without a connection.
            client._driver._backoff = Backoff(lambda: rng.random() / 20)
            travellers.append(Traveller(name, f"{run_id}/{name}", client, proxy))
        listening = [
            asyncio.create_task(work())
            for one in travellers
            for work in (one.hear, one.note_losses, one.follow)
        ]
        writer = await stack.enter_async_context(
            connect(f"{servers[0].ws_url}/vortex", open_timeout=PATIENCE_SECONDS)
        )
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(2 * PATIENCE_SECONDS):
                async with asyncio.TaskGroup() as tasks:
                    for one in travellers:
                        tasks.create_task(one.work(rng))
                        tasks.create_task(one.cut(rng, ports))
                    tasks.create_task(change(rng, writer, run_id))
                    for server in servers:
                        asking = {"run": run_id, "source": server.port, "count": PUSHES}
                        tasks.create_task(
                            asyncio.to_thread(server.get_json, "/e2e/push_counted", **asking)
                        )
                for one in travellers:
                    await one.client.flush(None)
                while not all(one.is_complete(sources) for one in travellers):
                    await asyncio.sleep(0.02)
                expected = list((await writer.call("e2e.watched", prefix=run_id)).tuples)
                while any(one.watched != expected for one in travellers):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            for one in travellers:
                watched = None if one.watched is None else len(one.watched)
                one.faults.append(f"not complete in time, {one.client!r}, {watched} rows watched")
        await asyncio.sleep(0.1)  # what comes twice
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    faults: list[str] = []
    for one in travellers:
        ran: Counter[str] = Counter()
        for server in servers:
            ran.update(await asyncio.to_thread(server.get_json, "/e2e/counted", run=one.run))
        faults += one.find_faults(sources, ran)
    told: dict[str, Any] = {"cuts": sum(one.cuts for one in travellers)}
    for one in travellers:
        for name, has_pushes in (("session lost", True), ("given up", False)):
            reasons = [lost.reason for lost in one.lost if lost.pushes is has_pushes]
            if reasons:
                told[f"{name} by {one.name}"] = reasons
    return faults, told
