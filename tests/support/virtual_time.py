"""An event loop whose clock does not wait: `VirtualTimeLoop`.

For tests in which both ends run on one loop. Whenever nothing is ready the time is at once that of
the next timer, so what a test measures does not depend on the speed of the machine.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

TURN_SECONDS = 0.001
"""What passes in a turn in which something was ready: a flood takes time, too."""

_T = TypeVar("_T")


class _Selector(selectors.DefaultSelector):
    """Lets a clock jump instead of waiting."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, let the time pass for which one would wait."""
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready:
            self._advance(TURN_SECONDS)
        elif timeout is None:
            return super().select(None)
        else:
            self._advance(max(0.0, timeout))
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop with sockets, and with a clock of its own."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Selector(self._advance))

    def time(self) -> float:
        """Return the time, which only this loop lets pass."""
        return self._now

    def _advance(self, seconds: float) -> None:
        self._now += seconds


def run_in_virtual_time(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine on such a loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
