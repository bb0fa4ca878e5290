"""The answer to a question as it was evaluated: `Answer`, and what of it each peer is sent.

Takes the rows in the thread that has read them and may wait for a database; everything that needs
them is made there. On the event loop it then gives envelopes: that nothing has changed, what has
changed since what a peer has, or the whole. Nothing is encoded there.

Kept of an answer are the JSON of its rows, compressed where it is long, 28 bytes a row, the delta
from the answer before, and of former states where they differ from the next, as many as
`former_states` says. What was prepared for those who have nothing is kept until they have got it,
and an envelope as long as somebody else keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from weakref import ref

from django_vortex.exceptions import DefinitionError, LoadsOnLoop
from django_vortex.live.deltas import make_patch
from django_vortex.live.former_states import Former, remember, restore
from django_vortex.live.pushes import WrittenDelta, make_filt, make_push, write_delta
from django_vortex.live.row_texts import RowTexts
from django_vortex.live.tags import GetKey, ListState, make_state
from django_vortex.typedefs import Filt
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import SHARED_TEXT, PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import FROM_TAG, IS_ONE, TO_TAG

MAX_ROWS_ON_LOOP: Final = 2000
"""Longer lists are compared in the thread alone, with the state before; others get the whole."""

_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})

_Key: TypeAlias = tuple[str, str, str | None]


class Answer:
    """What an evaluation gave. Made by `make_answer`."""

    __slots__ = (
        *("_asked", "_delta", "_envelopes", "_foreign", "_former", "_is_portable"),
        *("_rows", "_state", "_whole"),
    )

    def __init__(self, state: ListState, rows: RowTexts, *, is_portable: bool) -> None:
        self._state = state
        self._rows = rows
        self._is_portable = is_portable
        self._former: Former = ()
        self._delta: tuple[str, WrittenDelta | None] | None = None  # from the answer before
        self._whole: bytes | None = None
        self._foreign: Mapping[Dialect, bytes] = _NONE
        self._asked: frozenset[Dialect] = frozenset()
        self._envelopes: Mapping[_Key, ref[PayloadEnvelope]] = _NONE

    @property
    def tag(self) -> str:
        """A digest of the content, the same in every process for the same answer."""
        return self._state.tag

    @property
    def is_one(self) -> bool:
        """Whether it is a single tuple or value and not a list."""
        return self._state.is_one

    @property
    def size(self) -> int:
        """How many bytes of JSON its rows are."""
        return self._rows.size

    @property
    def held_bytes(self) -> int:
        """About how much is kept."""
        kept = [self._state.entries, self._whole or b"", *self._foreign.values()]
        if self._delta is not None and self._delta[1] is not None:
            kept.append(self._delta[1].rows)
        former = sum(patch.size for patch in self._former)
        return sum(map(len, kept)) + former + self._rows.held_bytes

    def __len__(self) -> int:
        return len(self._state)

    def __repr__(self) -> str:
        return f"<Answer {self.tag} of {len(self)} rows>"

    def make_envelope(self, name: str, at: str, tag: str | None) -> PayloadEnvelope:
        """Return what brings a peer of our own from the answer that it has to this one.

        It is the same envelope for all that need the same, as long as one of them is kept.

        Args:
            name: Of the watch, as its peers know it.
            at: The position that this answer is not older than.
            tag: Of what the peer has; None for nothing. Who has what is not remembered gets the
                whole.
        """
        key = (name, at, tag)
        known = self._envelopes.get(key)
        envelope = None if known is None else known()
        if envelope is not None:
            return envelope
        delta = None
        if tag is not None and tag != self.tag:
            delta = self._find_delta(tag)
            if delta is None:
                return self.make_envelope(name, at, None)
        envelope = self._make_envelope(name, at, tag, delta)
        kept = {one: made for one, made in self._envelopes.items() if made() is not None}
        self._envelopes = {**kept, key: ref(envelope)}
        return envelope

    def make_whole(self, filt: Filt, dialect: Dialect = Dialect.D2) -> PayloadEnvelope:
        """Return the whole for peers of released clients, who wait for it under a filt of theirs.

        Each call makes another envelope, to be kept for all who wait under the same filt. Where the
        dialects write the rows in different ways, they are encoded in the thread for those dialects
        that the answer before was asked for; for others they are opened and encoded again.

        Args:
            filt: What they wait under.
            dialect: What they read.
        """
        self._asked |= {dialect}
        text = self._rows.text
        readers = SHARED_TEXT if self._is_portable else (Dialect.NATIVE, Dialect.NATIVE_1)
        by_dialect = {**dict.fromkeys(readers, text), **self._foreign}
        return PayloadEnvelope.with_tuples(filt, EncodedTuples(by_dialect))

    def _make_envelope(
        self, name: str, at: str, tag: str | None, delta: WrittenDelta | None
    ) -> PayloadEnvelope:
        if delta is not None:
            members = {FROM_TAG: tag, TO_TAG: self.tag, **delta.members}
            return make_push(make_filt(name, at, members), delta.rows)
        if tag is not None:
            return PayloadEnvelope(make_filt(name, at, {FROM_TAG: tag, TO_TAG: tag}))
        one = {IS_ONE: True} if self.is_one else {}
        whole, self._whole = self._whole, None  # the envelope has it now
        return make_push(make_filt(name, at, {TO_TAG: self.tag, **one}), self._rows.text, whole)

    def _find_delta(self, tag: str) -> WrittenDelta | None:
        """Return what has changed since a state, None if the whole is better."""
        if self._delta is not None and self._delta[0] == tag:
            return self._delta[1]
        former = restore(self._state, self._former, tag)
        if former is None or max(len(former), len(self)) > MAX_ROWS_ON_LOOP:
            return None
        return write_delta(former, self._state, self._rows)

    def _follow(self, previous: Answer) -> None:
        """Compare with the answer before, and remember the states that it remembers."""
        old = previous._state
        if self.is_one or old.is_one:
            return  # these are always sent whole
        former = previous._former
        if old.tag == self.tag:
            self._delta = previous._delta
        else:
            former = (make_patch(old, self._state), *former)
            self._delta = old.tag, write_delta(old, self._state, self._rows, previous._rows)
        self._former = remember(former)

    def _is_written_for(self, dialect: Dialect) -> bool:
        """Return whether the rows are there as a dialect writes them."""
        return self._is_portable or dialect.is_native

    def _prepare(
        self,
        tuples: Sequence[Any],
        codec: Codec,
        previous: Answer | None,
        dialects: Collection[Dialect],
    ) -> None:
        """Encode for those who have nothing, and for released clients, what differs for them."""
        if previous is not None:
            # Where nothing has changed somebody has come, mostly.
            has_delta = self._delta is not None and self._delta[1] is not None
            needs_whole = previous.tag == self.tag or not has_delta
            dialects = {*dialects, *(previous._asked or previous._foreign)}
        if (previous is None or needs_whole) and len(tuples) > 1:
            self._whole = codec.encode_payload(Payload({}, tuples), Dialect.NATIVE).tuples
        foreign = [one for one in dialects if one is Dialect.D0 or not self._is_written_for(one)]
        if foreign:
            payload = Payload({}, tuples)
            self._foreign = {one: codec.encode_payload(payload, one).tuples for one in foreign}
        self._rows.pack()


def make_answer(
    tuples: Sequence[Any],
    is_one: bool,
    codec: Codec,
    previous: Answer | None = None,
    *,
    get_key: GetKey | None = None,
    dialects: Collection[Dialect] = (),
) -> Answer:
    """Return the answer of an evaluation; to be called where its rows may be read.

    Args:
        tuples: The rows or values, in order.
        is_one: Whether it is a single tuple or value and not a list.
        codec: Encodes each row, once.
        previous: The answer that the watch has now, whose former states are taken over.
        get_key: Tells rows from one another, in place of their primary keys.
        dialects: Those of released clients that watch, beside those that the answer before was
            asked for.

    Raises:
        UnencodableValue: Something in it cannot travel; the path says where.
    """
    encoded = codec.encode_rows(tuples)
    state = make_state(tuples, is_one, encoded.canonical, codec.registry, get_key)
    answer = Answer(state, RowTexts(encoded.texts), is_portable=encoded.portable)
    if previous is not None:
        answer._follow(previous)
    answer._prepare(tuples, codec, previous, dialects)
    return answer


def find_tag(tuples: Sequence[Any], codec: Codec) -> str | None:
    """Return the tag of the answer that a list of rows is, None if it cannot travel.

    Raises:
        LoadsOnLoop: As the codec; a thread can make it.
    """
    try:
        canonical = codec.encode_rows(tuples).canonical
    except LoadsOnLoop:
        raise
    except DefinitionError:
        return None
    return make_state(tuples, False, canonical, codec.registry).tag
