"""The connections of one process, by uuid and by address: `Peers`.

Takes connections as they come, pause, move and end; closes those that no stream comes back to.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from django_vortex.routing.address import EVERYONE, Address
from django_vortex.server.connection import Connection
from django_vortex.server.holding import Holding
from django_vortex.server.options import ServerOptions


class Peers:
    """The peers of one process.

    Args:
        options: How long a peer may be without a stream.
    """

    __slots__ = ("_by_uuid", "_holding", "_moved", "by_uuid")

    def __init__(self, options: ServerOptions) -> None:
        self._by_uuid: dict[str, Connection] = {}
        self._holding = Holding(options)
        self._moved: set[Connection] = set()
        self.by_uuid: Mapping[str, Connection] = MappingProxyType(self._by_uuid)
        """All connections, held ones included."""

    @property
    def moved(self) -> frozenset[Connection]:
        """The peers that moved to another process and whose requests still run here."""
        return frozenset(self._moved)

    def get(self, uuid: str) -> Connection | None:
        """Return the connection of a peer, if it is here."""
        return self._by_uuid.get(uuid)

    def get_asker(self, uuid: str) -> Connection | None:
        """Return the connection of a peer that asks, who may have moved on meanwhile."""
        return self._by_uuid.get(uuid) or next(iter(self.find_with_requests(uuid)), None)

    def find(self, to: Address) -> list[Connection]:
        """Return the connections of the peers that fit an address, without asking permissions."""
        if to.uuid is not None:
            connection = self._by_uuid.get(to.uuid)
            found: Iterable[Connection] = () if connection is None else (connection,)
        else:
            found = self._by_uuid.values()
        if to is EVERYONE or (to.name is None and to.user is None):
            return list(found)
        return [one for one in found if to.matches(one.peer, one.user_key)]

    def with_requests(self) -> list[Connection]:
        """Return all connections, and those that moved whose requests still run here."""
        return [*self._by_uuid.values(), *self._moved]

    def find_with_requests(self, uuid: str) -> list[Connection]:
        """Return the connections under which requests of a peer may run."""
        here = self._by_uuid.get(uuid)
        moved = [one for one in self._moved if one.peer.uuid == uuid]
        return moved if here is None else [here, *moved]

    def add(self, connection: Connection) -> None:
        """Add a new peer."""
        self._by_uuid[connection.peer.uuid] = connection

    def remove(self, connection: Connection) -> bool:
        """Remove a connection that has ended or moved; return whether its peer was here."""
        uuid = connection.peer.uuid
        is_here = self._by_uuid.get(uuid) is connection
        if is_here:
            del self._by_uuid[uuid]
        self.release(connection)
        if connection.is_moved:
            self._moved.add(connection)
        return is_here

    def hold(self, connection: Connection, now: float) -> None:
        """Keep a peer without a stream, for ``hold_seconds`` from now on."""
        self._holding.add(connection, now)

    def release(self, connection: Connection) -> None:
        """Stop holding a peer; nothing happens if it was not held."""
        self._holding.remove(connection)

    def tick(self, now: float) -> None:
        """Close what was held for too long, forget what moved and has answered everything."""
        self._holding.tick(now)
        if self._moved:
            self._moved = {connection for connection in self._moved if len(connection.requests)}
