"""The watches of a process, what it was told of, and how both come together: `Register`.

Takes subscriptions, changes, the begins and ends of evaluations; gives the watches to evaluate and
whom to tell what. Knows neither clock nor event loop.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from django_vortex.exceptions import LimitExceeded, PeerError
from django_vortex.live.change_log import ChangeLog
from django_vortex.live.changes import Change, Table
from django_vortex.live.index import Index, is_concerned
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluation, Question
from django_vortex.live.watch import NOTHING, Outcome, Subscriber, Watch


class Register:
    """All that is watched.

    Attributes:
        log: What was told, as far as it is needed.
        watches: By their questions those that somebody watches.
    """

    def __init__(self, options: LiveOptions) -> None:
        self._options = options
        self.log = ChangeLog()
        self.watches: dict[Question, Watch] = {}
        self._running: dict[Question, Watch] = {}  # also those that nobody watches any more
        self._index: Index[Watch] = Index()
        self._counts: dict[str, int] = {}

    def subscribe(self, question: Question, subscriber: Subscriber) -> tuple[Watch, Outcome]:
        """Add a subscriber to the watch of a question.

        Raises:
            LimitExceeded: The peer watches too much, or all peers of this process together.
        """
        count = self._counts.get(subscriber.peer, 0)
        if subscriber.is_counted and count >= self._options.max_watches_per_peer:
            raise LimitExceeded(
                f"You watch {count} answers, as many as a peer may",
                hint="End watches that you need no more",
            )
        watch = self.watches.get(question)
        if watch is None:
            if len(self.watches) >= self._options.max_watches:
                raise LimitExceeded(
                    f"{len(self.watches)} answers are watched, as many as the server allows",
                    hint="Try again later",
                )
            # One that runs is never begun again beside itself, though nobody waits for it.
            watch = self._running.get(question) or Watch(question)
            self.watches[question] = watch
        if subscriber.is_counted and subscriber not in watch.subscribers:
            self._counts[subscriber.peer] = count + 1
        return watch, watch.join(subscriber)

    def unsubscribe(self, watch: Watch, subscriber: Subscriber) -> bool:
        """Remove a subscriber, if it is one; return whether the watch is forgotten with it."""
        if subscriber not in watch.subscribers:
            return False
        watch.leave(subscriber)
        self._uncount([subscriber])
        return self._forget_unwatched(watch)

    def tell(self, changes: Sequence[Change]) -> list[Watch]:
        """Note changes that are committed; return the watches that they concern."""
        self.log.append(changes)
        self._trim()
        return self._spoil(self._index.find(changes))

    def recover(self) -> list[Watch]:
        """Note that changes were lost; return all watches, which they may concern."""
        self.log.lose()
        return self._spoil(self.watches.values())

    def begin(self, watches: Iterable[Watch]) -> None:
        """Begin an evaluation of each, before its first statement."""
        for watch in watches:
            watch.begin(self.log.position)
            self._running[watch.question] = watch

    def end(self, watch: Watch, evaluation: Evaluation) -> Outcome:
        """Take what an evaluation gave; what a watch that nobody watches would get is dropped."""
        self._running.pop(watch.question, None)
        if watch.question not in self.watches:
            watch.interrupt()
            return NOTHING
        evaluation = self._bounded(evaluation)
        since = None if watch.begun_at is None else self.log.since(watch.begun_at)
        is_met = since is None or is_concerned(evaluation.dependencies, since)
        outcome = watch.end(evaluation, is_concerned=is_met)
        self._index.put(watch, watch.dependencies)
        if outcome.is_final:
            self._uncount(outcome.failed)
            self._forget_unwatched(watch)
        return outcome

    def interrupt(self, watch: Watch) -> None:
        """Take note that an evaluation gave nothing, for no reason of the watch's."""
        self._running.pop(watch.question, None)
        watch.interrupt()

    def give_up(self, watch: Watch, error: PeerError) -> Outcome:
        """Wait no more for an evaluation that still runs."""
        return watch.give_up(error)

    def resume(self, watch: Watch) -> None:
        """Take note that an evaluation that was given up has ended."""
        self._running.pop(watch.question, None)
        watch.resume()

    def find_concerned(self, changes: Sequence[Change]) -> Set[Watch]:
        """Return the watches that changes may concern."""
        return self._index.find(changes)

    def find_tables(self) -> Set[Table]:
        """Return the tables that some watch depends on."""
        return self._index.find_tables()

    def estimate_seconds(self, table: Table) -> float:
        """Return how long the answers take together that depend on a table."""
        watches = self._index.find([Change(table)])
        return sum(one.evaluation.seconds for one in watches if one.evaluation is not None)

    def _bounded(self, evaluation: Evaluation) -> Evaluation:
        """Return an evaluation, or the error that its answer is too large."""
        answer, options = evaluation.answer, self._options
        if answer is None:
            return evaluation
        if len(answer) > options.max_watched_rows:
            size = f"{len(answer)} rows, more than can be watched ({options.max_watched_rows})"
        elif answer.size > options.max_watched_bytes:
            size = f"{answer.size} bytes, more than can be watched"
            size += f" ({options.max_watched_bytes})"
        else:
            return evaluation
        error = LimitExceeded(f"The answer has {size}", hint="Watch a page of it")
        return replace(evaluation, answer=None, error=error, is_final=True)

    def _spoil(self, watches: Iterable[Watch]) -> list[Watch]:
        spoiled = list(watches)
        for watch in spoiled:
            watch.spoil()
        return spoiled

    def _trim(self) -> None:
        """Forget what no evaluation that runs can have missed."""
        begun = [one.begun_at for one in self._running.values() if one.begun_at is not None]
        self.log.forget(min(begun, default=self.log.position))

    def _uncount(self, subscribers: Iterable[Subscriber]) -> None:
        for subscriber in subscribers:
            if not subscriber.is_counted:
                continue
            left = self._counts.get(subscriber.peer, 0) - 1
            if left > 0:
                self._counts[subscriber.peer] = left
            else:
                self._counts.pop(subscriber.peer, None)

    def _forget_unwatched(self, watch: Watch) -> bool:
        if watch.subscribers:
            return False
        self.watches.pop(watch.question, None)
        self._index.discard(watch)
        return True
