import asyncio
from collections import Counter
from itertools import chain

import pytest

from django_vortex.exceptions import EvaluationTimeout
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.live.fakes import (
    FakeSubscriber,
    answered,
    changed,
    make_question,
    make_watches,
    reads,
)

LONG = 1000.0
"""Seconds of virtual time, in which everything that waits is over."""


class Database:
    """Evaluates each question in the time that it is said to take; some never end.

    Those that never end cannot be cancelled either, as a thread.
    """

    def __init__(self, **seconds):
        self.seconds = seconds
        self.hanging = {}
        self.begun = []
        self.count = 0
        self.running = Counter()
        self.most = Counter()

    async def __call__(self, asked):
        names = [question.name for question, _ in asked]
        self.begun.append(names)
        self.count += 1
        tag = f"t{self.count}"
        owners = {question.scope.user for question, _ in asked}
        self.running.update([*names, *owners, "all"])
        self.most |= self.running
        for name in names:
            await asyncio.sleep(self.seconds.get(name, 0.0))
            if name in self.hanging:
                await self._hang(self.hanging[name])
        self.running.subtract([*names, *owners, "all"])
        return [answered(tag, reads(), seconds=self.seconds.get(name, 0.0)) for name in names]

    async def _hang(self, end):
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    def hang(self, name):
        self.hanging[name] = asyncio.Event()
        asyncio.get_running_loop().call_later(3 * LONG, self.hanging[name].set)
        return self.hanging[name]

    def find_batches(self, name):
        return [names for names in self.begun if name in names]


def subscribe(watches, name, user=None, peer="p", endpoint=None):
    subscriber = FakeSubscriber(peer, user)
    watches.subscribe(make_question(name, user, endpoint), subscriber)
    return subscriber


def test_watches_are_evaluated_together_as_long_as_that_is_quick():
    async def main():
        database = Database(slow=0.2, **{f"q{number}": 0.02 for number in range(12)})
        watches = make_watches(database, batch_seconds=0.11)
        for name in database.seconds:
            subscribe(watches, name)
        await asyncio.sleep(LONG)
        database.begun.clear()
        watches.tell(changed())
        await asyncio.sleep(LONG)
        assert ["slow"] in database.begun
        assert max(len(names) for names in database.begun) == 5
        assert sorted(chain.from_iterable(database.begun)) == sorted(database.seconds)

    run_in_virtual_time(main())


def test_batches_are_bounded():
    async def main():
        database = Database()
        watches = make_watches(database, batch_size=3, batches_at_once=2, batches_per_user=2)
        for number in range(10):
            subscribe(watches, f"q{number}", peer=f"p{number}")
        await asyncio.sleep(LONG)
        assert max(len(names) for names in database.begun) == 3
        assert database.most["all"] == 2

    run_in_virtual_time(main())


def test_who_watches_much_does_not_hold_up_who_watches_little():
    async def main():
        many = {f"a{number}": 1.0 for number in range(100)}
        database = Database(b=0.01, **many)
        watches = make_watches(database)
        subscribers = [subscribe(watches, name, user="a") for name in many]
        other = subscribe(watches, "b", user="b")
        await asyncio.sleep(LONG)
        assert all(one.heard for one in subscribers)
        begun = asyncio.get_running_loop().time()
        other.heard.clear()
        watches.tell(changed())
        while not other.heard:
            await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() - begun < 1.0
        assert database.most["a"] == 2

    run_in_virtual_time(main())


def test_one_of_a_batch_that_never_ends_holds_up_the_others_once():
    async def main():
        database = Database()
        database.hang("bad")
        watches = make_watches(database, evaluation_seconds=5.0)
        bad = subscribe(watches, "bad")
        others = [subscribe(watches, name) for name in ("x", "y")]
        await asyncio.sleep(LONG)
        assert [one.heard for one in others] == [["t3"], ["t4"]]
        assert [type(error) for error, _ in bad.heard] == [EvaluationTimeout]
        assert database.begun == [["bad", "x", "y"], ["bad"], ["x"], ["y"]]
        watches.tell(changed())
        await asyncio.sleep(LONG)
        assert [set(names) for names in database.begun[4:]] == [{"x", "y"}]

    run_in_virtual_time(main())


def test_what_never_ended_is_tried_again_when_it_has():
    async def main():
        database = Database()
        end = database.hang("bad")
        watches = make_watches(database, evaluation_seconds=5.0)
        bad = subscribe(watches, "bad")
        await asyncio.sleep(LONG)
        assert database.find_batches("bad") == [["bad"]]
        end.set()
        await asyncio.sleep(LONG)
        assert database.find_batches("bad") == [["bad"]] * 2
        assert [type(error) for error, _ in bad.heard[:-1]] == [EvaluationTimeout]
        assert bad.heard[-1] == "t2"

    run_in_virtual_time(main())


def test_coming_again_does_not_begin_what_never_ended():
    async def main():
        database = Database()
        database.hang("bad")
        watches = make_watches(database, evaluation_seconds=5.0)
        for _ in range(9):
            subscriber = FakeSubscriber()
            watch = watches.subscribe(make_question("bad"), subscriber)
            await asyncio.sleep(50.0)
            assert [type(error) for error, _ in subscriber.heard] == [EvaluationTimeout]
            watches.unsubscribe(watch, subscriber)
        assert database.find_batches("bad") == [["bad"]]

    run_in_virtual_time(main())


@pytest.mark.parametrize("limit", [1, 3])
def test_endpoint_whose_evaluations_never_end_takes_so_many_threads(limit):
    async def main():
        database = Database()
        ends = [database.hang(f"bad{number}") for number in range(9)]
        watches = make_watches(database, evaluation_seconds=5.0, hanging_per_endpoint=limit)
        endpoint = object()
        bad = []
        for number in range(9):
            bad.append(subscribe(watches, f"bad{number}", endpoint=endpoint))
            await asyncio.sleep(10.0)
        other = subscribe(watches, "other")
        await asyncio.sleep(LONG)
        assert [type(one.heard[0][0]) for one in bad] == [EvaluationTimeout] * 9
        assert len(database.begun) == limit + 1
        assert len(other.heard) == 1
        for end in ends:
            end.set()
        await asyncio.sleep(LONG)
        assert all(isinstance(one.heard[-1], str) for one in bad)
        assert not database.running["all"]

    run_in_virtual_time(main())


def test_evaluation_that_was_cancelled_is_tried_again():
    async def main():
        tasks = []

        async def evaluate(asked):
            tasks.append(asyncio.current_task())
            if len(tasks) == 1:
                await asyncio.sleep(LONG)
            return [answered("t") for _ in asked]

        watches = make_watches(evaluate, evaluation_seconds=2 * LONG)
        subscriber = subscribe(watches, "q")
        await asyncio.sleep(1.0)
        tasks[0].cancel()
        await asyncio.sleep(LONG)
        assert subscriber.heard == ["t"]

    run_in_virtual_time(main())


def subscribe_both(watches):
    slow = [subscribe(watches, f"a{number}", user="a") for number in range(20)]
    return slow, [subscribe(watches, f"b{number}", user="b") for number in range(20)]


def make_database():
    return Database(**{f"a{number}": 1.0 for number in range(20)})


def test_first_evaluations_count_when_it_is_known_how_long_they_took():
    async def main():
        database = make_database()
        watches = make_watches(database, batches_at_once=1)
        subscribe_both(watches)
        await asyncio.sleep(LONG)
        assert Counter(name[0] for name in database.begun[0]) == {"a": 5, "b": 5}
        assert {name[0] for name in database.begun[1]} == {"b"}

    run_in_virtual_time(main())


def test_shares_are_fair_in_time_and_not_in_number():
    async def main():
        database = make_database()
        watches = make_watches(database, batches_at_once=1)
        _, quick = subscribe_both(watches)
        await asyncio.sleep(LONG)
        database.begun.clear()
        for one in quick:
            one.heard.clear()
        watches.tell(changed())
        await asyncio.sleep(2.5)
        assert all(one.heard for one in quick)

    run_in_virtual_time(main())
