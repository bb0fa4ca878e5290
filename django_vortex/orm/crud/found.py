"""What a list has found, on its way to become tuples.

Takes what a peer asks for, gives rows, or only their plain values where nobody asks for the rows
themselves: no object permission, no hook, no relation. Plain values are several times faster, and
no others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from django_vortex.orm.crud.extension import has_hook
from django_vortex.orm.crud.listing import ListQuery
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.crud.paging import find_visible_rows
from django_vortex.orm.store import Order
from django_vortex.routing.permission import Action

if TYPE_CHECKING:
    from django_vortex.orm.crud.work import CrudWork


class Found(Protocol):
    """Rows, or what there is of them."""

    def __len__(self) -> int:
        """Give how many were found."""

    def place(self, index: int) -> Sequence[Any]:
        """Return the place of one of them, as of `Rows.place`."""

    def make_tuples(self, count: int | None = None) -> list[Any]:
        """Make the tuples of the first ones."""


class FoundRows:
    """Rows of the ORM, all of which the peer may see."""

    def __init__(self, work: "CrudWork", plan: ModelPlan, found: Sequence[Any]) -> None:
        self._work = work
        self._plan = plan
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def place(self, index: int) -> Sequence[Any]:
        """Return the place of a row of a page."""
        return self._work.rows(self._plan, Action.RETRIEVE).place(self._found[index])

    def make_tuples(self, count: int | None = None) -> list[Any]:
        """Make tuples, with what hooks say of each."""
        return self._work.tell(self._plan, Action.RETRIEVE, self._found[:count])


class FoundValues:
    """The values of rows, those of each in the order of the shape; then, in a page, its place."""

    def __init__(self, plan: ModelPlan, found: Sequence[Sequence[Any]]) -> None:
        self._plan = plan
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def place(self, index: int) -> Sequence[Any]:
        """Return the place of a row of a page."""
        return self._found[index][len(self._plan.shape.names) :]

    def make_tuples(self, count: int | None = None) -> list[Any]:
        """Make tuples of the values as they are."""
        found, width = self._found[:count], len(self._plan.shape.names)
        if found and len(found[0]) > width:
            found = [row[:width] for row in found]
        return self._plan.record.make_all(found)


def find(work: "CrudWork", plan: ModelPlan, query: ListQuery) -> Found:
    """Find what the peer asks for and may see; one more than its limit if there is another page."""
    if not _needs_rows(work, plan, query.order):
        rows = work.rows(plan, Action.RETRIEVE)
        is_paged = query.limit is not None
        values = rows.find_values(query.where, query.order, query.fetch, is_paged=is_paged)
        if values is not None:
            return FoundValues(plan, values)
    return FoundRows(work, plan, find_visible_rows(work, plan, query))


def _needs_rows(work: "CrudWork", plan: ModelPlan, order: Sequence[Order]) -> bool:
    """Say whether something here is about rows; what the model itself needs its store knows."""
    return (
        work.asking.tells_rows_apart(plan.access)
        or bool(plan.shape.nested)
        or any(one.name not in plan.shape.names for one in order)
        or any(has_hook(extension, "after_retrieve") for extension in plan.extensions)
    )
