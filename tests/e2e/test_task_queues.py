"""Pushes from the workers of real task queues, whose processes end without a clean-up."""

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis
from rq import Queue

from tests.e2e.app import tasks
from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.processes import LoggedProcess, run
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess

JOBS = 40


@pytest.fixture(params=["pubsub", "core"])
def server(
    request: pytest.FixtureRequest, start_server: StartServer, redis_server: RedisServer
) -> Iterator[ServerProcess]:
    server = start_server("uvicorn", layer=request.param, redis_url=redis_server.url)
    yield server
    server.stop()


@pytest.fixture
def broker(redis_server: RedisServer) -> str:
    return redis_server.url.replace("/0", "/1")


@pytest.fixture
def peer(server: ServerProcess) -> Iterator[ReadingPeer]:
    """A peer of a server that has joined the layer."""
    peer = ReadingPeer("websocket", server.port, str(uuid.uuid4()))
    server.wait_for_peers(1)
    yield peer
    peer.close()


def read_numbers(peer: ReadingPeer, count: int) -> list[int]:
    return sorted(int(decode_tuples(peer.wait_for(KEY))[0]) for _ in range(count))


def test_all_that_jobs_of_rq_send_arrives(
    server: ServerProcess, peer: ReadingPeer, broker: str
) -> None:
    queue = Queue(connection=Redis.from_url(broker))
    for number in range(JOBS):
        queue.enqueue("tests.e2e.app.tasks.push", number)
    env = {**server.environment, "E2E_BROKER": broker}
    run([sys.executable, "-m", "tests.e2e.app.rq_worker"], env)
    assert read_numbers(peer, JOBS) == list(range(JOBS))


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_all_that_tasks_of_celery_send_arrives(
    server: ServerProcess, peer: ReadingPeer, broker: str, pool: str, tmp_path: Path
) -> None:
    """Also from a child of the pool that a time limit kills, or that ends by itself."""
    env = {**server.environment, "E2E_BROKER": broker}
    command = [
        *[sys.executable, "-m", "celery", "-A", "tests.e2e.app.tasks", "worker"],
        *["--pool", pool, "--concurrency", "2", "--without-gossip", "--without-mingle"],
    ]
    sent = list(range(JOBS))
    ending = [] if pool != "prefork" else [tasks.push_and_hang, tasks.push_and_exit]
    with Celery(broker=broker, set_as_current=False) as app:
        for number in sent:
            app.send_task(tasks.push.name, [number])
        for number, task in enumerate(ending, start=JOBS):
            app.send_task(task.name, [number], time_limit=task.time_limit)
            sent.append(number)
    worker = LoggedProcess("celery", command, tmp_path, env)
    worker.start()
    try:
        assert read_numbers(peer, len(sent)) == sent
    finally:
        worker.stop()
