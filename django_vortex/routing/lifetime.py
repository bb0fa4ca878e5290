"""Determine how long an endpoint lives, by the call stack of its construction.

Takes the stack of calls, gives the `Site` of a construction: file and line, and the module whose
body or the app whose ``ready()`` is running, to which the registry pins what is constructed there.
Everything else lives as long as its caller, or its owner, holds it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted

_PACKAGE = __name__.partition(".")[0]
_KEPT_IN = "_vortex_endpoints"
_STARTS_APPS = "django.apps.registry"


@dataclass(frozen=True, slots=True)
class Site:
    """Where something was constructed.

    Attributes:
        filename: The file of the nearest caller outside of this package.
        line: Its line there, counted from 1.
        module: The module whose body was running, or module and name of the ``ready()`` of an app;
            None if neither was.
        run: What is another each time that runs: the body's code, or the configuration of the app.
        source: The file of what ran.
    """

    filename: str
    line: int
    module: str | None = None
    run: object = None
    source: str = ""

    def replaces(self, other: "Site") -> bool:
        """Return whether this is the same module, run again: what ``other`` has pinned is outdated.

        Lines typed into a shell are bodies of one module too, but none replaces another.
        """
        return (
            self.run is not other.run
            and self.run is not None
            and other.run is not None
            and self.source == other.source
            and not self.source.startswith("<")
        )


_known_site: ContextVar[Site | None] = ContextVar("vortex_site", default=None)


@contextmanager
def constructed_at(site: Site) -> Iterator[None]:
    """Let whatever is constructed meanwhile count as constructed somewhere else."""
    token = _known_site.set(site)
    try:
        yield
    finally:
        _known_site.reset(token)


def get_site() -> Site:
    """Find who called into this package."""
    known = _known_site.get()
    if known is not None:
        return known
    frame: FrameType | None = sys._getframe(1)
    caller = called = None
    is_direct = True  # only constructors between the caller's frame and this one
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not _is_ours(name) and name != "abc":  # whose metaclass makes our classes
            if caller is None:
                caller = frame
            code = frame.f_code
            if code.co_name == "<module>":
                is_pinned = is_direct if name == "__main__" else _is_body_of(name, frame)
                if not is_pinned:
                    break
                return Site(
                    caller.f_code.co_filename, caller.f_lineno, name, code, code.co_filename
                )
            if name == _STARTS_APPS and called is not None and called.f_code.co_name == "ready":
                return _make_site_of_app(caller, called)
            if name == "asyncio.events":  # a running loop: whoever started it constructs nothing
                break
            is_direct = is_direct and code.co_name == "__init__"
        called, frame = frame, frame.f_back
    return (
        Site("<unknown>", 0) if caller is None else Site(caller.f_code.co_filename, caller.f_lineno)
    )


def keep(owner: Any, endpoint: object) -> None:
    """Let an endpoint live as long as its owner.

    It becomes part of the owner instead of an entry of a table of owners, so that an owner whose
    own method is the handler can still be collected.

    Raises:
        DefinitionError: The owner takes no attributes.
    """
    attributes = getattr(owner, "__dict__", None)
    kept = None if attributes is None else attributes.get(_KEPT_IN)
    if kept is not None:
        kept.append(endpoint)
    elif isinstance(
        attributes, dict
    ):  # past a `__setattr__` of the owner, as of frozen dataclasses
        attributes[_KEPT_IN] = [endpoint]
    else:
        try:
            setattr(owner, _KEPT_IN, [endpoint])
        except (AttributeError, TypeError):
            text = f"Owner {quoted(owner)} takes no attributes, so it cannot keep an endpoint"
            raise DefinitionError(text) from None


def _is_ours(module: str) -> bool:
    return module == _PACKAGE or module.startswith(_PACKAGE + ".")


def _is_body_of(name: str, frame: FrameType) -> bool:
    """Return whether a frame runs a module that can be imported, not some other executed code."""
    module = sys.modules.get(name)
    return module is not None and vars(module) is frame.f_globals


def _make_site_of_app(caller: FrameType, ready: FrameType) -> Site:
    code = ready.f_code
    module = f"{ready.f_globals.get('__name__', '')}:{code.co_qualname}"
    config = ready.f_locals.get(code.co_varnames[0]) if code.co_varnames else None
    return Site(caller.f_code.co_filename, caller.f_lineno, module, config, code.co_filename)
