import asyncio
from functools import wraps

import pytest

from django_vortex.exceptions import EvaluationTimeout, HandlerError, LimitExceeded
from django_vortex.live.questions import Evaluation
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.live.fakes import (
    TEAMS,
    TICKETS,
    FakeEvaluate,
    FakeSubscriber,
    answered,
    changed,
    make_question,
    make_watches,
    reads,
)

LONG = 1000.0
"""Seconds of virtual time, in which everything that waits is over."""


def in_virtual_time(test):
    @wraps(test)
    def run():
        run_in_virtual_time(test())

    return run


@in_virtual_time
async def test_subscriber_is_shown_the_answer_and_what_it_becomes():
    watches = make_watches(FakeEvaluate(reads()))
    subscriber = FakeSubscriber()
    watch = watches.subscribe(make_question(), subscriber)
    assert subscriber.heard == []
    await asyncio.sleep(LONG)
    assert watches.tell(changed()) == 1
    await asyncio.sleep(LONG)
    assert subscriber.heard == ["t1", "t2"]
    assert watch.answered_at == watches.position == 1


@in_virtual_time
async def test_changes_of_other_tables_evaluate_nothing():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate)
    watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    watches.tell(changed(TEAMS))
    await asyncio.sleep(LONG)
    assert evaluate.batches == [["q"]]
    assert watches.find_watched_tables() == {TICKETS}


@in_virtual_time
async def test_changes_are_gathered_for_a_while():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate, coalesce_seconds=0.5)
    watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    begun = asyncio.get_running_loop().time()
    for _ in range(10):
        watches.tell(changed())
        await asyncio.sleep(0.02)
    await asyncio.sleep(LONG)
    assert len(evaluate.batches) == 2
    assert evaluate.times[1] - begun == pytest.approx(0.5, abs=0.05)


@in_virtual_time
async def test_those_who_ask_the_same_share_one_evaluation():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate)
    subscribers = [FakeSubscriber(f"p{number}") for number in range(3)]
    shared = {watches.subscribe(make_question(), one) for one in subscribers}
    watches.subscribe(make_question(user="7"), FakeSubscriber())
    await asyncio.sleep(LONG)
    assert len(shared) == 1
    assert [one.heard for one in subscribers] == [["t1"]] * 3
    assert evaluate.batches == [["q", "q"]]


@in_virtual_time
async def test_whoever_has_the_answer_causes_no_evaluation():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate)
    watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    newcomer = FakeSubscriber("other", tag="t1")
    watches.subscribe(make_question(), newcomer)
    assert newcomer.heard == []
    await asyncio.sleep(LONG)
    assert newcomer.heard == ["t1"]
    assert len(evaluate.batches) == 1


@in_virtual_time
async def test_last_one_to_leave_ends_the_watch_and_drops_its_evaluation():
    evaluate = FakeEvaluate(reads(), seconds=1.0)
    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watch = watches.subscribe(make_question(), subscriber)
    await asyncio.sleep(0.5)
    watches.unsubscribe(watch, subscriber)
    assert not watches.watches
    await asyncio.sleep(LONG)
    assert subscriber.heard == []
    watches.tell(changed())
    await asyncio.sleep(LONG)
    assert len(evaluate.batches) == 1
    assert not watches.find_watched_tables()


@in_virtual_time
async def test_lost_changes_evaluate_everything():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate)
    for name in "ab":
        watches.subscribe(make_question(name), FakeSubscriber())
    await asyncio.sleep(LONG)
    watches.recover()
    await asyncio.sleep(LONG)
    assert evaluate.batches == [["a", "b"]] * 2
    assert watches.position == 1


@in_virtual_time
async def test_failure_is_told_once_and_tried_again():
    evaluate = FakeEvaluate(reads())
    error = HandlerError("Broken")
    evaluate.ready += [Evaluation(error=error, dependencies=(reads(),))] * 4
    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watches.subscribe(make_question(), subscriber)
    await asyncio.sleep(LONG)
    assert subscriber.heard == [(error, False), "t5"]
    waits = [later - one for one, later in zip(evaluate.times, evaluate.times[1:], strict=False)]
    assert waits == [pytest.approx(seconds, abs=0.1) for seconds in (1, 2, 4, 8)]


@in_virtual_time
async def test_failure_is_tried_again_at_the_next_change():
    evaluate = FakeEvaluate(reads())
    evaluate.ready += [Evaluation(error=HandlerError("Broken"), dependencies=(reads(),))]
    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watches.subscribe(make_question(), subscriber)
    await asyncio.sleep(0.1)
    watches.tell(changed())
    await asyncio.sleep(0.1)
    assert subscriber.heard[1:] == ["t2"]


@in_virtual_time
async def test_final_failure_ends_the_watch():
    evaluate = FakeEvaluate()
    error = HandlerError("You may not watch this any more")
    evaluate.ready += [Evaluation(error=error, is_final=True)]
    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watches.subscribe(make_question(), subscriber)
    await asyncio.sleep(LONG)
    assert subscriber.heard == [(error, True)]
    assert not watches.watches


@in_virtual_time
async def test_busy_database_is_asked_again_later_and_nobody_hears_of_it():
    evaluate = FakeEvaluate(reads())
    evaluate.ready += [Evaluation(error=HandlerError("Busy"), is_busy=True)] * 8
    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watches.subscribe(make_question(), subscriber)
    await asyncio.sleep(LONG)
    assert subscriber.heard == ["t9"]
    waits = [later - one for one, later in zip(evaluate.times, evaluate.times[1:], strict=False)]
    assert waits == [pytest.approx(s, abs=0.1) for s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5)]


@in_virtual_time
async def test_pause_is_as_long_as_the_evaluation():
    evaluate = FakeEvaluate(reads(), seconds=2.0)
    watches = make_watches(evaluate)
    watches.subscribe(make_question(), FakeSubscriber())
    for _ in range(500):
        watches.tell(changed())
        await asyncio.sleep(0.1)
    waits = [later - one for one, later in zip(evaluate.times, evaluate.times[1:], strict=False)]
    assert min(waits) == pytest.approx(4.0)


@in_virtual_time
async def test_evaluation_that_never_ends_is_an_error_and_blocks_nobody():
    hung = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * LONG, hung.set)
    begun = []

    async def evaluate(asked):
        begun.append([question.name for question, _ in asked])
        if any(question.name == "hangs" for question, _ in asked):
            while not hung.is_set():  # as a thread, which cannot be cancelled
                try:
                    await hung.wait()
                except asyncio.CancelledError:
                    continue
        return [answered(f"t{question.name}") for question, _ in asked]

    watches = make_watches(evaluate, evaluation_seconds=5.0)
    hanging, other = FakeSubscriber(), FakeSubscriber("other")
    watches.subscribe(make_question("hangs"), hanging)
    watches.subscribe(make_question("other"), other)
    await asyncio.sleep(LONG)
    assert other.heard == ["tother"]
    assert [type(error) for error, _ in hanging.heard] == [EvaluationTimeout]
    assert begun.count(["hangs"]) == 1
    late = FakeSubscriber("late")
    watches.subscribe(make_question("hangs"), late)
    await asyncio.sleep(1.0)
    assert [type(error) for error, _ in late.heard] == [EvaluationTimeout]
    hung.set()
    await asyncio.sleep(LONG)
    assert hanging.heard[1:] == late.heard[1:] == ["thangs"]


@in_virtual_time
async def test_evaluate_that_raises_is_an_error_of_each():
    async def evaluate(asked):
        raise RuntimeError("Broken")

    watches = make_watches(evaluate)
    subscriber = FakeSubscriber()
    watches.subscribe(make_question("name"), subscriber)
    await asyncio.sleep(0.1)
    assert [str(error) for error, _ in subscriber.heard] == [
        "The server could not answer (ref name)"
    ]


@in_virtual_time
async def test_peer_may_watch_so_much():
    watches = make_watches(FakeEvaluate(), max_watches_per_peer=2)
    first = watches.subscribe(make_question("a"), one := FakeSubscriber())
    watches.subscribe(make_question("b"), FakeSubscriber())
    watches.subscribe(make_question("a"), FakeSubscriber("other"))
    with pytest.raises(LimitExceeded, match="You watch 2 answers, as many as a peer may"):
        watches.subscribe(make_question("c"), FakeSubscriber())
    watches.unsubscribe(first, one)
    watches.unsubscribe(first, one)
    watches.subscribe(make_question("c"), FakeSubscriber())
    with pytest.raises(LimitExceeded):
        watches.subscribe(make_question("d"), FakeSubscriber())


@in_virtual_time
async def test_what_is_watched_for_other_reasons_does_not_count():
    class Gate(FakeSubscriber):
        is_counted = False

    watches = make_watches(FakeEvaluate(), max_watches_per_peer=1)
    gates = [(watches.subscribe(make_question(name), one := Gate()), one) for name in "ab"]
    watches.subscribe(make_question("c"), FakeSubscriber())
    gates.append((watches.subscribe(make_question("d"), one := Gate()), one))
    for watch, gate in gates:
        watches.unsubscribe(watch, gate)
    with pytest.raises(LimitExceeded):
        watches.subscribe(make_question("e"), FakeSubscriber())


@in_virtual_time
async def test_process_watches_so_much():
    watches = make_watches(FakeEvaluate(), max_watches=1)
    watches.subscribe(make_question("a"), FakeSubscriber())
    watches.subscribe(make_question("a"), FakeSubscriber("other"))
    with pytest.raises(LimitExceeded, match="1 answers are watched, as many as the server allows"):
        watches.subscribe(make_question("b"), FakeSubscriber())


@in_virtual_time
async def test_answer_may_be_so_large():
    evaluate = FakeEvaluate()
    evaluate.ready += [answered("t", rows=3), answered("t", size=11), answered("t", rows=2)]
    watches = make_watches(evaluate, max_watched_rows=2, max_watched_bytes=10)
    subscribers = [FakeSubscriber() for _ in range(3)]
    for name, subscriber in zip("abc", subscribers, strict=True):
        watches.subscribe(make_question(name), subscriber)
    await asyncio.sleep(LONG)
    (rows, is_final), (size, _) = subscribers[0].heard + subscribers[1].heard
    assert is_final
    assert str(rows).startswith("The answer has 3 rows, more than can be watched (2)")
    assert str(size).startswith("The answer has 11 bytes, more than can be watched (10)")
    assert subscribers[2].heard == ["t"]
    assert [question.name for question in watches.watches] == ["c"]


@in_virtual_time
async def test_whoever_waits_for_what_was_told_hears_of_it_also_if_changes_never_end():
    watches = make_watches(FakeEvaluate(reads(), seconds=1.0))
    watch = watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    called = []
    watches.call_when_current(watch, lambda: called.append(0))
    assert called == [0]
    for number in range(100):
        position = watches.tell(changed())
        if number == 10:
            watches.call_when_current(watch, lambda: called.append(watch.answered_at))
            asked_at = position
        await asyncio.sleep(0.25)
    assert not watch.is_current
    assert called[1] >= asked_at
    assert len(called) == 2


@in_virtual_time
async def test_whoever_waits_hears_of_the_end_of_a_watch_too():
    watches = make_watches(FakeEvaluate(reads(), seconds=1.0))
    watch = watches.subscribe(make_question(), subscriber := FakeSubscriber())
    called = []
    watches.call_when_current(watch, lambda: 1 / 0)
    watches.call_when_current(watch, lambda: called.append(1))
    watches.unsubscribe(watch, subscriber)
    assert called == [1]


@in_virtual_time
async def test_subscriber_that_raises_keeps_the_answer_from_no_other():
    class Raising(FakeSubscriber):
        def show(self, watch):
            raise RuntimeError("Broken")

    watches = make_watches(FakeEvaluate())
    watches.subscribe(make_question(), Raising())
    watches.subscribe(make_question(), other := FakeSubscriber())
    await asyncio.sleep(LONG)
    assert other.heard == ["t1"]


@in_virtual_time
async def test_subscriber_that_raises_keeps_the_error_from_no_other():
    class Raising(FakeSubscriber):
        def fail(self, watch, error, *, is_final):
            raise RuntimeError("Broken")

    evaluate = FakeEvaluate()
    evaluate.ready += [Evaluation(error=HandlerError("No"), is_final=True)]
    watches = make_watches(evaluate)
    watches.subscribe(make_question(), Raising())
    watches.subscribe(make_question(), other := FakeSubscriber())
    await asyncio.sleep(LONG)
    assert [is_final for _, is_final in other.heard] == [True]


@in_virtual_time
async def test_subscription_that_another_subscriber_ends_is_shown_nothing():
    class Ending(FakeSubscriber):
        def show(self, watch):
            watches.unsubscribe(watch, other)

    watches = make_watches(FakeEvaluate())
    other = FakeSubscriber()
    watches.subscribe(make_question(), Ending())
    watches.subscribe(make_question(), other)
    await asyncio.sleep(LONG)
    assert other.heard == []


@in_virtual_time
async def test_what_changes_would_concern_is_told_without_telling_them():
    watches = make_watches(FakeEvaluate(reads()))
    watch = watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    assert watches.find_concerned(changed()) == {watch}
    assert not watches.find_concerned(changed(TEAMS))
    assert watch.is_current


@in_virtual_time
async def test_watch_that_nothing_concerns_sets_no_timer():
    watches = make_watches(FakeEvaluate(reads()))
    watches.subscribe(make_question(), FakeSubscriber())
    await asyncio.sleep(LONG)
    loop = asyncio.get_running_loop()
    assert not [one for one in loop._scheduled if not one.cancelled()]


@in_virtual_time
async def test_stopped_watches_begin_nothing():
    evaluate = FakeEvaluate(reads())
    watches = make_watches(evaluate)
    watches.subscribe(make_question(), FakeSubscriber())
    watches.stop()
    watches.tell(changed())
    await asyncio.sleep(LONG)
    assert evaluate.batches == []
