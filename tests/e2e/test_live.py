"""Answers that are watched are right whoever changes the data, in whatever process."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from django_vortex.client import Client, PermissionDenied, Watch, WatchEnded, connect
from django_vortex.wire.codec import Codec
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.protocol import Protocol
from tests.e2e.logins import Login
from tests.e2e.projects import Project
from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

PERMITTED = "e2e.permitted"


@pytest.fixture(autouse=True)
def stored(database: Path) -> None:
    """Two tickets and no others."""
    with sqlite3.connect(database, timeout=60) as link:
        link.execute("DELETE FROM board_ticket")
        link.execute(
            "INSERT INTO board_ticket (id, title, state, version)"
            " VALUES (1, 'a', 'open', 1), (2, 'b', 'open', 1)"
        )


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands in all envelopes that clients of this process receive."""
    texts: list[str] = []
    codec = Codec(reads_unknown_tuples=True, reads_parts=True)
    receive = Protocol.receive

    def note(protocol: Protocol, text: Any) -> Any:
        events = receive(protocol, text)
        for event in events:
            if isinstance(event, EnvelopeReceived):
                texts.append(repr(event.envelope.decode_payload(codec).tuples))
        return events

    monkeypatch.setattr(Protocol, "receive", note)
    return texts


@asynccontextmanager
async def connected(
    server: ServerProcess, transport: str, login: Login | None = None
) -> AsyncIterator[Client]:
    headers = {} if login is None else login.headers
    url = f"{server.ws_url}/vortex"
    async with connect(url, transports=[transport], headers=headers, open_timeout=60) as client:
        yield client


def titles(watch: Watch) -> list[str]:
    return sorted(row.title for row in watch.answer or [])


async def until(watch: Watch, *expected: str) -> None:
    """Read until the titles are these."""
    while titles(watch) != sorted(expected):
        await watch.next(timeout=PATIENCE_SECONDS)


async def run(project: Project, code: str) -> None:
    """Run code of the application in a process without a server."""
    lines = ["from example_project.board.models import Ticket", code]
    environment = project.a.environment
    await asyncio.to_thread(manage, "shell", "-c", "\n".join(lines), env=environment)


WRITES = {
    "create": ("Ticket.objects.create(title='c')", ["a", "b", "c"]),
    "save": ("one = Ticket.objects.get(pk=1); one.title = 'A'; one.save()", ["A", "b"]),
    "delete": ("Ticket.objects.get(pk=2).delete()", ["a"]),
    "bulk_create": (
        "Ticket.objects.bulk_create([Ticket(title='x'), Ticket(title='y')])",
        ["a", "b", "x", "y"],
    ),
    "update": ("Ticket.objects.filter(pk=1).update(title='up')", ["b", "up"]),
    "leaves the list": ("Ticket.objects.filter(pk=1).update(state='done')", ["b"]),
    "raw": (
        "from django.db import connection\n"
        "connection.cursor().execute(\"UPDATE board_ticket SET title = 'raw' WHERE id = 1\")",
        ["b", "raw"],
    ),
    "unseen and touched": (
        "from django.db import connection\n"
        "from django_vortex import touch\n"
        "connection.ensure_connection()\n"
        "driver = connection.connection\n"
        "driver.execute(\"UPDATE board_ticket SET title = 'unseen' WHERE id = 1\")\n"
        "driver.commit()\n"
        "touch(Ticket, keys=[1])",
        ["b", "unseen"],
    ),
    "sqlalchemy": (
        "import asyncio\n"
        "from sqlalchemy import update\n"
        "from tests.e2e.app.crud import engine, table\n"
        "async def write():\n"
        "    async with engine.begin() as link:\n"
        "        await link.execute(update(table).where(table.c.id == 1).values(title='sa'))\n"
        "    await engine.dispose()\n"
        "asyncio.run(write())",
        ["b", "sa"],
    ),
}


RESTORE = """
Ticket.objects.exclude(pk__in=[1, 2]).delete()
for pk, title in ((1, "a"), (2, "b")):
    Ticket.objects.update_or_create(pk=pk, defaults={"title": title, "state": "open"})
"""


async def test_commands_change_what_peers_of_all_processes_watch(
    project: Project, layer: str
) -> None:
    """Rows and lists of both ORMs and a query, at both servers, over both transports."""
    where = {"state": "open"}
    kinds = list(WRITES) if layer == "pubsub" else ["save"]  # whatever carries the news
    async with AsyncExitStack() as stack:
        lists: list[Watch] = []
        for server, transport in ((project.a, "websocket"), (project.b, "http")):
            client = await stack.enter_async_context(connected(server, transport))
            for key in ("e2e.django", "e2e.sqlalchemy"):
                lists.append(await stack.enter_async_context(client.watch(key, where=where)))
        for one in lists:
            await until(one, "a", "b")
        for kind in kinds:
            code, expected = WRITES[kind]
            await run(project, f"{RESTORE}\n{code}")
            for one in lists:
                await until(one, *expected)


@pytest.mark.parametrize("layer", ["pubsub"])
@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
async def test_nothing_is_shown_to_whoever_has_lost_the_right(
    project: Project, transport: str, kind: str
) -> None:
    watching = project.a if kind == "uvicorn" else project.b
    writing = project.b if kind == "uvicorn" else project.a
    login = Login(watching)
    async with (
        connected(watching, transport, login) as client,
        client.watch(PERMITTED, where={"state": "open"}) as tickets,
        client.watch(PERMITTED, id=1) as row,
    ):
        await until(tickets, "a", "b")
        await until(row, "a")
        await asyncio.to_thread(login.revoke, "permission")
        code = "Ticket.objects.filter(pk=1).update(title='hidden')"
        await asyncio.to_thread(
            manage,
            *("shell", "-c", f"from example_project.board.models import Ticket\n{code}"),
            env=writing.environment,
        )
        for watch in (tickets, row):
            with pytest.raises(WatchEnded) as ended:
                while True:
                    assert "hidden" not in titles(watch)
                    await watch.next(timeout=PATIENCE_SECONDS)
            assert ended.value.code == PermissionDenied.code
            assert "hidden" not in titles(watch)


@pytest.mark.parametrize("layer", ["pubsub"])
@pytest.mark.parametrize("transport", ["websocket", "http"])
@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
async def test_nothing_is_shown_of_a_row_that_has_left_the_scope(
    project: Project, transport: str, kind: str, received: list[str]
) -> None:
    watching = project.a if kind == "uvicorn" else project.b
    login = Login(watching)
    state = login.name[:8]
    await run(project, f"Ticket.objects.update(state={state!r})")
    async with connected(watching, transport, login) as client, AsyncExitStack() as stack:
        watches: list[Watch] = []
        for key in ("e2e.own.django", "e2e.own.sqlalchemy"):
            for asked in ({}, {"id": 1}):
                watches.append(await stack.enter_async_context(client.watch(key, **asked)))
        lists, rows = watches[::2], watches[1::2]
        for one in lists:
            await until(one, "a", "b")
        for one in rows:
            await until(one, "a")
        await run(project, "Ticket.objects.filter(pk=1).update(state='other')")
        await run(project, "Ticket.objects.filter(pk=1).update(title='hidden')")
        await run(project, "Ticket.objects.filter(pk=2).update(title='last')")
        for one in lists:
            await until(one, "last")
        for one in rows:
            await until(one)
        assert [text for text in received if "last" in text]
        assert not [text for text in received if "hidden" in text]


@pytest.mark.parametrize("layer", ["pubsub"])
async def test_command_shows_the_watches_of_all_processes(project: Project) -> None:
    where = {"state": "open"}
    async with (
        connected(project.a, "websocket") as one,
        connected(project.b, "http") as two,
        one.watch("e2e.django", where=where) as first,
        two.watch("e2e.django", where=where) as second,
    ):
        await until(first, "a", "b")
        await until(second, "a", "b")
        environment = project.a.environment
        shown = await asyncio.to_thread(
            manage, "vortex_watches", "e2e.", "--seconds=10", env=environment
        )
        assert shown.count("process ") == 2
        assert shown.count('"key": "e2e.django"') == 2
        assert "board_ticket" in shown
        told = await asyncio.to_thread(
            manage, "vortex_watches", "--json", "--seconds=10", env=environment
        )
        processes = json.loads(told)
        assert [one["lag"]["watches"] for one in processes] == [1, 1]
        assert [one["watches"][0]["behind"] for one in processes] == [0, 0]


def test_command_says_that_there_is_no_layer() -> None:
    with pytest.raises(AssertionError, match="No channel layer leads to the servers"):
        manage("vortex_watches", env={"EXAMPLE_CHANNEL_LAYER": "none"})


async def test_what_another_program_writes_is_found_by_the_sweep(
    start_server: StartServer, database: Path
) -> None:
    server = start_server("uvicorn", vortex={"SWEEP_SECONDS": 1.0})
    where = {"state": "open"}
    try:
        async with (
            connected(server, "websocket") as client,
            client.watch("e2e.django", where=where) as of_django,
            client.watch("e2e.sqlalchemy", where=where) as of_sqlalchemy,
        ):
            for title in ("a", "unseen"):
                for one in (of_django, of_sqlalchemy):
                    await until(one, title, "b")
                with sqlite3.connect(database, timeout=60) as link:
                    link.execute("UPDATE board_ticket SET title = 'unseen' WHERE id = 1")
    finally:
        server.stop()
