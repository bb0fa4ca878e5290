"""When which watch is evaluated: `Scheduler`.

Takes watches that want an evaluation, puts them into batches when it is their turn, and passes on
what these give. There is one timer, for whatever is due next; a watch that nothing concerns costs
nothing.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from django_vortex.exceptions import EvaluationTimeout
from django_vortex.live.agenda import Agenda
from django_vortex.live.answers import Answer
from django_vortex.live.batches import Batch, Batches, Start
from django_vortex.live.fair_queue import FairQueue
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluate, Evaluation
from django_vortex.live.register import Register
from django_vortex.live.watch import Outcome, Watch

BUSY_SECONDS: Final = (0.1, 5.0)
"""After how long a busy database is asked again, at first and at the most."""

FAILED_SECONDS: Final = (1.0, 60.0)
"""After how long what has failed is tried again though nothing has changed."""

MAX_DUE: Final = 500
"""Of more watches that are due at once the others come in the next turns of the event loop."""

UNKNOWN_SECONDS: Final = 0.01
"""What a first evaluation is expected to take."""

LEAST_SECONDS: Final = 0.001
"""What an evaluation counts at least, as its owner's share."""


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
        self._options = options
        self._clock = clock
        self._tell = tell
        self._agenda: Agenda[Watch] = Agenda()
        self._queue: FairQueue[Watch] = FairQueue()
        self._batches = Batches(evaluate, options.evaluation_seconds, start, self)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_time = 0.0
        self._is_stopped = False

    def want(self, watch: Watch, seconds: float = 0.0) -> None:
        """See to it that a watch is evaluated, if it still wants that.

        Args:
            watch: The watch.
            seconds: After how long at the earliest.
        """
        now, times = self._clock(), watch.times
        if watch.is_stale and times.stale_since is None:
            times.stale_since = now
        if self._is_stopped or not watch.is_wanted or watch in self._queue:
            return
        self._agenda.put(watch, max(now + seconds, times.rests_until))
        self._set_timer()

    def forget(self, watch: Watch) -> None:
        """Evaluate a watch no more."""
        self._agenda.discard(watch)
        self._queue.discard(watch)

    def stop(self) -> None:
        """Begin nothing any more, and wait for nothing."""
        self._is_stopped = True
        self._batches.stop()
        if self._timer is not None:
            self._timer.cancel()

    def end(self, batch: Batch, evaluations: Sequence[Evaluation] | None) -> None:
        """Pass on what a batch gave; None if it was cancelled."""
        for index, watch in enumerate(batch.watches):
            if evaluations is not None:
                seconds = evaluations[index].seconds - _expect_seconds(watch)
                self._queue.charge(batch.owners[index], max(0.0, seconds))
                self._take(watch, evaluations[index])
            else:
                self._register.interrupt(watch)
                self.want(watch, FAILED_SECONDS[0])
        self._run_queue()

    def give_up(self, batch: Batch) -> None:
        """Wait no more for a batch; of several watches nobody knows which one it is."""
        error = EvaluationTimeout(self._options.evaluation_seconds)
        for watch in batch.watches:
            if len(batch.watches) == 1:
                self._tell(watch, self._register.give_up(watch, error))
            else:
                watch.is_alone = True
                self._register.interrupt(watch)
                self.want(watch)
        self._run_queue()

    def resume(self, batch: Batch) -> None:
        """Try again what was given up, now that it has ended."""
        if len(batch.watches) == 1:
            [watch] = batch.watches
            self._register.resume(watch)
            self.want(watch, _back_off(FAILED_SECONDS, watch.failures))

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
        for watch in self._agenda.pop_due(self._clock(), MAX_DUE):
            self._queue.put(watch, _get_owner(watch))
        self._run_queue()
        self._set_timer()

    def _run_queue(self) -> None:
        """Begin batches while there is room for them."""
        while len(self._batches) < self._options.batches_at_once and not self._is_stopped:
            batch = self._take_batch()
            if batch is None:
                return
            self._register.begin(batch.watches)
            self._batches.begin(batch)

    def _take_batch(self) -> Batch | None:
        """Take what is evaluated together: not too much, and nothing that takes too long."""
        full = self._batches.find_owners(self._options.batches_per_user)
        watches: list[Watch] = []
        owners: list[Hashable] = []
        left = self._options.batch_seconds
        while len(watches) < self._options.batch_size:
            turn = self._queue.get_next(full)
            if turn is None:
                break
            watch = turn.item
            seconds = _expect_seconds(watch)
            if watches and (watch.is_alone or seconds > left):
                break
            self._queue.charge(turn.owner, seconds)
            self._queue.discard(watch)
            if watch.is_wanted and not self._is_refused(watch):
                watches.append(watch)
                owners.append(turn.owner)
                left -= seconds
                if watch.is_alone:
                    break
        return Batch(watches, owners) if watches else None

    def _is_refused(self, watch: Watch) -> bool:
        """Refuse a watch whose endpoint has as many evaluations that hang as it may."""
        limit = self._options.hanging_per_endpoint
        if self._batches.count_hanging(watch.question) < limit:
            return False
        error = EvaluationTimeout(self._options.evaluation_seconds)
        self._register.begin([watch])
        self._take(watch, Evaluation(error=error, dependencies=watch.dependencies))
        return True

    def _take(self, watch: Watch, evaluation: Evaluation) -> None:
        """Pass on an evaluation, and see when the next one is due."""
        before = watch.answer
        outcome = self._register.end(watch, evaluation)
        pause = evaluation.seconds
        seconds = self._options.coalesce_seconds
        if evaluation.is_busy:
            pause = max(pause, _back_off(BUSY_SECONDS, watch.failures))
        elif watch.is_awaited:
            seconds = 0.0
        elif watch.failures and not outcome.is_concerned:
            seconds = _back_off(FAILED_SECONDS, watch.failures)
        watch.is_alone = watch.is_alone and evaluation.answer is None
        self._note_times(watch, evaluation, before)
        watch.times.rests_until = self._clock() + pause
        self.want(watch, seconds)
        self._tell(watch, outcome)

    def _note_times(self, watch: Watch, evaluation: Evaluation, before: Answer | None) -> None:
        """Note since when the answer is what it is, and since when it is behind."""
        now, times = self._clock(), watch.times
        if watch.answer is not None and (before is None or before.tag != watch.answer.tag):
            times.changed_at = now
        if not watch.is_stale:
            times.stale_since = None
        elif evaluation.answer is not None:  # something has arrived while it was evaluated
            times.stale_since = now - evaluation.seconds


def _expect_seconds(watch: Watch) -> float:
    """Return how long an evaluation will take, going by the last one."""
    if watch.evaluation is None:
        return UNKNOWN_SECONDS
    return max(watch.evaluation.seconds, LEAST_SECONDS)


def _get_owner(watch: Watch) -> Hashable:
    """Return whose share an evaluation counts: the user, or somebody for whom it is."""
    scope = watch.question.scope
    if scope.user is not None:
        return scope.user
    first = next(iter(watch.subscribers), None)
    return None if first is None else first.user or first.peer


def _back_off(seconds: tuple[float, float], failures: int) -> float:
    """Return after how long to try again after so many failures, at first and at the most."""
    return min(seconds[0] * 2.0 ** min(max(0, failures - 1), 30), seconds[1])
