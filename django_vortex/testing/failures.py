"""Assertion errors of tests that wait for something that does not come."""

from collections.abc import Iterable

from django_vortex.testing.received import Received
from django_vortex.typedefs import Filt


class NothingReceived(AssertionError):
    """What a test waited for did not come.

    Args:
        wanted: The filt that was waited for.
        seconds: For how long.
        unread: What came instead.
    """

    def __init__(self, wanted: Filt, seconds: float, unread: Iterable[Received]) -> None:
        super().__init__(wanted, seconds)
        self.wanted = wanted
        self.seconds = seconds
        self.unread = tuple(unread)

    def __str__(self) -> str:
        came = ", ".join(repr(one.filt) for one in self.unread) or "nothing"
        return f"Nothing with {self.wanted!r} came within {self.seconds:g} s; unread is {came}"


class PeerClosed(AssertionError):
    """The server has ended the connection that a test uses.

    Args:
        code: The close code.
        reason: What the peer is told of it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"The server has closed the connection: {self.code} {self.reason}"
