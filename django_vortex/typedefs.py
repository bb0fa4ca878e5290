"""Type names shared by all floors.

Takes nothing, gives aliases, imports only the standard library.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, TypeVar

Json: TypeAlias = Any
"""What a JSON text decodes to: None, bool, int, float, str, list or dict with str keys."""

Filt: TypeAlias = dict[Any, Any]
"""The routing filter of a message: a dict with a string under ``key``, the rest free."""

_T = TypeVar("_T")


class RunSync(Protocol):
    """The port through which blocking code leaves the event loop."""

    def __call__(self, function: Callable[[], _T], /) -> Awaitable[_T]:
        """Run ``function`` where it may block and give its result or its exception."""
