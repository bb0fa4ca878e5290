"""The fan-out over a Channels layer: `LayerCarrier` and `make_fan_out`.

Every process has one channel, which is a member of one group; nothing else of ours joins groups.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_vortex.conf import get_settings
from django_vortex.exceptions import did_you_mean
from django_vortex.server.sequenced_fan_out import GIVE_UP_SECONDS, SequencedFanOut

READ_SECONDS: Final = 2
"""Longest blocking read of the Redis core layer. Its own 5 are what redis-py 8 gives up after."""

LAYER_KEYS: Final = ("BACKEND", "CONFIG", "TEST_CONFIG")
"""What an entry of ``CHANNEL_LAYERS`` has."""

MAX_NAME_CHARACTERS: Final = 80
"""How much of the name of a vortex is in the name of its group; Channels allows 99 in all."""


class LayerCarrier:
    """A `Carrier` over a channel layer.

    Args:
        layer: Any layer with groups.
        name: The vortex's name; vortexes of different names share a layer without meeting.
    """

    def __init__(self, layer: Any, name: str) -> None:
        self._layer = layer
        self._group = group_name(name)
        self._channel = ""
        # Asked of the class: the Pub/Sub layer looks for a running loop to find attributes on.
        if getattr(type(layer), "brpop_timeout", 0) > READ_SECONDS:
            layer.brpop_timeout = READ_SECONDS

    async def join(self) -> None:
        """Make the channel a member of the group, which expires and is lost with Redis."""
        if not self._channel:
            self._channel = await self._make_channel()
        await self._layer.group_add(self._group, self._channel)

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message to all processes."""
        await self._layer.group_send(self._group, message)

    async def receive(self) -> dict[str, Any]:
        """Wait for the next message to this process."""
        if not self._channel:
            self._channel = await self._make_channel()
        message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    async def leave(self) -> None:
        """Take the channel out of the group."""
        if self._channel:
            await self._layer.group_discard(self._group, self._channel)

    async def _make_channel(self) -> str:
        """Return a channel of this process.

        The core layer reads all channels that `new_channel` makes from one list of Redis, in which
        ours would wait behind those of other consumers, so it gets a plain name. Only the Pub/Sub
        layer, and the core layer over several servers, receive nothing under such a name.
        """
        layer = self._layer
        needs_own = hasattr(layer, "_get_layer") or getattr(layer, "ring_size", 1) > 1
        if needs_own:
            channel: str = await layer.new_channel()
            return channel
        return f"vortex.process.{uuid4().hex}"


def group_name(name: str) -> str:
    """Return the name of the group of a vortex, in the characters that Channels allows."""
    allowed = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    return f"vortex.{allowed[:MAX_NAME_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class LayerProblem:
    """Why there is no channel layer: what is wrong, and what to do about it."""

    text: str
    hint: str


def get_layer_problem(alias: str | None) -> LayerProblem | None:
    """Return what keeps a channel layer from being made, None if nothing does.

    Without ``CHANNEL_LAYERS`` there is none under the default alias, which is no problem.
    """
    configured = channel_layers.configs or {}
    if alias is None or (alias == DEFAULT_CHANNEL_LAYER and alias not in configured):
        return None
    if alias not in configured:
        return LayerProblem(
            f"VORTEX['CHANNEL_LAYER'] is {alias!r}, which CHANNEL_LAYERS does not have.",
            f"It has {', '.join(map(repr, configured)) or 'none'}. None is for a single process.",
        )
    for key in configured[alias]:
        if key not in LAYER_KEYS:
            near = did_you_mean(key, LAYER_KEYS)
            return LayerProblem(
                f"CHANNEL_LAYERS[{alias!r}] has a key {key!r}, which Channels ignores{near or '.'}",
                "Options of the layer go into its CONFIG.",
            )
    try:
        channel_layers[alias]
    except Exception as error:  # of a class that is not ours: whatever it is, it is told
        return LayerProblem(
            f"The channel layer {alias!r} cannot be made: {error}", _get_hint(configured[alias])
        )
    return None


def _get_hint(configured: Mapping[str, Any]) -> str:
    """Return what to do about a layer that cannot be made, as far as its options tell."""
    try:
        known = inspect.signature(import_string(configured["BACKEND"])).parameters
    except (ImportError, KeyError, TypeError, ValueError):
        return "Redis layers are in the package channels_redis."
    for key in configured.get("CONFIG", {}):
        if key not in known:
            near = did_you_mean(key, known) or f". Known are {', '.join(known)}."
            return f"Its CONFIG has {key!r}{near}"
    return "The layer's documentation says what goes into its CONFIG."


def has_layer(alias: str | None) -> bool:
    """Return whether a layer is configured that may reach other processes, without making it."""
    configured = (channel_layers.configs or {}).get(alias)
    backend = "" if configured is None else str(configured.get("BACKEND", ""))
    return bool(backend) and not backend.endswith(f".{InMemoryChannelLayer.__name__}")


def get_layer(alias: str | None) -> Any | None:
    """Return the channel layer that reaches other processes, None if there is no such layer.

    Raises:
        ImproperlyConfigured: The layer cannot be made.
    """
    problem = get_layer_problem(alias)
    if problem is not None:
        raise ImproperlyConfigured(f"{problem.text} {problem.hint}")
    layer = None if alias is None else get_channel_layer(alias)
    # Nothing outside of this process can be in it, and the server needs no layer for itself.
    return None if isinstance(layer, InMemoryChannelLayer) else layer


def make_fan_out(
    alias: str | None,
    name: str | None = None,
    *,
    is_listening: bool = True,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> SequencedFanOut | None:
    """Return the fan-out of the running loop, None where there are no other processes.

    Args:
        alias: Of the layer in ``CHANNEL_LAYERS``, None for no layer.
        name: Of the vortex; the one in the settings by default.
        is_listening: Whether records of other processes are wanted.
        give_up_seconds: How long to try when the layer fails.
    """
    layer = get_layer(alias)
    if layer is None:
        return None
    carrier = LayerCarrier(layer, name or get_settings().name)
    return SequencedFanOut(carrier, is_listening=is_listening, give_up_seconds=give_up_seconds)
