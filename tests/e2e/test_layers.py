"""Several server processes behind one Redis, over both layers: nothing is lost without a word."""

import json
import os
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import redis

from tests.e2e.app.pushing import KEY
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.e2e.projects import LAYERS, Project
from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.waiting import wait_until

BURST = 3000
PUSHES_PER_POST = 40
END: dict[str, Any] = {}


@pytest.fixture
def project(start_server: StartServer, layer: str, redis_server: RedisServer) -> Iterator[Project]:
    """Two servers that need not have met yet."""
    project = Project(start_server, layer, redis_server.url)
    yield project
    project.stop()


def number_of(message: dict[str, Any]) -> int:
    """Return the number that `push_numbered` put first into the payload."""
    return int(decode_tuples(message)[0])


def read_numbers(peer: ReadingPeer, count: int, key: str = KEY) -> list[int]:
    return [number_of(peer.wait_for(key)) for _ in range(count)]


def test_burst_from_a_view_arrives_whole_and_in_order(project: Project) -> None:
    project.meet()
    local, remote = project.open(project.a), project.open(project.b, "http")
    project.a.push(count=BURST, size=1000)
    assert read_numbers(local, BURST) == list(range(BURST))
    assert read_numbers(remote, BURST) == list(range(BURST))


def test_burst_from_a_command_arrives_whole_and_in_order_at_a_busy_server(
    project: Project,
) -> None:
    project.meet()
    peers = [project.open(server) for server in (project.a, project.b, project.b)]
    peers[-1].ask(key="e2e.busy", seconds=3)
    manage("e2e_push", f"count={BURST}", "size=1000", env=project.a.environment)
    for peer in peers:
        assert read_numbers(peer, BURST) == list(range(BURST))


def test_what_a_command_has_not_sent_leaves_when_it_ends(project: Project) -> None:
    project.meet()
    peer = project.open(project.b)
    manage("e2e_push", "count=500", "forget=1", env=project.b.environment)
    assert read_numbers(peer, 500) == list(range(500))


def test_what_a_command_has_not_sent_leaves_though_the_layer_has_a_name_to_look_up(
    project: Project,
) -> None:
    project.meet()
    peer = project.open(project.b)
    env = dict(project.b.environment)
    env["EXAMPLE_REDIS_URL"] = env["EXAMPLE_REDIS_URL"].replace("127.0.0.1", "localhost")
    manage("e2e_push", "count=5", "forget=1", env=env)
    assert read_numbers(peer, 5) == list(range(5))


def test_sixty_idle_seconds_close_nothing(
    start_server: StartServer, redis_server: RedisServer
) -> None:
    """Both layers at once; redis-py gives up blocking reads after five seconds."""
    projects = [Project(start_server, layer, redis_server.url) for layer in LAYERS]
    peers = []
    for project in projects:
        project.meet()
        peers.append(project.open(project.b))
    beats = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for peer in peers:
            assert next(peer.messages()) is None
        beats += 1
    assert beats > 50
    for project, peer in zip(projects, peers, strict=True):
        project.a.push(count=1, first=7)
        assert read_numbers(peer, 1) == [7]
        for server in (project.a, project.b):
            assert "failed" not in server.log
            assert "lost" not in server.log
        project.stop()


def test_restart_of_redis_is_survived_and_what_was_lost_is_reported(
    project: Project, layer: str, redis_server: RedisServer
) -> None:
    project.meet()
    peer = project.open(project.b)
    project.a.push(count=10)
    assert read_numbers(peer, 10) == list(range(10))
    # B can not be a member again while it is stopped, so that what A sends then is lost for sure.
    os.kill(project.b.pid, signal.SIGSTOP)
    try:
        redis_server.restart()
        project.a.push(count=10, first=10)
        wait_until(lambda: has_taken_pushes(redis_server, layer), "Redis to take the pushes")
    finally:
        os.kill(project.b.pid, signal.SIGCONT)
    project.meet()
    project.a.push(count=10, first=20)
    got = read_up_to(peer, 29)
    lost = set(range(10, 30)) - set(got)
    assert got == sorted(got)
    assert set(range(10, 20)) <= lost
    project.b.wait_for_log("records of process")
    reported = sum(map(int, re.findall(r"(\d+) records of process", project.b.log)))
    assert reported >= len(lost)


def has_taken_pushes(redis_server: RedisServer, layer: str) -> bool:
    """Return whether the layer has sent anything to Redis since that started."""
    command = {"pubsub": "cmdstat_publish", "core": "cmdstat_zrange"}[layer]
    with redis.Redis(port=redis_server.port) as client:
        return command in client.info("commandstats")


def read_up_to(peer: ReadingPeer, last: int) -> list[int]:
    numbers: list[int] = []
    while not numbers or numbers[-1] != last:
        numbers.append(number_of(peer.wait_for(KEY)))
    return numbers


def test_peer_that_posts_to_either_process_misses_nothing(project: Project) -> None:
    """Each request of an HTTP peer may reach another process, while both of them push."""
    project.meet()
    peer_uuid = str(uuid.uuid4())
    streams = [ReadingPeer("http", project.a.port, peer_uuid)]
    project.peers += streams
    count = 300
    pushing = [
        threading.Thread(target=push_slowly, args=(server, key, count))
        for server, key in ((project.a, "from.a"), (project.b, "from.b"))
    ]
    for thread in pushing:
        thread.start()
    got: dict[str, list[int]] = {"from.a": [], "from.b": []}
    for moves, server in enumerate([project.b, project.a] * 4, 1):
        collect(streams[-1], got, partial(are, moves * PUSHES_PER_POST, got))
        streams.append(ReadingPeer("http", server.port, peer_uuid))
        project.peers.append(streams[-1])
        collect(streams[-2], got, lambda: False)  # what was on its way meanwhile, to the end
    for thread in pushing:
        thread.join()
    collect(streams[-1], got, lambda: all(ns[-1:] == [count - 1] for ns in got.values()))
    assert got["from.a"] == list(range(count))
    assert got["from.b"] == list(range(count))


def push_slowly(server: ServerProcess, key: str, count: int) -> None:
    for number in range(count):
        server.push(key=key, first=number)


def are(total: int, got: dict[str, list[int]]) -> bool:
    return sum(map(len, got.values())) >= total


def collect(stream: ReadingPeer, got: dict[str, list[int]], is_enough: Callable[[], bool]) -> None:
    """Read a response until there is enough, or to its end."""
    while not is_enough():
        message = next(stream.messages(), END)
        if message is END:
            return
        if message is not None and message["filt"].get("key") in got:
            got[message["filt"]["key"]].append(number_of(message))


def test_peer_of_another_identity_is_turned_away_by_the_process_that_has_the_peer(
    project: Project,
) -> None:
    project.meet()
    status_a, _ = project.a.get("/e2e/login", username="anna")
    assert status_a == 200
    peer_uuid = str(uuid.uuid4())
    anna = ReadingPeer(
        "http", project.a.port, peer_uuid, headers={"Cookie": log_in(project.a, "anna")}
    )
    project.peers.append(anna)
    thief = ReadingPeer(
        "http", project.b.port, peer_uuid, headers={"Cookie": log_in(project.b, "thief")}
    )
    project.peers.append(thief)
    [ending] = [message for message in thief.messages() if message is not None]
    assert (ending["filt"]["key"], ending["data"]) == ("vortex.closing", None)
    assert ending["filt"]["code"] == {"_ft": "int", "_fd": 4403}
    project.b.push(to_peer=peer_uuid, first=5)
    assert read_numbers(anna, 1) == [5]


def log_in(server: ServerProcess, username: str) -> str:
    status, body = server.get("/e2e/login", username=username)
    assert status == 200
    return f"sessionid={json.loads(body)['session']}"
