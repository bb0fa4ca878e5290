"""Move peers between processes while both run: `Moves`.

The process that gets a peer's new stream asks all others; one that has the peer checks who asks,
ends its own stream and answers with all that it had not sent, the last dates, and what it has seen.
Every asker gets an answer from every process; what does not come in time is not waited for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.exceptions import DeliveryError
from django_vortex.logs import get_limited_logger
from django_vortex.server.connection import Connection
from django_vortex.server.delivery import Delivery
from django_vortex.server.fan_out import Record
from django_vortex.server.host import Host
from django_vortex.server.identity import Identity
from django_vortex.server.logins import Logins
from django_vortex.server.news import news_record
from django_vortex.server.outbox import Entry
from django_vortex.server.peers import Peers
from django_vortex.server.processes import Processes
from django_vortex.server.sequenced_fan_out import record_size
from django_vortex.server.take_over import ANSWER_SECONDS, Stamp, TakeOver, is_unnumbered
from django_vortex.server.texts import NumberedText, flatten
from django_vortex.wire.codec import Codec
from django_vortex.wire.opening import Opening
from django_vortex.wire.reserved import NORMAL_CLOSURE

logger = get_limited_logger("django_vortex.server")

CATCH_UP_SECONDS: Final = 1.0
"""How long a process that gives a peer away waits to see what the asker has seen."""

RACE_SECONDS: Final = 5.0
"""Two streams of a peer opened within this time at two processes are ordered by their dates."""

MEMORY_SECONDS: Final = 60.0
"""How long after a take-over a push may arrive that the peer has got elsewhere."""

SESSION_ANSWER_SECONDS: Final = 1.0
"""How long a peer is let wait for the processes that may have its session."""

BUSY_SECONDS: Final = 5.0
"""The same where a process has been heard of meanwhile, and so lives."""

STRANGERS: Final = ""
"""Stands among the awaited for processes that have not been heard of yet."""

MAX_RECORD_BYTES: Final = 131_072
"""About so many bytes of leftovers travel in one record."""


@dataclass(slots=True)
class _Leaving:
    """A peer that another process has asked for and that can not be given yet."""

    process: str
    stamp: Stamp
    seen: dict[str, int]
    deadline: float
    opening: Opening | None


class Moves:
    """The take-overs of one server, in both directions.

    Args:
        server: Knows the time and tells the other processes.
        peers: Who is here.
        processes: What is known of the other processes.
        logins: Asks who a peer is now where that is in doubt.
    """

    def __init__(self, server: Host, peers: Peers, processes: Processes, logins: Logins) -> None:
        self._server = server
        self._peers = peers
        self._processes = processes
        self._logins = logins
        self._coming: dict[str, Connection] = {}
        self._leaving: dict[str, _Leaving] = {}
        self._strangers_until = 0.0

    def begin(self, connection: Connection) -> None:
        """Ask the other processes for a peer that is new here."""
        self._ask(connection, is_established=False)

    def renew(self, connection: Connection) -> None:
        """Ask again for a peer whose session is awaited, since it has come once more."""
        self.keep(connection)
        if not connection.is_settled:
            self._ask(connection, is_established=False)

    def expect_strangers(self) -> None:
        """Note that this process is new, and others are not known here for a while."""
        self._strangers_until = self._server.monotonic() + SESSION_ANSWER_SECONDS

    def meet(self) -> None:
        """Ask for all peers again: a process was not known here when they came.

        A server that starts with its first peer hears of the other processes only afterwards.
        """
        for connection in tuple(self._peers.by_uuid.values()):
            if connection.session is None or not connection.is_settled:
                self._ask(connection, is_established=False)
            else:
                self._publish_question(connection)

    def keep(self, connection: Connection) -> None:
        """Note that a peer came back here; a process that asks for it meanwhile is too late."""
        uuid = connection.peer.uuid
        leaving = self._leaving.pop(uuid, None)
        if leaving is None:
            return
        if connection.session is not None:  # what is counted nobody else has given to the peer
            self._answer(leaving.process, uuid, leaving.stamp, "stale")
        else:
            self._ask(connection, is_established=True)
            self._answer(leaving.process, uuid, leaving.stamp, "none")
            if connection.is_settled:  # there was nobody left to ask
                connection.settle()

    def forget(self, connection: Connection) -> None:
        """Note that a peer is gone from here."""
        uuid = connection.peer.uuid
        if self._coming.get(uuid) is connection:
            del self._coming[uuid]
        leaving = self._leaving.pop(uuid, None)
        if leaving is not None:
            self._answer(leaving.process, uuid, leaving.stamp, "none")

    def lose(self, process: str) -> None:
        """Stop waiting for a process that has ended."""
        for connection in tuple(self._coming.values()):
            take_over = connection.take_over
            if take_over is not None and process in take_over.awaited:
                take_over.awaited.discard(process)
                self._finish_if_answered(connection, take_over)

    def tick(self) -> None:
        """Stop waiting for answers that did not come in time."""
        now = self._server.now
        for connection in tuple(self._coming.values()):
            take_over = connection.take_over
            if take_over is None:
                continue
            if take_over.is_pending and now >= take_over.deadline:
                self._give_up_waiting(connection, take_over)
            elif not take_over.is_pending and now - take_over.deadline > MEMORY_SECONDS:
                connection.take_over = None
                del self._coming[connection.peer.uuid]
        self.catch_up()

    def catch_up(self) -> None:
        """Hand over the peers that were waiting for a record, if it has come."""
        for uuid, leaving in tuple(self._leaving.items()):
            connection = self._peers.get(uuid)
            if connection is not None and self._may_go(connection, leaving):
                self._give(connection, leaving)

    def receive(self, process: str, record: Record) -> None:
        """Take a record about a peer that moves."""
        if record["kind"] == "take_over":
            self._receive_question(process, record)
        elif record["to"] == self._server.process:
            self._receive_answer(process, record)

    def _give_up_waiting(self, connection: Connection, take_over: TakeOver) -> None:
        """Wait no longer, or for a session a while longer for processes that live and are busy."""
        late = take_over.awaited - {STRANGERS}
        silent = self._processes.suspect_silent(late, take_over.asked_at)
        session, now = connection.session, self._server.now
        is_asked_lately = now - take_over.asked_at < BUSY_SECONDS
        if session is not None and not session.has_begun and late - silent and is_asked_lately:
            take_over.awaited -= {STRANGERS, *silent}
            take_over.deadline = now + SESSION_ANSWER_SECONDS
            return
        if late:
            logger.warning("Processes did not answer in time: %s", sorted(late))
        self._finish(connection, take_over)

    def _ask(self, connection: Connection, *, is_established: bool) -> None:
        server, opening = self._server, connection.opening
        awaited = self._processes.trusted
        is_awaited = opening is not None and opening.attempt > 1 and not is_established
        if is_awaited and server.monotonic() < self._strangers_until:
            awaited.add(STRANGERS)
        if not awaited:
            if self._processes.live:
                self._publish_question(connection)
            return
        take_over, seen = connection.take_over, self._get_seen()
        if take_over is None:
            take_over = connection.take_over = TakeOver(
                connection.stamp, awaited, seen, server.now, is_established=is_established
            )
        else:
            take_over.renew(connection.stamp, awaited, seen, server.now)
        if is_awaited:  # by a peer that is told nothing before this is known
            take_over.deadline = server.monotonic() + SESSION_ANSWER_SECONDS
        self._coming[connection.peer.uuid] = connection
        self._publish_question(connection)

    def _publish_question(self, connection: Connection) -> None:
        record = {
            "kind": "take_over",
            "uuid": connection.peer.uuid,
            "stamp": list(connection.stamp),
            **connection.identity.to_record(),
            "seen": self._processes.seen_lately(self._server.now),
        }
        if (opening := connection.opening) is not None:
            said = [opening.since, opening.attempt, opening.received, opening.first]
            record["opening"] = said
        self._publish(record)

    def _get_seen(self) -> dict[str, int]:
        seen = self._processes.seen
        seen[self._server.process] = self._server.last_sequence
        return seen

    def _receive_question(self, process: str, record: Record) -> None:
        server = self._server
        uuid: str = record["uuid"]
        date, asker = record["stamp"]
        stamp = (date, asker)
        is_known = self._processes.has_known_lately(uuid, server.now)
        self._processes.know(uuid, server.now)
        connection = self._peers.get(uuid)
        if connection is None:
            self._answer(process, uuid, stamp, "none" if is_known else "unknown")
            return
        take_over = connection.take_over
        opening = _read_opening(record)
        session = connection.session
        is_newer_here = connection.stamp > stamp and self._has_come_lately(connection)
        if not connection.identity.may_be_taken_over_in(record):
            # Of two who came as strangers at the same time the first one stays.
            is_second = is_newer_here and take_over is not None and take_over.is_first
            if not is_second:
                self._logins.begin(connection)  # who may not be who it was any more
                logger.warning("A peer was asked for by a process whose peer is somebody else")
            self._answer(process, uuid, stamp, "none" if is_second else "refused")
        elif session is not None and opening is not None and opening.attempt <= session.attempt:
            self._answer(process, uuid, stamp, "stale")
        elif session is not None and opening is not None and not session.may_lead_to(opening):
            connection.close(NORMAL_CLOSURE, "Replaced by a newer session of the same peer")
            self._answer(process, uuid, stamp, "none")
        elif session is None and is_newer_here:
            if take_over is None or take_over.stamp < connection.stamp:
                # Before the answer: the asker must know whom the peer is with when it has that.
                self._ask(connection, is_established=True)
            self._answer(process, uuid, stamp, "none")
        else:
            seen = {key: last for key, last in record["seen"].items() if key != server.process}
            if session is not None:
                session.attempt = max(session.attempt, date)
            deadline = server.now + CATCH_UP_SECONDS
            self._leave(connection, _Leaving(process, stamp, seen, deadline, opening))

    def _has_come_lately(self, connection: Connection) -> bool:
        return self._server.now - connection.attached_at <= RACE_SECONDS

    def _leave(self, connection: Connection, leaving: _Leaving) -> None:
        """Hand a peer over, now or when it may go; of two that ask the later one gets it."""
        uuid = connection.peer.uuid
        other = self._leaving.pop(uuid, None)
        if other is not None and other.stamp > leaving.stamp:
            leaving, other = other, leaving
        if other is not None:
            self._answer(other.process, uuid, other.stamp, "none")
        if self._may_go(connection, leaving):
            self._give(connection, leaving)
        else:
            self._leaving[uuid] = leaving
            self._answer(leaving.process, uuid, leaving.stamp, "pending")

    def _may_go(self, connection: Connection, leaving: _Leaving) -> bool:
        if connection.take_over is not None and connection.take_over.is_pending:
            return False  # ends by itself, at its own deadline
        server = self._server
        return server.now >= leaving.deadline or self._processes.has_seen(leaving.seen)

    def _give(self, connection: Connection, leaving: _Leaving) -> None:
        uuid = connection.peer.uuid
        self._leaving.pop(uuid, None)
        seen = self._get_seen()
        if connection.take_over is not None:
            for process, sequence in connection.take_over.floor.items():
                seen[process] = max(sequence, seen.get(process, 0))
        is_orphan = connection.take_over is not None and connection.take_over.is_orphan
        entries, dates = connection.surrender()
        whose = connection.identity.to_record()
        more = {"seen": seen, "dates": dates.to_record(), "is_orphan": is_orphan}
        session = connection.session
        if session is not None and session.has_begun and leaving.opening is not None:
            more["session"] = session.to_record()
            for part in self._parts(session.window):
                self._answer(leaving.process, uuid, leaving.stamp, "window", entries=part, **whose)
        for part in self._parts(entries):
            self._answer(leaving.process, uuid, leaving.stamp, "leftovers", entries=part, **whose)
        self._answer(leaving.process, uuid, leaving.stamp, "given", **more)
        for name, text in self._server.followers.give_peer(uuid):
            self._publish(news_record(name, text, uuid))

    def _parts(self, entries: Iterable[Entry]) -> Iterable[list[Any]]:
        codec = self._server.codec
        part: list[Any] = []
        size = 0
        for entry in entries:
            part.append(_to_record(entry, codec))
            size += record_size(part[-1])
            if size > MAX_RECORD_BYTES:
                yield part
                part, size = [], 0
        if part:
            yield part

    def _receive_answer(self, process: str, record: Record) -> None:
        connection = self._peers.get(record["uuid"])
        if connection is None:
            return
        take_over, status = connection.take_over, record["status"]
        if status in ("leftovers", "window"):
            self._take_leftovers(connection, process, record)
            return
        if take_over is None:
            return
        date, asker = record["stamp"]
        stamp = (date, asker)
        if status == "given":
            gift = take_over.gift_of(process, stamp)
            gift.session = record.get("session")
            is_orphan = record["is_orphan"] and gift.session is None
            gift.complete(record["seen"], is_orphan=is_orphan)
            for key, date in record["dates"].items():
                take_over.dates[key] = max(date, take_over.dates.get(key, 0))
            if gift.session is not None:  # nobody else can have it, whatever was asked since
                take_over.awaited.clear()
                self._finish_if_answered(connection, take_over)
                return
        if take_over.stamp != stamp:
            return  # the answer to what was asked before it was asked again
        if status == "refused":
            connection.refuse()
        elif status == "pending":
            take_over.deadline = self._server.now + ANSWER_SECONDS
        else:
            if status == "stale":
                connection.let_go()
            take_over.is_known = take_over.is_known or status in ("none", "stale")
            take_over.awaited.discard(process)
            self._finish_if_answered(connection, take_over)

    def _take_leftovers(self, connection: Connection, process: str, record: Record) -> None:
        giver = Identity.from_record(record)
        if not giver.may_be_taken_over_by(connection.identity):
            return  # for whoever had the uuid when it was asked for
        codec, take_over = self._server.codec, connection.take_over
        entries = [_from_record(entry, codec) for entry in record["entries"]]
        if take_over is not None and take_over.is_pending:
            date, asker = record["stamp"]
            gift = take_over.gift_of(process, (date, asker))
            if record["status"] == "window":
                gift.window += (entry for entry in entries if isinstance(entry, str))
            else:
                gift.entries += entries
            return
        if connection.session is not None:
            return  # the peer was told that it has lost them
        admits = is_unnumbered if take_over is None else take_over.admits_late
        connection.adopt([entry for entry in entries if admits(entry)], {})
        connection.pump()

    def _finish_if_answered(self, connection: Connection, take_over: TakeOver) -> None:
        if take_over.is_pending and not take_over.awaited:
            self._finish(connection, take_over)

    def _finish(self, connection: Connection, take_over: TakeOver) -> None:
        session = connection.session
        if session is not None and not session.has_begun:
            take_over.restore(session)
        connection.adopt(take_over.end(), take_over.dates)
        leaving = self._leaving.get(connection.peer.uuid)
        is_unknown = session is not None and not session.has_begun
        if is_unknown and leaving is None and not connection.is_awaited:
            connection.close(NORMAL_CLOSURE, "The peer has not waited for its session")
            return
        if leaving is None:
            connection.settle()
        elif self._may_go(connection, leaving):
            self._give(connection, leaving)

    def _answer(self, process: str, uuid: str, stamp: Stamp, status: str, **more: Any) -> None:
        self._publish(
            {
                "kind": "answer",
                "to": process,
                "uuid": uuid,
                "stamp": list(stamp),
                "status": status,
                **more,
            }
        )

    def _publish(self, record: Record) -> None:
        try:
            self._server.publish(record)
        except DeliveryError as error:
            logger.error("A peer may lose what waits for it: %s", error)


def _read_opening(record: Record) -> Opening | None:
    """Return what a peer has said of its session; the key of it is part of its identity."""
    said = record.get("opening")
    return None if said is None else Opening("", *said)


def _to_record(entry: Entry, codec: Codec) -> Any:
    if isinstance(entry, NumberedText):
        return entry.to_record()
    return flatten(entry) if isinstance(entry, str) else entry.to_record(codec)


def _from_record(record: Any, codec: Codec) -> Entry:
    if isinstance(record, str):
        return record
    if isinstance(record, list | tuple):
        return NumberedText(*record)
    return Delivery.from_record(record, codec)
