import pytest

from django_vortex.live.options import LiveOptions
from django_vortex.live.register import Register
from tests.unit.live.fakes import (
    TEAMS,
    TICKETS,
    FakeSubscriber,
    answered,
    changed,
    make_question,
    reads,
)


@pytest.fixture
def register():
    return Register(LiveOptions())


def subscribe(register, name="q"):
    watch, _ = register.subscribe(make_question(name), FakeSubscriber())
    return watch


def evaluate(register, watch, *dependencies):
    register.begin([watch])
    return register.end(watch, answered("t", *dependencies))


def test_what_arrives_during_an_evaluation_is_matched_with_what_that_has_read(register):
    watch = subscribe(register)
    evaluate(register, watch, reads(TICKETS))
    register.begin([watch])
    register.tell(changed(TICKETS))
    register.end(watch, answered("t", reads(TEAMS)))
    assert not watch.is_stale
    register.begin([watch])
    register.tell(changed(TICKETS))
    register.end(watch, answered("t", reads(TICKETS)))
    assert watch.is_stale


def test_more_than_the_log_keeps_makes_stale(register):
    watch = subscribe(register)
    register.begin([watch])
    for _ in range(1001):
        register.tell(changed(TEAMS))
    register.end(watch, answered("t", reads(TICKETS)))
    assert watch.is_stale


def test_log_keeps_nothing_that_no_evaluation_needs(register):
    first, second = subscribe(register, "a"), subscribe(register, "b")
    register.tell(changed())
    assert register.log.since(0) is None
    register.begin([first])
    register.tell(changed())
    register.begin([second])
    register.tell(changed())
    assert len(register.log.since(1)) == 2
    register.end(first, answered("t"))
    register.tell(changed())
    assert register.log.since(1) is None
    assert len(register.log.since(2)) == 2


def test_lost_changes_concern_evaluations_that_run(register):
    watch = subscribe(register)
    register.begin([watch])
    assert register.recover() == [watch]
    register.end(watch, answered("t"))
    assert watch.is_stale


def test_question_of_a_forgotten_watch_that_runs_is_not_evaluated_beside_it(register):
    subscriber = FakeSubscriber()
    watch, _ = register.subscribe(make_question(), subscriber)
    register.begin([watch])
    assert register.unsubscribe(watch, subscriber)
    again, _ = register.subscribe(make_question(), subscriber)
    assert again is watch
    assert not watch.is_wanted
    assert not register.end(watch, answered("t")).shown
    assert watch.is_wanted


def test_evaluation_of_a_forgotten_watch_leaves_nothing(register):
    subscriber = FakeSubscriber()
    watch, _ = register.subscribe(make_question(), subscriber)
    register.begin([watch])
    register.unsubscribe(watch, subscriber)
    assert not register.end(watch, answered("t", reads())).shown
    assert not register.find_tables()
    assert register.tell(changed()) == []
    another, _ = register.subscribe(make_question(), subscriber)
    assert another is not watch


def test_question_of_a_forgotten_watch_that_hangs_waits_until_it_ends(register):
    subscriber = FakeSubscriber()
    watch, _ = register.subscribe(make_question(), subscriber)
    register.begin([watch])
    register.give_up(watch, RuntimeError())
    register.unsubscribe(watch, subscriber)
    again, outcome = register.subscribe(make_question(), subscriber)
    assert again is watch
    assert list(outcome.failed) == [subscriber]
    register.resume(watch)
    assert watch.is_wanted


def test_subscribing_again_is_the_same_subscription(register):
    register = Register(LiveOptions(max_watches_per_peer=2))
    subscriber = FakeSubscriber()
    watch, _ = register.subscribe(make_question(), subscriber)
    evaluate(register, watch)
    assert register.subscribe(make_question(), subscriber)[0] is watch
    assert watch.is_wanted  # it has lost its answer
    assert list(watch.subscribers) == [subscriber]
    register.subscribe(make_question("other"), FakeSubscriber())
