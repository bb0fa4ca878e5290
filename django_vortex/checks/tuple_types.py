"""Tuple types that cannot be read or built (E020), and those that are missing (E021)."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from django_vortex.handlers.base import BaseHandler
from django_vortex.routing.payload_io import payload_io


def check_tuple_types(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find tuple types that cannot be used (E020), and tables that are none (E021)."""
    messages: list[CheckMessage] = []
    for tuple_type in payload_io.codec.registry:
        try:
            payload_io.codec.compile(tuple_type)
        except Exception as error:  # of an ORM, too, that cannot finish the class
            named = f"{tuple_type.cls.__module__}.{tuple_type.cls.__qualname__}"
            text = f"The tuple type {tuple_type.name!r} of {named} cannot be used: {error}"
            hint = "Every message with such a tuple fails. Correct its fields, or the class."
            messages.append(Error(text, hint=hint, id="django_vortex.E020"))
    return [*messages, *_find_untyped()]


def _find_untyped() -> Iterator[CheckMessage]:
    for endpoint in payload_io.endpoints:
        handler = getattr(endpoint.handler, "__self__", None)
        cls = handler.get_untyped() if isinstance(handler, BaseHandler) else None
        if cls is not None:
            yield Error(
                f"{handler!r} sends rows of {cls.__module__}.{cls.__qualname__}, which is no tuple "
                "type: every request for them fails.",
                hint="Name the fields that travel: "
                f'tuple_type("{cls.__module__.partition(".")[0]}.{cls.__name__}", fields=[...])'
                f"({cls.__name__}).",
                id="django_vortex.E021",
            )
