"""The answer to a question as it was evaluated: `Answer`, and what of it each peer is sent.

Takes the rows in the thread that has read them and may wait for a database; everything that needs
them is made there. On the event loop it then gives envelopes: that nothing has changed, what has
changed since what a peer has, or the whole. Nothing is encoded there.

Kept of an answer until `release`: the JSON of its rows, once, the prepared whole if there is one,
and an envelope for each state that peers came from. Kept for as long as it is the newest: 24 bytes
a row, and of former states where they differ from the next, at most `MAX_FORMER` of them and
`FORMER_BYTES`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from django_vortex.live.deltas import Patch, find_delta, make_patch
from django_vortex.live.pushes import make_filt, make_push, name_positions, write_positions
from django_vortex.live.row_texts import RowTexts
from django_vortex.live.tags import GetKey, ListState, make_state
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import SHARED_TEXT, PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import FROM_TAG, IS_ONE, PUT, TO_TAG

MAX_FORMER: Final = 8
"""How many former states are remembered."""

FORMER_BYTES: Final = 16_384
"""How much of them is remembered."""

MAX_ROWS_ON_LOOP: Final = 2000
"""Longer lists are compared in the thread alone, with the state before; others get the whole."""

_Members = dict[str, Any]


class Answer:
    """What an evaluation gave. Made by `make_answer`.

    Attributes:
        tag: A digest of the content, the same in every process for the same answer.
        is_one: Whether it is a single tuple or value and not a list.
    """

    __slots__ = ("_deltas", "_envelopes", "_foreign", "_former", "_rows", "_state", "_whole")

    def __init__(self, state: ListState, rows: RowTexts) -> None:
        self._state = state
        self._former: tuple[Patch, ...] = ()
        self._rows: RowTexts | None = rows
        self._whole: bytes | None = None
        self._foreign: dict[Dialect, bytes] = {}
        self._deltas: dict[str, _Members | None] = {}
        self._envelopes: dict[str | None, tuple[str, str, PayloadEnvelope]] = {}

    @property
    def tag(self) -> str:
        """A digest of the content, the same in every process for the same answer."""
        return self._state.tag

    @property
    def is_one(self) -> bool:
        """Whether it is a single tuple or value and not a list."""
        return self._state.is_one

    @property
    def is_released(self) -> bool:
        """Whether the rows were dropped."""
        return self._rows is None

    @property
    def held_bytes(self) -> int:
        """About how much is kept."""
        size = len(self._state.entries) + sum(patch.size for patch in self._former)
        if self._rows is not None:
            texts = {
                id(one): one for one in (*self._foreign.values(), self._whole, self._rows.text)
            }
            size += self._rows.places_bytes + sum(len(one) for one in texts.values() if one)
        return size

    def __len__(self) -> int:
        return len(self._state)

    def __repr__(self) -> str:
        return f"<Answer {self.tag} of {len(self)} rows>"

    def make_envelope(self, name: str, at: str, tag: str | None) -> PayloadEnvelope:
        """Return what brings a peer of our own from the answer that it has to this one.

        Args:
            name: Of the watch, as its peers know it.
            at: The position that this answer is not older than.
            tag: Of what the peer has; None for nothing. Who has what is not remembered gets the
                whole.

        Raises:
            RuntimeError: It takes the rows, and they were released.
        """
        if tag is not None and tag != self.tag and self._get_delta(tag) is None:
            tag = None
        known = self._envelopes.get(tag)
        if known is not None and known[:2] == (name, at):
            return known[2]
        envelope = self._make_envelope(name, at, tag)
        self._envelopes[tag] = (name, at, envelope)
        return envelope

    def make_whole(self, filt: Filt) -> PayloadEnvelope:
        """Return the whole for peers of released clients, who wait for it under a filt of theirs.

        Each call makes another envelope, to be kept for all who wait under the same filt. It is
        encoded already for the dialects that `make_answer` was told of; for others the rows are
        opened and encoded again, unless all dialects write them alike.

        Raises:
            RuntimeError: The rows were released.
        """
        text = self._get_rows().text
        own = dict.fromkeys((Dialect.NATIVE, Dialect.NATIVE_1), text)
        return PayloadEnvelope.with_tuples(filt, EncodedTuples(own | self._foreign))

    def release(self) -> None:
        """Drop the rows: everybody has been sent this answer.

        The next answer can still be compared with it, and whoever has it be told that it is
        unchanged; who has another one is answered from a new evaluation.
        """
        self._rows = self._whole = None
        self._foreign = {}
        self._deltas = {}
        self._envelopes = {}

    def _make_envelope(self, name: str, at: str, tag: str | None) -> PayloadEnvelope:
        if tag == self.tag:
            return PayloadEnvelope(make_filt(name, at, {FROM_TAG: tag, TO_TAG: tag}))
        rows = self._get_rows()
        if tag is None:
            one = {IS_ONE: True} if self.is_one else {}
            filt = make_filt(name, at, {TO_TAG: self.tag, **one})
            return make_push(filt, rows.text, self._whole)
        delta = self._get_delta(tag) or {}
        filt = make_filt(name, at, {FROM_TAG: tag, TO_TAG: self.tag, **delta})
        return make_push(filt, rows.choose(delta.get(PUT, ())))

    def _get_rows(self) -> RowTexts:
        if self._rows is None:
            raise RuntimeError(f"{self!r} was released; evaluate again for those who need its rows")
        return self._rows

    def _get_delta(self, tag: str) -> _Members | None:
        """Return what has changed since a state, None if the whole is better."""
        if tag not in self._deltas:
            former = self._restore(tag)
            if former is None:
                return None
            fits = max(len(former), len(self)) <= MAX_ROWS_ON_LOOP
            self._deltas[tag] = self._compare(former) if fits else None
        return self._deltas[tag]

    def _restore(self, tag: str) -> ListState | None:
        """Return a former state."""
        state = self._state
        for patch in self._former:
            state = patch.restore(state)
            if state.tag == tag:
                return state
        return None

    def _compare(self, former: ListState) -> _Members | None:
        """Return what has changed since a state, None if to say it takes above half of the list."""
        rows = self._get_rows()
        delta = find_delta(former, self._state)
        members = name_positions(delta)
        if members is None:
            return None
        size = len(write_positions(members)) + rows.measure(delta.put)
        return members if 2 * size <= len(rows.text) else None

    def _follow(self, previous: Answer) -> None:
        """Compare with the answer before, and remember the states that it remembers."""
        old = previous._state
        if self.is_one or old.is_one:
            return  # these are always sent whole
        former = previous._former
        if old.tag != self.tag:
            former = (make_patch(old, self._state), *former)
            self._deltas[old.tag] = self._compare(old)
        kept = 0
        for count, patch in enumerate(former[:MAX_FORMER]):
            kept += patch.size
            if kept > FORMER_BYTES:
                former = former[:count]
                break
        self._former = former[:MAX_FORMER]


def make_answer(
    tuples: Sequence[Any],
    is_one: bool,
    codec: Codec,
    previous: Answer | None = None,
    *,
    get_key: GetKey | None = None,
    needs_whole: bool = False,
    dialects: Collection[Dialect] = (),
) -> Answer:
    """Return the answer of an evaluation; to be called where its rows may be read.

    Args:
        tuples: The rows or values, in order.
        is_one: Whether it is a single tuple or value and not a list.
        codec: Encodes each row, once.
        previous: The answer that the watch has now, whose former states are taken over.
        get_key: Tells rows from one another, in place of their primary keys.
        needs_whole: Whether somebody waits who has nothing, as it is with the first answer.
        dialects: Those of released clients that watch.

    Raises:
        UnencodableValue: Something in it cannot travel; the path says where.
    """
    encoded = codec.encode_rows(tuples)
    rows = RowTexts(encoded.texts)
    state = make_state(tuples, is_one, encoded.canonical, codec.registry, get_key)
    answer = Answer(state, rows)
    if previous is not None:
        answer._follow(previous)
        needs_whole |= answer._deltas.get(previous.tag, {}) is None
    if (needs_whole or previous is None) and len(tuples) > 1:
        answer._whole = codec.encode_payload(Payload({}, tuples), Dialect.NATIVE).tuples
    if encoded.portable:
        answer._foreign = dict.fromkeys(SHARED_TEXT, rows.text)
    for dialect in dialects:
        if dialect not in answer._foreign:
            answer._foreign[dialect] = codec.encode_payload(Payload({}, tuples), dialect).tuples
    return answer
