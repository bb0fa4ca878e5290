"""What a peer is told of rows that it has written, or that were changed before it could.

Takes rows that exist for what the peer wanted to do, gives tuples. Being allowed to change a row is
not being allowed to read it: what may not be retrieved is told by its key alone.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django_vortex.orm.conditions import is_same_condition
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.store import Key
from django_vortex.routing.permission import Action

if TYPE_CHECKING:
    from django_vortex.orm.crud.work import CrudWork


def tell(
    work: "CrudWork", plan: ModelPlan, action: Action, found: Mapping[Key, Any]
) -> dict[Key, Any]:
    """Make the tuples that tell the peer of rows.

    Args:
        work: The request.
        plan: The model of the rows.
        action: What they were found for.
        found: The rows by key.
    """
    visible = find_visible(work, plan, action, found)
    return {
        key: plan.record.make(find_told(work, plan, action, row, is_visible=key in visible))
        for key, row in found.items()
    }


def tell_again(work: "CrudWork", plan: ModelPlan, action: Action, key: Key) -> list[Any]:
    """Read a row again and make its tuple; none if it does not exist for ``action`` any more."""
    found = work.rows(plan, action).get_many([key])
    return list(tell(work, plan, action, found).values())


def find_told(
    work: "CrudWork", plan: ModelPlan, action: Action, row: Any, *, is_visible: bool
) -> dict[str, Any]:
    """Give the values that tell the peer of a row, be it one that it may retrieve or not."""
    values = work.rows(plan, action).values(row)
    if is_visible:
        work.call(plan, Action.RETRIEVE, "after_retrieve", row, values)
        return values
    told = {*plan.spec.key_names, plan.version_field}
    return {name: values[name] if name in told else None for name in values}


def find_visible(
    work: "CrudWork", plan: ModelPlan, action: Action, found: Mapping[Key, Any]
) -> set[Key]:
    """Say which of the rows that were found for an action the peer may retrieve as well."""
    if not found or not work.is_allowed(Action.RETRIEVE, plan):
        return set()
    visible = {key for key, row in found.items() if work.may(Action.RETRIEVE, plan, row)}
    condition = work.find_condition(plan, Action.RETRIEVE)
    if not visible or condition is None:
        return visible
    if is_same_condition(condition, work.find_condition(plan, action)):
        return visible
    return visible & set(work.rows(plan, Action.RETRIEVE).get_many(list(visible)))
