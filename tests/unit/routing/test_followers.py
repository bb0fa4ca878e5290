"""What handlers hear of their peers and of other processes."""

import asyncio
import gc
from typing import Any

import pytest

from django_vortex.routing.followers import Followers
from django_vortex.routing.peer import Peer

ANN = Peer("ann", "n")


class Notes:
    """A follower that writes down what it hears."""

    def __init__(self, name: str = "notes") -> None:
        self.name = name
        self.heard: list[Any] = []

    def receive_news(self, text: str) -> None:
        self.heard.append(("news", text))

    def recover(self) -> None:
        self.heard.append("recover")

    def forget_peer(self, uuid: str) -> None:
        self.heard.append(("forget", uuid))

    def give_peer(self, uuid: str) -> list[str]:
        return [f"{self.name} of {uuid}"]

    def take_peer(self, peer: Peer, text: str) -> None:
        self.heard.append(("take", peer.uuid, text))


class Neighbours:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.kept: list[Any] = []

    def keep(self, task: Any) -> None:
        self.kept.append(task)

    def get_peer(self, uuid: str) -> Peer | None:
        return ANN if uuid == "ann" else None

    def tell(self, name: str, text: str, uuid: str | None = None) -> None:
        self.told.append((name, text, uuid))

    def monotonic(self) -> float:
        return 7.0


@pytest.fixture
def followers() -> Followers:
    return Followers()


def test_news_reach_the_handlers_of_the_name(followers: Followers) -> None:
    one, two, other = Notes(), Notes(), Notes("other")
    for follower in (one, two, other):
        followers.add(follower)
    followers.receive_news("notes", "hello")
    followers.take_peer("notes", ANN, "baggage")
    assert one.heard == two.heard == [("news", "hello"), ("take", "ann", "baggage")]
    assert other.heard == []


def test_all_handlers_hear_of_a_peer_that_leaves(followers: Followers) -> None:
    one, other = Notes(), Notes("other")
    followers.add(one)
    followers.add(other)
    followers.forget_peer("ann")
    followers.recover()
    assert one.heard == other.heard == [("forget", "ann"), "recover"]
    given = sorted(followers.give_peer("ann"))
    assert given == [("notes", "notes of ann"), ("other", "other of ann")]


def test_a_handler_that_nobody_keeps_hears_nothing(followers: Followers) -> None:
    one = Notes()
    heard = one.heard
    followers.add(one)
    del one
    gc.collect()
    followers.recover()
    assert heard == []


def test_a_handler_that_fails_keeps_nothing_from_others(
    followers: Followers, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Notes):
        def recover(self) -> None:
            raise KeyError("x")

    kept = [Failing(), Notes(), Failing()]
    for follower in kept:
        followers.add(follower)
    followers.recover()
    assert kept[1].heard == ["recover"]
    assert len(caplog.records) == 2


def test_what_handlers_tell_goes_to_the_server(followers: Followers) -> None:
    neighbours = Neighbours()
    followers.bind(neighbours)
    followers.tell("notes", "hello")
    followers.tell("notes", "baggage", "bob")
    assert neighbours.told == [("notes", "hello", None), ("notes", "baggage", "bob")]
    assert (followers.get_peer("ann"), followers.get_peer("bob")) == (ANN, None)
    assert followers.now == 7.0


def test_without_a_server_there_is_nobody(followers: Followers) -> None:
    followers.tell("notes", "hello")
    assert followers.get_peer("ann") is None
    assert followers.now == 0.0


async def test_what_a_handler_starts_is_known_to_the_server(followers: Followers) -> None:
    async def fail() -> None:
        raise KeyError("x")

    neighbours = Neighbours()
    followers.bind(neighbours)
    task = followers.start(fail())
    assert neighbours.kept == [task]
    with pytest.raises(KeyError):
        await task


async def test_what_a_handler_starts_runs_without_a_server(followers: Followers) -> None:
    assert await followers.start(asyncio.sleep(0, "done")) == "done"


@pytest.mark.parametrize(("error", "lines"), [(ValueError("bug"), 1), (LookupError("no"), 0)])
async def test_failure_of_what_outlives_its_request_is_taken_note_of_once(
    followers: Followers, error: Exception, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    untold: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: untold.append(context))
    go_on = asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        raise error

    request = asyncio.ensure_future(followers.finish(work(), (LookupError,)))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    del request
    gc.collect()
    assert untold == []
    assert len(caplog.records) == lines


async def test_failure_that_is_awaited_is_raised_and_not_written(
    followers: Followers, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        await followers.finish(work(), ())
    assert caplog.records == []
