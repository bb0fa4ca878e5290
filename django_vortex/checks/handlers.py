"""The handlers of the project: unregistered classes, and filts that are answered twice."""

import inspect
import sys
from collections.abc import Hashable, Iterator, Sequence
from importlib.util import find_spec
from itertools import combinations
from types import ModuleType
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from django_vortex.handlers.base import BaseHandler
from django_vortex.handlers.discovery import (
    find_missing,
    find_problems,
    is_abstract,
    is_constructed,
)
from django_vortex.live.named_tables import named_tables
from django_vortex.routing.endpoint import describe_handler
from django_vortex.routing.filt import freeze
from django_vortex.routing.payload_io import payload_io
from django_vortex.routing.registered import Registered


def check_handlers(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Find handlers that answer nobody (W012, W016, E022), and filts with two handlers (W013).

    Also those that depend on what is no table (E041).
    """
    return [
        *_find_unregistered(),
        *_find_unused(),
        *_find_twins(payload_io.endpoints),
        *_find_no_tables(payload_io.endpoints),
        *_find_unread(),
    ]


def _find_unregistered() -> Iterator[CheckMessage]:
    for cls, reason in find_problems().items():
        yield Error(
            f"{cls.__module__}.{cls.__qualname__} is not registered: {reason}",
            hint="A class of handlers in vortex.py registers itself. Complete it, or say "
            "abstract = True in its body if others do.",
            id="django_vortex.E022",
        )


def _find_unused() -> Iterator[CheckMessage]:
    for app in apps.get_app_configs():
        module = sys.modules.get(f"{app.name}.vortex")
        for cls in () if module is None else _find_classes(module, app.name):
            if not is_constructed(cls) and cls not in find_problems() and not is_abstract(cls):
                missing = " and ".join(find_missing(cls))
                yield Warning(
                    f"{cls.__module__}.{cls.__qualname__} answers nobody: no object of it is made.",
                    hint=(
                        f"A class with {missing} in vortex.py registers itself"
                        if missing
                        else "Define it in vortex.py, where it registers itself"
                    )
                    + f"; or make an object there: {cls.__name__.lower()} = {cls.__name__}(...)",
                    id="django_vortex.W012",
                )


def _find_classes(module: ModuleType, package: str) -> Iterator[type[BaseHandler]]:
    """Return the classes of an app's handlers that its ``vortex.py`` defines or imports."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, BaseHandler)
            and not inspect.isabstract(value)
            and f"{value.__module__}.".startswith(f"{package}.")
            and package != "django_vortex"
        ):
            yield value


def _find_twins(endpoints: Sequence[Registered]) -> Iterator[CheckMessage]:
    by_filt: dict[Hashable, list[Registered]] = {}
    for endpoint in endpoints:
        by_filt.setdefault(freeze(endpoint.filt), []).append(endpoint)
    for same in by_filt.values():
        twins = next((pair for pair in combinations(same, 2) if _hear_the_same(*pair)), None)
        if twins is not None:
            places = " and ".join(_describe(one) for one in twins)
            yield Warning(
                f"Two handlers answer the filt {twins[0].filt!r}: {places}.",
                hint="Every request gets both answers, and clients read only one. Give them "
                "different filts; two functions with @endpoint may also share one if each names "
                "its own peers in accept_only_from.",
                id="django_vortex.W013",
            )


def _find_no_tables(endpoints: Sequence[Registered]) -> Iterator[CheckMessage]:
    for endpoint in endpoints:
        depends_on = () if endpoint.watchable is None else endpoint.watchable.depends_on
        for problem in named_tables.capture(depends_on):
            yield Error(
                f"depends_on of {_describe(endpoint)} names no table: {problem}",
                hint="Every evaluation of its answers would fail. Name models, SQLAlchemy classes "
                "or tables, or names of tables.",
                id="django_vortex.E041",
            )


def _hear_the_same(one: Registered, other: Registered) -> bool:
    """Return whether there can be a peer that both hear."""
    names = one.accept_only_from or other.accept_only_from
    return not names or any(one.accepts(name) and other.accepts(name) for name in names)


def _find_unread() -> Iterator[CheckMessage]:
    """Find a ``vortex.py`` beside the project's settings or URLs, which is mostly no app."""
    installed = {app.name for app in apps.get_app_configs()}
    modules = (getattr(settings, name, None) for name in ("SETTINGS_MODULE", "ROOT_URLCONF"))
    packages = {one.rpartition(".")[0] for one in modules if isinstance(one, str)}
    for package in sorted(packages - installed - {""}):
        name = f"{package}.vortex"
        if name not in sys.modules and find_spec(name) is not None:
            yield Warning(
                f"{name} is not imported: {package} is not in INSTALLED_APPS.",
                hint=f"Add {package!r} to INSTALLED_APPS, or move the handlers to an app.",
                id="django_vortex.W016",
            )


def _describe(endpoint: Registered) -> str:
    site = endpoint.site
    return f"{describe_handler(endpoint.handler)} ({site.filename}:{site.line})"
