"""A stream of the server that ends in the same process."""

from collections.abc import Callable


class MemoryStream:
    """Hands what the server writes to a peer at once.

    Args:
        receive: Takes each text, and the pieces that follow some.
        closed: Takes code and reason when the server ends the stream, once.
        framed: Whether messages end with dots, as over HTTP.
    """

    def __init__(
        self,
        receive: Callable[[str | bytes], None],
        closed: Callable[[int, str], None],
        *,
        framed: bool = False,
    ) -> None:
        self.framed = framed
        self._receive = receive
        self._closed = closed
        self._is_closed = False

    def write_now(self, text: str | bytes) -> bool:
        """Leave every text to `send`."""
        return False

    async def send(self, text: str | bytes) -> None:
        """Hand over a text, plain as it comes over a socket; never blocks."""
        self._receive(str(text) if isinstance(text, str) else text)

    def close(self, code: int, reason: str, last_text: str = "") -> None:
        """Tell the peer that this is the end."""
        if not self._is_closed:
            self._is_closed = True
            self._closed(code, reason)

    def take_unsent(self) -> list[str]:
        """Return nothing: what is sent has arrived."""
        return []
