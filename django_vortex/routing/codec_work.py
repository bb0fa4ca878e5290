"""Decide where payloads are decoded and replies are encoded: on the loop or in a thread.

Takes requests and what handlers return, gives decoded requests and replies. Little work is done on
the loop, with a limit for each turn; work that may query a database in a thread where it may block;
large work through the port ``run_large``, when it is the peer's turn.
"""

import datetime
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from django_vortex.exceptions import LoadsOnLoop
from django_vortex.routing.loop_turn import LoopTurn
from django_vortex.routing.ports import RunLarge, run_in_thread
from django_vortex.routing.replies import Work, estimate_work, is_reply, make_reply
from django_vortex.routing.request import Request
from django_vortex.typedefs import RunSync
from django_vortex.wire.envelope import HEAVY, PayloadEnvelope

REQUEST_WEIGHT: Final = 4_096
"""What routing and answering a request weighs at least; see `PayloadEnvelope.weigh`."""

FILT_WEIGHT: Final = 16
"""The weight of a byte outside of the payload, which is decoded and encoded as values are."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a plain function returned: a coroutine, or what is too much for its thread."""

    result: Any


class CodecWork:
    """Decodes payloads and makes replies.

    Args:
        clock: Gives the dates of payloads.
    """

    def __init__(self, clock: Callable[[], datetime.datetime]) -> None:
        self.clock = clock
        self.run_sync: RunSync = run_in_thread
        self.run_large: RunLarge | None = None
        """Runs large decoding and encoding; None is like all else that may block."""
        self._turn = LoopTurn()

    def prepare(self, request: Request) -> Awaitable[None] | None:
        """Count a request in this turn of the loop.

        To be called when it is known that the peer may ask.

        Returns:
            What is to be awaited before the handler is called, if there is no room in this turn or
            the payload is large; by far most requests go on at once.
        """
        envelope = request.envelope
        weight = REQUEST_WEIGHT + FILT_WEIGHT * envelope.beside_size
        payload = envelope.weigh()
        if payload >= HEAVY:
            return self._decode_in_line(request, weight)
        weight += payload
        return None if self._turn.admit(weight) else self._turn.wait(weight)

    def reply_here(self, result: Any, request: Request) -> PayloadEnvelope | Unfinished | None:
        """Make a reply where it may block, unless it is too much for that."""
        if is_reply(result, request):
            return result
        if inspect.isawaitable(result) or estimate_work(result) is Work.LARGE:
            return Unfinished(result)
        return make_reply(result, request, self.clock())

    async def reply(self, result: Any, request: Request) -> PayloadEnvelope | None:
        """Make a reply where it belongs."""
        if issubclass(type(result), PayloadEnvelope) and is_reply(result, request):
            return result
        work = estimate_work(result)
        if work is Work.SMALL:
            try:
                return make_reply(result, request, self.clock())
            except LoadsOnLoop:
                work = Work.BLOCKING
        make = partial(make_reply, result, request, self.clock())
        if work is Work.LARGE:
            return await self._run_large(request, make)
        return await self.run_sync(make)

    async def read(self, work: Work, function: Callable[[], _T]) -> _T:
        """Call what reads a result: here, or in a thread if that is better for the loop.

        Args:
            work: What was estimated.
            function: Called twice where the first time finds on the way that it may.
        """
        if work is not Work.SMALL:
            return await self.run_sync(function)
        try:
            return function()
        except LoadsOnLoop:
            return await self.run_sync(function)

    async def _decode_in_line(self, request: Request, weight: int) -> None:
        await self._turn.wait(weight)
        await self._run_large(request, request.decode)

    def _run_large(self, request: Request, function: Callable[[], _T]) -> Awaitable[_T]:
        if self.run_large is None:
            return self.run_sync(function)
        return self.run_large(request.peer.uuid, function)
