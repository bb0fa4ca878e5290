"""How VortexPY 0.x is driven: a payload is the whole message, HTTP the only transport.

Nothing is changed in the client, which is complete.
"""

from typing import Any, List, Tuple

from twisted.internet.defer import Deferred, succeed
from vortex.Payload import Payload
from vortex.PayloadResponse import PayloadResponse
from vortex.VortexFactory import VortexFactory

from tests.interop.originals.notation import to_notation
from tests.interop.originals.tuples import describe

ENDPOINT_OPTIONS: dict = {}
"""What an endpoint is made with."""

BEAT_FILT = {"key": "vortex.nothing"}


class Watch:
    """Counts what arrives, by looking at it once it is decoded."""

    def __init__(self) -> None:
        self.beats = 0
        self.connections = 0
        self.infos: List[List[str]] = []

    def install(self) -> None:
        """Look at everything that is decoded."""
        decode = Payload.fromVortexMsg
        watch = self

        def message_decoded(payload: Payload, message: bytes) -> Payload:
            decoded = decode(payload, message)
            filt = decoded.filt
            if Payload.vortexUuidKey in filt:
                watch.connections += 1
                watch.infos.append([filt[Payload.vortexNameKey], filt[Payload.vortexUuidKey]])
            elif decoded.isEmpty() or filt == BEAT_FILT:
                watch.beats += 1
            return decoded

        Payload.fromVortexMsg = message_decoded


def connect(kind: str, name: str, host: str, port: int, path: str) -> Tuple[Any, Deferred]:
    """Connect a client; give it, and when it is connected."""
    assert kind == "http", kind
    connected = VortexFactory.createClient(name, host, port)
    # `getLocalVortexClients` of this release looks for names among lists.
    (client,) = VortexFactory._VortexFactory__vortexClientsByName[name]
    return client, connected


def make_message(filt: dict, tuples: Any) -> Deferred:
    """Return what carries tuples; its `replyFilt` stays empty, as users leave it."""
    return succeed(Payload(filt, tuples=tuples))


def send_for_response(message: Payload, server: str, timeout: float) -> Deferred:
    """Send with a PayloadResponse, which only listens here."""
    response = PayloadResponse(message, timeout=timeout)
    VortexFactory.sendVortexMsg(message.toVortexMsg(), destVortexName=server)
    return response


def described(payload: Payload) -> Deferred:
    """Return everything of a payload; there is no other filt or date than its own."""
    filt, date = to_notation(payload.filt, describe), to_notation(payload.date, describe)
    return succeed(
        {
            "filt": filt,
            "result": to_notation(payload.result, describe),
            "date": date,
            "payload": True,
            "payload_filt": filt,
            "payload_date": date,
            "tuples": to_notation(payload.tuples, describe),
        }
    )
