"""A process with VortexPY's own WebSocket server, to try the drivers on before ours.

    python -m tests.interop.originals.server_process 8000 a-name

It answers ``{"key": "e2e.echo"}`` with what came and ``{"key": "e2e.fault"}`` with a failure, and
beats every ten seconds, which is a constant of VortexPY.
"""

import logging
import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.web.resource import Resource
from txhttputil.site.SiteUtil import setupSite
from vortex.Payload import Payload
from vortex.PayloadEndpoint import PayloadEndpoint
from vortex.PayloadEnvelope import PayloadEnvelope
from vortex.VortexFactory import VortexFactory

from tests.interop.originals import tuples

assert tuples.CLASSES


class Endpoints:
    """Handlers; kept alive by `main`, since VortexPY refers to them weakly."""

    def __init__(self) -> None:
        permissions: frozenset = frozenset()
        self.endpoints = [
            PayloadEndpoint({"key": "e2e.echo"}, self.echo, requiredPermissions=permissions),
            PayloadEndpoint({"key": "e2e.fault"}, self.fault, requiredPermissions=permissions),
        ]

    @inlineCallbacks
    def echo(self, payloadEnvelope: PayloadEnvelope, sendResponse: Any, **kwargs: Any) -> Any:
        payload = yield payloadEnvelope.decodePayloadDefer()
        reply = Payload(payloadEnvelope.filt, tuples=payload.tuples)
        yield sendResponse((yield reply.makePayloadEnvelopeVortexMsgDefer()))

    def fault(self, payloadEnvelope: PayloadEnvelope, **kwargs: Any) -> None:
        raise RuntimeError("as asked for")


def main(port: str, name: str) -> None:
    """Serve until killed."""
    root = Resource()
    VortexFactory.createHttpWebsocketServer(name, root)
    setupSite(name, root, portNum=int(port), enableLogin=False)
    endpoints = Endpoints()
    assert endpoints
    reactor.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(*sys.argv[1:])
