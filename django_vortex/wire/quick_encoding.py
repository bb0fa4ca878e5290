"""Payloads to JSON by the compiled plans of their tuples' types: `QuickEncoding`.

Takes payloads, gives them encoded, or None where only the general encoder can write what is in
them, or tell what is wrong with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from django_vortex.exceptions import UnencodableValue
from django_vortex.tuples import TupleRegistry, TupleType
from django_vortex.typedefs import Json
from django_vortex.wire.column_encoding import compile_columns
from django_vortex.wire.columns import fold_rows
from django_vortex.wire.encode_plans import compile_encoder
from django_vortex.wire.encoded_payload import EncodedPayload
from django_vortex.wire.encoded_rows import EncodedRows, write_row_tolerantly, write_rows
from django_vortex.wire.encoder import WRITERS, ValueEncoder
from django_vortex.wire.json_text import SAME, escape_json
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import write_plain, write_plain_date
from django_vortex.wire.plans import Plans

_write = msgspec.json.Encoder().encode

_UNWRITABLE = (UnicodeEncodeError, RecursionError, TypeError, UnencodableValue)
"""What is raised for tuples that only the general encoder can write, or tell what is wrong."""


class QuickEncoding:
    """Encodes payloads with structs in the place of tuples, which msgspec alone can write.

    Args:
        registry: Which classes travel as tuples.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, registry: TupleRegistry) -> None:
        self._rows = Plans(registry.get_by_class, compile_encoder)
        self._columns = Plans(registry.get_by_class, compile_columns)

    def compile(self, tuple_type: TupleType) -> None:
        """Make the plan of a type, which otherwise first use does."""
        self._rows.get(tuple_type.cls)

    def encode(self, payload: Payload, encoder: ValueEncoder) -> EncodedPayload | None:
        """Return an encoded payload, or None if it takes the tolerant writer.

        Args:
            payload: What to encode.
            encoder: Encodes what is not as its type says; it is of use for nothing else then.
        """
        try:
            tuples = escape_json(_write(self._encode_tuples(payload.tuples, encoder)))
            filt, date = write_plain(payload.filt), write_plain_date(payload.date)
            if filt is None:
                filt = escape_json(_write(encoder.encode(payload.filt, 1)))
            if date is None:
                date = escape_json(_write(encoder.encode(payload.date, 1)))
        except _UNWRITABLE:
            # Lone surrogates and proxies, or what the general encoder tells about with its path.
            return None
        if not encoder.is_json:
            return None
        return EncodedPayload(
            filt,
            tuples,
            date,
            portable=encoder.is_portable,
            is_lasting=encoder.is_lasting,
            is_tabular=encoder.is_tabular,
        )

    def encode_rows(self, tuples: Sequence[Any], encoder: ValueEncoder) -> EncodedRows:
        """Encode each tuple by itself.

        Args:
            tuples: What to encode.
            encoder: Of a dialect without columns.

        Raises:
            UnencodableValue: Something in a tuple cannot travel; the path says where.
        """
        try:
            return self._write_rows(tuples, encoder)
        except _UNWRITABLE:
            pass
        # How one is written must not depend on the others.
        rows: list[EncodedRows] = []
        for index, one in enumerate(tuples):
            try:
                try:
                    rows.append(self._write_rows([one], encoder))
                except _UNWRITABLE:
                    rows.append(_write_tolerantly(one, encoder))
            except UnencodableValue as error:
                error.under(f".tuples[{index}]")
                raise
        return EncodedRows(
            [one.texts[0] for one in rows],
            [one.canonical[0] for one in rows],
            all(one.portable for one in rows),
        )

    def _write_rows(self, tuples: Sequence[Any], encoder: ValueEncoder) -> EncodedRows:
        encoded = self._encode_tuples(tuples, encoder)
        return write_rows(encoded, portable=encoder.is_portable)

    def _encode_tuples(self, tuples: Sequence[Any], encoder: ValueEncoder) -> list[Json]:
        encoded: list[Json] = []
        has_columns = encoder.dialect.has_columns
        for cls, items in _group(tuples):
            if cls in SAME:
                encoded += items
                continue
            encode_rows = self._rows.get(cls)
            if encode_rows is None:
                encoded += _encode_each(items, cls, encoder)
                continue
            if not has_columns:
                before = len(encoded) + 1
                encode_rows(items, encoder, encoded)
                encoder.is_tabular |= len(encoded) > before
                continue
            run = items if items.__class__ is list else list(items)
            encode_columns = self._columns.get(cls) if len(run) > 1 else None
            if encode_columns is None:
                encode_rows(run, encoder, encoded)
            else:
                encoded.append(encode_columns(run, encoder))
                encoder.is_tabular = True
                encoder.is_portable = False
        return encoded


def _write_tolerantly(item: Any, encoder: ValueEncoder) -> EncodedRows:
    try:
        encoded = encoder.encode(item, 2)
    except RecursionError:
        raise UnencodableValue("Cannot encode a value that contains itself") from None
    text, canonical = write_row_tolerantly(encoded)
    return EncodedRows([text], [canonical], encoder.is_portable)


def _encode_each(items: Iterable[Any], cls: type, encoder: ValueEncoder) -> list[Json]:
    """Encode what has no plan: values, and tuples of unknown types for example."""
    rows = [encoder.encode(item, 2) for item in items]
    if cls in WRITERS:  # these are no tuples, so there is nothing to fold
        return rows
    folded = fold_rows(rows)
    encoder.is_tabular |= len(folded) < len(rows)
    return folded if encoder.dialect.has_columns else rows


def _group(tuples: Sequence[Any]) -> Iterable[tuple[type, Iterable[Any]]]:
    """Return the runs of values of one class."""
    kinds = set(map(type, tuples))
    if len(kinds) == 1:
        return [(kinds.pop(), tuples)]
    return itertools.groupby(tuples, type)
