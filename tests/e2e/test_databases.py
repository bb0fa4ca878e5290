"""Connections to a real PostgreSQL that requests of peers use, and what becomes of them."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.app.databases import LOST
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.postgres import USER, PostgresServer
from tests.support.processes import manage
from tests.support.servers import ServerProcess, server_environment
from tests.support.waiting import wait_until

KINDS = ["async", "sync", "pushed_async", "pushed_sync"]
NAME = "e2e"
SERVED = "vortex-served"
THREADS = 2


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    server.create_database(NAME)
    env = server_environment(Path("unused"))
    manage("migrate", "--verbosity", "0", env={**env, **environment(server)})
    yield server
    server.stop()


def environment(postgres: PostgresServer, **options: object) -> dict[str, str]:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": postgres.host,
        "NAME": NAME,
        "USER": USER,
        "OPTIONS": {"application_name": SERVED},
        **options,
    }
    return {"E2E_DATABASE": json.dumps(database)}


Serve = Callable[..., ServerProcess]


@pytest.fixture(params=["uvicorn", "daphne"])
def serve(
    request: pytest.FixtureRequest, start_server: StartServer, postgres: PostgresServer
) -> Iterator[Serve]:
    """Start a server with other options of its database."""
    started: list[ServerProcess] = []

    def start(**options: object) -> ServerProcess:
        started.append(
            start_server(
                request.param, env=environment(postgres, **options), vortex={"THREADS": THREADS}
            )
        )
        return started[-1]

    yield start
    for server in started:
        server.stop()


def query(postgres: PostgresServer, text: str, *values: object) -> list[Any]:
    with psycopg.connect(host=postgres.host, user=USER, dbname=NAME, autocommit=True) as link:
        return [row[0] for row in link.execute(text, values)]


def connected(postgres: PostgresServer) -> list[int]:
    text = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
    return query(postgres, text, SERVED)


def end_all(postgres: PostgresServer) -> None:
    """Let the server of the database end every connection, and wait until it has."""
    for pid in connected(postgres):
        query(postgres, "SELECT pg_terminate_backend(%s)", pid)
    wait_until(lambda: not connected(postgres), "the connections to end")


def ask(peer: ReadingPeer, kind: str) -> list[Any]:
    """Return the connections that one request, or one push, was served by."""
    if not kind.startswith("pushed"):
        peer.ask(key=f"e2e.pids_{kind}")
        return decode_tuples(peer.wait_for(f"e2e.pids_{kind}"))
    peer.ask(key="e2e.push_pids", kind=kind.removeprefix("pushed_"))
    *pids, _ = decode_tuples(peer.wait_for(f"e2e.pids_{kind}"))
    return pids


def open_peers(server: ServerProcess) -> Iterator[ReadingPeer]:
    for transport in ("websocket", "http"):
        peer = ReadingPeer(transport, server.port, str(uuid.uuid4()))
        yield peer
        peer.close()


def test_dead_connection_fails_one_request_and_not_the_next(
    serve: Serve, postgres: PostgresServer
) -> None:
    """Each thread has a connection, and each of those fails once."""
    for peer in open_peers(serve(CONN_MAX_AGE=None)):
        for kind in KINDS:
            assert any(LOST not in ask(peer, kind) for _ in range(THREADS + 1))
            before = connected(postgres)
            end_all(postgres)
            answers = [ask(peer, kind) for _ in range(5 * THREADS)]
            assert 1 <= answers.count([LOST]) <= THREADS, kind
            assert set(before).isdisjoint(pid for pids in answers for pid in pids)


def test_dead_connection_fails_nothing_with_health_checks(
    serve: Serve, postgres: PostgresServer
) -> None:
    for peer in open_peers(serve(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)):
        for kind in KINDS:
            before = ask(peer, kind)
            end_all(postgres)
            after = ask(peer, kind)
            assert LOST not in before + after, kind
            assert set(after).isdisjoint(before)


def test_connection_lasts_for_one_request_without_conn_max_age(
    serve: Serve, postgres: PostgresServer
) -> None:
    for peer in open_peers(serve(CONN_MAX_AGE=0)):
        for kind in KINDS:
            served: list[int] = []
            for _ in range(3):
                pids = ask(peer, kind)
                assert len(set(pids)) == 1, kind
                served.append(pids[0])
                wait_until(lambda: not connected(postgres), f"{kind} to leave no connection")
            assert len(set(served)) == 3


def test_connection_is_kept_for_conn_max_age(serve: Serve, postgres: PostgresServer) -> None:
    for peer in open_peers(serve(CONN_MAX_AGE=None)):
        for kind in ("async", "pushed_async"):
            assert len({pid for _ in range(5) for pid in ask(peer, kind)}) == 1
