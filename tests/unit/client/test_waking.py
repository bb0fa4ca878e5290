"""A suspend is noticed by two clocks, and a connection that has not outlived it is given up."""

import pytest

from django_vortex.client.waking import Doubt, Waking


class Clocks:
    """A monotonic clock that stands still in a suspend, and the machine's, which does not."""

    def __init__(self, *, is_counted: bool = False) -> None:
        self.now, self.wall = 100.0, 1_700_000_000.0
        self.is_counted = is_counted
        self.waking = Waking(self.now, self.wall)

    def pass_(self, seconds: float) -> list[Doubt]:
        """Return what was to be done at each tick."""
        doubts = []
        for _ in range(round(4 * seconds)):
            self.now += 0.25
            self.wall += 0.25
            doubts.append(self.waking.look(self.now, self.wall))
        return [one for one in doubts if one is not Doubt.NOTHING]

    def suspend(self, seconds: float) -> None:
        self.wall += seconds
        if self.is_counted:
            self.now += seconds


@pytest.fixture(params=[False, True], ids=["stands still", "goes on"])
def clocks(request: pytest.FixtureRequest) -> Clocks:
    return Clocks(is_counted=request.param)


def test_calm_life_asks_nothing(clocks):
    assert clocks.pass_(3600) == []


def test_server_is_asked_after_a_suspend_and_has_three_seconds(clocks):
    clocks.suspend(600)
    assert clocks.pass_(3.25) == [Doubt.ASK]
    assert clocks.pass_(0.25) == [Doubt.END]


def test_answer_ends_the_doubt(clocks):
    clocks.suspend(600)
    assert clocks.pass_(1) == [Doubt.ASK]
    clocks.waking.hear()
    assert clocks.pass_(60) == []


def test_what_had_arrived_before_is_no_answer(clocks):
    clocks.suspend(600)
    assert clocks.pass_(0.25) == []
    clocks.waking.hear()
    assert clocks.pass_(3.25) == [Doubt.ASK, Doubt.END]


def test_second_suspend_begins_the_doubt_anew(clocks):
    clocks.suspend(600)
    assert clocks.pass_(3) == [Doubt.ASK]
    clocks.suspend(600)
    assert clocks.pass_(3.25) == [Doubt.ASK]


def test_clock_that_is_set_back_or_a_little_forward_means_nothing(clocks):
    clocks.wall -= 86_400
    assert clocks.pass_(10) == []
    clocks.wall += 1.5
    assert clocks.pass_(10) == []
