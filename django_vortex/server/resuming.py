"""Find the session that a new stream of a peer goes on with: `Resuming`.

Takes what the peer says of it, gives the connection that has it, after other processes were asked.
"""

from django_vortex.exceptions import StaleStream
from django_vortex.server.connection import STALE, Connection
from django_vortex.server.host import PeerHost
from django_vortex.server.moves import Moves
from django_vortex.wire.opening import Opening
from django_vortex.wire.reserved import NORMAL_CLOSURE


class Resuming:
    """The sessions of one server, as streams ask for them.

    Args:
        server: Keeps connections without a stream.
        moves: Asks the other processes.
    """

    def __init__(self, server: PeerHost[Connection], moves: Moves) -> None:
        self._server = server
        self._moves = moves

    async def find_here(self, connection: Connection, opening: Opening) -> Connection | None:
        """Return the connection of a peer if the stream goes on with it; else it is closed.

        Args:
            connection: Whose identity is that of the stream.
            opening: What the peer says.

        Raises:
            StaleStream: The peer has opened a newer stream, here or elsewhere.
        """
        session = connection.session
        if session is not None:
            if opening.attempt <= session.attempt:
                raise StaleStream(STALE)
            connection.note_attempt(opening)
            if not session.has_begun:
                self._moves.renew(connection)
                await self.wait(connection, opening)
            if not session.has_begun or session.may_resume(opening):
                return connection
        connection.close(NORMAL_CLOSURE, "Replaced by a newer session of the same peer")
        return None

    async def wait(self, connection: Connection, opening: Opening) -> None:
        """Wait until it is known whether another process has the session of a new connection.

        Raises:
            StaleStream: The peer has opened a newer stream, here or elsewhere.
        """
        if connection.is_settled or opening.attempt == 1:  # which nobody can have seen before
            return
        self._server.hold(connection)  # in case that nobody waits any more
        await connection.wait_settled()
        session = connection.session
        if connection.is_closed or session is None or session.attempt != opening.attempt:
            raise StaleStream(STALE)
