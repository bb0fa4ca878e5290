import pytest

from django_vortex.exceptions import TooManyPeers
from django_vortex.server.options import ServerOptions
from django_vortex.server.throttle import Throttle


def make(**options):
    return Throttle(ServerOptions(throttle_seconds=10.0, **options))


def test_one_address_gets_in_as_often_as_it_may():
    throttle = make(throttle_peers_per_address=2)
    throttle.admit("a", 0.0)
    throttle.admit("a", 4.0)
    with pytest.raises(TooManyPeers) as caught:
        throttle.admit("a", 7.0)
    assert caught.value.retry_after == 3.0
    throttle.admit("b", 7.0)


def test_period_rolls():
    throttle = make(throttle_peers_per_address=2)
    throttle.admit("a", 0.0)
    throttle.admit("a", 4.0)
    throttle.admit("a", 10.0)
    with pytest.raises(TooManyPeers):
        throttle.admit("a", 13.9)
    throttle.admit("a", 14.0)


def test_all_addresses_together_are_limited():
    throttle = make(throttle_peers=3)
    for index in range(3):
        throttle.admit(f"address {index}", float(index))
    with pytest.raises(TooManyPeers) as caught:
        throttle.admit("another", 5.0)
    assert caught.value.retry_after == 5.0
    assert "try again in 5 s" in str(caught.value)


def test_turned_away_peers_do_not_count():
    throttle = make(throttle_peers=1)
    throttle.admit("a", 0.0)
    for second in range(1, 10):
        with pytest.raises(TooManyPeers):
            throttle.admit("a", float(second))
    throttle.admit("a", 10.0)


def test_zero_lets_everybody_in():
    throttle = make(throttle_peers=0, throttle_peers_per_address=0)
    for _ in range(5000):
        throttle.admit("a", 0.0)


def test_only_anonymous_peers_count_for_their_address():
    throttle = make(throttle_peers_per_address=1, throttle_peers=4)
    for _ in range(3):
        throttle.admit("a", 0.0, is_anonymous=False)
    throttle.admit("a", 0.0)
    with pytest.raises(TooManyPeers, match="Too many new peers, try again in 10 s"):
        throttle.admit("b", 0.0, is_anonymous=False)
    throttle.admit("a", 10.0, is_anonymous=False)
    throttle.admit("a", 10.0)
    with pytest.raises(TooManyPeers, match="from this address"):
        throttle.admit("a", 10.0)


def test_good_token_does_not_tell_itself_from_guesses_where_there_were_too_many():
    throttle = make(throttle_peers_per_address=3)
    throttle.admit("a", 0.0)
    for second in range(3):
        throttle.admit("a", second, is_guess=True)
    for options in ({"is_guess": True}, {"is_anonymous": False}, {}):
        with pytest.raises(TooManyPeers) as caught:
            throttle.admit("a", 4.0, **options)
        assert caught.value.retry_after == 6.0
    throttle.admit("b", 4.0, is_anonymous=False)
    throttle.admit("a", 10.0, is_anonymous=False)
