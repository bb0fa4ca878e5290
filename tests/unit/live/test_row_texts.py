"""The JSON of rows in one text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.live.row_texts import PACKED_BYTES, RowTexts

texts = st.lists(st.text().map(lambda text: json.dumps(text).encode()), max_size=8)


@given(texts, st.booleans(), st.data())
def test_rows_are_found_again(rows, is_packed, data):
    kept = RowTexts(rows)
    if is_packed:
        kept.pack()
    assert len(kept) == len(rows)
    assert json.loads(kept.text) == [json.loads(one) for one in rows]
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), unique=True)) if rows else []
    assert kept.choose(chosen) == [rows[one] for one in chosen]
    assert kept.size == len(kept.text)


@pytest.mark.parametrize("length", [PACKED_BYTES - 4, PACKED_BYTES * 10])
def test_long_texts_are_kept_compressed(length):
    kept = RowTexts([b'"%b"' % (b"x" * length)])
    before, text = kept.held_bytes, kept.text
    kept.pack()
    kept.pack()
    assert (kept.held_bytes < before) is (length > PACKED_BYTES)
    assert kept.text == text
