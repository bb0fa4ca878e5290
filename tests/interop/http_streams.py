"""Responses that stay open, read byte by byte from plain sockets.

Takes what is to be posted, gives the body as it comes, whether its end was clean, and the head.
Only what the released clients need of HTTP/1.1.
"""

import socket
from collections.abc import Mapping

RECEIVE_BYTES = 65_536


class HttpStream:
    """One POST and its response.

    Attributes:
        status: Of the response; 0 until its head has come.
        headers: Of the response, lower case.
        body: What has come of it and was not taken, cut as Twisted hands it on: each chunk for
            itself.
        is_ended: Whether the server has ended the response properly.
        is_broken: Whether the connection ended without that.
    """

    def __init__(
        self, host: str, port: int, target: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.is_ended = False
        self.is_broken = False
        self._unparsed = b""
        self._chunk_left = 0
        self._received = 0
        self._socket = socket.create_connection((host, port), timeout=60)
        head = [f"POST {target} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return not (self.is_ended or self.is_broken)

    def receive(self) -> int:
        """Take what has arrived and give how many bytes it was; blocks if nothing has."""
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            if "chunked" in self.headers.get("transfer-encoding", ""):
                self.is_broken = True
            else:  # the end of the connection is the end of the body
                self.is_ended = bool(self.status)
                self.is_broken = not self.status
            return 0
        self._unparsed += data
        if not self.status:
            self._parse_head()
        if self.status:
            self._parse_body()
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _parse_head(self) -> None:
        head, end, rest = self._unparsed.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        self.headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        self.status = int(first.split(" ")[1])
        self._unparsed = rest

    def _parse_body(self) -> None:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            self.body.append(self._unparsed)
            self._received += len(self._unparsed)
            self._unparsed = b""
            length = self.headers.get("content-length")
            self.is_ended = length is not None and self._received >= int(length)
            return
        while self._unparsed and self.is_open:
            if not self._chunk_left:
                size, end, rest = self._unparsed.partition(b"\r\n")
                if not end:
                    return
                if not size:  # the line break behind a chunk
                    self._unparsed = rest
                    continue
                self._chunk_left = int(size.split(b";")[0], 16)
                self.is_ended = not self._chunk_left
                self._unparsed = rest
            part = self._unparsed[: self._chunk_left]
            self.body.append(part)
            self._unparsed = self._unparsed[len(part) :]
            self._chunk_left -= len(part)
