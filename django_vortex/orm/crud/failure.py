"""The answer to a CRUD request that failed.

Takes what was raised, gives the one envelope that tells the peer.
"""

from collections.abc import Mapping
from typing import Any

from django_vortex.exceptions import (
    MAX_QUOTED_CHARACTERS,
    Conflict,
    ValidationError,
    shortened,
)
from django_vortex.orm.store import TryAgain
from django_vortex.routing.replies import error_text
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

TRY_AGAIN = "The database cannot do this at the moment and has changed nothing, try again"

MAX_TOLD_ERRORS = 100
"""How many errors one answer has; that there are more stands in its text."""

MAX_TOLD_MESSAGES = 10
"""How many messages each of them has."""


def make_failure(error: ValidationError | Conflict | TryAgain, request: Request) -> PayloadEnvelope:
    """Make the one answer to a request that failed.

    Our own clients get the parts, others a text. A conflict comes with what the rows are now.
    """
    text = TRY_AGAIN if isinstance(error, TryAgain) else error_text(error)
    tuples = error.tuples if isinstance(error, Conflict) else []
    payload = Payload(tuples=tuples) if tuples else None
    if request.dialect is not Dialect.NATIVE:
        return PayloadEnvelope({}, payload, result=text)
    if isinstance(error, Conflict):
        result: dict[str, Any] = {"error": "conflict", "text": text}
    elif isinstance(error, TryAgain):
        result = {"error": "busy", "text": text}
    else:
        told = [_shorten(one) for one in error.errors[:MAX_TOLD_ERRORS]]
        result = {"error": "validation", "text": text, "errors": told}
    return PayloadEnvelope({}, payload, result=result)


def _shorten(error: Mapping[str, Any]) -> dict[str, Any]:
    """Give an error without most of what it repeats of a long value or name that came."""
    field = shortened(str(error.get("field", "")), MAX_QUOTED_CHARACTERS)
    messages = [shortened(str(text)) for text in error["messages"][:MAX_TOLD_MESSAGES]]
    return {**error, "field": field, "messages": messages}
