"""Check the logins of connected peers periodically, and end those that have ended: `Logins`.

Takes news of users and sessions from here and from other processes, gives questions to a `Judge`,
which the transports bring along, and applies its outcomes. No request ever waits for any of it.
"""

import asyncio
import math
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django_vortex.exceptions import DeliveryError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.fan_out import Record
from django_vortex.server.host import Host
from django_vortex.server.judging import (
    NEW_COOKIES,
    NOT_THIS_USER,
    Ended,
    Judge,
    Logout,
    Outcome,
    Question,
    get_session_key,
)
from django_vortex.server.peers import Peers
from django_vortex.server.undecided import Abandoned, Undecided

logger = get_limited_logger("django_vortex.server")

LOOK_AGAIN_SECONDS: Final = (0.0, 0.1, 0.5, 2.0, 10.0, 60.0)
"""When peers are asked about after a logout: it may be answered before its transaction ends."""

ANSWER_SECONDS: Final = 10.0
"""How long the response to a logout may take before the peers are asked about all the same."""

PAUSE_SECONDS: Final = 0.3
"""Shortest time between two checks of single peers; many that come at once are asked together."""

FAILURE_PAUSE_SECONDS: Final = 5.0
"""The same after a check that failed, as while the database is down."""

OUTCOMES_PER_TURN: Final = 256
"""Outcomes that are applied before the loop gets its turn."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A selection of peers: those that fit every part given."""

    uuid: str | None = None
    user: str | None = None
    session: str | None = None

    def fits(self, connection: Connection) -> bool:
        """Return whether a connection is selected."""
        return (
            (self.uuid is None or self.uuid == connection.peer.uuid)
            and (self.user is None or self.user == connection.user_key)
            and (self.session is None or self.session == get_session_key(connection.peer))
        )

    def to_record(self) -> Record:
        """Return the record with which other processes are told to disconnect them."""
        return {"kind": "disconnect", "aim": [self.uuid, self.user, self.session]}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a user, a session, or both, after which their peers have to be checked.

    Attributes:
        user: The user's primary key as text.
        session: The session's key.
        logout: ``"begun"`` when somebody is about to log out, ``"answered"`` when the response to
            that has left.
    """

    user: str | None = None
    session: str | None = None
    logout: Literal["", "begun", "answered"] = ""

    def to_record(self) -> Record:
        """Return the record with which other processes are told."""
        return {"kind": "identity", "change": [self.user, self.session, self.logout]}


@dataclass(slots=True)
class _Announced:
    """A logout that was announced, and how often its peers were asked about since."""

    user: str | None
    session: str | None
    at: float
    answered_at: float = math.inf
    looks: int = 0


class Logins:
    """The checks of one server.

    Args:
        server: Knows the time and tells the other processes.
        peers: Who is here.
        judge: Tells who they are; None checks nobody.
        random_share: Gives from 0 to 1 how much of the first period passes, so that processes that
            start together do not ask together.
    """

    def __init__(
        self,
        server: Host,
        peers: Peers,
        judge: Judge | None,
        *,
        random_share: Callable[[], float] = random.random,
    ) -> None:
        self._server = server
        self._peers = peers
        self._judge = judge
        self._period = server.options.recheck_seconds
        self._due: dict[Connection, None] = {}
        self._changes: set[Change] = set()
        self._announced: list[_Announced] = []
        self._all_at = server.now + self._period * (0.5 + random_share() / 2)
        self._soon_at = 0.0
        self._undecided = Undecided()
        self._checking_all: asyncio.Task[None] | None = None
        self._checking_some: asyncio.Task[None] | None = None
        self._has_failed = False

    def begin(self, connection: Connection) -> None:
        """Check a peer soon: it is new, or its identity is in doubt."""
        if self._judge is not None and connection.identity.kind != "address":
            self._due[connection] = None

    def spread(self, change: Change) -> None:
        """Take a change and pass it on to all other processes."""
        self.take(change)
        self._publish(change.to_record())

    def take(self, change: Change) -> None:
        """Take a change; the peers concerned are checked with the next tick."""
        if self._judge is None:
            return
        if not change.logout:
            self._changes.add(change)
            return
        now = self._server.monotonic()
        announced = self._get_announced(change)
        if announced is None:
            announced = _Announced(change.user, change.session, now)
            self._announced.append(announced)
        if change.logout == "answered":
            announced.answered_at = now

    def check_users(self, users: Collection[str]) -> None:
        """Check the peers of users, by their primary keys as text, with the next tick."""
        for user in users:
            self.take(Change(user))

    def check_all(self) -> None:
        """Check all peers soon: anybody's rights may have changed."""
        for connection in self._peers.with_requests():
            self.begin(connection)

    def disconnect(self, aim: Aim) -> int:
        """End peers of all processes; return how many of this process those were."""
        count = self.end(aim)
        self._publish(aim.to_record())
        return count

    def end(self, aim: Aim) -> int:
        """End peers of this process only."""
        ended = [one for one in self._peers.with_requests() if aim.fits(one)]
        for connection in ended:
            _end(connection, NOT_THIS_USER)
        return len(ended)

    def receive(self, record: Record) -> None:
        """Take what another process tells."""
        if record["kind"] == "disconnect":
            self.end(Aim(*record["aim"]))
        else:
            self.take(Change(*record["change"]))

    def tick(self, now: float) -> None:
        """Start the checks that are due. The server's timer calls it, at most 0.1 s apart."""
        if self._judge is None:
            return
        self._look_again(now)
        self._take_changes()
        if undecided := self._undecided.take_due(now):
            self._server.keep(
                asyncio.get_running_loop().create_task(self._decide(self._judge, undecided))
            )
        if now >= self._all_at and _is_over(self._checking_all):
            self._all_at = now + self._period
            everybody = [
                one for one in self._peers.with_requests() if one.identity.kind != "address"
            ]
            self._checking_all = self._start(self._judge, everybody, self._period)
        if self._due and now >= self._soon_at and _is_over(self._checking_some):
            due, self._due = self._due, {}
            self._checking_some = self._start(
                self._judge, [one for one in due if not one.is_closed or one.is_moved], 0.0
            )

    def stop(self) -> None:
        """Stop all checks."""
        self._judge = None
        self._undecided.close_all()
        for task in (self._checking_all, self._checking_some):
            if task is not None:
                task.cancel()

    def _look_again(self, now: float) -> None:
        for announced in tuple(self._announced):
            if now - announced.at >= ANSWER_SECONDS:
                announced.answered_at = min(announced.answered_at, now)
            if now - announced.answered_at >= LOOK_AGAIN_SECONDS[announced.looks]:
                announced.looks += 1
                self._changes.add(Change(announced.user, announced.session))
                if announced.looks == len(LOOK_AGAIN_SECONDS):
                    self._announced.remove(announced)

    def _get_announced(self, change: Change) -> _Announced | None:
        for one in self._announced:
            is_same = (one.user, one.session) == (change.user, change.session)
            if is_same and one.answered_at == math.inf:
                return one
        return None

    def _is_logging_out(self, connection: Connection) -> bool:
        """Return whether a peer's session is being ended by a request that is not answered yet."""
        if not self._announced:
            return False
        session = get_session_key(connection.peer)
        return session is not None and any(
            one.session == session and one.answered_at == math.inf for one in self._announced
        )

    def _take_changes(self) -> None:
        """Find the peers of all news since the last tick in one go."""
        if not self._changes:
            return
        users = {change.user for change in self._changes} - {None}
        sessions = {change.session for change in self._changes} - {None}
        self._changes.clear()
        for connection in self._peers.with_requests():
            is_changed = connection.user_key in users
            if is_changed or get_session_key(connection.peer) in sessions:
                self._due[connection] = None

    def _start(
        self, judge: Judge, connections: Sequence[Connection], seconds: float
    ) -> asyncio.Task[None] | None:
        connections = [one for one in connections if not self._is_logging_out(one)]
        if not connections:
            return None
        task = asyncio.get_running_loop().create_task(self._check(judge, connections, seconds))
        self._server.keep(task)
        return task

    async def _check(self, judge: Judge, connections: Sequence[Connection], seconds: float) -> None:
        begun = self._server.monotonic()
        asked = [Question(one.peer, self._get_logout(one)) for one in connections]
        unanswered = dict.fromkeys(range(len(asked)))
        try:
            async for index, outcome in judge(asked, seconds):
                unanswered.pop(index, None)
                self._apply(connections[index], asked[index].peer, outcome)
                if not len(unanswered) % OUTCOMES_PER_TURN:
                    await asyncio.sleep(0)
        except Exception as error:
            self._note_failure(error)
            # The next period asks about everybody again; news must not wait for that.
            if not seconds:
                self._due.update((connections[index], None) for index in unanswered)
            pause = FAILURE_PAUSE_SECONDS
        else:
            self._note_success()
            pause = max(PAUSE_SECONDS, self._server.monotonic() - begun)
        if not seconds:
            self._soon_at = self._server.monotonic() + min(pause, self._period)

    def _get_logout(self, connection: Connection) -> Logout:
        """Return what was announced about a peer since its stream began."""
        found: Logout = ""
        for announced in self._announced:
            if connection.attached_at > announced.at:
                continue
            if announced.session and announced.session == get_session_key(connection.peer):
                return "session"
            if announced.user and announced.user == connection.user_key:
                found = "user"
        return found

    def _apply(self, connection: Connection, peer: Peer, outcome: Outcome) -> None:
        if connection.peer is not peer:
            self.begin(connection)  # a newer stream came meanwhile: the outcome is not about that
        elif isinstance(outcome, Ended):
            if outcome.is_certain:
                _end(connection, outcome)
            else:
                self._undecided.add(connection, self._server.monotonic())
        else:
            connection.peer = outcome

    async def _decide(self, judge: Judge, undecided: Sequence[Abandoned]) -> None:
        """Ask again about peers whose streams carry nothing any more, and close those."""
        endings = [NEW_COOKIES] * len(undecided)
        try:
            asked = [Question(one.peer, self._get_logout(one.connection)) for one in undecided]
            async for index, outcome in judge(asked, 0.0):
                if isinstance(outcome, Ended):
                    endings[index] = outcome
        except Exception as error:
            self._note_failure(error)
        for one, ending in zip(undecided, endings, strict=True):
            one.close(ending)

    def _note_failure(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            logger.error("The logins of peers cannot be checked and stay as they were: %r", error)

    def _note_success(self) -> None:
        if self._has_failed:
            self._has_failed = False
            logger.warning("The logins of peers can be checked again")

    def _publish(self, record: Record) -> None:
        try:
            self._server.publish(record)
        except DeliveryError as error:
            logger.error("Other processes miss that a login has changed: %s", error)


def _end(connection: Connection, ended: Ended) -> None:
    stream = connection.revoke()
    if stream is not None:
        connection.end_stream(stream, ended.code, ended.reason)


def _is_over(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()
