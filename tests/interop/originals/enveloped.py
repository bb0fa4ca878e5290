"""How VortexPY 1 to 6 is driven: payloads travel in envelopes.

Over WebSocket the client is used exactly as released. Over HTTP the released client cannot be used
at all (PROTOCOL 18.1 item 3); what it leaves unimplemented is supplied here, and nothing else is
changed.
"""

import inspect
from typing import Any, Callable, List, Tuple

from twisted.internet.defer import Deferred, inlineCallbacks
from vortex import VortexClientHttp as http_module
from vortex import VortexFactory as factory_module
from vortex.Payload import Payload
from vortex.PayloadEndpoint import PayloadEndpoint
from vortex.PayloadEnvelope import PayloadEnvelope
from vortex.PayloadResponse import PayloadResponse
from vortex.VortexClientHttp import VortexClientHttp, VortexPayloadHttpClientProtocol
from vortex.VortexFactory import VortexFactory
from vortex.VortexPayloadProtocol import VortexPayloadProtocol

from tests.interop.originals.notation import to_notation
from tests.interop.originals.tuples import describe

try:
    from vortex.VortexClientWebsocketFactory import VortexPayloadWebsocketClientProtocol
except ImportError:  # before 3.4
    VortexPayloadWebsocketClientProtocol = None


def _takes(function: Callable, name: str) -> bool:
    return name in inspect.signature(function).parameters


ENDPOINT_OPTIONS = (
    {"requiredPermissions": frozenset()}
    if _takes(PayloadEndpoint.__init__, "requiredPermissions")
    else {}
)
"""What an endpoint for everybody is made with."""

_QUIETLY = {
    name: False
    for name in ("logTimeoutError", "logTimeoutException")
    if _takes(PayloadResponse.__init__, name)
}


class CompletedHttpProtocol(VortexPayloadHttpClientProtocol):
    """The HTTP client's protocol with the method that is missing from it."""

    def _createResponseSenderCallable(self) -> Callable[..., Deferred]:
        def send_response(messages: Any, priority: int = 0) -> Deferred:
            return self._vortexClient.sendVortexMsg(messages)

        return send_response


class CompletedHttpClient(VortexClientHttp):
    """The HTTP client with what is missing from it."""

    @property
    def requiresBase64Encoding(self) -> bool:
        return True

    def _setNameAndUuid(self, name: str, uuid: str) -> None:
        super()._setNameAndUuid(name, uuid)
        # The WebSocket client does this; without it nobody can be addressed.
        if hasattr(VortexFactory, "connectionChanged"):
            VortexFactory.connectionChanged()

    @inlineCallbacks
    def _sendVortexMsgLater(self, messages: Any) -> Any:
        # The original returns a Deferred where older releases of Twisted take none.
        generator = VortexClientHttp._sendVortexMsgLater.__wrapped__(self, messages)
        return (yield (yield from generator))


class Watch:
    """Counts what arrives, by looking at it on its way in."""

    def __init__(self) -> None:
        self.beats = 0
        self.connections = 0
        self.infos: List[List[str]] = []

    def install(self) -> None:
        """Look at every piece and every connection of both kinds of client."""
        receive_data = VortexPayloadProtocol.dataReceived
        receive_info = VortexPayloadProtocol._processServerInfoPayload
        watch = self

        def piece_received(protocol: VortexPayloadProtocol, piece: bytes, isBinary: bool) -> None:
            watch.beats += piece == b"."
            protocol.vortexMsgReceived(piece)

        def data_received(protocol: VortexPayloadProtocol, data: bytes) -> None:
            # An empty piece between two dots is a beat (PROTOCOL 6.2).
            *pieces, _ = (protocol._data + data).split(b".")
            watch.beats += sum(not piece for piece in pieces)
            receive_data(protocol, data)

        def info_received(protocol: VortexPayloadProtocol, envelope: PayloadEnvelope) -> None:
            watch.connections += protocol._serverVortexUuid is None
            receive_info(protocol, envelope)
            watch.infos.append([protocol._serverVortexName, protocol._serverVortexUuid])

        if VortexPayloadWebsocketClientProtocol is not None:
            VortexPayloadWebsocketClientProtocol.onMessage = piece_received
        VortexPayloadProtocol.dataReceived = data_received
        VortexPayloadProtocol._processServerInfoPayload = info_received


def connect(kind: str, name: str, host: str, port: int, path: str) -> Tuple[Any, Deferred]:
    """Connect a client; give it, and when it is connected."""
    if kind == "http":
        http_module.VortexPayloadHttpClientProtocol = CompletedHttpProtocol
        factory_module.VortexClientHttp = CompletedHttpClient
        connected = VortexFactory.createHttpClient(name, host, port)
    else:
        url = "ws://%s:%s/%s" % (host, port, path)
        connected = VortexFactory.createWebsocketClient(name, host, port, url)
    (client,) = VortexFactory.getLocalVortexClients(name)
    return client, connected


@inlineCallbacks
def make_message(filt: dict, tuples: Any) -> Any:
    """Yield what carries tuples, or none if there are none."""
    if tuples is None:
        return PayloadEnvelope(filt)
    return (yield Payload(filt, tuples=tuples).makePayloadEnvelopeDefer())


def send_for_response(message: PayloadEnvelope, server: str, timeout: float) -> Deferred:
    """Send with a PayloadResponse."""
    return PayloadResponse(message, destVortexName=server, timeout=timeout, **_QUIETLY)


@inlineCallbacks
def described(envelope: PayloadEnvelope) -> Any:
    """Yield everything of an envelope, its payload decoded by the original."""
    payload = None
    if envelope.encodedPayload:
        payload = yield envelope.decodePayloadDefer()
    return {
        "filt": to_notation(envelope.filt, describe),
        "result": to_notation(envelope.result, describe),
        "date": to_notation(envelope.date, describe),
        "payload": payload is not None,
        "payload_filt": to_notation(payload.filt, describe) if payload else None,
        "payload_date": to_notation(payload.date, describe) if payload else None,
        "tuples": to_notation(payload.tuples, describe) if payload else None,
    }
