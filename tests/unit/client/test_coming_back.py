"""What an end means, and how long the next attempt waits."""

from random import Random

import pytest

from django_vortex.client.backoff import Backoff
from django_vortex.client.endings import Ending, read_ending

CUT = Ending("cut")


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1009, 1011, 1012, 1013, 4007, 4008, 4999])
def test_B3_everything_comes_back_but_what_the_server_calls_final(code):
    ending = read_ending(code, "reason")
    assert not ending.is_refusal
    assert not ending.is_unauthenticated


def test_B3_codes_that_mean_something():
    assert read_ending(4403, "taken").is_refusal
    assert read_ending(403, "taken").is_refusal
    assert read_ending(4401, "logged out").is_unauthenticated
    assert read_ending(4429, "7 s: Too many new peers").retry_seconds == 7
    assert read_ending(4503, "1 s: stopping").is_departure
    assert read_ending(503, "busy", retry_after="12").retry_seconds == 12
    assert read_ending(4400, "7 s ago").retry_seconds == 0, "only where the server asks to wait"
    assert read_ending(503, "x", retry_after="99999999999").retry_seconds == 0


def test_E6_client_that_is_too_old_does_not_come_back():
    for code in (426, 4426):
        ending = read_ending(code, "update-required: update the client")
        assert ending.is_refusal
        assert ending.is_outdated
    ending = read_ending(426, "Upgrade Required")
    assert not ending.is_refusal, "what a proxy says that lets no WebSocket through"


def test_B1_attempts_get_rare_however_often_opening_succeeds():
    backoff = Backoff(lambda: 0.5)
    times, now = [], 0.0
    while now < 180:
        times.append(now)
        backoff.succeed(0.1)
        now += backoff.get_wait(CUT)
    assert len([time for time in times if time < 60]) <= 9
    assert len([time for time in times if 60 <= time < 120]) <= 4
    assert len([time for time in times if 120 <= time < 180]) <= 4


def test_B2_spans_depend_on_the_cause_and_told_seconds_are_the_least():
    assert Backoff(lambda: 1.0).get_wait(CUT) == 0.5
    assert Backoff(lambda: 1.0).get_wait(read_ending(1000, "")) == 5
    assert 7 < Backoff(lambda: 0.1).get_wait(read_ending(4429, "7 s: often")) < 8


def test_B2_attempts_of_many_are_spread():
    random = Random(1)
    waits = [Backoff(random.random).get_wait(read_ending(1012, "")) for _ in range(2000)]
    tenths = [sum(int(10 * wait) == tenth for wait in waits) for tenth in range(50)]
    assert max(tenths) < 80


def test_B7_spans_end_at_thirty_seconds_and_begin_anew_after_a_long_connection():
    backoff = Backoff(lambda: 1.0)
    for _ in range(100):
        assert backoff.get_wait(CUT) <= 30
    backoff.succeed(10)
    assert backoff.get_wait(CUT) == 0.5


def test_B2_client_that_alone_found_its_line_dead_comes_back_soonest():
    assert Backoff(lambda: 1.0).get_wait(Ending("suspended", is_own=True)) == 0.3


def test_move_is_obeyed_within_its_span_and_is_no_failure():
    ending = read_ending(4012, "2.5 s: The server is shutting down")
    assert ending.is_move
    assert (ending.span_seconds, ending.retry_seconds) == (2.5, 0)
    backoff = Backoff(lambda: 1.0)
    assert backoff.get_wait(ending) == 2.5
    assert backoff.get_wait(CUT) == 0.5
    assert read_ending(4012, "no number").is_move


def test_B1_server_that_moves_its_clients_on_again_and_again_is_not_hammered():
    backoff = Backoff(lambda: 0.5)
    ending = Ending("left", is_move=True, span_seconds=0.1)
    times, now = [], 0.0
    while now < 180:
        times.append(now)
        backoff.succeed(0.1)
        now += backoff.get_wait(ending)
    assert len([time for time in times if time < 60]) <= 11
    assert len([time for time in times if 120 <= time < 180]) <= 4


def test_server_that_is_replaced_already_is_left_at_once():
    for code in (4503, 503):
        ending = read_ending(code, "0 s: stopping" if code > 1000 else "stopping", retry_after="0")
        assert not ending.is_departure
        assert Backoff(lambda: 1.0).get_wait(ending) == 0.5
