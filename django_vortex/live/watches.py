"""The watched answers of a process, kept right: `Watches`.

Takes subscriptions and committed changes, shows subscribers the answers. Used on one event loop.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial

from django_vortex.live.batches import Start
from django_vortex.live.changes import Change, Table
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluate, Question
from django_vortex.live.register import Register
from django_vortex.live.scheduling import Scheduler
from django_vortex.live.statistics import Lag, WatchStatistics, describe, measure_lag
from django_vortex.live.watch import Outcome, Subscriber, Watch

logger = logging.getLogger("django_vortex.live")


class Watches:
    """All watches of a process.

    Args:
        evaluate: Evaluates questions.
        options: Bounds and periods.
        clock: The monotonic clock.
        start: Begins tasks, and keeps them until they end.
        forget: Called with each question that nobody watches any more.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        options: LiveOptions,
        *,
        clock: Callable[[], float],
        start: Start,
        forget: Callable[[Question], object] | None = None,
    ) -> None:
        self._options = options
        self._clock = clock
        self._on_forget = forget
        self._register = Register(options)
        self._waiting: dict[Watch, list[tuple[int, Callable[[], object]]]] = {}
        self._scheduler = Scheduler(
            self._register, evaluate, options, clock=clock, start=start, tell=self._tell
        )

    @property
    def watches(self) -> Mapping[Question, Watch]:
        """The watches by their questions."""
        return self._register.watches

    @property
    def position(self) -> int:
        """The position of the change log, which grows with each arrival of changes."""
        return self._register.log.position

    def subscribe(self, question: Question, subscriber: Subscriber) -> Watch:
        """Show a subscriber the answer to a question, now and whenever it changes.

        Nothing is shown before this returns. A peer that subscribes with the tag of the answer is
        shown it as well, so that it knows.

        Raises:
            LimitExceeded: The peer watches too much, or all peers together.
        """
        watch, outcome = self._register.subscribe(question, subscriber)
        if outcome.shown or outcome.failed:
            asyncio.get_running_loop().call_soon(partial(_tell_still, watch, outcome))
        self._scheduler.want(watch)
        return watch

    def unsubscribe(self, watch: Watch, subscriber: Subscriber) -> None:
        """End a subscription, if it is one. A watch without any is forgotten."""
        if self._register.unsubscribe(watch, subscriber):
            self._scheduler.forget(watch)
            self._forget(watch)

    def tell(self, changes: Sequence[Change]) -> int:
        """Note changes that are committed; return the position at which they arrive."""
        self._want_again(self._register.tell(changes))
        return self.position

    def call_when_current(self, watch: Watch, function: Callable[[], object]) -> None:
        """Call a function when an answer contains all changes that were told until now.

        At once if it does. Also when the watch has failed or is over; subscribers are told before.
        """
        if watch.is_current or watch.question not in self.watches:
            function()
        else:
            self._waiting.setdefault(watch, []).append((self.position, function))

    def recover(self) -> None:
        """Evaluate all watches anew, since changes of other processes were lost."""
        self._want_again(self._register.recover())

    def find_concerned(self, changes: Sequence[Change]) -> Set[Watch]:
        """Return the watches that changes may concern, without telling them."""
        return self._register.find_concerned(changes)

    def find_watched_tables(self) -> Set[Table]:
        """Return the tables that some watch depends on."""
        return self._register.find_tables()

    def lag(self) -> Lag:
        """Return how far the watches are behind, now."""
        return measure_lag(self.watches.values(), self._clock())

    def describe(self) -> list[WatchStatistics]:
        """Return what is known of each watch, now."""
        now = self._clock()
        return [describe(watch, now) for watch in self.watches.values()]

    def estimate_seconds(self, table: Table) -> float:
        """Return how long the answers take together that depend on a table."""
        return self._register.estimate_seconds(table)

    def stop(self) -> None:
        """Evaluate nothing any more."""
        self._scheduler.stop()

    def _tell(self, watch: Watch, outcome: Outcome) -> None:
        _tell(watch, outcome)
        if watch.question not in self.watches:
            self._forget(watch)
        elif watch in self._waiting:
            is_certain = watch.is_current or bool(outcome.failed)
            self._call_waiting(watch, self.position if is_certain else watch.answered_at)

    def _forget(self, watch: Watch) -> None:
        if self._on_forget is not None:
            self._on_forget(watch.question)
        self._call_waiting(watch, self.position)

    def _call_waiting(self, watch: Watch, position: int) -> None:
        """Call what waits for the changes until a position."""
        waiting = self._waiting.pop(watch, [])
        later = [one for one in waiting if one[0] > position]
        if later:
            self._waiting[watch] = later
        for since, function in waiting:
            if since > position:
                continue
            try:
                function()
            except Exception:
                logger.exception("What waited for watch %r failed", watch.question.name)

    def _want_again(self, watches: Sequence[Watch]) -> None:
        for watch in watches:
            self._scheduler.want(watch, self._options.coalesce_seconds)


def _tell_still(watch: Watch, outcome: Outcome) -> None:
    """Tell those who are subscribers still."""
    failed = [one for one in outcome.failed if one in watch.subscribers]
    _tell(watch, replace(outcome, failed=failed))


def _tell(watch: Watch, outcome: Outcome) -> None:
    """Tell subscribers; one that fails does not keep the others from hearing it."""
    for subscriber in outcome.shown:
        if subscriber not in watch.subscribers:
            continue  # one of the others has ended it
        try:
            subscriber.show(watch)
        except Exception:
            logger.exception("A subscriber of watch %r could not be shown it", watch.question.name)
    error = watch.error
    if error is None:
        return
    for subscriber in outcome.failed:
        try:
            subscriber.fail(watch, error, is_final=outcome.is_final)
        except Exception:
            logger.exception("A subscriber of watch %r could not be told", watch.question.name)
