"""Django's own exceptions as errors for the peer: `translate_error`.

Takes what a handler, a hook or a model has raised, gives what the peer is told of it. No text of
these errors repeats what a query looked for.
"""

from collections.abc import Mapping
from typing import Any

from django.core import exceptions as django_exceptions
from django.http import Http404

from django_vortex.exceptions import (
    HandlerError,
    NotFound,
    PermissionDenied,
    ValidationError,
    quoted,
)
from django_vortex.logs import get_limited_logger

logger = get_limited_logger(__name__)

SUSPICIOUS = "The request looks like an attack and is refused"


def translate_error(error: BaseException, /) -> HandlerError | None:
    """Return the error of ours that says the same, None if it is not for the peer."""
    if isinstance(error, django_exceptions.ValidationError):
        return ValidationError(errors=list_errors(error))
    if isinstance(error, django_exceptions.PermissionDenied):
        return PermissionDenied(_text_of(error))
    if isinstance(error, Http404):
        return NotFound(_text_of(error))
    if isinstance(error, django_exceptions.ObjectDoesNotExist):
        return NotFound()
    if isinstance(error, django_exceptions.BadRequest):
        return HandlerError(_text_of(error) or "Bad request")
    if isinstance(error, django_exceptions.SuspiciousOperation):
        # Its text is for the log: it names paths, hosts and what was looked for.
        logger.warning("%s: %s", type(error).__name__, quoted(str(error)))
        return HandlerError(SUSPICIOUS)
    return None


def list_errors(
    error: django_exceptions.ValidationError, index: int | None = None
) -> list[dict[str, Any]]:
    """Return the ``errors`` of our own `ValidationError`, one for each field.

    Args:
        error: Of one message, of a list of them, or of a dict by field.
        index: The tuple that it is about, None if that is not known.
    """
    return [
        {"index": index, "field": field, "messages": messages}
        for field, messages in messages_by_field(error).items()
    ]


def messages_by_field(error: django_exceptions.ValidationError) -> Mapping[str, list[str]]:
    """Return the messages by field, with their parameters; "" is what concerns no single field."""
    if not hasattr(error, "error_dict"):
        return {"": error.messages}
    return {
        "" if name == django_exceptions.NON_FIELD_ERRORS else str(name): messages
        for name, messages in error.message_dict.items()
    }


def _text_of(error: Exception) -> str:
    """Return the text that an application gave, nothing of what else may be in an exception.

    A ``Resolver404`` has the project's URLs in it.
    """
    if len(error.args) != 1 or isinstance(error.args[0], (dict, list, tuple, bytes, Exception)):
        return ""
    return str(error.args[0])
