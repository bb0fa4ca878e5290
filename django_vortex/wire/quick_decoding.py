"""JSON to payloads by the compiled plans of their tuples' types: `QuickDecoding`.

Takes the JSON of payloads, gives these, or None where only the general decoder can read what is in
them, or tell what is wrong with it.
"""

from __future__ import annotations

from functools import partial

import msgspec

from django_vortex.exceptions import WireError
from django_vortex.tuples import TupleRegistry, TupleType
from django_vortex.typedefs import Json
from django_vortex.wire.column_plans import ColumnsPlan, get_columns_name, make_columns_plan
from django_vortex.wire.columns import COLUMNS_HINT
from django_vortex.wire.decode_plans import HINT_CHARACTERS, DecodePlan, get_type_name, make_plan
from django_vortex.wire.decoder import ValueDecoder
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import read_plain, read_plain_date
from django_vortex.wire.plans import Plans


class QuickDecoding:
    """Decodes payloads whose tuples are all of one type, in rows or in columns.

    Args:
        registry: Which tuple types may be built.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, registry: TupleRegistry) -> None:
        self._rows = Plans(registry.get_by_name, partial(make_plan, values=registry.values))
        self._columns = Plans(
            registry.get_by_name, partial(make_columns_plan, values=registry.values)
        )

    def compile(self, tuple_type: TupleType) -> None:
        """Make the plan of a type, which otherwise first use does.

        Raises:
            DefinitionError: It cannot be read.
        """
        self._rows.get(tuple_type.name)

    def decode(
        self, json: bytes, decoder: ValueDecoder, limits: Limits, arrived: int | None
    ) -> Payload | None:
        """Return the payload of its JSON by the plan of its tuples' type.

        Args:
            json: Of any dialect but D0.
            decoder: Decodes what no plan knows, in that dialect.
            limits: How many tuples there may be.
            arrived: Bytes that arrived, None if they do not count.

        Returns:
            None when there is no plan for it, or the text is not what the plan expects.
        """
        plan: DecodePlan | ColumnsPlan | None = None
        if decoder.dialect.has_columns and json.find(COLUMNS_HINT, 0, HINT_CHARACTERS) >= 0:
            if (name := get_columns_name(json)) is not None:
                plan = self._columns.get(name)
        elif (name := get_type_name(json)) is not None:
            plan = self._rows.get(name)
        if plan is None:
            return None
        try:
            message = plan.read(json)
            payload = _decode_head(message.filt, message.date, decoder)
            payload.tuples = plan.build(message.tuples, decoder, limits, arrived)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, WireError):
            return None
        return payload


def _decode_head(filt: Json, date: Json, decoder: ValueDecoder) -> Payload:
    """Return a payload of no tuples."""
    if filt is None and date is None:
        return Payload()
    plain, plain_date = read_plain(filt), read_plain_date(date)
    if plain is None or plain_date is None:
        return decoder.decode_payload({"filt": filt, "date": date})
    return Payload(plain, (), plain_date)
