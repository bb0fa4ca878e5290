"""Who may do what to the rows of a model, asked for one request.

Takes permissions and ``get_queryset`` of the application, gives verdicts and `Scope` objects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django_vortex.orm.conditions import NOTHING, Condition, to_condition
from django_vortex.orm.store import Scope
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request

if TYPE_CHECKING:
    from django_vortex.orm.crud.nested import NestedPlan


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what to the rows of one model, and which of them exist at all."""

    permission: Permission
    get_queryset: Callable[[Any], Any] | None = None

    @property
    def restricts(self) -> bool:
        """Whether there may be rows, or peers, that it does not let through."""
        return self.permission.__class__ is not AllowAny or self.get_queryset is not None


class Asking:
    """The questions of one request.

    Args:
        request: Who asks for what.
        settle: Waits for an answer that is a coroutine.
    """

    def __init__(self, request: Request, settle: Callable[[Any], Any]) -> None:
        self._request = request
        self._settle = settle

    def is_allowed(self, access: Access, action: Action) -> bool:
        """Say whether the peer may do this at all."""
        return bool(self._settle(access.permission.allows(self._request, action)))

    def tells_rows_apart(self, access: Access) -> bool:
        """Say whether `may` depends on the row."""
        return "rows" in access.permission.restricts

    def may(self, access: Access, action: Action, row: Any) -> bool:
        """Say whether the peer may do this to a row."""
        if not self.tells_rows_apart(access):
            return True
        return bool(self._settle(access.permission.allows_object(self._request, action, row)))

    def find_condition(self, access: Access, action: Action) -> Condition | None:
        """Give the condition of the rows that exist for the peer; None is all of them."""
        return to_condition(self._settle(access.permission.scope(self._request, action)))

    def find_scope(
        self, access: Access, action: Action, nested: "Mapping[str, NestedPlan]"
    ) -> Scope:
        """Give the rows that exist for the peer when it wants to do this.

        Args:
            access: Who may do what to them.
            action: What the peer wants to do.
            nested: Who sees the rows inside of them.
        """
        inside = {name: self._find_nested_scope(plan) for name, plan in nested.items()}
        queryset = None
        if access.get_queryset is not None:
            queryset = self._settle(access.get_queryset(self._request))
        return Scope(queryset, self.find_condition(access, action), inside)

    def _find_nested_scope(self, plan: "NestedPlan") -> Scope:
        if not self.is_allowed(plan.access, Action.RETRIEVE):
            return Scope(condition=NOTHING)
        scope = self.find_scope(plan.access, Action.RETRIEVE, plan.nested)
        if "rows" not in plan.access.permission.restricts:
            return scope
        return replace(scope, keeps=lambda row: self.may(plan.access, Action.RETRIEVE, row))
