"""Watchers, questions and evaluations for the tests of live answers."""

import asyncio
from collections import deque
from types import SimpleNamespace

from django_vortex.live.changes import Change, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluation, Question, Scope
from django_vortex.live.watches import Watches

TICKETS = Table("main", "board_ticket")
TEAMS = Table("main", "board_team")


def make_question(name="q", user=None, endpoint=None):
    scope = Scope(user=user)
    return Question(name, scope, endpoint or SimpleNamespace(filt={"key": name}), {"key": name})


class FakeAnswer:
    """An answer of which nothing counts but its tag and its size."""

    def __init__(self, tag, rows=0, size=0, held_bytes=0):
        self.tag, self.rows, self.size, self.held_bytes = tag, rows, size, held_bytes

    def __len__(self):
        return self.rows


def answered(tag, *dependencies, seconds=0.0, **size):
    answer = FakeAnswer(tag, **size)
    return Evaluation(answer=answer, dependencies=dependencies, seconds=seconds)


class FakeSubscriber:
    """Notes what it is shown."""

    is_counted = True

    def __init__(self, peer="p", user=None, tag=None):
        self.peer, self.user, self.tag = peer, user, tag
        self.heard = []

    def show(self, watch):
        self.tag = watch.answer.tag
        self.heard.append(watch.answer.tag)

    def fail(self, watch, error, *, is_final):
        self.tag = None
        self.heard.append((error, is_final))


class FakeEvaluate:
    """Gives evaluations that were put ready, else answers with a count in the tag."""

    def __init__(self, *dependencies, seconds=0.0):
        self.dependencies = dependencies
        self.seconds = seconds
        self.ready = deque()
        self.batches = []
        self.times = []

    async def __call__(self, asked):
        self.batches.append([question.name for question, _ in asked])
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        return [self.ready.popleft() if self.ready else self.answer() for _ in asked]

    def answer(self):
        return answered(f"t{len(self.batches)}", *self.dependencies, seconds=self.seconds)


def make_watches(evaluate, **options):
    loop = asyncio.get_running_loop()
    tasks = set()

    def start(coroutine):
        task = loop.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    return Watches(evaluate, LiveOptions(**options), clock=loop.time, start=start)


def changed(table=TICKETS, **parts):
    return [Change(table, **parts)]


def reads(table=TICKETS, **parts):
    return Dependency(table, **parts)
