"""Deleting the rows of one message, those first that refer to others.

Takes tuples that name rows, gives what was deleted. Rows that are missing are no error.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django_vortex.exceptions import Conflict, ValidationError
from django_vortex.orm.crud.items import CHANGED_MEANWHILE, Done, Item
from django_vortex.orm.crud.refusals import describe_refusal
from django_vortex.orm.crud.telling import tell_again
from django_vortex.orm.crud.write_order import Action as StepAction
from django_vortex.orm.crud.write_order import Write, order_deletes
from django_vortex.orm.store import Key, RefusedByDatabase, Rows, StaleRow, Version
from django_vortex.routing.permission import Action

if TYPE_CHECKING:
    from django_vortex.orm.crud.work import CrudWork


def remove_rows(work: "CrudWork", items: Sequence[Item]) -> list[Done]:
    """Delete the rows that items name.

    Raises:
        ValidationError: The database refuses it.
        Conflict: One was changed meanwhile.
        PermissionDenied: The peer sees one of them, but may not delete it.
    """
    there: dict[tuple[int, Key], tuple[Item, Rows, Any]] = {}
    for plan in work.plan.models:
        wanted = {item.key: item for item in reversed(items) if item.plan is plan and item.key}
        if not wanted:
            continue
        rows = work.rows(plan, Action.DELETE)
        found = work.find_accessible(Action.DELETE, plan, rows.get_many(list(reversed(wanted))))
        there |= {(id(plan), key): (wanted[key], rows, row) for key, row in found.items()}
    removals = list(there.values())
    done = []
    for step in order_deletes([_describe(*one) for one in removals]):
        item, rows, row = removals[step.index]
        assert item.key is not None
        if step.action is StepAction.PARK:
            _release(item, rows, row, step.names)
            continue
        with work.telling_of(item):
            _remove(work, item, rows, row)
        done.append(Done(Action.DELETE, item.plan, item.key, row, item.index))
    return done


def _describe(item: Item, rows: Rows, row: Any) -> Write:
    spec = item.plan.spec
    return Write(spec, row, False, frozenset(spec.fields), {}, partial(rows.read, row))


def _release(item: Item, rows: Rows, row: Any, names: Sequence[str]) -> None:
    """Give up what a row refers to, since that is deleted before it."""
    try:
        rows.park(row, names)
    except RefusedByDatabase as error:
        raise ValidationError(errors=[describe_refusal(error, item)]) from error


def _remove(work: "CrudWork", item: Item, rows: Rows, row: Any) -> None:
    plan, version = item.plan, None
    if plan.version_field is not None:
        now = rows.values(row)[plan.version_field]
        seen = item.values.get(plan.version_field)
        if seen is not None and seen != now and item.key is not None:
            raise Conflict(CHANGED_MEANWHILE, tell_again(work, plan, Action.DELETE, item.key))
        version = Version(plan.version_field, now, now)
    work.call(plan, Action.DELETE, "before_delete", row)
    try:
        rows.delete(row, version)
    except StaleRow:
        raise Conflict(CHANGED_MEANWHILE) from None
    except RefusedByDatabase as error:
        told = RefusedByDatabase(error.text or "Other rows need this one", error.field)
        raise ValidationError(errors=[describe_refusal(told, item)]) from error
    work.call(plan, Action.DELETE, "after_delete", row)
