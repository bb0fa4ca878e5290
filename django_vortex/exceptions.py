"""The errors of the project.

::

    VortexError
    ├── DefinitionError          the programmer's, raised at import or registration
    │   ├── UnknownField         a tuple is made with a field that it does not have
    │   └── UnencodableValue     a value that cannot travel
    │       └── LoadsOnLoop      reading it would wait for a database on the event loop
    ├── PeerError                told to the peer: a code, a text, and parts of its own
    │   ├── WireError            the peer's, becomes a reply or a close; never a traceback
    │   │   ├── MalformedMessage not a message of any dialect
    │   │   ├── LimitExceeded    larger, deeper or more than the limits allow
    │   │   ├── UnknownTupleType names a tuple type that is not registered
    │   │   └── UnknownEndpoint  no handler for its filt
    │   ├── HandlerError         raised by applications; the text is meant for the peer
    │   │   ├── PermissionDenied
    │   │   ├── ValidationError
    │   │   ├── NotFound
    │   │   ├── Conflict
    │   │   ├── TooManyRequests  more often than a rate allows
    │   │   ├── TryAgain         the database could not now, and has done nothing
    │   │   ├── EvaluationTimeout an answer that is watched takes too long
    │   │   ├── UnknownOutcome   the database was lost while it stored what was asked
    │   │   └── RemoteError      any other that a client got: `django_vortex.client.errors`
    │   ├── RefusedError         a peer may not connect, or not ask any more
    │   │   ├── TooManyPeers     throttled
    │   │   ├── InvalidCredentials shows something that says who it is, and is not valid
    │   │   ├── TakenByAnother   the uuid belongs to another identity
    │   │   └── ShuttingDown     the server stops
    │   └── InternalError        ours; the peer gets a reference, the log the traceback
    ├── DeliveryError            a send that could reach nobody
    └── ClientError              of the client end: `django_vortex.client.errors`
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django_vortex.field_errors import MAX_TOLD_ERRORS, complete_error, list_errors, shorten_error
from django_vortex.quoting import did_you_mean as did_you_mean
from django_vortex.quoting import quoted as quoted
from django_vortex.quoting import shortened as shortened
from django_vortex.quoting import with_path as with_path


class VortexError(Exception):
    """Base of everything this package raises on purpose."""


class DefinitionError(VortexError):
    """The programmer's mistake: a wrong definition, raised at import or registration."""


class UnknownField(DefinitionError, TypeError):
    """A keyword that names no field of the tuple; a TypeError, as for any unknown keyword."""


class UnencodableValue(DefinitionError):
    """A value that cannot travel, found while it is encoded.

    Args:
        text: One line, capital first, no full stop.
        path: Where in what is encoded, as ``$.tuples[0].age``; ``$`` is all of it.
    """

    def __init__(self, text: str, path: str = "$") -> None:
        super().__init__(text, path)
        self.text = text
        self.path = path

    def __str__(self) -> str:
        return with_path(self.text, self.path)

    def under(self, part: str) -> None:
        """Put a part of the path before the others."""
        self.path = f"${part}{self.path[1:]}"


class LoadsOnLoop(UnencodableValue):
    """Reading the value would wait for a database, which the event loop must not."""


class PeerError(VortexError):
    """An error that is told to the peer.

    Attributes:
        code: What kind of error it is, for programs; subclasses may have codes of their own.
    """

    code: str = "refused"

    @property
    def parts(self) -> dict[str, Any]:
        """What clients get in the native dialect beside ``error`` (the code) and ``text``."""
        return {}


class WireError(PeerError):
    """The peer's mistake.

    Args:
        text: One line, capital first, no full stop.
        path: Where in the message, as ``$.tuples[0].age``; ``$`` is the whole message.
        hint: What to do about it, or nothing.
    """

    code = "malformed"

    def __init__(self, text: str, path: str = "$", hint: str = "") -> None:
        super().__init__(text, path, hint)
        self.text = text
        self.path = path
        self.hint = hint

    @property
    def parts(self) -> dict[str, Any]:
        """Where it is wrong."""
        return {"path": self.path}

    def __str__(self) -> str:
        text = with_path(self.text, self.path)
        return f"{text}. {self.hint}" if self.hint else text


class MalformedMessage(WireError):
    """A message that is not valid in any dialect."""


class LimitExceeded(WireError):
    """A message larger, deeper or with more tuples than the limits allow."""

    code = "limit"


class UnknownTupleType(WireError):
    """The name of a tuple type that is not registered."""

    code = "unknown-type"


class UnknownEndpoint(WireError):
    """A filt that no endpoint handles."""

    code = "no-endpoint"


class HandlerError(PeerError):
    """Raised by applications to refuse a request; its text is sent to the peer."""

    tuples: Sequence[Any] = ()
    """What is sent along."""


class PermissionDenied(HandlerError):
    """The peer may not do this."""

    code = "permission"


class NotFound(HandlerError):
    """What the peer asks for does not exist, or the peer may not see it."""

    code = "not-found"


class ValidationError(HandlerError):
    """What the peer sent is well formed but not acceptable.

    Args:
        text: What the peer is told; by default made of the first errors. Messages by field, or a
            list of them, are errors, as Django's exception takes them.
        errors: What is wrong, each a dict with the ``index`` of the tuple (or None), the ``field``
            (or "") and a list of ``messages``. Or the messages by field.
    """

    code = "validation"

    def __init__(
        self,
        text: str | Mapping[str, Any] | list[Any] = "",
        errors: Sequence[Mapping[str, Any]] | Mapping[str, Any] = (),
    ) -> None:
        if isinstance(text, Mapping | list):
            text, errors = "", text if isinstance(text, Mapping) else {"": text}
        if isinstance(errors, Mapping):
            errors = [{"field": name, "messages": errors[name]} for name in errors]
        self.errors = [complete_error(error) for error in errors]
        super().__init__(text or list_errors(self.errors))

    @property
    def parts(self) -> dict[str, Any]:
        """The errors, without most of what they repeat of long values that came."""
        return {"errors": [shorten_error(error) for error in self.errors[:MAX_TOLD_ERRORS]]}


class Conflict(HandlerError):
    """What the peer changes has been changed by somebody else meanwhile.

    Args:
        text: What the peer is told.
        tuples: What it is now, sent along.
    """

    code = "conflict"

    def __init__(self, text: str = "", tuples: Sequence[Any] = ()) -> None:
        super().__init__(text)
        self.tuples = list(tuples)


class TooManyRequests(HandlerError):
    """The peer asks more often than it may.

    Args:
        retry_after: Seconds after which it may ask again.
    """

    code = "rate"

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many requests, try again in {math.ceil(retry_after)} s")
        self.retry_after = retry_after

    @property
    def parts(self) -> dict[str, Any]:
        """When to ask again."""
        return {"retry_after": self.retry_after}


class TryAgain(HandlerError):
    """The database cannot do the work now, for example because of a lock. Nothing was changed."""

    code = "busy"

    def __init__(self, text: str = "") -> None:
        default = "The database cannot do this at the moment and has changed nothing, try again"
        super().__init__(text or default)


class EvaluationTimeout(HandlerError):
    """Evaluating an answer that is watched takes longer than it may. It is tried again.

    Args:
        seconds: How long it may take.
    """

    code = "timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The answer takes longer than {seconds:g} s, it is tried again later")
        self.seconds = seconds

    @property
    def parts(self) -> dict[str, Any]:
        """How long it may take."""
        return {"seconds": self.seconds}


class UnknownOutcome(HandlerError):
    """The database was lost during the commit: whether anything is stored is not known.

    Args:
        reference: The text by which it is found in the log.
    """

    code = "unknown"

    def __init__(self, reference: str = "") -> None:
        reference_text = f" (ref {reference})" if reference else ""
        super().__init__(
            f"The server could not answer{reference_text}: the database was lost while it stored "
            "this, look whether it is there before you try again"
        )
        self.reference = reference

    @property
    def parts(self) -> dict[str, Any]:
        """The reference."""
        return {"ref": self.reference}


class RefusedError(PeerError):
    """A peer that may not connect, or not ask any more; the text is sent to it."""


class InvalidCredentials(RefusedError):
    """A token, or other credentials, that are unknown or no longer valid.

    Functions in ``VORTEX["AUTHENTICATE"]`` raise it. The peer is refused, over HTTP with 401, and
    never served anonymously. The text is sent to it.

    Args:
        text: One line, capital first, no full stop, without the token.
        challenge: The header ``WWW-Authenticate``, with the scheme that would be accepted.
    """

    code = "authentication"

    def __init__(self, text: str = "These credentials are not valid", challenge: str = "") -> None:
        super().__init__(text)
        self.challenge = challenge


class TooManyPeers(RefusedError):
    """More new peers in a period than the throttle lets in.

    Args:
        text: What the peer is told.
        retry_after: Seconds after which a new attempt may be let in.
    """

    code = "rate"

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after

    @property
    def parts(self) -> dict[str, Any]:
        """When to come again."""
        return {"retry_after": self.retry_after}


class TakenByAnother(RefusedError):
    """The uuid is in use by a peer with another identity."""


class StaleStream(RefusedError):
    """A stream that its peer has given up: it has opened a newer one."""


class ShuttingDown(RefusedError):
    """The server takes no new work.

    Args:
        retry_after: Seconds after which to try again; 0 where another process is there already.
    """

    code = "shutting-down"

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("The server is shutting down")
        self.retry_after = retry_after


class InternalError(PeerError):
    """A failure of the server or the application.

    Args:
        reference: The text by which it is found in the log.
    """

    code = "internal"

    def __init__(self, reference: str) -> None:
        super().__init__(f"The server could not answer (ref {reference})")
        self.reference = reference

    @property
    def parts(self) -> dict[str, Any]:
        """The reference."""
        return {"ref": self.reference}


class DeliveryError(VortexError):
    """A message could not be sent to any peer."""
