"""A reader of what watchers are sent, written from its description and as short as can be.

Stands beside the one of the client, so that writing and reading do not share a mistake.
"""

import copy
from typing import Any

from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.parts import RowPart
from django_vortex.wire.pieces import PiecedText
from django_vortex.wire.protocol import Protocol


def transmit(
    envelope: PayloadEnvelope, codec: Codec, *, framed: bool = False, dialect: Any = Dialect.NATIVE
) -> PayloadEnvelope:
    """Return the envelope as the other end of a connection reads it."""
    text = encode_message(envelope, WireForm(dialect, framed), None, codec)
    protocol = Protocol(codec, framed=framed, dialect=dialect, whole_frames=not framed)
    received: list[Any] = []
    for part in (str(text), *(text.pieces() if isinstance(text, PiecedText) else ())):
        received += protocol.receive(part)
    (event,) = [one for one in received if isinstance(one, EnvelopeReceived)]
    return event.envelope


def complete(former: Any, part: RowPart, codec: Codec) -> Any:
    """Return a copy of a row with the fields of a part."""
    row = copy.deepcopy(former)
    known = codec.registry.get_by_class(type(row))
    name = row.type_name if known is None else known.name
    changed = codec.decode_part({"_ct": "rt", "_c": name, **part.fields}, Dialect.NATIVE, "$")
    for field in part.fields:
        setattr(row, field, getattr(changed, field))
    return row


def apply(rows: list[Any], filt: dict[str, Any], put: list[Any], codec: Codec) -> list[Any]:
    """Return the new list."""
    if filt.get("from") is None:
        return put
    was = filt.get("was", [None] * len(put))
    put = [
        complete(rows[place], row, codec) if isinstance(row, RowPart) else row
        for row, place in zip(put, was, strict=True)
    ]
    gone, moved = filt.get("gone", []), filt.get("moved", [])
    placed = dict(zip(filt.get("put", []), put, strict=True))
    placed |= {new: rows[old] for new, old in moved}
    leaving = {*gone, *(old for _, old in moved)}
    staying = [row for position, row in enumerate(rows) if position not in leaving]
    result = []
    while staying or len(result) in placed:
        position = len(result)
        result.append(placed.pop(position) if position in placed else staying.pop(0))
    assert not placed
    return result
