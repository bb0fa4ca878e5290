"""One table as one peer sees it, in one transaction: `PeerTable`.

Takes the plan of a model and a transaction, gives verdicts, the rows that exist for the peer, and
their tuples. Being allowed to change a row is not being allowed to read it: of a row that it may
not retrieve, a peer gets the key and the version alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django_vortex.exceptions import PermissionDenied
from django_vortex.orm.access import PeerAccess
from django_vortex.orm.conditions import is_same_condition
from django_vortex.orm.crud.extension import Context
from django_vortex.orm.crud.listing import ListQuery
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.store import Key, Order, Rows, Scope, Unit
from django_vortex.routing.permission import Action

MIN_ROWS = 200
"""How many rows are read at least each time that some of those before were hidden."""


class PeerTable:
    """The rows of one model that exist for the peer of a request.

    Args:
        plan: How the model is served.
        access: What permissions say to the request.
        unit: The transaction.
        handler: The handler, for hooks.
    """

    def __init__(self, plan: ModelPlan, access: PeerAccess, unit: Unit, handler: Any) -> None:
        self.plan = plan
        self._access = access
        self._unit = unit
        self._handler = handler
        self._depends_on_row = plan.access.depends_on_row
        self._granted: set[Action] = set()
        self._scopes: dict[Action, Scope] = {}
        self._rows: dict[Action, Rows] = {}

    def is_allowed(self, action: Action) -> bool:
        """Return whether the peer may do this to any row at all; what is granted stays so."""
        if action not in self._granted:
            if not self._access.is_allowed(self.plan.access, action):
                return False
            self._granted.add(action)
        return True

    def demand(self, action: Action) -> None:
        """Refuse what the peer may do to no row.

        A push to many peers is made once, and each of them is asked where it is connected.

        Raises:
            PermissionDenied: It may not.
        """
        if not (self._access.request.is_shared or self.is_allowed(action)):
            raise PermissionDenied(f"You may not {action.value} here")

    def is_row_allowed(self, action: Action, row: Any) -> bool:
        """Return whether the peer may do this to a row."""
        if not self._depends_on_row:
            return True
        return self._access.is_row_allowed(self.plan.access, action, row)

    def rows(self, action: Action) -> Rows:
        """Return the rows that exist for the peer when it wants to do this."""
        known = self._rows.get(action)
        if known is None:
            known = self._unit.rows(self.plan.shape, self.scope(action))
            self._rows[action] = known
        return known

    def scope(self, action: Action) -> Scope:
        """Return which rows those are."""
        known = self._scopes.get(action)
        if known is None:
            known = self._scopes[action] = self._access.make_scope(self.plan.access, action)
        return known

    def call(self, action: Action, hook: str, *arguments: Any) -> None:
        """Call a hook of all extensions."""
        plan, access = self.plan, self._access
        if hook in plan.hooks:
            rows = self.rows(action)
            context = Context(access.request, self._handler, plan.spec.model, action, rows)
            for extension in plan.extensions:
                access.resolve(getattr(extension, hook)(context, *arguments))

    def keep_allowed(self, action: Action, found: Mapping[Key, Any]) -> dict[Key, Any]:
        """Return those of the rows that the peer may do this to.

        Raises:
            PermissionDenied: It may retrieve one of the others.
        """
        if not self._depends_on_row:
            return dict(found)
        allowed = {key: row for key, row in found.items() if self.is_row_allowed(action, row)}
        denied = {key: row for key, row in found.items() if key not in allowed}
        if self.find_visible_keys(action, denied):
            raise PermissionDenied(f"You may not {action.value} this row")
        return allowed

    def find_visible_keys(self, action: Action, found: Mapping[Key, Any]) -> set[Key]:
        """Return the keys of those rows found for an action that the peer may retrieve as well."""
        if not found or not self.is_allowed(Action.RETRIEVE):
            return set()
        visible = set(found)
        if self._depends_on_row:
            retrieve = Action.RETRIEVE
            visible = {key for key in found if self.is_row_allowed(retrieve, found[key])}
        condition = self.scope(Action.RETRIEVE).condition
        if not visible or condition is None:
            return visible
        if is_same_condition(condition, self.scope(action).condition):
            return visible
        return visible & set(self.rows(Action.RETRIEVE).get_many(list(visible)))

    def retrieve(self, key: Key) -> list[Any]:
        """Return the tuple of one row, or none."""
        found = self.rows(Action.RETRIEVE).get_many([key]).values()
        return self._make_tuples(self._keep_visible(found))

    def find_page(self, query: ListQuery) -> tuple[list[Any], Sequence[Any] | None]:
        """Find a page of the rows that the peer may see.

        Plain values are read where nobody needs the rows themselves: that is several times faster.

        Returns:
            The tuples, and the place of the last row if another page follows, as of `Rows.place`.
        """
        if not self._needs_rows(query.order):
            values = self.rows(Action.RETRIEVE).find_values(
                query.where, query.order, query.fetch, is_paged=query.limit is not None
            )
            if values is not None:
                return self._make_page_of_values(values, query)
        found = self._find_visible_rows(query)
        last = _get_last(found, query)
        place = None if last is None else self.rows(Action.RETRIEVE).place(last)
        return self._make_tuples(found[: query.limit]), place

    def make_tuples(self, action: Action, found: Mapping[Key, Any]) -> dict[Key, Any]:
        """Return the tuples by which the peer is answered about rows found for an action."""
        visible = self.find_visible_keys(action, found)
        return {
            key: self.plan.row_tuple.make(self.read_shown(action, row, is_visible=key in visible))
            for key, row in found.items()
        }

    def read_again(self, action: Action, key: Key) -> list[Any]:
        """Return the tuple of a row as it is stored now, none if it does not exist any more."""
        return list(self.make_tuples(action, self.rows(action).get_many([key])).values())

    def read_shown(self, action: Action, row: Any, *, is_visible: bool) -> dict[str, Any]:
        """Return the values of a row that the peer gets, whether it may retrieve the row or not."""
        values = self.rows(action).values(row)
        if is_visible:
            self.call(Action.RETRIEVE, "after_retrieve", row, values)
            return values
        shown = {*self.plan.spec.key_names, self.plan.version_field}
        return {name: values[name] if name in shown else None for name in values}

    def _make_tuples(self, visible: Iterable[Any]) -> list[Any]:
        rows, tuples = self.rows(Action.RETRIEVE), []
        for row in visible:
            values = rows.values(row)
            self.call(Action.RETRIEVE, "after_retrieve", row, values)
            tuples.append(self.plan.row_tuple.make(values))
        return tuples

    def _make_page_of_values(
        self, found: Sequence[Sequence[Any]], query: ListQuery
    ) -> tuple[list[Any], Sequence[Any] | None]:
        """Make tuples of the values of rows, behind which a page has the place of each."""
        last, width = _get_last(found, query), len(self.plan.shape.names)
        place = None if last is None else last[width:]
        found = found[: query.limit]
        if found and len(found[0]) > width:
            found = [row[:width] for row in found]
        return self.plan.row_tuple.make_all(found), place

    def _keep_visible(self, found: Iterable[Any]) -> Iterable[Any]:
        if not self._depends_on_row:
            return found
        return (row for row in found if self.is_row_allowed(Action.RETRIEVE, row))

    def _find_visible_rows(self, query: ListQuery) -> list[Any]:
        """Find the rows of a page, and one more if another page follows.

        Rows are read until the page is full: one that lacked the hidden rows, or a cursor made of
        one of them, would show that there are such rows.
        """
        rows, is_paged = self.rows(Action.RETRIEVE), query.limit is not None
        where, fetch = query.where, query.fetch
        visible: list[Any] = []
        while True:
            found = rows.find(where, query.order, fetch, is_paged=is_paged)
            visible += self._keep_visible(found)
            if fetch is None or len(found) < fetch or len(visible) >= (query.fetch or 0):
                return visible[: query.fetch]
            where, fetch = query.behind(rows.place(found[-1])), max(fetch, MIN_ROWS)

    def _needs_rows(self, order: Sequence[Order]) -> bool:
        """Return whether more than plain values is needed; what the model needs its store knows."""
        plan = self.plan
        return (
            self._depends_on_row
            or bool(plan.shape.nested)
            or any(one.name not in plan.shape.names for one in order)
            or "after_retrieve" in plan.hooks
        )


def _get_last(found: Sequence[Any], query: ListQuery) -> Any:
    """Return the last row of a page if another page follows, else None."""
    if query.limit is None or len(found) <= query.limit:
        return None
    return found[query.limit - 1]
