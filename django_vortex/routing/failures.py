"""Write errors as results of envelopes, in the form that the peer's dialect has.

Takes an error that is meant for the peer, gives the ``result`` of the envelope: for our own dialect
an object, ``{"error": code, "text": ..., ...}``, for all others the text alone.
"""

import re
from typing import Any

from django_vortex.exceptions import MalformedMessage, PeerError, ValidationError, with_path
from django_vortex.wire.columns import MalformedColumns
from django_vortex.wire.dialects import Dialect

_FIELD = re.compile(r"\$\.tuples\[(\d+)\]\.(\w+)(.*)", re.DOTALL)
"""The path of a value in a field of a tuple."""


def make_result(error: PeerError, dialect: Dialect) -> Any:
    """Return the result that tells a peer of an error.

    A value that a field cannot have is a validation error by field, wherever it was noticed.
    """
    text = error_text(error)
    if not dialect.is_native:
        return text
    told = _by_field(error) or error
    head = {"error": str(told.code), "text": text}
    return {**head, **told.parts, **head}


def error_text(error: PeerError) -> str:
    """Return the text of an error that is meant for the peer, never an empty one.

    An empty result would be a success to some peers; ``PermissionDenied()`` says what it is.
    """
    try:
        text = str(error)
    except Exception:  # of a class of the application's
        text = ""
    return text or re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).capitalize()


def _by_field(error: PeerError) -> ValidationError | None:
    if not isinstance(error, MalformedMessage) or isinstance(error, MalformedColumns):
        return None
    place = _FIELD.fullmatch(error.path)
    if place is None:
        return None
    index, name, rest = place.groups()
    text = with_path(error.text, f"{name}{rest}") if rest else error.text
    return ValidationError(errors=[{"index": int(index), "field": name, "messages": [text]}])
