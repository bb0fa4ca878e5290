"""Writing the rows of one message, each in its turn.

Takes rows that are set and validated, writes them in the order of `write_order`, gives an error for
the row that the database refuses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_vortex.exceptions import Conflict, ValidationError
from django_vortex.orm.crud.items import CHANGED_MEANWHILE, Item, error_at
from django_vortex.orm.crud.reference_check import no_such_row
from django_vortex.orm.crud.refusals import MADE_LATE, PlacingErrors, describe_refusal, is_made_late
from django_vortex.orm.crud.work import CrudWork
from django_vortex.orm.crud.write_order import Action as StepAction
from django_vortex.orm.crud.write_order import Step, Write, order_writes
from django_vortex.orm.store import Draft, Key, RefusedByDatabase, Rows, StaleRow, Version
from django_vortex.routing.permission import Action

EXCHANGED = (
    "The database cannot exchange these values in one message; save another value in between"
)


@dataclass(slots=True)
class Saving:
    """What is known about one tuple on its way into the database."""

    item: Item
    action: Action
    rows: Rows
    draft: Draft
    before: Mapping[str, Any] = field(default_factory=dict)
    """Of a stored row, what its fields that may be unique were."""

    @property
    def is_written(self) -> bool:
        """Whether there is anything to write."""
        return self.draft.is_new or bool(self.draft.changed)


class CrudWriting:
    """Writes the rows of one request.

    Args:
        work: The request in its transaction.
    """

    def __init__(self, work: CrudWork) -> None:
        self._work = work

    def write(self, written: Sequence[Saving]) -> None:
        """Write all rows, each of which has something to write.

        Raises:
            ValidationError: The database refuses one.
            Conflict: One was changed meanwhile.
        """
        writes = [_describe(saving) for saving in written]
        left = set(range(len(writes)))
        with PlacingErrors(self._work.translate_error) as placing:
            for step in order_writes(writes):
                saving, write = written[step.index], writes[step.index]
                placing.item = saving.item
                left.discard(step.index)
                try:
                    self._do(step, saving)
                except RefusedByDatabase as error:
                    later = (writes[index] for index in left)
                    may_exchange = any(one.spec is write.spec and not one.is_new for one in later)
                    if may_exchange and is_made_late(error, saving.item, write.changed):
                        error.text = MADE_LATE
                    raise ValidationError(errors=[describe_refusal(error, saving.item)]) from error

    def _do(self, step: Step, saving: Saving) -> None:
        if step.action is StepAction.PARK:
            if not saving.rows.park(saving.draft.row, step.names):
                raise RefusedByDatabase(EXCHANGED, step.names[0] if step.names else "")
        elif step.action is StepAction.COMPLETE:
            self._complete(saving, step.names)
        else:
            self._write(saving, step.names)

    def _write(self, saving: Saving, without: Sequence[str]) -> None:
        draft, row, plan = saving.draft, saving.draft.row, saving.item.plan
        try:
            if not draft.is_new:
                saving.rows.update(row, draft.changed, self._next_version(saving))
                saving.item.table.call(saving.action, "after_update", row)
            elif without:
                values = saving.rows.read(row, without)
                saving.rows.set_values(row, dict.fromkeys(without))
                saving.rows.insert(row)
                saving.rows.set_values(row, values)
            else:
                saving.rows.insert(row)
                saving.item.table.call(saving.action, "after_create", row)
        except StaleRow:
            if plan.version_field is None:
                name, text = plan.spec.key_names[0], no_such_key(saving.rows.key(row))
                raise ValidationError(errors=[error_at(saving.item.index, name, text)]) from None
            raise Conflict(CHANGED_MEANWHILE, self._read_again(saving)) from None

    def _complete(self, saving: Saving, names: Iterable[str]) -> None:
        """Write what a new row refers to, which is there now."""
        saving.rows.update(saving.draft.row, names)
        saving.item.table.call(saving.action, "after_create", saving.draft.row)

    def _next_version(self, saving: Saving) -> Version | None:
        name = saving.item.plan.version_field
        if name is None:
            return None
        now = saving.rows.values(saving.draft.row)[name]
        return Version(name, now, now + 1)

    def _read_again(self, saving: Saving) -> list[Any]:
        assert saving.item.key is not None
        return saving.item.table.read_again(saving.action, saving.item.key)


def no_such_key(key: Key) -> str:
    """Return the text for a key that no row has."""
    return no_such_row(key[0] if len(key) == 1 else key)


def _describe(saving: Saving) -> Write:
    rows, draft = saving.rows, saving.draft
    # With what setters, validators and ``clean()`` have made of the values.
    changed = draft.changed if draft.is_new else draft.changed | rows.find_changed(draft.row)

    def read(names: Iterable[str]) -> Mapping[str, Any]:
        return rows.read(draft.row, names)

    return Write(
        spec=saving.item.plan.spec,
        row=draft.row,
        is_new=draft.is_new,
        changed=changed,
        before=saving.before,
        read=read,
        defers_references=rows.defers_references,
    )
