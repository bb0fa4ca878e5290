from types import SimpleNamespace
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.routing import rates
from django_vortex.routing.peer import Peer
from django_vortex.routing.rates import Rate, Rates, read_rates


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_peer(uuid: str = "u", *, user: int | None = None, address: str = "10.0.0.1") -> Peer:
    who = SimpleNamespace(pk=user, is_authenticated=user is not None)
    return Peer(uuid=uuid, name="n", user=who, address=address)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60/m", Rate(60, 60)),
        ("60/min", Rate(60, 60)),
        ("1/second", Rate(1, 1)),
        ("1000/hour", Rate(1000, 3600)),
        ("5 / day", Rate(5, 86400)),
    ],
)
def test_rates_are_written_as_in_rest_framework(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "60", "0/m", "-1/m", "60/x", "m/60", "1.5/s", 60, None, "/m"])
def test_what_is_no_rate_is_refused_by_its_name(text: Any) -> None:
    with pytest.raises(DefinitionError, match="Expected a rate such as '60/m'"):
        Rate.parse(text)


def test_what_nothing_is_counted_by_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Nothing is counted by 'pear'; rates are by caller"):
        read_rates({"pear": "1/s"})


def test_so_many_are_let_through_at_once_and_then_one_after_another(clock: Clock) -> None:
    limit = Rates(read_rates("3/m"), clock=clock)
    assert [limit.admit(make_peer()) for _ in range(4)] == [0, 0, 0, 20]
    clock.now += 19
    assert limit.admit(make_peer()) == 1
    clock.now += 1
    assert limit.admit(make_peer()) == 0
    assert limit.admit(make_peer()) == 20


def test_what_was_refused_is_not_counted(clock: Clock) -> None:
    limit = Rates(read_rates("1/m"), clock=clock)
    assert [limit.admit(make_peer()) for _ in range(3)] == [0, 60, 60]
    clock.now += 60
    assert limit.admit(make_peer()) == 0


def test_who_is_quiet_for_a_period_has_all_again(clock: Clock) -> None:
    limit = Rates(read_rates("3/m"), clock=clock)
    for _ in range(3):
        limit.admit(make_peer())
    clock.now += 60
    assert [limit.admit(make_peer()) for _ in range(4)] == [0, 0, 0, 20]


@pytest.mark.parametrize(
    ("counted", "one", "same", "other"),
    [
        ("1/m", make_peer("a", user=7), make_peer("b", user=7, address="x"), make_peer(user=8)),
        ("1/m", make_peer("a"), make_peer("b"), make_peer(address="10.0.0.2")),
        ({"peer": "1/m"}, make_peer("a"), make_peer("a", user=7), make_peer("b")),
        ({"address": "1/m"}, make_peer("a"), make_peer("b", user=7), make_peer(address="x")),
        ({"user": "1/m"}, make_peer("a", user=7), make_peer("b", user=7), make_peer("a")),
    ],
)
def test_each_counts_for_itself(
    clock: Clock, counted: Any, one: Peer, same: Peer, other: Peer
) -> None:
    limit = Rates(read_rates(counted), clock=clock)
    assert [limit.admit(one), limit.admit(same), limit.admit(other)] == [0, 60, 0]


def test_user_and_address_of_the_same_name_are_two(clock: Clock) -> None:
    limit = Rates(read_rates("1/m"), clock=clock)
    assert limit.admit(make_peer(user=7)) == 0
    assert limit.admit(make_peer(address="7")) == 0


def test_all_together_have_one_count(clock: Clock) -> None:
    limit = Rates(read_rates({"all": "2/m"}), clock=clock)
    assert [limit.admit(make_peer(uuid, address=uuid)) for uuid in "abc"] == [0, 0, 30]


def test_what_one_rate_refuses_no_other_counts(clock: Clock) -> None:
    limit = Rates(read_rates({"peer": "1/m", "all": "2/m"}), clock=clock)
    assert [limit.admit(make_peer("a")) for _ in range(5)] == [0, 60, 60, 60, 60]
    assert limit.admit(make_peer("b")) == 0


def test_memory_is_bounded_and_the_busiest_are_kept(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "MAX_KEYS", 10)
    limit = Rates(read_rates({"peer": "5/m"}), clock=clock)
    for _ in range(5):
        limit.admit(make_peer("busy"))
    for number in range(100):
        assert limit.admit(make_peer(f"peer {number}")) == 0
    [(_, _, counter)] = limit._limits
    assert len(counter._whole_at) <= 10
    assert limit.admit(make_peer("busy")) == 12
