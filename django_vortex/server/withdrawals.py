"""Requests that peers take back and that run under another connection: `Withdrawals`.

Takes the message id of a request that the connection itself does not have, and looks for it where
the peer was before: under connections of this process that moved, then in the other processes.
"""

from collections.abc import Callable
from typing import Final

from django_vortex.exceptions import DeliveryError
from django_vortex.logs import get_limited_logger
from django_vortex.server.connection import Connection
from django_vortex.server.fan_out import Record
from django_vortex.server.host import Host
from django_vortex.server.identity import Identity
from django_vortex.server.peers import Peers

logger = get_limited_logger("django_vortex.server")

CANCEL: Final = "cancel"
"""The kind of the record with which the other processes are asked."""

MAX_ID_CHARACTERS: Final = 256
"""Longer ids are not carried to other processes, each of which would have to read them."""


class Withdrawals:
    """Finds requests of peers that have moved between processes.

    Args:
        server: Tells the other processes.
        peers: Who is here, and who was and left requests running.
    """

    def __init__(self, server: Host, peers: Peers) -> None:
        self._server = server
        self._peers = peers

    def withdraw_here(self, connection: Connection, message_id: object) -> bool:
        """Cancel a request that the peer left in this process; return whether there was one."""
        asker = connection.identity
        return self._withdraw(
            connection.peer.uuid, message_id, lambda one: one.may_be_taken_over_by(asker)
        )

    def publish(self, connection: Connection, message_id: object) -> None:
        """Ask the other processes for the request."""
        if not isinstance(message_id, str) or len(message_id) > MAX_ID_CHARACTERS:
            return
        record = {
            "kind": CANCEL,
            "uuid": connection.peer.uuid,
            **connection.identity.to_record(),
            "id": message_id,
        }
        try:
            self._server.publish(record)
        except DeliveryError as error:
            logger.warning("A request that a peer has taken back may go on: %s", error)

    def receive(self, record: Record) -> None:
        """Take what another process asks for."""
        self._withdraw(record["uuid"], record["id"], lambda one: one.may_be_taken_over_in(record))

    def _withdraw(
        self, uuid: str, message_id: object, may_withdraw: Callable[[Identity], bool]
    ) -> bool:
        return any(
            connection.requests.withdraw(message_id)
            for connection in self._peers.find_with_requests(uuid)
            if may_withdraw(connection.identity)
        )
