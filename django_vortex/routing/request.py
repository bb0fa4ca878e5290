"""The request that a handler is called with."""

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Self

from django_vortex.exceptions import WireError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.routing.shared_peer import SharedPeer
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import MESSAGE_ID

logger = get_limited_logger(__name__)


class Request:
    """One envelope from one peer.

    The payload is decoded when it is first asked for, so routing never pays for it.

    Args:
        envelope: What came, or for a push built on the server an empty one with the filt.
        peer: Who sent it.
        codec: Decodes the payload and encodes the replies.
        dialect: What the peer reads; replies are encoded for it where they are made.
        is_framed: Whether it reads over HTTP.
        is_push: Nobody asked: data is built to be pushed.
        task: Makes the answer; whoever wants that no more cancels it.

    Attributes:
        reply_filt: The filt of the answers: the complete one that came, whatever a handler does to
            `filt`; a peer of the oldest dialect may ask for another.
        retry_after: The seconds that its peer was told to wait, 0 if it may ask at once.
    """

    __slots__ = (
        "_error",
        "_payload",
        "_task",
        "_wait",
        "_waiting",
        "codec",
        "dialect",
        "envelope",
        "is_framed",
        "is_push",
        "peer",
        "reply_filt",
        "retry_after",
    )

    def __init__(
        self,
        envelope: PayloadEnvelope,
        peer: Peer,
        *,
        codec: Codec,
        dialect: Dialect = Dialect.NATIVE,
        is_framed: bool = False,
        is_push: bool = False,
        task: "asyncio.Task[Any] | None" = None,
    ) -> None:
        self.envelope = envelope
        self.peer = peer
        self.codec = codec
        self.dialect = dialect
        self.is_framed = is_framed
        self.is_push = is_push
        self.reply_filt: Filt = dict(envelope.answer_filt)
        self.retry_after = 0.0
        self._task = task
        self._payload: Payload | None = None
        self._error: WireError | None = None
        self._wait: Callable[[Awaitable[Any]], Any] | None = None
        self._waiting: list[Callable[[], object]] | None = None

    @classmethod
    def for_push(cls, filt: Filt, peer: Peer, codec: Codec) -> Self:
        """Return the request of a peer for which data is built though it has not asked just now.

        Args:
            filt: What it would ask with; copied.
            peer: Who gets the data.
            codec: Encodes the replies.
        """
        return cls(PayloadEnvelope(dict(filt)), peer, codec=codec, is_push=True)

    @property
    def filt(self) -> Filt:
        """The complete filt, with everything the peer put in beside the endpoint's."""
        return self.envelope.filt

    @property
    def payload(self) -> Payload:
        """The decoded payload, an empty one if none came.

        Raises:
            WireError: It cannot be decoded; let it pass and the peer is told.
        """
        if self._error is not None:
            raise self._error
        if self._payload is None:
            self._payload = self.envelope.decode_payload(self.codec)
        return self._payload

    def encode(self, envelope: PayloadEnvelope, date: datetime) -> None:
        """Encode the payload of a reply as its peer reads it, where that may take long.

        Args:
            envelope: The reply.
            date: The date of the payload.

        Raises:
            UnencodableValue: Something in it cannot travel.
        """
        encoded = envelope.encode(self.codec, self.dialect, date)
        if encoded is not None and self.is_framed and self.dialect.has_pieces:
            encoded.prepare(framed=True, has_pieces=True)

    def decode(self) -> None:
        """Decode the payload now, where that may take long; a failure waits for who asks."""
        try:
            self.payload  # noqa: B018 - it keeps what it decodes
        except WireError as error:
            self._error = error

    @property
    def tuples(self) -> list[Any]:
        """The tuples of the payload.

        Raises:
            WireError: As `payload`.
        """
        tuples: list[Any] = self.payload.tuples
        return tuples

    @property
    def result(self) -> Any:
        """What the envelope says about success: None and True are, anything else is an error."""
        return self.envelope.result

    @property
    def user(self) -> Any:
        """The user of the peer, as the transport's authentication found it."""
        return self.peer.user

    @property
    def is_shared(self) -> bool:
        """Whether data is built once for many peers: looking at `peer` or `user` ends that."""
        return isinstance(self.peer, SharedPeer)

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more: the peer has taken it back, or is gone.

        For handlers that run long in a thread, which may ask at any time; coroutines are cancelled.
        """
        return self._task is not None and self._task.cancelling() > 0

    @property
    def wants_reply(self) -> bool:
        """Whether the sender waits for an answer, be it empty."""
        return MESSAGE_ID in self.filt or bool(self.envelope.reply_filt)

    def wait_by(self, wait: Callable[[Awaitable[Any]], Any]) -> None:
        """Let `resolve` wait by a function, which suits the thread or greenlet that works now."""
        self._wait = wait

    def resolve(self, value: Any) -> Any:
        """Return what code of the application has returned, or what its coroutine returns.

        The one place where code that is no coroutine waits for one: permissions that are joined,
        ``get_queryset`` and hooks inside a transaction.

        Raises:
            RuntimeError: Nobody may wait here, on an event loop; a coroutine awaits it instead.
        """
        if not inspect.isawaitable(value):
            return value
        if self._wait is None:
            if inspect.iscoroutine(value):
                value.close()
            raise RuntimeError(f"{value!r} has to be awaited, which only a coroutine can do here")
        return self._wait(value)

    def call_when_answered(self, function: Callable[[], object]) -> None:
        """Call a function on the loop when the answers are on their way, or there will be none."""
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(function)

    @property
    def is_waited_for(self) -> bool:
        """Whether anything is to be called when it is answered."""
        return bool(self._waiting)

    def call_waiting(self) -> None:
        """Call what waits for the answer; the connection does, when it has sent that."""
        waiting, self._waiting = self._waiting or (), None
        for function in waiting:
            try:
                function()
            except Exception:
                logger.exception("%r failed after the answer", function)

    def for_another(self) -> Self:
        """Return the same request with a payload of its own, for a second endpoint."""
        if self._waiting is None:
            self._waiting = []  # what waits for the answer waits for all answers
        other = copy.copy(self)
        other._payload = None
        other._error = None
        other._wait = None
        return other

    def __repr__(self) -> str:
        name = "nobody" if self.is_shared else repr(self.peer.name)
        return f"<Request {self.filt!r} from {name}>"
