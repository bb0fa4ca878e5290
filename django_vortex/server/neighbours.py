"""Communication of one server with the other processes of the project: `Neighbours`.

Takes records for them and gives those to the `FanOut`; takes theirs and gives pushes to the server,
what is about peers that move to `Moves`, and what parts of servers tell the same part there to the
`Followers`.
"""

from typing import Final, Protocol

from django_vortex.exceptions import DeliveryError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import Address
from django_vortex.server.delivery import Delivery
from django_vortex.server.fan_out import FanOut, Record, ReportSent
from django_vortex.server.host import Host
from django_vortex.server.logins import Logins
from django_vortex.server.moves import Moves
from django_vortex.server.peers import Peers
from django_vortex.server.processes import PRESENCE_SECONDS, Processes
from django_vortex.server.pushes import PUSH, PUSH_TO_READERS, read_push_record
from django_vortex.server.withdrawals import CANCEL, Withdrawals

logger = get_limited_logger("django_vortex.server")

MEETING_SECONDS: Final = 5.0
"""How long after its start a server may find processes that were there before."""


class Home(Host, Protocol):
    """The server of this process."""

    def push_local(self, delivery: Delivery, to: Address) -> int:
        """Send a delivery to the peers of this process only."""


class Neighbours:
    """The way to the other processes, and what is known of them.

    Args:
        server: The server of this process.
        peers: Who is here.
        logins: Who they are now.
        withdrawals: Ends requests that they take back.
        fan_out: Carries the records; None when there are no other processes.
    """

    def __init__(
        self,
        server: Home,
        peers: Peers,
        logins: Logins,
        withdrawals: Withdrawals,
        fan_out: FanOut | None,
    ) -> None:
        self.processes = Processes()
        """What is known of the other processes."""
        self.moves = Moves(server, peers, self.processes, logins)
        """The peers that come from them or go there."""
        self._server = server
        self._peers = peers
        self._logins = logins
        self._withdrawals = withdrawals
        self._fan_out = fan_out
        self._started_at = server.now
        self._announced_at = server.now

    @property
    def is_reachable(self) -> bool:
        """Whether there is a channel layer to other processes."""
        return self._fan_out is not None

    @property
    def process(self) -> str:
        """The id of this process among them, empty if it is alone."""
        return self._fan_out.process if self._fan_out is not None else ""

    @property
    def last_sequence(self) -> int:
        """The number of the newest record that this process published."""
        return self._fan_out.last_sequence if self._fan_out is not None else 0

    async def start(self) -> None:
        """Begin to listen to them, and tell them."""
        if self._fan_out is None:
            return
        self._started_at = self._server.monotonic()
        await self._fan_out.start(self._receive_record, self._report_gap)
        self.moves.expect_strangers()
        self._announce(is_new=True)

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        """Pass a record on to them; see `FanOut.publish`."""
        if self._fan_out is None:
            return 0
        return self._fan_out.publish(record, report_sent)

    def tick(self, now: float) -> None:
        """Do what is due: tell them that this process lives, forget those that fell silent."""
        self.moves.tick()
        if self._fan_out is None or now - self._announced_at < PRESENCE_SECONDS:
            return
        self._announce(is_new=False)
        for process in self.processes.forget(now):
            logger.warning("Process %s was not heard of for too long", process)
            self.moves.lose(process)

    def leave(self) -> None:
        """Tell them that this process ends."""
        self._publish_quietly({"kind": "leave"})

    async def stop(self, seconds: float) -> None:
        """Send what waits for them, for at most so long, and listen no more."""
        if self._fan_out is not None:
            await self._fan_out.stop(seconds)

    def _announce(self, *, is_new: bool) -> None:
        self._announced_at = self._server.now
        self._publish_quietly({"kind": "presence", "is_new": is_new})

    def _publish_quietly(self, record: Record) -> None:
        try:
            self.publish(record)
        except DeliveryError as error:
            logger.warning("Other processes were not told about this one: %s", error)

    def _receive_record(self, process: str, sequence: int, record: Record) -> None:
        try:
            self._take_record(process, sequence, record)
        except Exception:
            logger.exception("A record of process %s could not be taken", process)
        finally:
            self.processes.take(process, sequence, self._server.monotonic())
        self.moves.catch_up()

    def _take_record(self, process: str, sequence: int, record: Record) -> None:
        kind = record["kind"]
        if kind in (PUSH, PUSH_TO_READERS):
            delivery, to = read_push_record(record, process, sequence, self._server.codec)
            self._server.push_local(delivery, to)
        elif kind == "news":
            self._take_news(record["name"], record["text"], record["uuid"])
        elif kind == "presence":
            self._meet(process, is_new=record["is_new"])
        elif kind == "leave":
            self.processes.leave(process)
            self.moves.lose(process)
        elif kind in ("take_over", "answer"):
            self.moves.receive(process, record)
        elif kind in ("identity", "disconnect"):
            self._logins.receive(record)
        elif kind == CANCEL:
            self._withdrawals.receive(record)
        else:
            logger.warning("Process %s sent a record of unknown kind %r", process, kind)

    def _take_news(self, name: str, text: str, uuid: str | None) -> None:
        followers = self._server.followers
        if uuid is None:
            followers.receive_news(name, text)
        elif (connection := self._peers.get(uuid)) is not None:
            followers.take_peer(name, connection.peer, text)

    def _meet(self, process: str, *, is_new: bool) -> None:
        now = self._server.monotonic()
        is_unknown = self.processes.announce(process, now)
        if is_new:
            self._announce(is_new=False)
        if is_unknown and now - self._started_at <= MEETING_SECONDS:
            self.moves.meet()

    def _report_gap(self, process: str, lost: int) -> None:
        logger.error("%d records of process %s were lost on the way here", lost, process)
        self._server.followers.recover()
