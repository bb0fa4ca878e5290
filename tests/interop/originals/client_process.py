"""A process with one VortexPY client; commands come as JSON lines, answers go out the same way.

    python -m tests.interop.originals.client_process websocket 127.0.0.1 8000 a-name

A command is ``{"id": 1, "do": "request", ...}``; its answer ``{"id": 1, "ok": value}`` or
``{"id": 1, "error": text}``. The process ends when its input does.

Over WebSocket the client is used exactly as released. Over HTTP the released client cannot be used
at all (PROTOCOL 18.1 item 3); the two methods it leaves unimplemented are supplied here, and
nothing else is changed.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, TimeoutError, inlineCallbacks, maybeDeferred
from twisted.python.failure import Failure
from vortex import VortexClientHttp as http_module
from vortex import VortexFactory as factory_module
from vortex.Payload import Payload
from vortex.PayloadEndpoint import PayloadEndpoint
from vortex.PayloadEnvelope import PayloadEnvelope
from vortex.PayloadResponse import PayloadResponse
from vortex.VortexABC import VortexABC
from vortex.VortexClientHttp import VortexClientHttp, VortexPayloadHttpClientProtocol
from vortex.VortexClientWebsocketFactory import VortexPayloadWebsocketClientProtocol
from vortex.VortexFactory import VortexFactory
from vortex.VortexPayloadProtocol import VortexPayloadProtocol

from tests.interop.originals.notation import TIMED_OUT, from_notation, to_notation
from tests.interop.originals.tuples import build, describe


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
        VortexFactory.connectionChanged()


class Watch:
    """Counts what arrives, by looking at it on its way in."""

    def __init__(self) -> None:
        self.beats = 0
        self.connections = 0
        self.infos: list[list[str]] = []

    def install(self) -> None:
        """Look at every piece and every connection of both kinds of client."""
        receive_piece = VortexPayloadProtocol.vortexMsgReceived
        receive_data = VortexPayloadProtocol.dataReceived
        receive_info = VortexPayloadProtocol._processServerInfoPayload
        watch = self

        def piece_received(protocol: VortexPayloadProtocol, piece: bytes) -> None:
            watch.beats += piece == b"."
            receive_piece(protocol, piece)

        def data_received(protocol: VortexPayloadProtocol, data: bytes) -> None:
            # An empty piece between two dots is a beat (PROTOCOL 6.2).
            *pieces, _ = (protocol._data + data).split(b".")
            watch.beats += sum(not piece for piece in pieces)
            receive_data(protocol, data)

        def info_received(protocol: VortexPayloadProtocol, envelope: PayloadEnvelope) -> None:
            watch.connections += protocol._serverVortexUuid is None
            receive_info(protocol, envelope)
            watch.infos.append([protocol._serverVortexName, protocol._serverVortexUuid])

        VortexPayloadWebsocketClientProtocol.onMessage = lambda protocol, message, isBinary: (
            piece_received(protocol, message)
        )
        VortexPayloadProtocol.dataReceived = data_received
        VortexPayloadProtocol._processServerInfoPayload = info_received


class Listener:
    """An endpoint that keeps what it receives."""

    def __init__(self, filt: dict) -> None:
        self.received: list[dict] = []
        self.endpoint = PayloadEndpoint(filt, self.receive, requiredPermissions=frozenset())

    @inlineCallbacks
    def receive(self, payloadEnvelope: PayloadEnvelope, **kwargs: Any) -> Any:
        self.received.append((yield described(payloadEnvelope)))


@inlineCallbacks
def described(envelope: PayloadEnvelope) -> Any:
    """Give everything of an envelope, its payload decoded by the original."""
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


class Commands:
    """What a test can ask this process to do; every public method is a command."""

    def __init__(self, kind: str, host: str, port: int, name: str) -> None:
        self._kind, self._host, self._port, self._name = kind, host, port, name
        self._watch = Watch()
        self._watch.install()
        self._listeners: dict[int, Listener] = {}
        self._client: VortexABC

    def connect(self, path: str = "vortexws") -> Deferred:
        """Connect with the released call; answers when the server's information is known."""
        if self._kind == "http":
            http_module.VortexPayloadHttpClientProtocol = CompletedHttpProtocol
            factory_module.VortexClientHttp = CompletedHttpClient
            connected = VortexFactory.createHttpClient(self._name, self._host, self._port)
        else:
            connected = VortexFactory.createWebsocketClient(
                self._name, self._host, self._port, f"ws://{self._host}:{self._port}/{path}"
            )
        (self._client,) = VortexFactory.getLocalVortexClients(self._name)
        return connected.addCallback(lambda _: self.state())

    def state(self) -> dict:
        """Tell what is known of the server and what has arrived."""
        return {
            "uuid": self._client.localVortexInfo.uuid,
            "beats": self._watch.beats,
            "connections": self._watch.connections,
            "infos": self._watch.infos,
            "servers": [[info.name, info.uuid] for info in self._client.remoteVortexInfo],
        }

    @inlineCallbacks
    def request(self, filt: Any, tuples: Any = None, timeout: float = 30.0) -> Any:
        """Send with a PayloadResponse and give the reply, or what it failed with."""
        envelope = yield self._envelope(filt, tuples)
        response = PayloadResponse(
            envelope, destVortexName=self._server_name, timeout=timeout, logTimeoutException=False
        )
        # Its own `status` says "Timed Out" after every failure.
        try:
            reply = yield response
        except TimeoutError:
            return {"failure": TIMED_OUT}
        except Exception as error:
            return {"failure": str(error)}
        return (yield described(reply))

    @inlineCallbacks
    def send(self, filt: Any, tuples: Any = None, raw: str | None = None) -> Any:
        """Send without waiting for anything."""
        if raw is not None:
            message = raw.encode()
        else:
            message = (yield self._envelope(filt, tuples)).toVortexMsg()
        yield VortexFactory.sendVortexMsg(message, destVortexName=self._server_name)

    def listen(self, filt: Any) -> int:
        """Register an endpoint; gives the number to ask `received` with."""
        listener = Listener(from_notation(filt, build))
        self._listeners[id(listener)] = listener
        return id(listener)

    def received(self, listener: int) -> list[dict]:
        """Give what an endpoint has received so far, in the order of arrival."""
        return self._listeners[listener].received

    @property
    def _server_name(self) -> str:
        return self._client.remoteVortexInfo[0].name

    @inlineCallbacks
    def _envelope(self, filt: Any, tuples: Any) -> Any:
        filt = from_notation(filt, build)
        if tuples is None:
            return PayloadEnvelope(filt)
        payload = Payload(filt, tuples=from_notation(tuples, build))
        return (yield payload.makePayloadEnvelopeDefer())


def main(kind: str, host: str, port: str, name: str) -> None:
    """Read commands until the input ends."""
    # The original prints what it cannot read; that must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands = Commands(kind, host, int(port), name)

    def answer(number: int, **content: Any) -> None:
        answers.write(json.dumps({"id": number, **content}) + "\n")

    def obey(number: int, do: str, arguments: dict) -> None:
        def failed(failure: Failure) -> None:
            answer(number, error=failure.getTraceback())

        done = maybeDeferred(getattr(commands, do), **arguments)
        done.addCallback(lambda value: answer(number, ok=value)).addErrback(failed)

    def read() -> None:
        for line in sys.stdin:
            command = json.loads(line)
            number, do = command.pop("id"), command.pop("do")
            reactor.callFromThread(obey, number, do, command)
        reactor.callFromThread(reactor.stop)

    threading.Thread(target=read, daemon=True).start()
    reactor.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    # Says when a reply came before the server was known, and was dropped for that (PROTOCOL 6.7).
    logging.getLogger("vortex.PayloadResponse").setLevel(logging.DEBUG)
    main(*sys.argv[1:])
