"""Check which peers may read from a handler, for pushes: `Readers`.

Takes the filt of a handler and a peer, gives what the handler's permission says, or what the
handler answers.
"""

from functools import partial

from django_vortex.exceptions import PeerError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import READING
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.plain import is_true

logger = get_limited_logger(__name__)


class Readers:
    """Asks the endpoints of exactly one filt; where there are none, nobody may read.

    Args:
        payload_io: Where the endpoints are.
    """

    def __init__(self, payload_io: PayloadIO) -> None:
        self._payload_io = payload_io

    def may_read_now(self, handler: Filt, asked: Filt, peer: Peer) -> bool | None:
        """Return whether a peer may read, None where that has to be awaited.

        Args:
            handler: The filt of the handler.
            asked: The filt of what is pushed.
            peer: Who would get it.
        """
        request = self._make_request(asked, peer)
        endpoints = self._payload_io.find_exactly(handler)
        for endpoint in endpoints:
            try:
                permission = endpoint.permission
                if permission.may_block or permission.is_awaited:
                    return None
                if permission.allows(request, READING) is not True:
                    return False
            except Exception as error:
                return _refuse(endpoint, error)
        return bool(endpoints)

    async def may_read(self, handler: Filt, asked: Filt, peer: Peer) -> bool:
        """Return whether a peer may read; as `may_read_now`."""
        request = self._make_request(asked, peer)
        endpoints = self._payload_io.find_exactly(handler)
        run_sync = self._payload_io.run_sync
        for endpoint in endpoints:
            try:
                if not await endpoint.permission.ask(request, READING, run_sync):
                    return False
            except Exception as error:
                return _refuse(endpoint, error)
        return bool(endpoints)

    async def read(
        self, handler: Filt, asked: Filt, peer: Peer, dialect: Dialect = Dialect.NATIVE
    ) -> list[PayloadEnvelope]:
        """Return what a peer would be answered; nothing if it may not read, or that fails.

        Args:
            handler: The filt of the handler.
            asked: The filt of what is pushed.
            peer: Who gets it.
            dialect: What that reads; other than our own is encoded off the loop as well.
        """
        codec, clock = self._payload_io.codec, self._payload_io.clock
        replies = []
        for endpoint in self._payload_io.find_exactly(handler):
            reply = await self._payload_io.answer(endpoint, self._make_request(asked, peer))
            if reply is None or not (reply.result is None or is_true(reply.result)):
                continue
            if not dialect.is_native:
                await self._payload_io.run_sync(partial(reply.encoded, codec, dialect, clock()))
            replies.append(reply)
        return replies

    def _make_request(self, asked: Filt, peer: Peer) -> Request:
        return Request.for_push(asked, peer, self._payload_io.codec)


def _refuse(endpoint: object, error: Exception) -> bool:
    if not isinstance(error, PeerError):
        logger.error("The permission of %r failed for a push", endpoint, exc_info=error)
    return False
