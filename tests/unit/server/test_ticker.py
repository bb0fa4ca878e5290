"""The timer calls for each tick that is due, be it late, and whatever becomes of the call."""

import pytest

from django_vortex.server.heartbeats import Heartbeats
from django_vortex.server.ticker import Ticker


async def test_ticks_that_are_late_are_counted() -> None:
    now = 50.0
    dues: list[int] = []
    ticker = Ticker(Heartbeats(1.0), lambda: now, dues.append)
    ticker.start()
    now = 50.1
    ticker.run()
    now = 50.45
    ticker.run()
    ticker.stop()
    assert dues == [1, 3]


async def test_a_tick_that_fails_is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(due: int) -> None:
        raise ArithmeticError("Nothing to divide")

    ticker = Ticker(Heartbeats(1.0), lambda: 50.0, fail)
    ticker.run()
    ticker.run()
    ticker.stop()
    ticker.stop()
    assert caplog.messages == ["A tick of the server failed"] * 2
