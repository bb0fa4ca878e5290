"""What a watcher has, and what becomes of it by what the server pushes: `Watched`.

Takes pushes in the order in which they come, gives snapshots of the answer. No loop, no clock; the
counterpart of `django_vortex.live.pushes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any

from django_vortex.exceptions import MalformedMessage, UnencodableValue, quoted
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.parts import RowPart
from django_vortex.wire.reserved import FROM_TAG, GONE, IS_ONE, MOVED, PUT, TO_TAG, WAS


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """An answer as it was at one time; its lists are never changed.

    Attributes:
        rows: The rows or values, in order.
        lines: A number for each row that its later versions have, too.
        is_one: Whether it is a single tuple or value and not a list.
    """

    rows: Sequence[Any]
    lines: Sequence[int]
    is_one: bool

    @property
    def answer(self) -> Any:
        """The single value, or a list of its own."""
        if self.is_one:
            return self.rows[0] if self.rows else None
        return list(self.rows)


class News(Enum):
    """What a push has brought."""

    NEW = "new"
    """There is another answer."""
    SAME = "same"
    """The answer is the same."""
    UNFIT = "unfit"
    """It is about an answer that is not there; the whole has to be asked for."""


class Watched:
    """The newest answer to one watch.

    Args:
        codec: Tells whether rows are the same.

    Attributes:
        tag: Of the answer, None as long as there is none.
        at: What the answer is not older than, as the server says it.
        snapshot: The answer, None as long as there is none.
    """

    __slots__ = ("_codec", "_lines", "at", "snapshot", "tag")

    def __init__(self, codec: Codec) -> None:
        self.tag: str | None = None
        self.at = ""
        self.snapshot: Snapshot | None = None
        self._codec = codec
        self._lines: Iterator[int] = count()

    def receive(self, filt: Filt, decode: Callable[[], Sequence[Any]]) -> News:
        """Take a push that brings an answer.

        Rows that are unchanged stay the same objects.

        Args:
            filt: That of the push.
            decode: Gives its tuples.

        Raises:
            MalformedMessage: It cannot be an answer, or not after the one that is there.
            WireError: The tuples cannot be decoded.
        """
        before, after = filt.get(FROM_TAG), filt.get(TO_TAG)
        if not isinstance(after, str):
            raise MalformedMessage(f"Expected a tag, got {quoted(after)}", f"$.filt.{TO_TAG}")
        news = News.NEW
        if before is None:
            news = self._take_whole(decode(), filt.get(IS_ONE) is True, after)
        elif after == self.tag:
            news = News.SAME
        elif before != self.tag or self.snapshot is None:
            return News.UNFIT
        else:
            try:
                self.snapshot = self._apply(self.snapshot, filt, decode())
            except UnencodableValue:  # a row that was changed here
                return News.UNFIT
        self.tag = after
        at = filt.get("at")
        self.at = at if isinstance(at, str) else ""
        return news

    def _take_whole(self, rows: Sequence[Any], is_one: bool, tag: str) -> News:
        old = self.snapshot
        if old is not None and tag == self.tag:
            return News.SAME
        if old is None or old.is_one is not is_one:
            known: list[tuple[Any, int] | None] = [None] * len(rows)
        elif is_one:
            known = [(row, old.lines[0]) for row in rows[:1] if old.lines]
            known = [*known, *([None] * (len(rows) - len(known)))]
        else:
            known = _find_same(old, rows, self._codec)
        self.snapshot = Snapshot(
            [row if one is None else one[0] for row, one in zip(rows, known, strict=True)],
            [next(self._lines) if one is None else one[1] for one in known],
            is_one,
        )
        return News.NEW

    def _apply(self, old: Snapshot, filt: Filt, put: Sequence[Any]) -> Snapshot:
        """Return what a delta makes of an answer."""
        size = len(old.rows)
        gone = _read_positions(filt, GONE, size)
        places = _read_positions(filt, PUT)
        was = _read_former(filt, size) or [None] * len(places)
        moved = _read_pairs(filt, size)
        if len(places) != len(put) or len(was) != len(places):
            raise MalformedMessage(f"Delta puts {len(places)} rows and has {len(put)}", "$.filt")
        put = self._complete(old, put, was)
        leaving = {*gone, *(place for _, place in moved)}
        coming = {
            position: (row, next(self._lines) if place is None else old.lines[place])
            for position, row, place in zip(places, put, was, strict=True)
        }
        coming |= {position: (old.rows[place], old.lines[place]) for position, place in moved}
        if len(leaving) < len(gone) + len(moved) or len(coming) < len(places) + len(moved):
            raise MalformedMessage("Delta names a row twice", "$.filt")
        rows, lines = list(old.rows), list(old.lines)
        for place in sorted(leaving, reverse=True):
            del rows[place], lines[place]
        for position in sorted(coming):
            if position > len(rows):
                raise MalformedMessage("Delta names a row that is not there", "$.filt")
            row, line = coming[position]
            rows.insert(position, row)
            lines.insert(position, line)
        return Snapshot(rows, lines, old.is_one)

    def _complete(
        self, old: Snapshot, put: Sequence[Any], was: Sequence[int | None]
    ) -> Sequence[Any]:
        """Return the rows that a delta puts; of some it has the fields that have changed."""
        pairs = zip(put, was, strict=True)
        parts = [(row, place) for row, place in pairs if isinstance(row, RowPart)]
        if not parts:
            return put
        former = [old.rows[place] for _, place in parts if place is not None]
        if len(former) < len(parts):
            raise MalformedMessage("Delta has a part of a row that was not there", "$.filt")
        depth = self._codec.limits.depth
        texts = [
            part.complete(text, depth)
            for (part, _), text in zip(parts, self._codec.encode_rows(former).texts, strict=True)
        ]
        rows = iter(self._codec.decode_rows(texts))
        return [next(rows) if isinstance(row, RowPart) else row for row in put]


def _find_same(old: Snapshot, rows: Sequence[Any], codec: Codec) -> list[tuple[Any, int] | None]:
    """Return for each row of a new list the equal one of the old list with its line, if any."""
    try:
        texts = codec.encode_rows(old.rows).canonical
        new_texts = codec.encode_rows(rows).canonical
    except UnencodableValue:
        return [None] * len(rows)
    known: dict[bytes, list[tuple[Any, int]]] = {}
    for text, row, line in zip(texts, old.rows, old.lines, strict=True):
        known.setdefault(text, []).append((row, line))
    for alike in known.values():
        alike.reverse()
    return [known[text].pop() if known.get(text) else None for text in new_texts]


def _read_positions(filt: Filt, name: str, size: int | None = None) -> list[int]:
    positions = filt.get(name) or []
    if not isinstance(positions, list) or not all(_is_position(one, size) for one in positions):
        text = f"Expected a list of positions, got {quoted(positions)}"
        raise MalformedMessage(text, f"$.filt.{name}")
    if len(set(positions)) != len(positions):
        raise MalformedMessage("Expected different positions", f"$.filt.{name}")
    return positions


def _read_former(filt: Filt, size: int) -> list[int | None]:
    former = filt.get(WAS) or []
    known = [one for one in former if one is not None] if isinstance(former, list) else [None]
    if not all(_is_position(one, size) for one in known) or len(set(known)) != len(known):
        text = f"Expected a list of different positions and nulls, got {quoted(former)}"
        raise MalformedMessage(text, f"$.filt.{WAS}")
    return former


def _read_pairs(filt: Filt, size: int) -> list[tuple[int, int]]:
    pairs = filt.get(MOVED) or []
    if not isinstance(pairs, list) or not all(
        isinstance(one, list)
        and len(one) == len(("new", "old"))
        and _is_position(one[0])
        and _is_position(one[1], size)
        for one in pairs
    ):
        text = f"Expected a list of pairs of positions, got {quoted(pairs)}"
        raise MalformedMessage(text, f"$.filt.{MOVED}")
    return [(one[0], one[1]) for one in pairs]


def _is_position(value: object, size: int | None = None) -> bool:
    return type(value) is int and value >= 0 and (size is None or value < size)
