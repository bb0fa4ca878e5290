"""What a server's answer means: the payload of a reply, or the error that it tells.

Takes the envelope of an answer, gives the payload or an exception; the counterpart of
`django_vortex.routing.failures`, which writes the errors that are read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_vortex.client.errors import RemoteError
from django_vortex.exceptions import (
    Conflict,
    EvaluationTimeout,
    InternalError,
    LimitExceeded,
    MalformedMessage,
    NotFound,
    PeerError,
    PermissionDenied,
    ShuttingDown,
    TooManyRequests,
    TryAgain,
    UnknownEndpoint,
    UnknownOutcome,
    UnknownTupleType,
    ValidationError,
    WireError,
)
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import is_true

_MakeError = Callable[[str, Mapping[str, Any]], PeerError]

_WIRE_ERRORS: tuple[type[WireError], ...] = (
    MalformedMessage,
    LimitExceeded,
    UnknownTupleType,
    UnknownEndpoint,
)


class Reply(Payload):
    """The payload of an answer.

    Attributes:
        is_reflected: Whether everything that the client watches contains what the request has
            changed; False where that took too long, or the connection was lost meanwhile.
    """

    __slots__ = ("is_reflected",)

    is_reflected: bool


def read_answer(envelope: PayloadEnvelope, codec: Codec, *, is_reflected: bool = True) -> Reply:
    """Return the payload of an answer.

    Args:
        envelope: The answer.
        codec: Decodes it.
        is_reflected: As of `Reply`.

    Raises:
        PeerError: The server tells an error.
        WireError: The payload cannot be decoded.
    """
    if envelope.result is None or is_true(envelope.result):
        payload = envelope.decode_payload(codec)
        reply = Reply(payload.filt, payload.tuples, payload.date)
        reply.is_reflected = is_reflected
        return reply
    raise read_error(envelope, codec)


def read_error(envelope: PayloadEnvelope, codec: Codec) -> PeerError:
    """Return the error that an answer tells; what is odd about it is told as well as it can be."""
    result = envelope.result
    if not isinstance(result, Mapping):
        return RemoteError(str(result))
    code, text = str(result.get("error", "")), str(result.get("text", ""))
    parts = {name: value for name, value in result.items() if name not in ("error", "text")}
    if code == Conflict.code:
        try:
            return Conflict(text, envelope.decode_payload(codec).tuples)
        except WireError:
            return Conflict(text)
    make = _ERRORS.get(code)
    try:
        return RemoteError(text, code, parts) if make is None else make(text, parts)
    except (TypeError, ValueError, AttributeError):  # parts that are not what they should be
        return RemoteError(text, code, parts)


def _validation(text: str, parts: Mapping[str, Any]) -> PeerError:
    return ValidationError(text, parts.get("errors") or ())


def _rate(text: str, parts: Mapping[str, Any]) -> PeerError:
    return TooManyRequests(float(parts.get("retry_after") or 0))


def _timeout(text: str, parts: Mapping[str, Any]) -> PeerError:
    return EvaluationTimeout(float(parts.get("seconds") or 0))


def _wire_error(kind: type[WireError]) -> _MakeError:
    def make(text: str, parts: Mapping[str, Any]) -> PeerError:
        path = str(parts.get("path") or "$")
        return kind(text.removesuffix(f" - at `{path}`"), path)

    return make


def _refers(kind: Callable[[str], PeerError]) -> _MakeError:
    return lambda text, parts: kind(str(parts.get("ref") or ""))


_ERRORS: dict[str, _MakeError] = {
    ValidationError.code: _validation,
    PermissionDenied.code: lambda text, parts: PermissionDenied(text),
    NotFound.code: lambda text, parts: NotFound(text),
    TryAgain.code: lambda text, parts: TryAgain(text),
    TooManyRequests.code: _rate,
    EvaluationTimeout.code: _timeout,
    UnknownOutcome.code: _refers(UnknownOutcome),
    InternalError.code: _refers(InternalError),
    ShuttingDown.code: lambda text, parts: ShuttingDown(),
    **{kind.code: _wire_error(kind) for kind in _WIRE_ERRORS},
}
"""By code, what makes the error that the server raised."""
