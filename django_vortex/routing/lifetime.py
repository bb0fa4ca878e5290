"""How long an endpoint lives: found by looking at who is constructing it.

Takes the stack of calls, gives the `Site` of a construction: file and line, and the module whose
body is running, to which the registry pins what is constructed there. Everything else lives as long
as its caller, or its owner, holds it.
"""

import sys
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted

_PACKAGE = __name__.partition(".")[0]
_KEPT_IN = "_vortex_endpoints"


@dataclass(frozen=True, slots=True)
class Site:
    """Where something was constructed.

    Attributes:
        filename: The file of the nearest caller outside of this package.
        line: Its line there, counted from 1.
        module: The module whose body was running, None if none was.
        body: That body; a reloaded module has another.
    """

    filename: str
    line: int
    module: str | None = None
    body: CodeType | None = None

    def replaces(self, other: "Site") -> bool:
        """Say whether this is the same module, run again: what ``other`` has pinned is outdated.

        Lines typed into a shell are bodies of one module too, but none replaces another.
        """
        return (
            self.body is not other.body
            and self.body is not None
            and other.body is not None
            and self.body.co_filename == other.body.co_filename
            and not self.body.co_filename.startswith("<")
        )


def find_site() -> Site:
    """Find who called into this package."""
    frame: FrameType | None = sys._getframe(1)
    caller = None
    is_direct = True  # only constructors between the caller's frame and this one
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not _is_ours(name):
            if caller is None:
                caller = frame
            if frame.f_code.co_name == "<module>":
                is_pinned = is_direct if name == "__main__" else _is_body_of(name, frame)
                return _make_site(caller, name if is_pinned else None, frame.f_code)
            if name == "asyncio.events":  # a running loop: whoever started it constructs nothing
                break
            is_direct = is_direct and frame.f_code.co_name == "__init__"
        frame = frame.f_back
    return Site("<unknown>", 0) if caller is None else _make_site(caller, None, None)


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
    """Say whether a frame runs a module that can be imported, not some other executed code."""
    module = sys.modules.get(name)
    return module is not None and vars(module) is frame.f_globals


def _make_site(caller: FrameType, module: str | None, body: CodeType | None) -> Site:
    body = None if module is None else body
    return Site(caller.f_code.co_filename, caller.f_lineno, module, body)
