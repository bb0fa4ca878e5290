"""The errors of the client end, leaves of the tree in `django_vortex.exceptions`.

::

    ClientError
    ├── Closed                   the client has been closed, or has ended for good
    │   └── Refused              the server does not let this client in
    │       └── UpdateRequired   this client is too old for the server
    ├── NotConnected             no connection in time
    ├── TimedOut                 no answer in time, or not everything was written in time
    ├── FateUnknown              the connection was lost with a request under way
    ├── Overflow                 more pushes came than their reader had room for
    └── WatchEnded               the server does not let this client watch, or not any more

What a server answers is a `PeerError` of that tree, where no class is for it a `RemoteError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_vortex.exceptions import HandlerError, VortexError


class ClientError(VortexError):
    """The client end failed; what a server answers is a `PeerError`."""


class Closed(ClientError):
    """The client has been closed, or has ended for good; nothing is sent or received any more."""


class Refused(Closed):
    """The server does not let this client in, and coming again would change nothing.

    Args:
        text: Why, in the server's words.
        code: Its close code or HTTP status, 0 if it gave none.
    """

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class UpdateRequired(Refused):
    """The server does not speak the version of this client any more: the client has to be updated.

    Args:
        text: Why, in the server's words.
        code: Its close code or HTTP status.
    """


class NotConnected(ClientError, TimeoutError):
    """There was no connection to the server in time; the cause is why the last attempt failed."""


class TimedOut(ClientError, TimeoutError):
    """The server did not answer in time, or did not take in time what was to be written.

    Args:
        text: What was waited for.
        left: Of a flush the number of messages that are still not written.
    """

    def __init__(self, text: str, left: int = 0) -> None:
        super().__init__(text)
        self.left = left


class FateUnknown(ClientError):
    """The connection was lost after a request was written: the server may have done it or not."""


class Overflow(ClientError):
    """More pushes came than their reader had room for.

    Args:
        lost: How many were dropped since the last one that was read.
    """

    def __init__(self, lost: int) -> None:
        super().__init__(f"{lost} pushes were dropped because their reader was too slow")
        self.lost = lost


class WatchEnded(ClientError):
    """The server does not let this client watch an answer, or not any more.

    Args:
        text: Why, in the server's words.
        error: What it has told, as `Client.call` would raise it.
    """

    def __init__(self, text: str, error: VortexError | None = None) -> None:
        super().__init__(text)
        self.error = error

    @classmethod
    def of(cls, error: VortexError) -> WatchEnded:
        """Return the end that an error is."""
        return cls(str(error), error)

    @property
    def code(self) -> str:
        """The code of the server's error, "" if it is one of the client's own."""
        return str(getattr(self.error, "code", ""))


class RemoteError(HandlerError):
    """A refusal that a server answered, of a kind of the application's own.

    Args:
        text: What the server says.
        code: What kind of error it is; released servers have none and tell only a text.
        parts: What came beside the code and the text.
    """

    def __init__(
        self, text: str, code: str = "refused", parts: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self._parts = dict(parts or {})

    @property
    def parts(self) -> dict[str, Any]:
        """What came beside the code and the text."""
        return self._parts
