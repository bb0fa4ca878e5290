"""What a message asks to be done to rows, and what has been done to them."""

from dataclasses import dataclass
from typing import Any

from django_vortex.orm.crud.model import ModelPlan
from django_vortex.orm.crud.table import PeerTable
from django_vortex.orm.store import Key
from django_vortex.routing.permission import Action

CHANGED_MEANWHILE = "Somebody else has changed this meanwhile"


@dataclass(frozen=True, slots=True)
class Item:
    """One tuple that came.

    Attributes:
        index: Its place in the message.
        table: The table that it is a row of, as its peer sees it.
        plan: How that is served.
        values: The fields that it carries.
        key: Of the row, None for a row that is to be made.
    """

    index: int
    table: PeerTable
    plan: ModelPlan
    values: dict[str, Any]
    key: Key | None


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done to a row."""

    action: Action
    plan: ModelPlan
    key: Key
    row: Any
    index: int = 0
    """The place of its tuple in the message."""


def error_at(index: int, name: str, text: str) -> dict[str, Any]:
    """Return one entry of `ValidationError.errors`."""
    return {"index": index, "field": name, "messages": [text]}
