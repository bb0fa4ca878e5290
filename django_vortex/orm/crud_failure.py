"""The answer to a CRUD request that failed.

Takes what was raised, gives the one envelope that tells the peer.
"""

from typing import Any

from django_vortex.exceptions import Conflict, ValidationError
from django_vortex.routing.replies import error_text
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload


def make_failure(error: ValidationError | Conflict, request: Request) -> PayloadEnvelope:
    """Make the one answer to a request that failed.

    Our own clients get the parts, others a text. A conflict comes with what the rows are now.
    """
    text = error_text(error)
    tuples = error.tuples if isinstance(error, Conflict) else []
    payload = Payload(tuples=tuples) if tuples else None
    if request.dialect is not Dialect.NATIVE:
        return PayloadEnvelope({}, payload, result=text)
    if isinstance(error, Conflict):
        result: dict[str, Any] = {"error": "conflict", "text": text}
    else:
        result = {"error": "validation", "text": text, "errors": error.errors}
    return PayloadEnvelope({}, payload, result=result)
