"""Deleting rows: those of the tuples of a message, or the one that its filt names.

Rows that refer to others are deleted before those. Rows that are missing are no error.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django_vortex.exceptions import Conflict, ValidationError
from django_vortex.orm.crud.items import CHANGED_MEANWHILE, Done, Item
from django_vortex.orm.crud.listing import ALL_ROWS
from django_vortex.orm.crud.refusals import PlacingErrors, describe_refusal
from django_vortex.orm.crud.work import CrudWork, Outcome, find_tables, read_filt_key
from django_vortex.orm.crud.write_order import Action as StepAction
from django_vortex.orm.crud.write_order import Write, order_deletes
from django_vortex.orm.store import Key, RefusedByDatabase, Rows, StaleRow, Version
from django_vortex.routing.permission import Action


class CrudRemove:
    """Deletes the rows of one request.

    Args:
        work: The request in its transaction.
    """

    def __init__(self, work: CrudWork) -> None:
        self._work = work

    def remove(self, tuples: Sequence[Any], key_value: Any) -> Outcome:
        """Delete the rows of tuples, or without tuples the row with a key.

        Raises:
            ValidationError: Nothing is named, or the database refuses it.
            Conflict: A row was changed meanwhile.
            PermissionDenied: The peer may see one of the rows, but not delete it.
        """
        work = self._work
        work.demand_any(Action.DELETE)
        if not tuples and key_value is None:
            raise ValidationError("Nothing to delete: the filt has no id and there are no tuples")
        items = work.identify(tuples) if tuples else [self._item_of_filt(key_value)]
        for table in find_tables(items):
            table.demand(Action.DELETE)
        done = self._remove_rows(items)
        return Outcome(self._find_remaining(), result=True, done=done)

    def _item_of_filt(self, key_value: Any) -> Item:
        plan = self._work.plan.main
        return Item(0, self._work.table(plan), plan, {}, read_filt_key(plan, key_value))

    def _remove_rows(self, items: Sequence[Item]) -> list[Done]:
        stored: dict[tuple[int, Key], tuple[Item, Rows, Any]] = {}
        for plan in self._work.plan.models:
            wanted = {item.key: item for item in reversed(items) if item.plan is plan and item.key}
            if not wanted:
                continue
            table = self._work.table(plan)
            rows = table.rows(Action.DELETE)
            found = table.keep_allowed(Action.DELETE, rows.get_many(list(reversed(wanted))))
            stored |= {(id(plan), key): (wanted[key], rows, row) for key, row in found.items()}
        removals = list(stored.values())
        done = []
        with PlacingErrors(self._work.translate_error) as placing:
            for step in order_deletes([_describe(*one) for one in removals]):
                item, rows, row = removals[step.index]
                placing.item = item
                assert item.key is not None
                if step.action is StepAction.PARK:
                    _release(item, rows, row, step.names)
                    continue
                _remove(item, rows, row)
                done.append(Done(Action.DELETE, item.plan, item.key, row, item.index))
        return done

    def _find_remaining(self) -> list[Any]:
        table = self._work.table(self._work.plan.main)
        if not self._work.plan.retrieve_all or not table.is_allowed(Action.RETRIEVE):
            return []
        return table.find_page(ALL_ROWS)[0]


def _describe(item: Item, rows: Rows, row: Any) -> Write:
    spec = item.plan.spec
    return Write(spec, row, False, frozenset(spec.fields), {}, partial(rows.read, row))


def _release(item: Item, rows: Rows, row: Any, names: Sequence[str]) -> None:
    """Clear the references of a row to rows that are deleted before it."""
    try:
        rows.park(row, names)
    except RefusedByDatabase as error:
        raise ValidationError(errors=[describe_refusal(error, item)]) from error


def _remove(item: Item, rows: Rows, row: Any) -> None:
    plan, table, version = item.plan, item.table, None
    if plan.version_field is not None:
        now = rows.values(row)[plan.version_field]
        seen = item.values.get(plan.version_field)
        if seen is not None and seen != now and item.key is not None:
            raise Conflict(CHANGED_MEANWHILE, table.read_again(Action.DELETE, item.key))
        version = Version(plan.version_field, now, now)
    table.call(Action.DELETE, "before_delete", row)
    try:
        rows.delete(row, version)
    except StaleRow:
        raise Conflict(CHANGED_MEANWHILE) from None
    except RefusedByDatabase as error:
        refusal = RefusedByDatabase(error.text or "Other rows need this one", error.field)
        raise ValidationError(errors=[describe_refusal(refusal, item)]) from error
    table.call(Action.DELETE, "after_delete", row)
