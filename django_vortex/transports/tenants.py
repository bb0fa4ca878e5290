"""Which tenant a peer asks in: the project's ``WATCH_SCOPE``.

Takes the request of a peer that begins to watch, gives what its answers differ by beside the user,
and what enters that around each evaluation.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final

from django.utils.module_loading import import_string

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.request import Request
from django_vortex.server.live_parts import find_no_tenant
from django_vortex.server.subscriptions import NO_TENANT, FindTenant, Tenant

_EXPECTED: Final = "None, or a pair of a hashable key and a function that returns a context manager"


def make_find_tenant(path: str | None) -> FindTenant:
    """Return what finds the tenant of a peer.

    Args:
        path: The dotted name of the project's function; None is a project without tenants.
    """
    if path is None:
        return find_no_tenant
    function: Callable[[Request], Any] | None = None

    def find(request: Request) -> Tenant:
        nonlocal function
        if function is None:
            function = import_string(path)
        return read_tenant(function(request), path)

    return find


def read_tenant(value: Any, path: str) -> Tenant:
    """Return the tenant that a project's function has returned.

    Raises:
        DefinitionError: It is none.
    """
    if value is None:
        return NO_TENANT
    if isinstance(value, tuple) and len(value) == 2:
        key, enter = value
        if isinstance(key, Hashable) and callable(enter):
            return Tenant(key, enter)
    raise DefinitionError(f"{path} returned {quoted(value)}, expected {_EXPECTED}")
