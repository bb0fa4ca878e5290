"""The ``VORTEX`` setting as one typed, frozen object.

Takes ``settings.VORTEX``, gives `VortexSettings`; every mistake in it is a `SettingProblem`, which
the system checks report all together. Only the edges of the package call `get_settings`: whoever
is further down gets values as arguments.
"""

import difflib
import math
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.rates import Rate, read_rates


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One mistake in ``VORTEX``: what is wrong, in which key, and what to do about it."""

    key: str
    text: str
    hint: str = ""


Reader = Callable[[object], Any]
"""Gives the value as the settings object has it, or raises `ValueError` with what was expected."""

_DOTTED_NAME = re.compile(r"\w+(\.\w+)+")


def _text(default: str) -> Any:
    def read(value: object) -> str:
        if isinstance(value, str) and value:
            return value
        raise ValueError("a text that is not empty")

    return field(default=default, metadata={"read": read})


def _dotted(default: str) -> Any:
    def read(value: object) -> str:
        if isinstance(value, str) and _DOTTED_NAME.fullmatch(value):
            return value
        raise ValueError("a dotted name of a class")

    return field(default=default, metadata={"read": read})


def _boolean(default: bool) -> Any:
    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError("True or False")

    return field(default=default, metadata={"read": read})


def _dotted_or_none(default: str | None) -> Any:
    def read(value: object) -> str | None:
        if value is None or (isinstance(value, str) and _DOTTED_NAME.fullmatch(value)):
            return value
        raise ValueError("a dotted name of a function, or None")

    return field(default=default, metadata={"read": read})


def _text_or_none(default: str | None) -> Any:
    def read(value: object) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        raise ValueError("a text that is not empty, or None")

    return field(default=default, metadata={"read": read})


def _origins() -> Any:
    def is_origin(item: object) -> bool:
        return isinstance(item, str) and re.fullmatch(r"null|https?://[^/\s]+", item) is not None

    def read(value: object) -> tuple[str, ...]:
        if isinstance(value, list | tuple) and all(is_origin(item) for item in value):
            return tuple(value)
        raise ValueError("a list of origins such as 'https://stock.example'")

    return field(default=(), metadata={"read": read})


def _proxies() -> Any:
    def is_proxy(item: object) -> bool:
        try:
            return item == "unix" or (isinstance(item, str) and bool(ip_network(item, False)))
        except ValueError:
            return False

    def read(value: object) -> int | tuple[str, ...]:
        if isinstance(value, list | tuple) and all(is_proxy(item) for item in value):
            return tuple(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 16:
            return value
        raise ValueError("an integer from 0 to 16, or a list of addresses such as '10.0.0.0/8'")

    return field(default=0, metadata={"read": read})


def _functions(*default: str) -> Any:
    def is_function(item: object) -> bool:
        if isinstance(item, str):
            return _DOTTED_NAME.fullmatch(item) is not None
        return callable(item) and isinstance(item, Hashable)

    def read(value: object) -> tuple[str | Callable[..., Any], ...]:
        if isinstance(value, list | tuple) and value and all(is_function(item) for item in value):
            return tuple(value)
        raise ValueError("a list, not empty, of functions or their dotted names")

    return field(default=default, metadata={"read": read})


def _integer(default: int, at_least: int, at_most: int) -> Any:
    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and at_least <= value <= at_most:
            return value
        raise ValueError(f"an integer from {at_least} to {at_most}")

    return field(default=default, metadata={"read": read})


def _rates() -> Any:
    def read(value: object) -> Mapping[str, Rate] | None:
        try:
            return MappingProxyType(read_rates(value)) or None
        except DefinitionError as error:
            raise ValueError(
                f"a rate such as '60/m', or a dict of them by what is counted ({error})"
            ) from None

    return field(default=None, metadata={"read": read})


def _seconds(default: float, at_least: float, at_most: float) -> Any:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            value = math.nan  # which no bounds include
        if at_least <= value <= at_most:
            return float(value)
        raise ValueError(f"a number of seconds from {at_least:g} to {at_most:g}")

    return field(default=default, metadata={"read": read})


def _share(default: float) -> Any:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            value = math.nan  # which no bounds include
        if 0.01 <= value <= 1.0:
            return float(value)
        raise ValueError("a number from 0.01 to 1")

    return field(default=default, metadata={"read": read})


_DAY = 86_400.0
_GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class VortexSettings:
    """The settings of ``VORTEX = {...}``, where their names are written in capitals."""

    name: str = _text("django_vortex")
    """The vortex name that this server tells its peers."""

    heartbeat_seconds: float = _seconds(5.0, 0.01, 7.0)
    """Period of the beats to every peer. VortexJS gives up 15 s after the last one."""

    peer_timeout_seconds: float = _seconds(75.0, 0.1, _DAY)
    """A WebSocket peer that sent nothing for so long is dropped."""

    hold_seconds: float = _seconds(30.0, 0.0, _DAY)
    """How long what waits for a peer without a stream is kept."""

    held_max_bytes: int = _integer(268_435_456, 65_536, 64 * _GIBIBYTE)
    """Most bytes that may wait for all peers without a stream."""

    held_max_bytes_per_address: int = _integer(67_108_864, 65_536, 64 * _GIBIBYTE)
    """Most bytes that may wait for the peers without a stream of one address."""

    max_message_bytes: int = _integer(1_048_576, 1_024, _GIBIBYTE)
    """Longest message accepted from a peer."""

    body_seconds: float = _seconds(60.0, 1.0, _DAY)
    """How long the body of a POST may take to arrive."""

    slow_bodies_per_address: int = _integer(50, 0, 100_000_000)
    """Bodies of one address that may be on their way for more than a second; 0 is no limit."""

    max_inflated_bytes: int = _integer(16_777_216, 1_024, 4 * _GIBIBYTE)
    """Largest payload accepted after decompression."""

    max_depth: int = _integer(64, 4, 200)
    """Deepest nesting of lists and objects accepted in a message."""

    max_tuples: int = _integer(100_000, 1, 100_000_000)
    """Most tuples accepted in one payload."""

    max_requests_in_flight: int = _integer(256, 1, 1_000_000)
    """Requests of one peer worked on at a time; more wait unread in its socket."""

    outbox_max_messages: int = _integer(10_000, 1, 100_000_000)
    """Most messages that may wait for one peer."""

    outbox_max_bytes: int = _integer(8_388_608, 1_024, 64 * _GIBIBYTE)
    """Most bytes that may wait for one peer."""

    threads: int = _integer(16, 1, 1_024)
    """Size of the pool in which ``def`` handlers run."""

    large_share: float = _share(0.5)
    """How much of a processor decoding and encoding of large payloads may use."""

    allowed_origins: tuple[str, ...] = _origins()
    """Origins of browser pages let in besides those of ``ALLOWED_HOSTS``."""

    authenticate: tuple[str | Callable[..., Any], ...] = _functions("django_vortex.session_cookie")
    """From the ASGI scope to a user, tried in order."""

    trusted_proxies: int | tuple[str, ...] = _proxies()
    """The proxies in front of the server that append to ``X-Forwarded-For``, or how many."""

    request_rates: Mapping[str, Rate] | None = _rates()
    """How often peers may ask."""

    connect_rates: Mapping[str, Rate] | None = _rates()
    """How often peers may open a WebSocket, or come as new ones over HTTP."""

    opening_seconds: float = _seconds(1.0, 0.0, 60.0)
    """How long the opening of a connection may wait before new peers are told to come later."""

    throttle_seconds: float = _seconds(10.0, 0.01, _DAY)
    """Length of the period in which new peers are counted."""

    throttle_peers_per_address: int = _integer(200, 0, 100_000_000)
    """New anonymous peers let in per period from one address; 0 is no limit."""

    throttle_peers: int = _integer(2_000, 0, 100_000_000)
    """New peers let in per period in all; 0 is no limit."""

    recheck_seconds: float = _seconds(30.0, 0.1, _DAY)
    """Period in which it is asked who the peers are now."""

    channel_layer: str | None = _text_or_none("default")
    """Alias of the channel layer that joins the processes; None is a single process."""

    coalesce_seconds: float = _seconds(0.02, 0.0, 60.0)
    """How long changes are gathered before the watched answers are evaluated that they concern."""

    evaluation_seconds: float = _seconds(30.0, 0.1, 3600.0)
    """How long one evaluation of a watched answer may take."""

    watch_scope: str | None = _dotted_or_none(None)
    """What watched answers differ by beside users: the dotted name of a function."""

    max_watches_per_peer: int = _integer(1_000, 1, 1_000_000)
    """Answers that one peer may watch."""

    max_watches: int = _integer(100_000, 1, 100_000_000)
    """Different answers that are watched in one process."""

    max_watched_rows: int = _integer(10_000, 1, 100_000_000)
    """Rows of one watched answer."""

    max_watched_bytes: int = _integer(8_388_608, 1024, 2_147_483_647)
    """JSON of the rows of one watched answer."""

    shutdown_seconds: float = _seconds(5.0, 0.0, 300.0)
    """How long a stopping server waits for its peers to take their last messages."""

    live: bool = _boolean(True)
    """Whether what the ORMs write is noticed, so that answers that are watched follow it."""

    sweep_seconds: float = _seconds(60.0, 0.5, _DAY)
    """Period in which databases are asked whether they have changed without anybody noticing."""

    permission: str = _dotted("django_vortex.AuthenticatedOrReadOnly")
    """The permission of handlers and endpoints that name none."""

    crud_permission: str = _dotted("django_vortex.AuthenticatedOrReadOnly")
    """An older name of `permission`, for `OrmCrudHandler`s; what that says counts before it."""


_READERS: dict[str, Reader] = {
    one.name.upper(): one.metadata["read"] for one in fields(VortexSettings)
}
_DEFAULTS: dict[str, Any] = {one.name.upper(): one.default for one in fields(VortexSettings)}


def find_problems(values: object) -> list[SettingProblem]:
    """Find every mistake in a value of the ``VORTEX`` setting."""
    return _read(values)[1]


def read_settings(values: object) -> VortexSettings:
    """Make the settings object of a value of the ``VORTEX`` setting.

    Raises:
        ImproperlyConfigured: With all that `find_problems` finds.
    """
    read, problems = _read(values)
    if problems:
        raise ImproperlyConfigured(" ".join(f"{one.text} {one.hint}".strip() for one in problems))
    if "permission" in read:
        read["crud_permission"] = read["permission"]
    return VortexSettings(**read)


@lru_cache(maxsize=1)
def get_settings() -> VortexSettings:
    """Return the settings of this process."""
    return read_settings(getattr(settings, "VORTEX", {}))


@receiver(setting_changed)
def _forget_settings(*, setting: str, **_: object) -> None:
    """Let ``override_settings(VORTEX=...)`` work in the tests of applications."""
    if setting == "VORTEX":
        get_settings.cache_clear()


def _read(values: object) -> tuple[dict[str, Any], list[SettingProblem]]:
    if not isinstance(values, Mapping):
        text = f"VORTEX must be a dict, got {quoted(values)}."
        return {}, [SettingProblem("", text, 'Write VORTEX = {"NAME": "mysite"}, or leave it out.')]
    read: dict[str, Any] = {}
    problems: list[SettingProblem] = []
    for key, value in values.items():
        reader = _READERS.get(key)
        if reader is None:
            problems.append(_unknown(key))
            continue
        try:
            read[key.lower()] = reader(value)
        except ValueError as expected:
            text = f"VORTEX[{key!r}] must be {expected}, got {quoted(value)}."
            hint = f"The default is {_DEFAULTS[key]!r}; leave the key out to have it."
            problems.append(SettingProblem(key, text, hint))
    if not problems:
        problems += _contradictions(VortexSettings(**read))
    return read, problems


def _unknown(key: object) -> SettingProblem:
    near = difflib.get_close_matches(str(key).upper(), _READERS, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Known are: " + ", ".join(_READERS) + "."
    return SettingProblem(str(key), f"VORTEX[{quoted(key)}] is not a setting.", hint)


def _contradictions(values: VortexSettings) -> list[SettingProblem]:
    if values.peer_timeout_seconds > values.heartbeat_seconds:
        return []
    return [
        SettingProblem(
            "PEER_TIMEOUT_SECONDS",
            f"VORTEX['PEER_TIMEOUT_SECONDS'] ({values.peer_timeout_seconds:g}) must be longer than "
            f"HEARTBEAT_SECONDS ({values.heartbeat_seconds:g}).",
            "Browsers answer beats and say nothing else while idle, so they would all be dropped.",
        )
    ]
