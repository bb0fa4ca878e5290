"""Tuple types that cannot be read or built (E020)."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from django_vortex.routing.payload_io import payload_io


def check_tuple_types(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find tuple types that cannot be read or built: with a field that is not there (E020)."""
    messages: list[CheckMessage] = []
    for tuple_type in payload_io.codec.registry:
        try:
            payload_io.codec.compile(tuple_type)
        except Exception as error:  # of an ORM, too, that cannot finish the class
            named = f"{tuple_type.cls.__module__}.{tuple_type.cls.__qualname__}"
            text = f"The tuple type {tuple_type.name!r} of {named} cannot be used: {error}"
            hint = "Every message with such a tuple fails. Correct its fields, or the class."
            messages.append(Error(text, hint=hint, id="django_vortex.E020"))
    return messages
