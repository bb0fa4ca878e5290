"""Tuples that were encoded one by one: `EncodedRows`.

Takes what msgspec can write for each, gives texts for payloads and texts for digests. Those for
payloads keep the order of keys in dicts; those for digests do not depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from django_vortex.wire.json_text import escape_json, write_json, write_sorted_json

_write = msgspec.json.Encoder().encode
_write_sorted = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """The JSON of some tuples, each by itself.

    Attributes:
        texts: ASCII JSON.
        canonical: Of each what is equal for equal tuples, in any process; nobody decodes it.
        portable: Whether the texts are right in all dialects but D0.
    """

    texts: Sequence[bytes]
    canonical: Sequence[bytes]
    portable: bool


def write_rows(encoded: Sequence[Any], *, portable: bool) -> EncodedRows:
    """Write rows that msgspec can write.

    Raises:
        UnicodeEncodeError: There is a lone surrogate.
        TypeError: There is something else in them.
    """
    canonical = [_write_sorted(one) for one in encoded]
    texts = canonical
    text = _write(encoded)
    if text != b"[%b]" % b",".join(canonical):  # there are dicts whose order is another
        texts = [_write(one) for one in encoded]
    if not text.isascii():
        texts = [escape_json(one) for one in texts]
    return EncodedRows(texts, canonical, portable)


def write_row_tolerantly(encoded: Any) -> tuple[bytes, bytes]:
    """Return text and canonical text of a row that msgspec cannot write."""
    return write_json(encoded), write_sorted_json(encoded)
