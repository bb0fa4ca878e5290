"""A process with VortexPY's own WebSocket server, to try the drivers on before ours.

    python -m tests.interop.originals.server_process 8000 a-name

It answers ``{"key": "e2e.echo"}`` with what came and ``{"key": "e2e.fault"}`` with a failure, keeps
rows under ``{"key": "e2e.rows"}``, and beats every ten seconds, which is a constant of VortexPY.
"""

import logging
import sys
from typing import Any

from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker
from sqlalchemy.pool import StaticPool
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.web.resource import Resource
from txhttputil.site.SiteUtil import setupSite
from vortex.Payload import Payload
from vortex.PayloadEndpoint import PayloadEndpoint
from vortex.PayloadEnvelope import PayloadEnvelope
from vortex.sqla_orm.OrmCrudHandler import OrmCrudHandler
from vortex.Tuple import Tuple, addTupleType
from vortex.VortexFactory import VortexFactory

from tests.interop.originals import tuples

assert tuples.CLASSES


Base: Any = declarative_base()


@addTupleType
class Row(Tuple, Base):
    """A row of the server's table."""

    __tupleType__ = "e2e.Row"
    __tablename__ = "row"

    id = Column(Integer, primary_key=True, autoincrement=True)
    title = Column(String)
    state = Column(String)


def make_sessions() -> Any:
    """Return what makes sessions of a database in memory with one row."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine)
    with sessions.begin() as session:
        session.add(Row(id=1, title="Old", state="open"))
    return sessions


class Endpoints:
    """Handlers; kept alive by `main`, since VortexPY refers to them weakly."""

    def __init__(self) -> None:
        permissions: frozenset = frozenset()
        self.endpoints = [
            PayloadEndpoint({"key": "e2e.echo"}, self.echo, requiredPermissions=permissions),
            PayloadEndpoint({"key": "e2e.fault"}, self.fault, requiredPermissions=permissions),
        ]
        self.rows = OrmCrudHandler(make_sessions(), Row, {"key": "e2e.rows"})

    @inlineCallbacks
    def echo(self, payloadEnvelope: PayloadEnvelope, sendResponse: Any, **kwargs: Any) -> Any:
        payload = yield payloadEnvelope.decodePayloadDefer()
        reply = Payload(payloadEnvelope.filt, tuples=payload.tuples)
        yield sendResponse((yield reply.makePayloadEnvelopeVortexMsgDefer()))

    def fault(self, payloadEnvelope: PayloadEnvelope, **kwargs: Any) -> None:
        raise RuntimeError("as asked for")


def main(port: str, name: str) -> None:
    """Serve until killed."""
    VortexFactory.setNewConnectionsPerWindow(1_000_000)  # tests come back often
    root = Resource()
    VortexFactory.createHttpWebsocketServer(name, root)
    setupSite(name, root, portNum=int(port), enableLogin=False)
    endpoints = Endpoints()
    assert endpoints
    reactor.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(*sys.argv[1:])
