"""The servers of scenarios, `Stage`, and what happens to one play of one, `Scene`.

Takes the verbs that are the same for all clients; `tests.conformance.loader` lists them.
"""

import asyncio
import json
import re
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from django_vortex.client import Payload, connect
from django_vortex.client.feed import Feed
from tests.conformance.loader import PUSHED, Combination, Step
from tests.e2e.peers import log_in
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import FORBIDDEN, UNAVAILABLE, TcpProxy, Trap, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS, eventually

find_key = re.compile(rb"(?i)\r\nvortex-session: ([\w-]+)\.").search


class Stage:
    """One server, or two behind one Redis.

    Attributes:
        servers: All of one kind, with one database.
    """

    def __init__(self, servers: list[ServerProcess]) -> None:
        self.servers = servers

    def repair(self) -> None:
        """Start what a scenario has left stopped."""
        for server in self.servers:
            if not server.is_running:
                server.start()

    async def meet(self) -> None:
        """Wait until what is pushed at each server arrives at the others."""
        for server in self.servers:
            name = secrets.token_hex(8)
            async with (
                connect(f"{server.ws_url}/vortex", name=name, open_timeout=PATIENCE_SECONDS) as one,
                one.on(PUSHED) as pushes,
            ):
                for source, other in enumerate(self.servers):
                    reach = partial(_reach, pushes, other, name=name, source=source)
                    await eventually(reach, f"{other.name} to reach {server.name}")


async def _reach(pushes: Feed[Payload], server: ServerProcess, *, name: str, source: int) -> bool:
    """Push a number at a server, and return whether it comes."""
    query = {"name": name, "source": source, "first": 0, "count": 1}
    await asyncio.to_thread(server.get, "/e2e/conformance/push", **query)
    try:
        async with asyncio.timeout(0.3):
            while (await anext(pushes)).filt["source"] != str(source):
                pass
    except TimeoutError:
        return False
    return True


@contextmanager
def open_stage(
    directory: Path, database: Path, combination: Combination, settings: Mapping[str, object]
) -> Iterator[Stage]:
    """Start servers, and stop them in the end.

    Args:
        directory: Where logs go.
        database: A migrated SQLite file for these servers alone.
        combination: Which and how many.
        settings: Their ``VORTEX``.
    """
    options: dict[str, Any] = {"database": database, "vortex": settings}
    with ExitStack() as stack:
        if combination.processes > 1:
            redis = RedisServer(directory)
            redis.start()
            stack.callback(redis.stop)
            options |= {"layer": "pubsub", "redis_url": redis.url}
        stage = Stage(
            [
                ServerProcess(combination.kind, directory, **options)
                for _ in range(combination.processes)
            ]
        )
        for server in stage.servers:
            stack.callback(server.stop)
            server.launch()
        for server in stage.servers:
            server.wait_until_ready()
        asyncio.run(stage.meet())
        yield stage


class Way:
    """What is between one client and the servers, and whom it connects as.

    Attributes:
        proxy: What it is connected through.
        headers: Sent with each attempt, as they are then.
        cookies: Likewise.
        tokens: The newest is sent with each attempt, if there is one.
    """

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        self.tokens: list[str] = []


class Scene:
    """One play of a scenario: what the stage does, and what it remembers of that.

    Args:
        stage: Where.
        run: Tells this play from all others.

    Attributes:
        pushed: How many numbers each source has pushed.
        latest: The last number that was pushed to each topic.
    """

    def __init__(self, stage: Stage, run: str) -> None:
        self.servers: Final = stage.servers
        self.run: Final = run
        self.pushed: Counter[str] = Counter()
        self.latest: dict[int, int] = {}
        self.ways: dict[str, Way] = {}
        self._stack = AsyncExitStack()
        self._pushing: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "Scene":
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._pushing.values(), return_exceptions=True)
        await self._stack.aclose()

    async def open_way(self, client: str) -> Way:
        """Return the way of a client, which begins at the first server."""
        if client not in self.ways:
            ports = [server.port for server in self.servers]
            proxy = await self._stack.enter_async_context(tcp_proxy(ports[0]))
            proxy.targets = ports
            self.ways[client] = Way(proxy)
        return self.ways[client]

    def can(self, verb: str) -> bool:
        """Return whether a verb is one of the stage."""
        return hasattr(self, f"do_{verb}")

    async def do(self, step: Step) -> None:
        """Do a step."""
        arguments = {key: value for key, value in step.items() if key != "do"}
        await getattr(self, f"do_{step['do']}")(**arguments)

    async def come_to_rest(self) -> None:
        """Wait until all is pushed that is to be."""
        await asyncio.gather(*self._pushing.values())

    async def ask(self, path: str, *, server: int = -1, **query: object) -> Any:
        """Request a path of a server; the answer is JSON, or nothing."""
        asked = self.servers[server]
        status, body = await asyncio.to_thread(asked.get, f"/e2e/conformance/{path}", **query)
        assert status == 200, f"{path} answered {status}: {body[:2000]!r}"
        return json.loads(body) if body else None

    async def find_ran(self) -> Counter[str]:
        """Return how often everything ran, by its label."""
        return Counter(await self.ask("ran", run=self.run))

    async def do_lead_to(self, server: int, client: str = "a") -> None:
        proxy = self.ways[client].proxy
        proxy.target = self.servers[server].port
        proxy.targets = ()

    async def do_push(
        self,
        count: int,
        server: int = -1,
        pause: float = 0.0,
        topics: int = 0,
        background: bool = False,
    ) -> None:
        source = str(server % len(self.servers))
        first = self.pushed["topics" if topics else source]
        self.pushed["topics" if topics else source] += count
        for number in range(first, first + count) if topics else ():
            self.latest[number % topics] = number
        query = {"name": self.run, "source": source, "first": first, "count": count}
        before = self._pushing.get(source)

        async def push() -> None:
            if before is not None:
                await before  # each source pushes in order
            await self.ask("push", server=server, pause=pause, topics=topics, **query)

        task = self._pushing[source] = asyncio.create_task(push())
        if not background:
            await task

    async def do_change(self, deeds: list[list[str]], server: int = -1) -> None:
        await self.ask("change", server=server, prefix=self.run, deeds=json.dumps(deeds))

    async def do_kill(self, server: int = -1) -> None:
        await asyncio.to_thread(self.servers[server].kill)

    async def do_stop(self, server: int = -1) -> None:
        await asyncio.to_thread(self.servers[server].stop)

    async def do_start(self, server: int = -1) -> None:
        await asyncio.to_thread(self.servers[server].start)

    async def do_log_in(self, user: str, client: str = "a") -> None:
        cookie = await asyncio.to_thread(log_in, self.servers[-1], f"{self.run}-{user}")
        name, _, value = cookie.partition("=")
        (await self.open_way(client)).cookies[name] = value

    async def do_log_out(self, client: str = "a") -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.ways[client].cookies.items())
        url = f"{self.servers[-1].http_url}/e2e/logout"
        request = urllib.request.Request(url, headers={"Cookie": cookies})
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=60).close())

    async def do_drop_cookies(self, client: str = "a") -> None:
        self.ways[client].cookies.clear()

    async def do_address(self, client: str = "a", **address: str) -> None:
        (await self.open_way(client)).headers["X-Forwarded-For"] = address["is"]

    async def do_token(self, user: str, seconds: float, client: str = "a") -> None:
        made = await self.ask("token", username=f"{self.run}-{user}", seconds=seconds)
        (await self.open_way(client)).tokens.append(made["token"])

    async def do_wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def do_expect_ran(self, times: int | list[int], **label: str) -> None:
        expected = times if isinstance(times, list) else [times]

        async def has_run() -> bool:
            return (await self.find_ran())[label["as"]] in expected

        await eventually(has_run, f"{label['as']} to run {times} times")

    async def do_expect_refused(self, count: int, client: str = "a") -> None:
        replies = self.ways[client].proxy.replies
        assert len(replies) == count
        for reply in replies:
            await eventually(lambda reply=reply: is_refusal(bytes(reply)), "a replay's refusal")

    async def do_proxy(self, order: str, client: str = "a", **more: Any) -> None:
        proxy = (await self.open_way(client)).proxy
        getattr(self, f"_order_{order}")(proxy, **more)

    def _order_pass(self, proxy: TcpProxy) -> None:
        proxy.answer = proxy.answer_to_upgrades = None
        proxy.hides_ends = proxy.buffers = proxy.alternates = False
        proxy.delay_seconds = proxy.swallows = 0
        for event in (proxy.passes, proxy.passes_up, proxy.passes_down):
            event.set()

    def _order_stall(self, proxy: TcpProxy) -> None:
        proxy.passes.clear()

    def _order_stall_up(self, proxy: TcpProxy) -> None:
        proxy.passes_up.clear()

    def _order_stall_down(self, proxy: TcpProxy) -> None:
        proxy.passes_down.clear()

    def _order_refuse(self, proxy: TcpProxy) -> None:
        proxy.answer = UNAVAILABLE

    def _order_forbid_upgrades(self, proxy: TcpProxy) -> None:
        proxy.answer_to_upgrades = FORBIDDEN

    def _order_cut(self, proxy: TcpProxy) -> None:
        proxy.cut()

    def _order_trap(self, proxy: TcpProxy, lose: float = 0.0, **where: Any) -> None:
        way = where["way"]
        where["unit"] += proxy.units[way]
        proxy.trap = Trap(**where, lose_seconds=lose)

    def _order_cut_clients(self, proxy: TcpProxy) -> None:
        proxy.cut_clients()

    def _order_end_orphans(self, proxy: TcpProxy) -> None:
        proxy.end_orphans()

    def _order_hide_ends(self, proxy: TcpProxy) -> None:
        proxy.hides_ends = True

    def _order_swallow(self, proxy: TcpProxy, count: int) -> None:
        proxy.swallows = count

    def _order_replay(
        self, proxy: TcpProxy, connection: int = -1, *, stranger: bool = False
    ) -> None:
        change = (b"", b"")
        if stranger:
            key = find_key(proxy.said[connection])
            assert key is not None, "no session was said"
            change = (key[1], secrets.token_urlsafe(16).encode())
        proxy.replay(connection, change)

    def _order_kill_upgrades(self, proxy: TcpProxy, times: int, seconds: float) -> None:
        proxy.lifetimes = [seconds] * times

    def _order_close(self, proxy: TcpProxy, code: int) -> None:
        proxy.close_streams(code)

    def _order_alternate(self, proxy: TcpProxy) -> None:
        proxy.alternates = True

    def _order_delay(self, proxy: TcpProxy, seconds: float) -> None:
        proxy.delay_seconds = seconds

    def _order_buffer(self, proxy: TcpProxy) -> None:
        proxy.buffers = True


def is_refusal(reply: bytes) -> bool:
    """Return whether a server has let nobody in: by a status, or by closing at once."""
    head, _, rest = reply.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1] or 0) if head.startswith(b"HTTP/") else 0
    assert status != 200, f"let in: {reply!r}"
    assert status != 101 or not rest or rest[0] == 0x88, f"let in: {reply!r}"
    return status >= 400 or bool(rest)
