"""One watched answer, and who watches it: `Watch`.

A state machine without clock and event loop. It is told when somebody joins or leaves, when a
change concerns it, when an evaluation begins and how it ended; it says whom to show the answer.
What it promises: nobody is shown an older answer after a newer one, whichever process has shown
that, and what arrives after the begin of an evaluation leads to another one if it concerns it.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Final, Protocol

from django_vortex.exceptions import PeerError
from django_vortex.live.answers import Answer
from django_vortex.live.dependencies import Dependency
from django_vortex.live.questions import Evaluation, Question
from django_vortex.live.sparse_sets import EMPTY, add, remove
from django_vortex.live.times import Times


class Subscriber(Protocol):
    """The interest of one peer in one watch."""

    @property
    def peer(self) -> str:
        """The uuid of the peer."""

    @property
    def user(self) -> str | None:
        """The primary key of its user as text, if it is logged in."""

    @property
    def is_counted(self) -> bool:
        """Whether it is one of the watches that a peer may have so many of."""

    @property
    def tag(self) -> str | None:
        """The tag of the answer that the peer has, None for none."""

    def show(self, watch: "Watch", /) -> None:
        """Take notice that there is an answer to show, the first one or another; return at once."""

    def fail(self, watch: "Watch", error: PeerError, /, *, is_final: bool) -> None:
        """Take notice that there is no answer; return at once.

        Args:
            watch: The watch.
            error: Why there is none.
            is_final: Whether there will be none: the subscription is over.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whom to tell what, after something has happened to a watch."""

    shown: Sequence[Subscriber] = ()
    """They are shown its answer."""
    failed: Sequence[Subscriber] = ()
    """They are told its error."""
    is_final: bool = False
    """Whether those are no subscribers any more."""
    is_concerned: bool = False
    """Whether something has arrived since the begin of the evaluation that may concern it."""


NOTHING: Final = Outcome()


class Watch:
    """An answer that is kept right for its subscribers.

    Attributes:
        question: What is asked.
        subscribers: Who watches, in the order of arrival.
        answer: The newest answer, None before the first.
        answered_at: The position of the change log that the answer contains all changes of.
        dependencies: What the last evaluation has read.
        error: Why the last evaluation failed, as all were told who had to be; None if it did not.
        is_stale: Whether a change may concern the answer, or there is none.
        begun_at: The position at which the running evaluation has begun, None if none runs.
        is_hanging: Whether an evaluation was given up that still runs.
        evaluation: The last one that has ended.
        evaluations: How many have ended.
        failures: How many of the last ones gave no answer.
        times: When what was or may be, for whoever schedules that.
        is_alone: Whether it is evaluated in no batch with others.
    """

    __slots__ = (
        *("__weakref__", "_late", "_unserved", "answer", "answered_at", "begun_at", "dependencies"),
        *("error", "evaluation", "evaluations", "failures", "is_alone", "is_hanging", "is_stale"),
        *("question", "subscribers", "times"),
    )

    def __init__(self, question: Question) -> None:
        self.question = question
        self.subscribers: dict[Subscriber, None] = {}
        self.answer: Answer | None = None
        self.answered_at = -1
        self.dependencies: tuple[Dependency, ...] = ()
        self.error: PeerError | None = None
        self.is_stale = True
        self.begun_at: int | None = None
        self.is_hanging = False
        self.evaluation: Evaluation | None = None
        self.evaluations = 0
        self.failures = 0
        self.times = Times()
        self.is_alone = False
        self._unserved: Set[Subscriber] = EMPTY  # have been shown and told nothing yet
        self._late: Set[Subscriber] = EMPTY  # of those, who came after the begin

    @property
    def is_running(self) -> bool:
        """Whether an evaluation runs, also one that was given up."""
        return self.begun_at is not None or self.is_hanging

    @property
    def is_current(self) -> bool:
        """Whether the answer is right, as far as is known."""
        return self.answer is not None and not self.is_stale and self.begun_at is None

    @property
    def is_wanted(self) -> bool:
        """Whether an evaluation is to begin."""
        if self.is_running or not self.subscribers:
            return False
        return self.is_stale or bool(self._unserved)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody has been shown nothing yet."""
        return bool(self._unserved)

    def join(self, subscriber: Subscriber) -> Outcome:
        """Add a subscriber.

        It may have seen a newer state in another process. So it gets an answer of an evaluation
        that begins from now on, unless it has the current one.
        """
        self.subscribers[subscriber] = None
        if self.is_hanging:
            return Outcome(failed=(subscriber,))
        if self.is_current and self.answer is not None and subscriber.tag == self.answer.tag:
            return Outcome(shown=(subscriber,))
        self._unserved = add(self._unserved, subscriber)
        if self.begun_at is not None:
            self._late = add(self._late, subscriber)
        return NOTHING

    def leave(self, subscriber: Subscriber) -> None:
        """Remove a subscriber, if it is one."""
        self.subscribers.pop(subscriber, None)
        self._unserved = remove(self._unserved, [subscriber])
        self._late = remove(self._late, [subscriber])

    def spoil(self) -> None:
        """Note that a change may concern the answer, until the next evaluation begins.

        What arrives while one runs is matched with what that has read, at its end.
        """
        self.is_stale = True

    def begin(self, position: int) -> None:
        """Begin an evaluation; called before its first statement.

        Args:
            position: Of the change log, now.
        """
        if self.is_running:
            raise RuntimeError(f"Watch {self.question.name!r} is being evaluated already")
        self.begun_at = position
        self.is_stale = False

    def end(self, evaluation: Evaluation, *, is_concerned: bool) -> Outcome:
        """Take what the evaluation gave.

        Args:
            evaluation: What it gave.
            is_concerned: Whether what has arrived since its begin may concern what it has read.
        """
        begun_at, late = self._close()
        self.evaluation = evaluation
        self.evaluations += 1
        if evaluation.answer is None:
            self.failures += 1
            self.is_stale = True
            if evaluation.error is None or evaluation.is_busy:
                return Outcome(is_concerned=is_concerned)
            self.dependencies = evaluation.dependencies
            outcome = self._fail(evaluation.error, late, is_final=evaluation.is_final)
            return replace(outcome, is_concerned=is_concerned)
        tag = evaluation.answer.tag
        is_new = self.error is not None or self.answer is None or self.answer.tag != tag
        self.error, self.failures = None, 0
        self.answer, self.answered_at = evaluation.answer, begun_at
        self.dependencies = evaluation.dependencies
        self.is_stale = is_concerned
        shown = [one for one in (self.subscribers if is_new else self._unserved) if one not in late]
        if not is_concerned:
            shown += [one for one in late if one.tag == tag]
        self._unserved = remove(self._unserved, shown)
        return Outcome(shown=shown, is_concerned=is_concerned)

    def interrupt(self) -> None:
        """Take note that the evaluation gave nothing, for no reason of its own."""
        self._close()
        self.is_stale = True

    def give_up(self, error: PeerError) -> Outcome:
        """Wait no more for the evaluation, which still runs; none begins before `resume`."""
        self._close()
        self.is_hanging = self.is_stale = True
        self.failures += 1
        return self._fail(error, late=EMPTY, is_final=False)

    def resume(self) -> None:
        """Take note that the evaluation that was given up has ended."""
        self.is_hanging = False

    def _close(self) -> tuple[int, Set[Subscriber]]:
        """End the evaluation; return its position and who came after its begin."""
        if self.begun_at is None:
            raise RuntimeError(f"Watch {self.question.name!r} is not being evaluated")
        begun_at, late = self.begun_at, self._late
        self.begun_at, self._late = None, EMPTY
        return begun_at, late

    def _fail(self, error: PeerError, late: Set[Subscriber], *, is_final: bool) -> Outcome:
        """Tell those that have not been told; all, if it is over."""
        told = self.subscribers if is_final or self.error is None else self._unserved
        failed = [one for one in told if one not in late]
        self.error = error
        self._unserved = remove(self._unserved, failed)
        if is_final:
            self.answer = None
            for one in failed:
                self.leave(one)
        return Outcome(failed=failed, is_final=is_final)
