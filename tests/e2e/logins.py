"""Users of these tests with their logins, and the ends of their streams."""

import http.client
import json
import uuid
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed

from tests.e2e.crud_peer import unwrap
from tests.e2e.peers import ReadingPeer, log_in
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

PATIENCE_SECONDS = 60


class Login:
    """A new user with all permissions of tickets, logged in at a server."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.name = str(uuid.uuid4())
        self.cookie = log_in(server, self.name)
        self.session = self.cookie.partition("=")[2]
        self.user = self.ask("whoami")["user"]
        server.get_json("/e2e/permit", user=self.user)

    def ask(self, path: str, *, server: ServerProcess | None = None, **query: Any) -> Any:
        """Request a path below ``/e2e/`` with the cookie of the login."""
        connection = http.client.HTTPConnection(
            HOST, (server or self.server).port, timeout=PATIENCE_SECONDS
        )
        try:
            connection.request("GET", f"/e2e/{path}?{urlencode(query)}", headers=self.headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        assert response.status == 200, body
        return json.loads(body)

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie}

    def revoke(self, what: str) -> None:
        """End it, or take its permissions away."""
        if what == "logout":
            self.ask("logout")
        else:
            self.server.get_json("/e2e/revoke", what=what, user=self.user, session=self.session)


def read_to_end(peer: ReadingPeer) -> tuple[int, list[dict[str, Any]]]:
    """Read a stream to its end; return why it ended and what it brought, beats aside."""
    messages: list[dict[str, Any]] = []
    try:
        messages += (message for message in peer.messages() if message is not None)
    except ConnectionClosed as error:
        assert error.rcvd is not None
        return error.rcvd.code, messages
    filt = unwrap(messages[-1]["filt"]) if messages else {}
    if filt.get("key") != "vortex.closing":
        return 0, messages
    return int(filt["code"]), messages[:-1]
