"""The servers of random runs, up for as long as needed: databases, Redis, two of the project."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.live import VORTEX, World
from tests.support.postgres import USER, PostgresServer
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess, server_environment

NAME = "chaos"

SERVERS = ("uvicorn", "daphne")


@contextmanager
def open_stage(directory: Path) -> Iterator[World]:
    """Start everything, and stop it in the end.

    Args:
        directory: Where logs go.
    """
    with ExitStack() as stack:
        postgres = PostgresServer(directory)
        postgres.start()
        stack.callback(postgres.stop)
        postgres.create_database(NAME)
        redis = RedisServer(directory)
        redis.start()
        stack.callback(redis.stop)
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": postgres.host,
            "NAME": NAME,
            "USER": USER,
        }
        servers = [
            ServerProcess(
                kind,
                directory,
                database=directory / "unused",
                vortex=VORTEX,
                layer="pubsub",
                redis_url=redis.url,
                env={"E2E_DATABASE": json.dumps(database)},
            )
            for kind in SERVERS
        ]
        environment = servers[0].environment
        manage("migrate", "--verbosity", "0", env=environment)
        for server in servers:
            server.start()
            stack.callback(server.stop)
        yield World(servers, redis, environment, directory)


@contextmanager
def open_servers(
    directory: Path, vortex: Mapping[str, object], kinds: Sequence[str] = SERVERS
) -> Iterator[list[ServerProcess]]:
    """Start servers that share a Redis, over SQLite, and stop everything in the end.

    Args:
        directory: Where logs go.
        vortex: Their settings.
        kinds: Of the servers.
    """
    database = directory / "chaos.sqlite3"
    manage("migrate", "--verbosity", "0", env=server_environment(database))
    with ExitStack() as stack:
        redis = RedisServer(directory)
        redis.start()
        stack.callback(redis.stop)
        servers = [
            ServerProcess(
                kind,
                directory,
                database=database,
                vortex=vortex,
                layer="pubsub",
                redis_url=redis.url,
            )
            for kind in kinds
        ]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        yield servers
