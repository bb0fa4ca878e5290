"""Rows of which the other end has a former version: only the fields that have changed travel.

Takes the JSON of both versions and gives that of a part; takes a part and the JSON of the former
version, and gives that of the row. Only in pushes to those who watch, in our own dialect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from django_vortex.exceptions import MalformedMessage
from django_vortex.typedefs import Json
from django_vortex.wire.json_text import escape_json, read_json, write_json

PART_MARKER: Final = "rtp"
"""The ``_ct`` of a part of a row."""

_ROW: Final = b'{"_ct":"rt",'
_MARKER: Final = "_ct"

_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class RowPart:
    """What has changed in a row: a part as it came, until the rest is known.

    Attributes:
        fields: The JSON of the fields by name.
    """

    fields: dict[str, Json]

    def complete(self, former: bytes, depth: int) -> bytes:
        """Return the JSON of the row.

        Args:
            former: The JSON of its former version.
            depth: How many lists and objects may be inside one another.

        Raises:
            MalformedMessage: What was there is no row.
        """
        row = read_json(former, depth)
        if row.__class__ is not dict or row.get(_MARKER) != "rt":
            raise MalformedMessage("Part of what is no row", "")
        return write_json({**row, **self.fields})


def read_parts(tuples: Json) -> Json:
    """Return the encoded tuples of a payload with a `RowPart` for each that is one."""
    if tuples.__class__ is not list:
        return tuples
    return [
        RowPart({name: json for name, json in one.items() if name != _MARKER})
        if one.__class__ is dict and one.get(_MARKER) == PART_MARKER
        else one
        for one in tuples
    ]


def make_part(former: bytes, row: bytes) -> bytes:
    """Return the JSON of what has changed in a row, or of the whole row where it is another one.

    Args:
        former: The JSON of its former version, as the codec wrote it.
        row: That of the row.
    """
    if not (former.startswith(_ROW) and row.startswith(_ROW)):
        return row
    try:
        before, now = _read_fields(former), _read_fields(row)
    except msgspec.DecodeError:  # there are lone surrogates
        return row
    if before.keys() != now.keys() or before["_c"] != now["_c"]:
        return row
    changed = {name: value for name, value in now.items() if value != before[name]}
    return escape_json(msgspec.json.encode({_MARKER: PART_MARKER, **changed}))
