"""A database, processes that watch it, and peers: steps that can be taken in any order.

Nothing runs by itself. A test takes the steps one by one, in every order or in a random one; in the
end `World.settle` takes those that are left, and `World.check` compares with the database.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django_vortex.exceptions import HandlerError
from django_vortex.live.changes import Change, Operation
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluation
from django_vortex.live.register import Register
from tests.unit.live.fakes import TEAMS, TICKETS, FakeAnswer, make_question, reads

QUESTION = make_question()


class Peer:
    """Somebody who watches, in one process after another, and must never see time go back."""

    peer, user, is_counted = "p", None, True

    def __init__(self):
        self.tag = None
        self.seen = -1
        self.process = self.watch = None
        self.errors = 0

    def show(self, watch):
        assert watch is self.watch
        answer = watch.answer
        if answer.tag != self.tag:
            assert answer.commits >= self.seen, "An older answer after a newer one"
            self.tag = answer.tag
        self.seen = max(self.seen, answer.commits)

    def fail(self, watch, error, *, is_final):
        self.errors += 1
        if is_final:
            self.process = self.watch = None


@dataclass(eq=False)
class Process:
    """One process: what it watches and what it has been told."""

    register: Register = field(default_factory=lambda: Register(LiveOptions()))
    running: object = None
    found: list = field(default_factory=list)
    hanging: object = None
    told: Counter = field(default_factory=Counter)

    @property
    def watch(self):
        return self.register.watches.get(QUESTION)

    def deliver(self, watch, outcome):
        for peer in outcome.shown:
            peer.show(watch)
        for peer in outcome.failed:
            peer.fail(watch, watch.error, is_final=outcome.is_final)


class World:
    """All of them.

    The answer is the tickets; where their number is odd, it is the teams as well, so that what an
    answer depends on changes too. Teams and tickets come back to what they were.
    """

    def __init__(self, processes="A"):
        self.values = Counter()
        self.commits = 0
        self.processes = {name: Process() for name in processes}
        self.peers = {}

    def read(self):
        tickets = self.values[TICKETS] % 3
        teams = self.values[TEAMS] % 2 if tickets % 2 else None
        return tickets, teams

    # What can be done, each as the name of the step, a colon and what with.

    def can(self, step):
        kind, _, name = step.partition(":")
        process = self.processes.get(name[:1])
        if kind in ("begin", "evaluate"):
            return process.watch is not None and process.watch.is_wanted and not process.running
        if kind in ("read", "end", "fail", "busy", "hang"):
            return process.running is not None
        if kind == "resume":
            return process.hanging is not None
        if kind == "tell":
            table = TICKETS if name[1:] == "tickets" else TEAMS
            return process.told[table] < self.values[table]
        if kind == "join":
            return name[1:] not in self.peers or self.peers[name[1:]].process is None
        if kind == "leave":
            return name in self.peers and self.peers[name].process is not None
        return True

    def take(self, step):
        kind, _, name = step.partition(":")
        getattr(self, f"_{kind}")(name)

    def _commit(self, table):
        self.values[TICKETS if table == "tickets" else TEAMS] += 1
        self.commits += 1

    def _tell(self, name):
        table = TICKETS if name[1:] == "tickets" else TEAMS
        self.processes[name[0]].told[table] += 1
        self.processes[name[0]].register.tell([Change(table, Operation.UPDATE)])

    def _lose(self, name):
        self.processes[name].register.recover()

    def _begin(self, name):
        process = self.processes[name]
        process.running, process.found = process.watch, []
        process.register.begin([process.running])

    def _evaluate(self, name):
        self._begin(name)
        self._end(name)

    def _read(self, name):
        self.processes[name].found.append((self.commits, *self.read()))

    def _end(self, name):
        process = self.processes[name]
        if not process.found:
            self._read(name)
        rows = {(tickets, teams) for _, tickets, teams in process.found}
        text = "{},{}".format(*rows.copy().pop()) if len(rows) == 1 else f"torn: {rows}"
        answer = FakeAnswer(text)
        answer.commits = process.found[-1][0]
        read = [reads(TICKETS)]
        if any(teams is not None for _, teams in rows):
            read.append(reads(TEAMS))
        self._finish(process, Evaluation(answer=answer, dependencies=tuple(read)))

    def _fail(self, name):
        evaluation = Evaluation(error=HandlerError("x"), dependencies=(reads(TICKETS),))
        self._finish(self.processes[name], evaluation)

    def _busy(self, name):
        self._finish(self.processes[name], Evaluation(error=HandlerError("x"), is_busy=True))

    def _hang(self, name):
        process = self.processes[name]
        process.hanging, process.running = process.running, None
        process.deliver(
            process.hanging, process.register.give_up(process.hanging, HandlerError("x"))
        )

    def _resume(self, name):
        process = self.processes[name]
        process.register.resume(process.hanging)
        process.hanging = None

    def _finish(self, process, evaluation):
        watch, process.running = process.running, None
        process.deliver(watch, process.register.end(watch, evaluation))

    def _join(self, name):
        peer = self.peers.setdefault(name[1:], Peer())
        peer.process = self.processes[name[0]]
        peer.watch, outcome = peer.process.register.subscribe(QUESTION, peer)
        peer.process.deliver(peer.watch, outcome)

    def _leave(self, name):
        peer = self.peers[name]
        peer.process.register.unsubscribe(peer.watch, peer)
        peer.process = peer.watch = None

    # The end

    def settle(self):
        """Let evaluations end and begin until none is wanted."""
        for name, process in self.processes.items():
            if process.hanging:
                self._resume(name)
            for _ in range(9):
                if process.running:
                    self._end(name)
                elif self.can(f"begin:{name}"):
                    self._begin(name)
            assert process.running is None
            assert not self.can(f"begin:{name}"), "It is evaluated again and again"

    def check(self):
        """Find everything right, and everybody with it."""
        tickets, teams = self.read()
        for process in self.processes.values():
            if process.watch is not None:
                assert process.watch.answer.tag == f"{tickets},{teams}", "A stale watch"
                assert not process.watch.is_stale
            else:
                assert not process.register.find_tables()
        for peer in self.peers.values():
            if peer.process is not None:
                assert peer.tag == f"{tickets},{teams}", "A peer with a stale answer"


Choose = Callable[[list], int]


def run(scripts, choose, processes="A", before=()):
    """Take the steps of several scripts, each script in its order, and then settle.

    Args:
        scripts: The steps.
        choose: Given the scripts whose next step can be taken, returns one of them.
        processes: The names of the processes.
        before: Steps that are taken first.
    """
    world = World(processes)
    for step in before:
        world.take(step)
    left = [list(reversed(script)) for script in scripts]
    while able := [script for script in left if script and world.can(script[-1])]:
        world.take(choose(able).pop())
    world.settle()
    world.check()


def every_choice() -> Iterator[Choose]:
    """Return functions to choose with, until all orders have been taken."""
    prefix: list = []
    while True:
        taken: list = []

        def choose(options, taken=taken, prefix=prefix):
            at = len(taken)
            taken.append((prefix[at] if at < len(prefix) else 0, len(options)))
            return options[taken[-1][0]]

        yield choose
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return
        prefix = [one for one, _ in taken[:-1]] + [taken[-1][0] + 1]
