"""One random run of live answers: writers, servers that fail, and what all peers see at the end.

Two processes write to PostgreSQL in all ways; two servers share a Redis, which is restarted, and
one of them is killed; peers watch over both transports, as several users, through proxies that cut,
and observers of released clients beside them.
At the end every answer must equal what its peer is answered then, order included, and the versions
of a row never go back.
"""

import asyncio
import os
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django_vortex.client import Client, PeerError, WatchEnded, connect
from tests.chaos.released import ReleasedViewer, observing
from tests.e2e.peers import log_in
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.waiting import PATIENCE_SECONDS

PEERS: Final = 18
"""Of our own; there are two of released clients, one over each transport."""
WRITES: Final = 150
"""Of each of two processes."""

VORTEX: Final[Mapping[str, object]] = {"HEARTBEAT_SECONDS": 1.0, "SWEEP_SECONDS": 2.0}

QUESTIONS: Final[list[dict[str, Any]]] = [
    {"key": "e2e.django", "where": {"state": "open"}},
    {"key": "e2e.django"},
    {"key": "e2e.permitted", "where": {"state": "doing"}},
    {"key": "e2e.permitted", "id": 3},
    {"key": "board.tickets", "order": ["title", "-due"]},
    {"key": "board.tickets", "where": {"state": "open"}, "order": ["-title"], "limit": 5},
    {"key": "board.tickets", "id": 2},
    {"key": "e2e.watched", "prefix": "a"},
    {"key": "e2e.watched_count", "prefix": "b"},
]

USERS: Final = (None, "steady", "changing")


@dataclass
class Viewer:
    """A watch of one peer, and all that it has been shown.

    Attributes:
        client: The peer.
        filt: What it watches.
        answer: The newest answer.
        refusal: The code of the error with which the watch has ended, if it has.
        faults: What must not be.
    """

    client: Client
    filt: dict[str, Any]
    answer: Any = None
    refusal: str = ""
    faults: list[str] = field(default_factory=list)
    versions: dict[Any, int] = field(default_factory=dict)

    async def follow(self) -> None:
        """Watch for as long as the task lives, again after each refusal."""
        while True:
            try:
                async with self.client.watch(self.filt) as watch:
                    while True:
                        await watch.next(timeout=None)
                        self.refusal = ""
                        self.answer = watch.answer
                        self._check_versions()
            except WatchEnded as ended:
                self.answer, self.refusal = None, ended.code
                await asyncio.sleep(0.2)

    def _check_versions(self) -> None:
        for row in self.answer if isinstance(self.answer, list) else []:
            version, key = getattr(row, "version", None), getattr(row, "id", None)
            if version is None:
                continue
            if version < self.versions.get(key, 0):
                self.faults.append(f"row {key} went back to version {version}")
            self.versions[key] = version

    async def compare(self, fresh: Client) -> str:
        """Return how the answer differs from what the peer is answered now, "" if it does not."""
        try:
            reply = await fresh.call(self.filt, timeout=PATIENCE_SECONDS)
        except PeerError as error:
            code = getattr(error, "code", "")
            return "" if self.refusal == code else f"{code} now, but was shown {self.answer!r}"
        if self.refusal:
            return f"refused with {self.refusal!r}, and is answered now"
        shown = self.answer if isinstance(self.answer, list) else [self.answer]
        expected = list(reply.tuples)
        return "" if shown == expected else f"shown {shown!r}, answered {expected!r}"


@dataclass
class World:
    """What a run needs: servers that are up, on a database with users and some tickets.

    Attributes:
        servers: Two of them.
        redis: Leads from one to the other.
        environment: Of processes that belong to the same project.
        directory: Where logs go.
    """

    servers: list[ServerProcess]
    redis: RedisServer
    environment: dict[str, str]
    directory: Path

    def fill(self) -> None:
        """Make the rows anew."""
        code = (
            "from django.contrib.auth import get_user_model\n"
            "from django.contrib.auth.models import Permission\n"
            "from example_project.board.models import Ticket\n"
            "Ticket.objects.all().delete()\n"
            "Ticket.objects.bulk_create("
            "Ticket(pk=pk, title=f'a{pk}', state='open') for pk in range(1, 13))\n"
            "from django.core.management.color import no_style\n"
            "from django.db import connection\n"
            "for sql in connection.ops.sequence_reset_sql(no_style(), [Ticket]):\n"
            "    connection.cursor().execute(sql)\n"
            "get_user_model().objects.get_or_create(username='chief', "
            "defaults={'is_staff': True, 'is_superuser': True})\n"
            "for name in ('steady', 'changing'):\n"
            "    user, _ = get_user_model().objects.get_or_create(username=name)\n"
            "    user.user_permissions.set("
            "Permission.objects.filter(content_type__model='ticket'))\n"
        )
        manage("shell", "-c", code, env=self.environment)


async def run(seed: int, world: World, *, writes: int = WRITES, peers: int = PEERS) -> list[str]:
    """Return all that went wrong.

    Args:
        seed: Of everything that is random.
        world: Where; its servers are up again when this returns.
        writes: How often each of the two processes writes.
        peers: How many peers watch.
    """
    source = random.Random(seed)
    await asyncio.to_thread(world.fill)
    cookies = {
        name: await asyncio.to_thread(log_in, world.servers[0], name) for name in USERS if name
    }
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(tcp_proxy(one.port)) for one in world.servers]
        viewers: list[tuple[Viewer, str | None]] = []
        for number in range(peers):
            name = source.choice(USERS)
            client = await stack.enter_async_context(
                _connect(
                    source.choice(proxies),
                    source.choice(["websocket", "http"]),
                    cookies.get(name or ""),
                    number,
                )
            )
            for filt in source.sample(QUESTIONS, 2):
                viewers.append((Viewer(client, filt), name))
        released = observing(source, proxies, world.directory)
        others: list[tuple[ReleasedViewer, str | None]] = [
            (one, None) for one in await stack.enter_async_context(released)
        ]
        following = [asyncio.create_task(one.follow()) for one, _ in viewers]
        try:
            await _write_and_break(source, world, proxies, seed, writes)
            wrong = await _judge(world, [*viewers, *others], cookies)
            return wrong + [f"{one.filt}: {fault}" for one, _ in viewers for fault in one.faults]
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


def _connect(proxy: TcpProxy, transport: str, cookie: str | None, number: int) -> Any:
    headers = {} if cookie is None else {"Cookie": cookie}
    return connect(
        proxy.url,
        transports=[transport],
        headers=headers,
        open_timeout=PATIENCE_SECONDS,
        name=f"viewer {number}",
    )


async def _write_and_break(
    source: random.Random, world: World, proxies: list[TcpProxy], seed: int, writes: int
) -> None:
    """Let two processes write, and break things until they are done."""
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.writing", str(2 * seed + number), str(writes)),
            env={**os.environ, **world.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        for number in range(2)
    ]
    done = [asyncio.create_task(one.communicate()) for one in writers]
    failures = ["redis", "kill"]
    source.shuffle(failures)
    while not all(one.done() for one in done):
        await asyncio.sleep(source.random())
        source.choice(proxies).cut()
        if failures and source.random() < 0.3:
            await _fail(failures.pop(), source, world)
    for failure in failures:
        await _fail(failure, source, world)
    for one, task in zip(writers, done, strict=True):
        output, _ = task.result()
        if one.returncode:
            raise AssertionError(f"A writer ended with {one.returncode}: {output.decode()}")


async def _fail(what: str, source: random.Random, world: World) -> None:
    if what == "redis":
        await asyncio.to_thread(world.redis.restart)
    else:
        server = source.choice(world.servers)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.restart)


async def _judge(
    world: World,
    viewers: Sequence[tuple[Viewer | ReleasedViewer, str | None]],
    cookies: Mapping[str, str],
) -> list[str]:
    """Compare what all are shown with what they are answered, until it is the same."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        fresh: dict[str | None, Client] = {}
        for name in USERS:
            headers = {"Cookie": cookies[name]} if name else {}
            url = f"{world.servers[0].ws_url}/vortex"
            client = connect(url, headers=headers, open_timeout=PATIENCE_SECONDS)
            fresh[name] = await stack.enter_async_context(client)
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            wrong = [
                f"{name} {one.filt}: {difference}"
                for one, name in viewers
                if (difference := await one.compare(fresh[name]))
            ]
            if not wrong or loop.time() > deadline:
                break
            await asyncio.sleep(0.5)
    return wrong
