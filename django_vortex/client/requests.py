"""Requests that wait for their answers, and how long they may.

Takes answers by the id that was put into a request's filt, gives each to the one who asked. The
answer to a request that has changed what the client watches waits until its watches contain that.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Final, TypeAlias

from django_vortex.client.errors import TimedOut
from django_vortex.client.outgoing import Message
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.plain import is_true

REFLECT_SECONDS: Final = 5.0
"""How long an answer waits for the watches of the client."""

Outcome: TypeAlias = PayloadEnvelope | Exception
"""The answer, or why there is none."""


@dataclass(slots=True, eq=False)
class Pending:
    """A request that was made and has no answer yet.

    Attributes:
        id: What its filt says under `MESSAGE_ID`.
        name: What it asks, for messages to people.
        seconds: How long it may wait, None for ever.
        deadline: When it has waited so long, on the `OnlineClock`.
        settle: Called once with the outcome.
        is_written: Whether it has left, as far as is known: the server may be at it.
        is_reflecting: Whether the server says when the client's watches contain what it has done.
        is_reflected: Whether they did when it was settled, as far as they have to.
        answer: The answer, while it waits for that.
        message: What it was written as, where it may be asked again under the same id.
    """

    id: str
    name: str
    seconds: float | None
    deadline: float
    settle: Callable[[Outcome], object]
    is_written: bool = False
    is_reflecting: bool = False
    is_reflected: bool = True
    answer: PayloadEnvelope | None = None
    message: Message | None = None


class OnlineClock:
    """A clock that runs only while there is a connection.

    Deadlines of requests are on it: time in which no answer could come does not count.
    """

    def __init__(self) -> None:
        self._passed = 0.0
        self._since: float | None = None

    def start(self, now: float) -> None:
        """Run from now on."""
        if self._since is None:
            self._since = now

    def stop(self, now: float) -> None:
        """Stand still from now on."""
        self._passed = self.read(now)
        self._since = None

    def read(self, now: float) -> float:
        """Return the seconds that have counted."""
        return self._passed if self._since is None else self._passed + now - self._since


class Requests:
    """All requests of a client that wait."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._number = 0
        self._waiting: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def make_id(self) -> str:
        """Return an id for the next request."""
        self._number += 1
        return f"{self._prefix}.{self._number}"

    def add(self, pending: Pending) -> None:
        """Let a request wait for its answer."""
        self._waiting[pending.id] = pending

    def get(self, request_id: str) -> Pending | None:
        """Return the request with an id, if it still waits."""
        return self._waiting.get(request_id)

    def find_written(self) -> list[Pending]:
        """Return those that have left and have no outcome, in the order in which they were made."""
        return [one for one in self._waiting.values() if one.is_written]

    def answer(self, request_id: object, envelope: PayloadEnvelope, online_time: float) -> bool:
        """End the request with an id by its answer, at once or when it is reflected.

        Returns:
            Whether there was one.
        """
        pending = self._waiting.get(request_id) if isinstance(request_id, str) else None
        if pending is None:
            return False
        is_success = envelope.result is None or is_true(envelope.result)
        if not pending.is_reflecting or not is_success:
            return self.settle(request_id, envelope)
        pending.answer = envelope
        pending.is_reflected = False
        pending.deadline = online_time + REFLECT_SECONDS
        return True

    def begin_to_reflect(self, request_id: object) -> None:
        """Note that the server says when the client's watches contain what a request has done."""
        pending = self._waiting.get(request_id) if isinstance(request_id, str) else None
        if pending is not None:
            pending.is_reflecting = True

    def reflect(self, request_id: object) -> None:
        """Note that they do."""
        pending = self._waiting.get(request_id) if isinstance(request_id, str) else None
        if pending is None:
            return
        pending.is_reflecting = False
        pending.is_reflected = True
        if pending.answer is not None:
            self.settle(request_id, pending.answer)

    def settle(self, request_id: object, outcome: Outcome) -> bool:
        """End the request with an id by an outcome; return whether there was one.

        One that has its answer ends with that.
        """
        if not isinstance(request_id, str):
            return False
        pending = self._waiting.pop(request_id, None)
        if pending is None:
            return False
        pending.settle(outcome if pending.answer is None else pending.answer)
        return True

    def forget(self, request_id: str) -> bool:
        """Drop a request that nobody waits for any more; tell whether it had no outcome yet.

        Its answer is thrown away.
        """
        return self._waiting.pop(request_id, None) is not None

    def expire(self, online_time: float) -> list[Pending]:
        """End the requests whose deadline has passed, and return those that have no answer."""
        late = [one for one in self._waiting.values() if one.deadline <= online_time]
        for pending in late:
            text = f"No answer to {pending.name!r} within {pending.seconds or 0:g} s"
            self.settle(pending.id, TimedOut(text))
        return [one for one in late if one.answer is None]

    def fail_written(self, error: Exception) -> None:
        """Fail the requests that have left: whether they are done nobody will tell."""
        for pending in self.find_written():
            self.settle(pending.id, copy(error))

    def fail_all(self, error: Exception) -> None:
        """Fail all requests."""
        for request_id in list(self._waiting):
            self.settle(request_id, copy(error))
