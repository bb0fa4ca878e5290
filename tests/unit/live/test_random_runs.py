"""Random runs of two processes over one database, on a clock that does not wait."""

import asyncio
import random
from collections import Counter

import pytest

from django_vortex.exceptions import HandlerError
from django_vortex.live.changes import Operation
from django_vortex.live.questions import Evaluation
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.live.fakes import TICKETS, FakeAnswer, changed, make_question, make_watches, reads

OWNERS = 4
QUESTIONS = [make_question(f"q{owner}", user=str(owner)) for owner in range(OWNERS)]


class Peer:
    """Watches one question, here or there, and must never see time go back."""

    user, is_counted = None, True

    def __init__(self, number):
        self.peer, self.question = f"p{number}", QUESTIONS[number % OWNERS]
        self.tag, self.seen = None, -1
        self.at = self.watch = None
        self.shown = 0

    def show(self, watch):
        assert self.watch is None or watch is self.watch
        assert watch.question == self.question
        self.shown += 1
        if watch.answer.tag != self.tag:
            assert watch.answer.commits >= self.seen, "An older answer after a newer one"
        self.tag, self.seen = watch.answer.tag, max(self.seen, watch.answer.commits)

    def fail(self, watch, error, *, is_final):
        assert not is_final

    def join(self, at):
        self.watch = at.watches.subscribe(self.question, self)
        self.at = at

    def leave(self):
        self.at.watches.unsubscribe(self.watch, self)
        self.at = self.watch = None


class Process:
    """Evaluates what is watched, at times late, or not at all."""

    def __init__(self, database, randomly):
        self.database, self.randomly = database, randomly
        self.running = Counter()
        self.is_calm = False
        self.watches = make_watches(self, evaluation_seconds=2.0, batch_size=2)

    async def __call__(self, asked):
        names = [question.name for question, _ in asked]
        self.running.update(names)
        assert max(self.running.values()) == 1, "Evaluated twice at once"
        try:
            return [await self.evaluate(question) for question, _ in asked]
        finally:
            self.running.subtract(names)

    async def evaluate(self, question):
        owner, chance = int(question.scope.user), self.randomly.random()
        dependency = reads(TICKETS, equalities={"owner": frozenset({owner})})
        begun = asyncio.get_running_loop().time()
        await self.pass_time(0.1)
        if not self.is_calm and chance < 0.1:
            await asyncio.sleep(1000.0)
        answer = FakeAnswer(str(self.database[owner] % 3))
        answer.commits = self.database["commits"]
        await self.pass_time(0.1)
        seconds = asyncio.get_running_loop().time() - begun
        if not self.is_calm and chance < 0.3:
            error, is_busy = HandlerError("x"), chance < 0.2
            return Evaluation(
                error=error, is_busy=is_busy, dependencies=(dependency,), seconds=seconds
            )
        return Evaluation(answer=answer, dependencies=(dependency,), seconds=seconds)

    async def pass_time(self, most):
        await asyncio.sleep(self.randomly.random() ** 3 * most)

    async def hear(self, owner):
        """Be told of a commit, some time after it, or lose it and know that something is lost."""
        await self.pass_time(0.5)
        if self.randomly.random() < 0.05:
            self.watches.recover()
        else:
            self.watches.tell(changed(operation=Operation.INSERT, new={"owner": owner}))


async def run_randomly(seed):
    randomly = random.Random(seed)
    database = Counter()
    processes = [Process(database, randomly) for _ in range(2)]
    peers = [Peer(number) for number in range(12)]
    telling = set()
    for _ in range(400):
        await asyncio.sleep(randomly.random() * 0.1)
        peer = randomly.choice(peers)
        if randomly.random() < 0.5:
            owner = randomly.randrange(OWNERS)
            database[owner] += 1
            database["commits"] += 1
            telling.update(asyncio.ensure_future(one.hear(owner)) for one in processes)
        elif peer.at is None:
            peer.join(randomly.choice(processes))
        else:
            at = peer.at
            peer.leave()
            if randomly.random() < 0.7:
                peer.join(randomly.choice([one for one in processes if one is not at]))
    await asyncio.gather(*telling)
    for process in processes:
        process.is_calm = True
    await asyncio.sleep(300.0)
    for process in processes:
        for watch in process.watches.watches.values():
            assert watch.is_current, "Stale for ever"
        assert process.watches.lag().seconds == 0.0
        assert not process.running.total()
        watched = {one.question for one in peers if one.at is process}
        assert set(process.watches.watches) == watched
    for peer in peers:
        if peer.at is not None:
            assert peer.tag == str(database[int(peer.question.scope.user)] % 3), "Wrong for ever"
    assert sum(peer.shown for peer in peers) > 50


@pytest.mark.parametrize("seed", range(25))
def test_random_run_ends_with_the_right_answers(seed):
    run_in_virtual_time(run_randomly(seed))
