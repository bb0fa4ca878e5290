"""What system checks have found, as tests compare it."""

from collections.abc import Iterable

from django.core.checks import CheckMessage


def ids(messages: Iterable[CheckMessage]) -> list[str]:
    """Return the short ids of messages: ``E001`` of ``django_vortex.E001``."""
    return [str(message.id).removeprefix("django_vortex.") for message in messages]
