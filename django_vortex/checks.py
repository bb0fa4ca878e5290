"""System checks: what is wrong with a project before a client finds out.

Takes Django's settings, gives messages with a hint each. Nothing is connected to; a channel layer
is constructed, and the project's ASGI application is imported.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from channels.layers import channel_layers
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.utils.module_loading import import_string

from django_vortex.conf import find_problems, get_settings
from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.crud.permission import to_permission
from django_vortex.transports.asgi import VortexApplication
from django_vortex.transports.layer import READ_SECONDS

TAG = "vortex"

CORE_LAYER = "channels_redis.core.RedisChannelLayer"
MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
MIN_CORE_CAPACITY = 10_000
"""At this capacity a burst of 3000 pushes arrived whole, at the default of 100 most was lost."""

DAPHNE_MAX_BYTES = 1_048_576
"""What Daphne takes in one WebSocket message unless told otherwise."""
UVICORN_MAX_BYTES = 16_777_216
"""What uvicorn takes in one WebSocket message unless told otherwise."""

WSGI_RUNSERVERS = ("django.core", "django.contrib.staticfiles")
"""The apps whose ``runserver`` is Django's own."""


def register_checks() -> None:
    """Register all checks; the app does that when it is ready."""
    checks = (
        check_settings,
        check_channel_layer,
        check_application,
        check_servers,
        check_crud_permission,
    )
    for check in checks:
        register(check, TAG)


def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find unknown keys and wrong values in ``VORTEX`` (E001)."""
    return [
        Error(problem.text, hint=problem.hint or None, id="django_vortex.E001")
        for problem in find_problems(getattr(settings, "VORTEX", {}))
    ]


def check_channel_layer(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find layers that do not exist or lose messages (E002 to W005)."""
    alias = _read_settings("channel_layer")
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


def check_application(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find projects whose ASGI application is not ours, or that are served by WSGI (E006, E007)."""
    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        return [
            Warning(
                "ASGI_APPLICATION is not set: under WSGI there is no WebSocket, and a POST to the "
                "vortex is answered with 503.",
                hint='Set ASGI_APPLICATION = "<project>.asgi.application" and serve that with '
                "Daphne or uvicorn.",
                id="django_vortex.W006",
            )
        ]
    try:
        application = import_string(path)
    except Exception as error:
        text = f"ASGI_APPLICATION {path!r} cannot be imported: {type(error).__name__}: {error}"
        hint = 'It is the dotted path of what asgi.py makes: "<project>.asgi.application".'
        return [Error(text, hint=hint, id="django_vortex.E007")]
    if isinstance(application, VortexApplication):
        return []
    return [
        Error(
            f"ASGI_APPLICATION {path!r} is {quoted(application)}, not made by "
            "vortex_application().",
            hint="It must be the outermost: application = vortex_application(http=..., "
            "websocket=...) around what is there now.",
            id="django_vortex.E007",
        )
    ]


def check_servers(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find a runserver that knows no ASGI, and messages larger than servers take (W008, W009)."""
    messages: list[CheckMessage] = []
    if settings.DEBUG and get_commands()["runserver"] in WSGI_RUNSERVERS:
        messages.append(
            Warning(
                "manage.py runserver serves WSGI here, without the vortex.",
                hint='Put "daphne" first in INSTALLED_APPS, or start uvicorn instead.',
                id="django_vortex.W008",
            )
        )
    allowed = _read_settings("max_message_bytes")
    if allowed is not None:
        messages += _check_message_bytes(allowed)
    return messages


def check_crud_permission(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[CheckMessage]:
    """Find a permission that there is not (E010)."""
    path = _read_settings("crud_permission")
    if path is None:
        return []
    try:
        to_permission(import_string(path))
    except (ImportError, DefinitionError) as error:
        text = f"VORTEX['CRUD_PERMISSION'] {path!r} is no permission: {error}"
        hint = "It is the dotted path of a Permission class, such as django_vortex.IsStaff."
        return [Error(text, hint=hint, id="django_vortex.E010")]
    return []


def _read_settings(name: str) -> Any:
    """Give one setting, None when ``VORTEX`` is wrong: another check says so."""
    try:
        return getattr(get_settings(), name)
    except ImproperlyConfigured:
        return None


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


def _check_message_bytes(allowed: int) -> Iterator[CheckMessage]:
    if apps.is_installed("daphne"):
        limits = [
            getattr(settings, f"DAPHNE_WEBSOCKET_MAX_{what}_SIZE", DAPHNE_MAX_BYTES)
            for what in ("MESSAGE", "FRAME")
        ]
        taken = min((limit for limit in limits if limit), default=allowed)  # 0 is no limit
        server = "Daphne"
        hint = (
            "Set DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE and DAPHNE_WEBSOCKET_MAX_FRAME_SIZE for "
            f"runserver, and start daphne with --websocket-max-message-size {allowed} "
            f"--websocket-max-frame-size {allowed}."
        )
    else:
        taken = UVICORN_MAX_BYTES
        server = "uvicorn"
        hint = f"Start uvicorn with --ws-max-size {allowed} and silence this check."
    if allowed > taken:
        yield Warning(
            f"VORTEX['MAX_MESSAGE_BYTES'] is {allowed}, but {server} closes a WebSocket that sends "
            f"more than {taken}.",
            hint=hint,
            id="django_vortex.W009",
        )
