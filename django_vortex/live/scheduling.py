"""When which watch is evaluated: `Scheduler`.

Takes watches that want an evaluation, runs evaluations in batches, and passes on what they give.
There is one timer, for whatever is due next; a watch that nothing concerns costs nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.exceptions import EvaluationTimeout, InternalError
from django_vortex.live.agenda import Agenda
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluate, Evaluation
from django_vortex.live.register import Register
from django_vortex.live.watch import Outcome, Watch

logger = logging.getLogger("django_vortex.live")

BUSY_SECONDS: Final = (0.1, 5.0)
"""After how long a busy database is asked again, at first and at the most."""

FAILED_SECONDS: Final = (1.0, 60.0)
"""After how long what has failed is tried again though nothing has changed."""

Start = Callable[[Coroutine[Any, Any, Sequence[Evaluation]]], "asyncio.Task[Sequence[Evaluation]]"]
"""Begins a task and keeps it until it ends."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Watches that are evaluated together."""

    watches: list[Watch]
    timer: asyncio.TimerHandle | None = None
    is_given_up: bool = False


class Scheduler:
    """Evaluates watches.

    Args:
        register: The watches.
        evaluate: Evaluates them.
        options: How many, how long and how often.
        clock: The monotonic clock.
        start: Begins tasks.
        tell: Called with what an evaluation of a watch has led to.
    """

    def __init__(
        self,
        register: Register,
        evaluate: Evaluate,
        options: LiveOptions,
        *,
        clock: Callable[[], float],
        start: Start,
        tell: Callable[[Watch, Outcome], None],
    ) -> None:
        self._register = register
        self._evaluate = evaluate
        self._options = options
        self._clock = clock
        self._start = start
        self._tell = tell
        self._agenda: Agenda[Watch] = Agenda()
        self._queue: dict[Watch, None] = {}
        self._batches: set[_Batch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_time = 0.0
        self._is_stopped = False

    def want(self, watch: Watch, seconds: float = 0.0) -> None:
        """See to it that a watch is evaluated, if it still wants that.

        Args:
            watch: The watch.
            seconds: After how long at the earliest.
        """
        if self._is_stopped or not watch.is_wanted or watch in self._queue:
            return
        self._agenda.put(watch, max(self._clock() + seconds, watch.rests_until))
        self._set_timer()

    def forget(self, watch: Watch) -> None:
        """Evaluate a watch no more."""
        self._agenda.discard(watch)
        self._queue.pop(watch, None)

    def stop(self) -> None:
        """Begin nothing any more, and wait for nothing."""
        self._is_stopped = True
        self._queue.clear()
        for timer in (self._timer, *(batch.timer for batch in self._batches)):
            if timer is not None:
                timer.cancel()

    def _set_timer(self) -> None:
        time = self._agenda.next_time
        if self._timer is not None:
            if time is not None and time >= self._timer_time:
                return
            self._timer.cancel()
            self._timer = None
        if time is not None:
            seconds = max(0.0, time - self._clock())
            self._timer = asyncio.get_running_loop().call_later(seconds, self._run_due)
            self._timer_time = time

    def _run_due(self) -> None:
        self._timer = None
        for watch in self._agenda.pop_due(self._clock()):
            self._queue[watch] = None
        self._run_queue()
        self._set_timer()

    def _run_queue(self) -> None:
        """Begin batches while there is room for them."""
        while self._queue and len(self._batches) < self._options.batches_at_once:
            batch = self._take_batch()
            if batch:
                self._begin(batch)

    def _take_batch(self) -> list[Watch]:
        """Take what is evaluated together: not too much, and nothing that takes too long."""
        batch: list[Watch] = []
        seconds = 0.0
        while self._queue and len(batch) < self._options.batch_size:
            watch = next(iter(self._queue))
            seconds += 0.0 if watch.evaluation is None else watch.evaluation.seconds
            if batch and (watch.is_alone or seconds > self._options.batch_seconds):
                break
            del self._queue[watch]
            if watch.is_wanted:
                batch.append(watch)
                if watch.is_alone:
                    break
        return batch

    def _begin(self, watches: list[Watch]) -> None:
        batch = _Batch(watches)
        self._batches.add(batch)
        self._register.begin(watches)
        asked = [(watch.question, watch.answer) for watch in watches]
        task = self._start(self._run(asked))
        seconds = self._options.evaluation_seconds
        batch.timer = asyncio.get_running_loop().call_later(seconds, self._give_up, batch, task)
        task.add_done_callback(lambda task: self._end(batch, task))

    async def _run(self, asked: Sequence[Any]) -> Sequence[Evaluation]:
        return await self._evaluate(asked)

    def _give_up(self, batch: _Batch, task: "asyncio.Task[Sequence[Evaluation]]") -> None:
        """Wait no more for a batch; of several watches nobody knows which one it is."""
        batch.is_given_up = True
        self._batches.discard(batch)
        task.cancel()
        if len(batch.watches) == 1:
            error = EvaluationTimeout(self._options.evaluation_seconds)
            self._tell(batch.watches[0], self._register.give_up(batch.watches[0], error))
        else:
            for watch in batch.watches:
                watch.is_alone = True
                self._register.interrupt(watch)
                self.want(watch)
            batch.watches = []
        self._run_queue()

    def _end(self, batch: _Batch, task: "asyncio.Task[Sequence[Evaluation]]") -> None:
        """Pass on what a batch gave."""
        if batch.timer is not None:
            batch.timer.cancel()
        self._batches.discard(batch)
        evaluations = _get_evaluations(task, batch.watches)
        if batch.is_given_up:
            for watch in batch.watches:
                self._register.resume(watch)
                self.want(watch, _back_off(FAILED_SECONDS, watch.failures))
        elif evaluations is None:
            for watch in batch.watches:
                self._register.interrupt(watch)
                self.want(watch, FAILED_SECONDS[0])
        else:
            for watch, evaluation in zip(batch.watches, evaluations, strict=True):
                self._take(watch, evaluation)
        self._run_queue()

    def _take(self, watch: Watch, evaluation: Evaluation) -> None:
        """Pass on an evaluation, and see when the next one is due."""
        outcome = self._register.end(watch, evaluation)
        pause = evaluation.seconds
        seconds = self._options.coalesce_seconds
        if evaluation.is_busy:
            pause = max(pause, _back_off(BUSY_SECONDS, watch.failures))
        elif watch.is_awaited:
            seconds = 0.0
        elif watch.failures and not outcome.is_concerned:
            seconds = _back_off(FAILED_SECONDS, watch.failures)
        watch.rests_until = self._clock() + pause
        self.want(watch, seconds)
        self._tell(watch, outcome)


def _get_evaluations(
    task: "asyncio.Task[Sequence[Evaluation]]", watches: Sequence[Watch]
) -> Sequence[Evaluation] | None:
    """Return what a task gave, None if it was cancelled; what should not be is an error of each."""
    if task.cancelled():
        return None
    error = task.exception()
    evaluations = () if error is not None else task.result()
    if len(evaluations) == len(watches) or not watches:
        return evaluations
    logger.error(
        "Evaluating %s gave %d evaluations of %d",
        ", ".join(watch.question.name for watch in watches),
        len(evaluations),
        len(watches),
        exc_info=error,
    )
    return [Evaluation(error=InternalError(watch.question.name)) for watch in watches]


def _back_off(seconds: tuple[float, float], failures: int) -> float:
    """Return after how long to try again after so many failures, at first and at the most."""
    return min(seconds[0] * 2.0 ** min(max(0, failures - 1), 30), seconds[1])
