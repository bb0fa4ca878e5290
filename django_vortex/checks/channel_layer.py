"""The channel layer: missing, local to one process, or one that loses messages."""

from collections.abc import Iterator, Sequence
from typing import Any

from channels.layers import channel_layers
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from django_vortex.checks.settings import read_setting
from django_vortex.transports.layer import READ_SECONDS

CORE_LAYER = "channels_redis.core.RedisChannelLayer"
MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
MIN_CORE_CAPACITY = 10_000
"""At this capacity a burst of 3000 pushes arrived whole, at the default of 100 most was lost."""


def check_channel_layer(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find layers that do not exist or lose messages (E002 to W005)."""
    alias = read_setting("channel_layer")
    configured = getattr(settings, "CHANNEL_LAYERS", None) or {}
    if alias is None or (alias == "default" and alias not in configured):
        return []
    if alias not in configured:
        return [
            Error(
                f"VORTEX['CHANNEL_LAYER'] is {alias!r}, which CHANNEL_LAYERS does not have.",
                hint=f"It has {', '.join(map(repr, configured)) or 'none'}. None stands alone.",
                id="django_vortex.E002",
            )
        ]
    try:
        layer = channel_layers[alias]
    except Exception as error:  # of a class that is not ours: whatever it is, it is told
        return [
            Error(
                f"The channel layer {alias!r} cannot be made: {error}",
                hint="Redis layers are in the package channels_redis.",
                id="django_vortex.E002",
            )
        ]
    if _is_a(layer, CORE_LAYER):
        return [*_check_capacity(layer, alias), *_check_read_timeout(layer, alias)]
    if _is_a(layer, MEMORY_LAYER):
        return [
            Warning(
                f"The channel layer {alias!r} keeps everything in its own process: pushes from "
                "management commands and other servers do not arrive.",
                hint="With a single process set VORTEX['CHANNEL_LAYER'] to None, with several use "
                "channels_redis.pubsub.RedisPubSubChannelLayer.",
                id="django_vortex.W005",
            )
        ]
    return []


def _is_a(layer: object, path: str) -> bool:
    """Tell whether a class of this dotted path is among the bases, without importing it."""
    bases = type(layer).__mro__
    return any(f"{base.__module__}.{base.__qualname__}" == path for base in bases)


def _check_capacity(layer: Any, alias: str) -> Iterator[CheckMessage]:
    if layer.capacity < MIN_CORE_CAPACITY:
        yield Error(
            f"The channel layer {alias!r} has a capacity of {layer.capacity}: it loses most of a "
            "burst of pushes.",
            hint=f'Set "capacity": {MIN_CORE_CAPACITY} in its CONFIG, or use '
            "channels_redis.pubsub.RedisPubSubChannelLayer.",
            id="django_vortex.E003",
        )


def _check_read_timeout(layer: Any, alias: str) -> Iterator[CheckMessage]:
    """Compare how long we let the layer wait for a message with how long redis-py lets it.

    When redis-py closes the connection first, a message that is just being handed over is lost.
    """
    waits = min(layer.brpop_timeout, READ_SECONDS)
    for index in range(layer.ring_size):
        timeout = layer.create_pool(index).make_connection().socket_timeout
        if timeout is not None and timeout <= waits:
            yield Error(
                f"The channel layer {alias!r} is asked to wait {waits:g} s for a message, but its "
                f"Redis connections are closed after {timeout:g} s without one: what arrives "
                "just then is lost.",
                hint='Give the URL in "hosts" a longer one, such as "?socket_timeout=30".',
                id="django_vortex.E004",
            )
