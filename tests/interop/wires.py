"""The two transports with nothing on top: what a scripted peer writes to and reads from."""

import http.client
from collections.abc import Mapping
from contextlib import ExitStack
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect

from tests.support.closing import Closing
from tests.support.ports import HOST
from tests.support.waiting import PATIENCE_SECONDS


def open_websocket(exit: ExitStack, url: str, headers: Mapping[str, str]) -> ClientConnection:
    """Open a WebSocket that says nothing by itself and takes messages of any size."""
    # Newer versions of websockets want the connection to be entered, older ones return it.
    return exit.enter_context(
        connect(
            url,
            additional_headers=dict(headers),
            max_size=None,
            proxy=None,
            ping_interval=None,
        )
    )


class WebSocketWire(Closing):
    """A WebSocket: one message at a time, text both ways.

    Args:
        port: Of the server.
        query: What the client puts into the URL.
        path: Of the vortex.
        headers: Of the upgrade request.
    """

    def __init__(
        self,
        port: int,
        query: Mapping[str, str],
        *,
        path: str = "/vortexws",
        headers: Mapping[str, str] = {},
    ) -> None:
        self._exit = ExitStack()
        url = f"ws://{HOST}:{port}{path}?{urlencode(query)}"
        self._socket = open_websocket(self._exit, url, headers)

    def send(self, data: str | bytes) -> None:
        """Send one message; bytes go as a binary one."""
        self._socket.send(data)

    def receive(self) -> str:
        """Wait for one message, which must be text."""
        message = self._socket.recv(PATIENCE_SECONDS)
        assert isinstance(message, str), f"A released client takes text only, got {message!r}"
        return message

    def close(self) -> None:
        """Close the connection."""
        self._exit.close()


class HttpWire(Closing):
    """A POST whose response stays open.

    Every `post` is a request of its own, as those of the released clients are; reading goes on
    with the newest response.
    """

    def __init__(
        self,
        port: int,
        query: Mapping[str, str],
        *,
        path: str = "/vortex",
        headers: Mapping[str, str] = {},
    ) -> None:
        self._port = port
        self._target = f"{path}?{urlencode(query)}"
        self._headers = {"Content-Type": "text/plain", **headers}
        self._connections: list[http.client.HTTPConnection] = []
        self.response: http.client.HTTPResponse

    def post(self, body: str | bytes) -> http.client.HTTPResponse:
        """Send a body and wait for the head of the response, which must be 200."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE_SECONDS)
        self._connections.append(connection)
        data = body.encode("latin-1") if isinstance(body, str) else body
        connection.request("POST", self._target, data, self._headers)
        self.response = connection.getresponse()
        assert self.response.status == 200, (self.response.status, self.response.read(2000))
        return self.response

    def receive(self) -> bytes:
        """Wait for more of the newest response; empty when the server has ended it."""
        return self.response.read1(65_536)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()
        if self._connections:
            self.response.close()
