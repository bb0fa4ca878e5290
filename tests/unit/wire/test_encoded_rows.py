"""Tuples one by one: the same JSON as in a payload, and a text that is equal for equal tuples."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import UnencodableValue
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything

CODEC = Codec(strategies.registry)

rows = st.lists(strategies.declared | strategies.values, max_size=4)


@given(rows)
def test_rows_together_are_the_tuples_of_a_payload(tuples):
    encoded = CODEC.encode_rows(tuples)
    payload = CODEC.encode_payload(Payload({}, tuples), Dialect.NATIVE_1)
    together = b"[%b]" % b",".join(encoded.texts)
    assert json.loads(together) == json.loads(payload.tuples)
    assert together.isascii()
    assert encoded.portable is payload.portable


@given(rows)
def test_how_a_row_is_written_does_not_depend_on_others(tuples):
    encoded = CODEC.encode_rows([*tuples, Anything(value="\ud800")])
    for one, text, canonical in zip(tuples, encoded.texts, encoded.canonical, strict=False):
        alone = CODEC.encode_rows([one])
        assert (text, canonical) == (alone.texts[0], alone.canonical[0])


@pytest.mark.parametrize("text", ["x", "\ud800"], ids=["quick", "tolerant"])
def test_order_of_dicts_is_kept_and_does_not_count(text):
    one, other = {"b": text, "a": {"d": 1, "c": 2}}, {"a": {"c": 2, "d": 1}, "b": text}
    for wrap in (lambda value: value, lambda value: Anything(value=value)):
        encoded = CODEC.encode_rows([wrap(one), wrap(other)])
        assert encoded.canonical[0] == encoded.canonical[1]
        assert encoded.texts[0] != encoded.texts[1]
        assert b'"b":' in encoded.texts[0].partition(b'"a":')[0]


def test_what_cannot_travel_is_told_with_its_place():
    with pytest.raises(UnencodableValue, match=r"\$\.tuples\[1\]\.value\[0\]"):
        CODEC.encode_rows([1, Anything(value=[object()])])


@pytest.mark.parametrize("kind", [set, frozenset], ids=["set", "frozenset"])
def test_equal_sets_are_written_alike(kind):
    numbers = [*range(0, 80, 8)]  # whose order in a set is that of insertion
    one, other = kind(numbers), kind(reversed(numbers))
    assert CODEC.encode_rows([one]) == CODEC.encode_rows([other])
