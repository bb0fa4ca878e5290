import pytest

from django_vortex.exceptions import HandlerError
from django_vortex.live.questions import Evaluation
from django_vortex.live.watch import Watch
from tests.unit.live.fakes import FakeSubscriber, answered, make_question, reads

ERROR = HandlerError("Broken")


@pytest.fixture
def watch():
    return Watch(make_question())


def answer(watch, tag, *, is_concerned=False):
    watch.begin(0)
    return watch.end(answered(tag), is_concerned=is_concerned)


def test_watch_without_answer_wants_an_evaluation_for_whoever_joins(watch):
    assert not watch.is_wanted
    watch.join(FakeSubscriber())
    assert watch.is_wanted
    assert watch.is_awaited


def test_answer_is_for_all_who_joined_before_the_begin(watch):
    early, late = FakeSubscriber(), FakeSubscriber()
    watch.join(early)
    watch.begin(5)
    watch.join(late)
    outcome = watch.end(answered("t", reads()), is_concerned=False)
    assert list(outcome.shown) == [early]
    assert (watch.answer.tag, watch.answered_at, watch.dependencies) == ("t", 5, (reads(),))
    assert not watch.is_stale
    assert watch.is_wanted  # for the late one
    assert list(answer(watch, "t").shown) == [late]
    assert not watch.is_wanted


def test_same_answer_is_shown_to_nobody_who_has_it(watch):
    watch.join(one := FakeSubscriber())
    assert list(answer(watch, "t").shown) == [one]
    watch.spoil()
    assert not answer(watch, "t").shown


def test_other_answer_is_shown_to_all(watch):
    subscribers = [FakeSubscriber(), FakeSubscriber()]
    for one in subscribers:
        watch.join(one)
    answer(watch, "t")
    watch.spoil()
    assert list(answer(watch, "u").shown) == subscribers


def test_whoever_has_the_current_answer_is_shown_it_at_once(watch):
    watch.join(FakeSubscriber())
    answer(watch, "t")
    newcomer = FakeSubscriber(tag="t")
    assert list(watch.join(newcomer).shown) == [newcomer]
    assert not watch.is_wanted


def test_whoever_has_another_answer_waits_for_an_evaluation(watch):
    watch.join(FakeSubscriber())
    answer(watch, "t")
    newcomer = FakeSubscriber(tag="u")
    assert not watch.join(newcomer).shown
    assert watch.is_wanted
    assert list(answer(watch, "t").shown) == [newcomer]


def test_whoever_comes_late_with_the_new_answer_is_shown_it(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    watch.join(late := FakeSubscriber(tag="t"))
    assert list(watch.end(answered("t"), is_concerned=False).shown) == [one, late]
    assert not watch.is_wanted


def test_whoever_comes_late_with_an_answer_that_is_stale_waits(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    watch.join(late := FakeSubscriber(tag="t"))
    assert list(watch.end(answered("t"), is_concerned=True).shown) == [one]
    assert list(answer(watch, "t").shown) == [late]


def test_what_arrives_while_it_is_evaluated_counts_by_what_that_reads(watch):
    watch.join(FakeSubscriber())
    watch.begin(0)
    watch.spoil()
    watch.end(answered("t"), is_concerned=False)
    assert not watch.is_stale
    watch.begin(0)
    watch.end(answered("t"), is_concerned=True)
    assert watch.is_stale


def test_failure_is_told_once_and_its_end_shown_to_all(watch):
    watch.join(one := FakeSubscriber())
    answer(watch, "t")
    for failed in ([one], []):
        watch.begin(0)
        outcome = watch.end(Evaluation(error=ERROR, dependencies=(reads(),)), is_concerned=False)
        assert list(outcome.failed) == failed
        assert watch.is_stale
        assert watch.dependencies == (reads(),)
    watch.join(newcomer := FakeSubscriber(tag="t"))
    watch.begin(0)
    outcome = watch.end(Evaluation(error=ERROR), is_concerned=False)
    assert list(outcome.failed) == [newcomer]
    assert watch.failures == 3
    assert list(answer(watch, "t").shown) == [one, newcomer]
    assert (watch.failures, watch.error) == (0, None)


def test_busy_database_leaves_everything_as_it_was(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    outcome = watch.end(Evaluation(error=ERROR, is_busy=True), is_concerned=False)
    assert not outcome.failed
    assert watch.is_wanted
    assert list(answer(watch, "t").shown) == [one]


def test_final_failure_is_not_for_whoever_came_late(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    watch.join(late := FakeSubscriber())
    outcome = watch.end(Evaluation(error=ERROR, is_final=True), is_concerned=False)
    assert (list(outcome.failed), outcome.is_final) == ([one], True)
    assert list(watch.subscribers) == [late]
    assert watch.is_wanted


def test_evaluation_that_is_given_up_is_told_and_none_begins_beside_it(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    watch.join(late := FakeSubscriber())
    assert list(watch.give_up(ERROR).failed) == [one, late]
    assert not watch.is_wanted
    with pytest.raises(RuntimeError, match="'q' is being evaluated already"):
        watch.begin(0)
    newcomer = FakeSubscriber()
    assert list(watch.join(newcomer).failed) == [newcomer]
    watch.resume()
    assert list(answer(watch, "t").shown) == [one, late, newcomer]


def test_no_two_evaluations_at_once(watch):
    watch.join(FakeSubscriber())
    watch.begin(0)
    assert not watch.is_wanted
    with pytest.raises(RuntimeError, match="'q' is being evaluated already"):
        watch.begin(0)
    watch.interrupt()
    assert watch.is_wanted
    with pytest.raises(RuntimeError, match="'q' is not being evaluated"):
        watch.interrupt()


def test_whoever_leaves_is_waited_for_no_more(watch):
    watch.join(one := FakeSubscriber())
    watch.begin(0)
    watch.join(late := FakeSubscriber())
    watch.leave(late)
    watch.leave(one)
    watch.leave(one)
    assert not watch.end(answered("t"), is_concerned=False).shown
    assert not watch.is_wanted
