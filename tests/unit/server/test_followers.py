"""What followers hear of their peers and of other processes."""

from typing import Any

import pytest

from django_vortex.routing.peer import Peer
from django_vortex.server.followers import Followers

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


@pytest.fixture
def told() -> list[Any]:
    """What other processes are told."""
    return []


@pytest.fixture
def followers(told: list[Any]) -> Followers:
    return Followers(told.append)


def test_news_reach_the_followers_of_the_name(followers: Followers) -> None:
    one, two, other = Notes(), Notes(), Notes("other")
    for follower in (one, two, other):
        followers.add(follower)
    followers.receive_news("notes", "hello")
    followers.take_peer("notes", ANN, "baggage")
    assert one.heard == two.heard == [("news", "hello"), ("take", "ann", "baggage")]
    assert other.heard == []


def test_all_followers_hear_of_a_peer_that_leaves(followers: Followers) -> None:
    one, other = Notes(), Notes("other")
    followers.add(one)
    followers.add(other)
    followers.forget_peer("ann")
    followers.recover()
    assert one.heard == other.heard == [("forget", "ann"), "recover"]
    given = sorted(followers.give_peer("ann"))
    assert given == [("notes", "notes of ann"), ("other", "other of ann")]


def test_a_follower_that_fails_keeps_nothing_from_others(
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


def test_what_followers_tell_is_published(followers: Followers, told: list[Any]) -> None:
    followers.tell("notes", "hello")
    followers.tell("notes", "baggage", "bob")
    assert [(one["name"], one["text"], one["uuid"]) for one in told] == [
        ("notes", "hello", None),
        ("notes", "baggage", "bob"),
    ]
