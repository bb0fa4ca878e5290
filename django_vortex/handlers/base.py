"""What all handlers that are objects have in common: a filt, an endpoint and a way to push."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

SERVER_PEER = Peer(uuid="", name="")
"""Who asks for data that nobody asked for: `Request.peer` of a request that is a push."""


class BaseHandler(ABC):
    """An object that answers for one filt.

    Args:
        filt: What it answers, by default the attribute of the class.
        accept_only_from: As of `PayloadEndpoint`.
        ignore_from: As of `PayloadEndpoint`.
        payload_io: As of `PayloadEndpoint`.
        owner: As of `PayloadEndpoint`.

    Attributes:
        endpoint: What is registered; `PayloadEndpoint.close` ends it.

    Raises:
        DefinitionError: As `PayloadEndpoint`.
    """

    filt: Filt = {}

    def __init__(
        self,
        filt: Filt | None = None,
        *,
        accept_only_from: Iterable[str] = (),
        ignore_from: Iterable[str] = (),
        payload_io: PayloadIO | None = None,
        owner: object = None,
    ) -> None:
        self.endpoint = PayloadEndpoint(
            self.filt if filt is None else filt,
            self.handle,
            accept_only_from=accept_only_from,
            ignore_from=ignore_from,
            payload_io=payload_io,
            owner=owner,
        )
        self.filt = self.endpoint.filt

    @property
    def payload_io(self) -> PayloadIO:
        """The registry it is registered with."""
        return self.endpoint.payload_io

    @abstractmethod
    def handle(self, request: Request) -> Any:
        """Answer a request."""

    def make_push_request(self) -> Request:
        """Make the request that data is built for when nobody asked."""
        envelope = PayloadEnvelope(dict(self.filt))
        return Request(envelope, SERVER_PEER, codec=self.payload_io.codec, is_push=True)

    def make_push_envelope(self, payload: Payload) -> PayloadEnvelope:
        """Make the envelope of a push, encoded here rather than on the server's loop."""
        filt = dict(self.filt)
        envelope = PayloadEnvelope(filt, Payload(filt, payload.tuples, payload.date))
        envelope.encoded(self.payload_io.codec, Dialect.NATIVE, self.payload_io.clock())
        return envelope


def settle(future: "Future[int]", outcome: "Future[int]") -> None:
    """Give a future the outcome of another when that has one."""

    def copy(done: "Future[int]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)

    outcome.add_done_callback(copy)
