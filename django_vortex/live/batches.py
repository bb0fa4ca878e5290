"""Evaluations that run, and how long: `Batches`.

Takes watches to evaluate together, gives what came of it to whoever schedules them. A batch that
takes too long is given up: it no longer counts, and its end is told when it comes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django_vortex.exceptions import InternalError
from django_vortex.live.answers import Answer
from django_vortex.live.questions import Evaluate, Evaluation, Question
from django_vortex.live.watch import Watch

logger = logging.getLogger("django_vortex.live")

Start = Callable[[Coroutine[Any, Any, Sequence[Evaluation]]], "asyncio.Task[Sequence[Evaluation]]"]
"""Begins a task and keeps it until it ends."""


@dataclass(slots=True, eq=False)
class Batch:
    """Watches that are evaluated together.

    Attributes:
        watches: The watches.
        owners: For whom each of them is evaluated.
        is_given_up: Whether it has taken too long.
    """

    watches: Sequence[Watch]
    owners: Sequence[Hashable]
    is_given_up: bool = False


class BatchListener(Protocol):
    """Hears what becomes of batches."""

    def end(self, batch: Batch, evaluations: Sequence[Evaluation] | None) -> None:
        """Take what a batch gave; None if it was cancelled."""

    def give_up(self, batch: Batch) -> None:
        """Take note that a batch takes too long."""

    def resume(self, batch: Batch) -> None:
        """Take note that a batch that was given up has ended."""


class Batches:
    """The batches of a process.

    Args:
        evaluate: Evaluates questions.
        seconds: How long a batch may take.
        start: Begins tasks.
        listener: Hears of their ends.
    """

    def __init__(
        self, evaluate: Evaluate, seconds: float, start: Start, listener: BatchListener
    ) -> None:
        self._evaluate = evaluate
        self._seconds = seconds
        self._start = start
        self._listener = listener
        self._running: dict[Batch, asyncio.TimerHandle] = {}
        self._hanging: Counter[int] = Counter()

    def __len__(self) -> int:
        """Return how many run and were not given up."""
        return len(self._running)

    def find_owners(self, count: int) -> set[Hashable]:
        """Return the owners for whom so many batches run."""
        owners = Counter(owner for batch in self._running for owner in set(batch.owners))
        return {owner for owner, running in owners.items() if running >= count}

    def count_hanging(self, question: Question) -> int:
        """Return how many batches with a question's endpoint were given up and still run."""
        return self._hanging[id(question.endpoint)]

    def begin(self, batch: Batch) -> None:
        """Evaluate a batch."""
        asked = [(watch.question, watch.answer) for watch in batch.watches]
        task = self._start(self._run(asked))
        timer = asyncio.get_running_loop().call_later(self._seconds, self._give_up, batch, task)
        self._running[batch] = timer
        task.add_done_callback(lambda task: self._end(batch, task))

    def stop(self) -> None:
        """Give none up any more."""
        for timer in self._running.values():
            timer.cancel()

    async def _run(self, asked: Sequence[tuple[Question, Answer | None]]) -> Sequence[Evaluation]:
        return await self._evaluate(asked)

    def _give_up(self, batch: Batch, task: "asyncio.Task[Sequence[Evaluation]]") -> None:
        del self._running[batch]
        batch.is_given_up = True
        self._hanging.update(_find_endpoints(batch))
        task.cancel()
        self._listener.give_up(batch)

    def _end(self, batch: Batch, task: "asyncio.Task[Sequence[Evaluation]]") -> None:
        evaluations = _get_evaluations(task, batch.watches)
        if not batch.is_given_up:
            self._running.pop(batch).cancel()
            self._listener.end(batch, evaluations)
            return
        self._hanging.subtract(_find_endpoints(batch))
        self._hanging += Counter()  # without those of which there are none
        self._listener.resume(batch)


def _find_endpoints(batch: Batch) -> set[int]:
    return {id(watch.question.endpoint) for watch in batch.watches}


def _get_evaluations(
    task: "asyncio.Task[Sequence[Evaluation]]", watches: Sequence[Watch]
) -> Sequence[Evaluation] | None:
    """Return what a task gave, None if it was cancelled; what should not be is an error of each."""
    if task.cancelled():
        return None
    error = task.exception()
    evaluations = () if error is not None else task.result()
    if len(evaluations) == len(watches):
        return evaluations
    logger.error(
        "Evaluating %s gave %d evaluations of %d",
        ", ".join(watch.question.name for watch in watches),
        len(evaluations),
        len(watches),
        exc_info=error,
    )
    return [Evaluation(error=InternalError(watch.question.name)) for watch in watches]
