"""Compression and base64 of payloads."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage
from django_vortex.wire.inflate import JOINED_BYTES, deflate, inflate, inflate_bytes

LIMIT = 1_000_000


@given(st.binary(max_size=5000))
def test_inflate_undoes_deflate_and_any_zlib_reads_it(data: bytes) -> None:
    text = deflate(data)
    assert b"\n" not in text
    assert inflate(text, LIMIT) == data
    assert inflate(text.decode("ascii"), LIMIT) == data
    assert zlib.decompress(base64.b64decode(text)) == data


@pytest.mark.parametrize("size", [10, 2000, 6000, JOINED_BYTES, JOINED_BYTES + 1, 500_000])
def test_parts_are_compressed_as_well_as_the_whole(size: int) -> None:
    data = b"".join(b'{"id":%d,"name":"lorem ipsum"},' % number for number in range(size // 27))
    parts = data[: size // 50], data[size // 50 : -20], data[-20:]
    assert inflate(deflate(*parts), LIMIT) == data
    assert len(deflate(*parts)) <= 1.1 * len(deflate(data))


@pytest.mark.parametrize("level", [0, 1, 4, 6, 9])
@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_every_level_of_the_peer_is_read(level: int, size: int) -> None:
    data = b"lorem ipsum "[:size] * (size // 12 + 1)
    assert inflate(base64.b64encode(zlib.compress(data, level)), LIMIT) == data


def test_what_is_not_base64_is_ignored_as_vortexpy_does() -> None:
    text = deflate(b"hello").decode("ascii")
    assert inflate("\n".join(text) + " é.", LIMIT) == b"hello"


@pytest.mark.parametrize("text", [b"A", "A", b"!!!A", b'"', b"\\"])
def test_wrong_padding_is_refused(text: bytes | str) -> None:
    with pytest.raises(MalformedMessage):
        inflate(text, LIMIT)


def test_limit_is_exact() -> None:
    for size in (1000, 100_000):
        compressed = zlib.compress(b"x" * size)
        assert len(inflate_bytes(compressed, size)) == size
        with pytest.raises(LimitExceeded, match=rf"more than max_inflated_bytes \({size - 1}\)"):
            inflate_bytes(compressed, size - 1)


@pytest.mark.parametrize("size", [100, 100_000])
def test_stream_that_is_cut_off_is_refused(size: int) -> None:
    compressed = zlib.compress(bytes(i * i % 251 for i in range(size)))
    for end in (0, 1, 2, len(compressed) // 2, len(compressed) - 1):
        with pytest.raises(MalformedMessage):
            inflate_bytes(compressed[:end], LIMIT)


@pytest.mark.parametrize("size", [100, 100_000])
def test_damaged_stream_is_refused(size: int) -> None:
    compressed = bytearray(zlib.compress(bytes(i * i % 251 for i in range(size))))
    compressed[-1] ^= 1
    with pytest.raises(MalformedMessage, match="not a zlib stream"):
        inflate_bytes(bytes(compressed), LIMIT)
