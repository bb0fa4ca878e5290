"""The channel layer: missing, local to one process, or one that loses messages."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from channels.layers import channel_layers
from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from django_vortex.checks.settings import read_setting
from django_vortex.exceptions import did_you_mean
from django_vortex.transports.layer import READ_SECONDS, get_layer_problem

CORE_LAYER = "channels_redis.core.RedisChannelLayer"
PUBSUB_LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"
MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
MIN_CORE_CAPACITY = 10_000
"""At this capacity a burst of 3000 pushes arrived whole, at the default of 100 most was lost."""


def check_channel_layer(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find layers that do not exist or lose messages (E002 to W005)."""
    alias = read_setting("channel_layer")
    problem = get_layer_problem(alias)
    if problem is not None:
        return [Error(problem.text, hint=problem.hint, id="django_vortex.E002")]
    if alias is None or alias not in channel_layers.configs:
        return []
    layer = channel_layers[alias]
    if _is_a(layer, PUBSUB_LAYER):
        return list(_check_pubsub_options(alias))
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


def _check_pubsub_options(alias: str) -> Iterator[CheckMessage]:
    """Find options that the Pub/Sub layer swallows; those of the core layer do no harm there."""
    known: set[str] = {"on_disconnect", "on_reconnect"}
    for path in (CORE_LAYER, PUBSUB_LAYER):
        known |= set(inspect.signature(import_string(path)).parameters)
    for key in channel_layers.configs[alias].get("CONFIG", {}):
        if key not in known:
            yield Warning(
                f"The channel layer {alias!r} ignores {key!r} in its CONFIG"
                f"{did_you_mean(key, known) or '.'}",
                hint="It reads options such as hosts, prefix and symmetric_encryption_keys.",
                id="django_vortex.W011",
            )


def _is_a(layer: object, path: str) -> bool:
    """Return whether a class of this dotted path is among the bases, without importing it."""
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
