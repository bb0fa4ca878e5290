"""The interfaces of the server for its parts: `Host`, and for connections `PeerHost`."""

import asyncio
from typing import Any, Protocol, TypeVar

from django_vortex.exceptions import InternalError
from django_vortex.live.telling import Written
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.fan_out import Record, ReportSent
from django_vortex.server.followers import Followers
from django_vortex.server.options import ServerOptions
from django_vortex.server.pace import Pace
from django_vortex.server.replies import Replies
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.opening import SessionInfo

_Connection = TypeVar("_Connection", contravariant=True)


class Reflects(Protocol[_Connection]):
    """Tells peers that write when their watches contain it."""

    def begin(self, uuid: str) -> Written | None:
        """Note from now on what a request of a peer commits, if that matters."""

    def reflect(self, connection: _Connection, message_id: object) -> None:
        """Tell a peer whose request has committed something; before its reply is sent."""


class FindsRequests(Protocol[_Connection]):
    """Finds requests that a peer takes back and that another connection of it runs."""

    def withdraw_here(self, connection: _Connection, message_id: object) -> bool:
        """Cancel a request that the peer left in this process; return whether there was one."""

    def publish(self, connection: _Connection, message_id: object) -> None:
        """Ask the other processes for the request."""


class Host(Protocol):
    """The server of this process: time, codec, options, and the way to the other processes."""

    now: float
    """The monotonic time of the last tick."""

    @property
    def codec(self) -> Codec:
        """Reads and writes messages."""

    @property
    def options(self) -> ServerOptions:
        """See `ServerOptions`."""

    @property
    def payload_io(self) -> PayloadIO:
        """Answers the requests of peers."""

    @property
    def followers(self) -> Followers:
        """Parts that keep something for each peer."""

    @property
    def process(self) -> str:
        """The id of this process among the others."""

    @property
    def last_sequence(self) -> int:
        """The number of the newest record that this process published."""

    def monotonic(self) -> float:
        """Return the time now, for periods."""

    def date(self) -> int:
        """Return the time now as peers see it, in milliseconds."""

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task until it ends."""

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        """Pass a record on to the other processes; see `FanOut.publish`."""

    def report(self, error: Exception) -> InternalError:
        """Log a failure of ours and return what the peer is told of it."""


class PeerHost(Host, Protocol[_Connection]):
    """The interface of the server for the connections of peers."""

    @property
    def is_draining(self) -> bool:
        """Whether the server is stopping and takes no new work."""

    @property
    def is_parting(self) -> bool:
        """Whether it takes work of peers with sessions, since they are being sent elsewhere."""

    @property
    def pace(self) -> Pace:
        """How often peers may come and ask."""

    @property
    def replies(self) -> Replies:
        """Answers that are sent in the loop's next turn."""

    @property
    def reflecting(self) -> Reflects[_Connection] | None:
        """Tells peers that write when their watches contain it; None where nobody can watch."""

    @property
    def withdrawals(self) -> FindsRequests[_Connection]:
        """Finds requests of peers that have moved between processes."""

    def info_text(
        self, dialect: Dialect | None, framed: bool, session: SessionInfo | None = None
    ) -> str:
        """Return what a peer must get first on a stream."""

    def heartbeat_text(self, dialect: Dialect | None) -> str:
        """Return what a heart-beat is for peers of a dialect."""

    def closing_text(self, dialect: Dialect | None, code: int, reason: str) -> str:
        """Return what an HTTP response ends with, for dialects that have it."""

    def push(self, envelope: PayloadEnvelope, to: Address) -> int:
        """Send an envelope to peers of all processes."""

    def lose_shown(self, uuid: str) -> None:
        """Note that a peer that moves may not have got the last answers that it was shown."""

    def hold(self, connection: _Connection) -> None:
        """Keep an HTTP peer without a response for a while."""

    def forget(self, connection: _Connection) -> None:
        """Let go of a connection that has ended or moved."""
