"""The errors of the project.

::

    VortexError
    ├── DefinitionError          the programmer's, raised at import or registration
    │   └── UnknownField         a tuple is made with a field that it does not have
    ├── WireError                the peer's, becomes a reply or a close; never a traceback
    │   ├── MalformedMessage     not a message of any dialect
    │   ├── LimitExceeded        larger, deeper or more than the limits allow
    │   └── UnknownTupleType     names a tuple type that is not registered
    ├── HandlerError             raised by applications; the text is meant for the peer
    │   ├── PermissionDenied
    │   ├── ValidationError
    │   └── Conflict
    ├── RefusedError             a peer may not connect
    │   ├── TooManyPeers         throttled
    │   └── TakenByAnother       the uuid belongs to another identity
    ├── DeliveryError            a send that could reach nobody
    └── ClientError              the client end: closed, timed out
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_QUOTED_CHARACTERS = 80
"""How much of a foreign value an error text repeats."""

MAX_LISTED_ERRORS = 20
"""How many errors the text of a `ValidationError` lists."""

MAX_MESSAGE_CHARACTERS = 300
"""How much it shows of a message, which may repeat what came."""


def quoted(value: object) -> str:
    """Give ``repr(value)``, cut at `MAX_QUOTED_CHARACTERS`; the class where that fails."""
    try:
        text = repr(value)
    except Exception:  # of any class, and of an int with more digits than Python writes
        return f"<{type(value).__qualname__}>"
    if len(text) > MAX_QUOTED_CHARACTERS:
        return text[: MAX_QUOTED_CHARACTERS - 1] + "…"
    return text


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``. Did you mean 'name'?`` for a name that is nearly a known one, else nothing."""
    near = difflib.get_close_matches(str(name)[:MAX_QUOTED_CHARACTERS], list(known), n=1)
    return f". Did you mean {near[0]!r}?" if near else ""


class VortexError(Exception):
    """Base of everything this package raises on purpose."""


class DefinitionError(VortexError):
    """The programmer's mistake: a wrong definition, raised at import or registration."""


class UnknownField(DefinitionError, TypeError):
    """A keyword that names no field of the tuple; a TypeError, as for any unknown keyword."""


class WireError(VortexError):
    """The peer's mistake.

    Args:
        text: One line, capital first, no full stop.
        path: Where in the message, as ``$.tuples[0].age``; ``$`` is the whole message.
        hint: What to do about it, or nothing.
    """

    def __init__(self, text: str, path: str = "$", hint: str = "") -> None:
        super().__init__(text, path, hint)
        self.text = text
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        text = self.text if self.path == "$" else f"{self.text} - at `{self.path}`"
        return f"{text}. {self.hint}" if self.hint else text


class MalformedMessage(WireError):
    """Bytes or values that no dialect gives a meaning."""


class LimitExceeded(WireError):
    """A message larger, deeper or with more tuples than the limits allow."""


class UnknownTupleType(WireError):
    """A tuple type name that nothing is registered under."""


class HandlerError(VortexError):
    """Raised by applications to refuse a request; its text is sent to the peer."""


class PermissionDenied(HandlerError):
    """The peer may not do this."""


class ValidationError(HandlerError):
    """What the peer sent is well formed but not acceptable.

    Args:
        text: What the peer is told; by default made of the first errors.
        errors: What is wrong, each a dict with the ``index`` of the tuple (or None), the ``field``
            (or "") and a list of ``messages``.
    """

    def __init__(self, text: str = "", errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(text or _list_errors(errors))
        self.errors = [dict(error) for error in errors]


class Conflict(HandlerError):
    """What the peer changes has been changed by somebody else meanwhile.

    Args:
        text: What the peer is told.
        tuples: What it is now, sent along where the handler answers with tuples.
    """

    def __init__(self, text: str = "", tuples: Sequence[Any] = ()) -> None:
        super().__init__(text)
        self.tuples = list(tuples)


def shortened(text: str, length: int = MAX_MESSAGE_CHARACTERS) -> str:
    """Give a text, cut at a length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _list_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    lines = [_error_line(error) for error in errors[:MAX_LISTED_ERRORS]]
    left = len(errors) - len(lines)
    return "; ".join([*lines, f"and {left} more"] if left else lines)


def _error_line(error: Mapping[str, Any]) -> str:
    index, field = error.get("index"), error.get("field")
    places = [] if index is None else [f"tuple {index}"]
    places += [f"field {quoted(field)}"] if field else []
    text = shortened(" ".join(error["messages"]))
    place = ", ".join(places)
    return f"{place[:1].upper()}{place[1:]}: {text}" if place else text


class RefusedError(VortexError):
    """A peer that may not connect; the text is sent to it."""


class TooManyPeers(RefusedError):
    """More new peers in a period than the throttle lets in.

    Args:
        text: What the peer is told.
        retry_after: Seconds after which a new attempt may be let in.
    """

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class TakenByAnother(RefusedError):
    """The uuid is in use by a peer with another identity."""


class DeliveryError(VortexError):
    """A send that could reach nobody."""


class ClientError(VortexError):
    """The client end failed: closed or timed out."""
