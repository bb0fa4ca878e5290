"""Who may do what to the rows of a model, and the verdicts of one request.

Takes permissions and ``get_queryset`` of the application, gives verdicts and `Scope` objects.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django_vortex.orm.conditions import NOTHING, to_condition
from django_vortex.orm.store import Scope
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what to the rows of one model, and which of them exist at all."""

    permission: Permission
    get_queryset: Callable[[Any], Any] | None = None
    nested: "Mapping[str, Access]" = field(default_factory=dict)
    """By relation whose rows travel inside: who may see them, where not everybody may."""

    @property
    def is_restricted(self) -> bool:
        """Whether some rows, or some peers, may be refused."""
        return self.permission.__class__ is not AllowAny or self.get_queryset is not None

    @property
    def depends_on_row(self) -> bool:
        """Whether the permission is asked for single rows."""
        return "rows" in self.permission.restricts


class PeerAccess:
    """What permissions say to one request.

    Args:
        request: The request.
        wait: Waits for a coroutine, as `Unit.wait`.
    """

    def __init__(self, request: Request, wait: Callable[[Awaitable[Any]], Any]) -> None:
        self.request = request
        self.resolve = request.resolve
        """Returns what code of the application has returned, or what its coroutine returns."""
        request.wait_by(wait)
        self._querysets: dict[int, Any] = {}

    def is_allowed(self, access: Access, action: Action) -> bool:
        """Return whether the peer may do this to any row at all."""
        verdict = access.permission.allows(self.request, action)
        return verdict is True or bool(self.resolve(verdict))

    def is_row_allowed(self, access: Access, action: Action, row: Any) -> bool:
        """Return whether the peer may do this to a row, where that depends on the row."""
        verdict = access.permission.allows_object(self.request, action, row)
        return verdict is True or bool(self.resolve(verdict))

    def make_scope(self, access: Access, action: Action, *, is_final: bool = False) -> Scope:
        """Return which rows, and which rows inside of them, exist for the peer and an action."""
        inside = {name: self._make_nested_scope(one) for name, one in access.nested.items()}
        rows = access.permission.scope(self.request, action)
        condition = None if rows is None else to_condition(self.resolve(rows))
        return Scope(self._get_queryset(access), condition, inside, is_final=is_final)

    def _get_queryset(self, access: Access) -> Any:
        """Return what the application gives as its rows, for whichever action."""
        if access.get_queryset is None:
            return None
        if id(access) not in self._querysets:
            self._querysets[id(access)] = self.resolve(access.get_queryset(self.request))
        return self._querysets[id(access)]

    def _make_nested_scope(self, access: Access) -> Scope:
        if not self.is_allowed(access, Action.RETRIEVE):
            return Scope(condition=NOTHING)
        scope = self.make_scope(access, Action.RETRIEVE)
        if not access.depends_on_row:
            return scope
        return replace(scope, keeps=lambda row: self.is_row_allowed(access, Action.RETRIEVE, row))
