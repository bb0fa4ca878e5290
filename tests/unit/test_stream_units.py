"""The helper that tells proxies of tests where messages end."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.support.stream_units import Units

HANDSHAKE = b"GET /vortex HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n"
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n"
POST = b"POST /vortex HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
EMPTY_POST = b"POST /vortex HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SHORT_FRAME = b"\x81\x02ok"
MASKED_FRAME = b"\x81\x83mask" + b"abc"
MIDDLE_FRAME = b"\x82\x7e\x01\x00" + bytes(256)
LONG_FRAME = b"\x82\x7f" + (70_000).to_bytes(8) + bytes(70_000)
CHUNK = b"a;x=1\r\n0123\r\n6789\r\n"
LAST_CHUNK = b"0\r\n\r\n"

DIRECTIONS = [
    [HANDSHAKE, MASKED_FRAME, MASKED_FRAME],
    [ACCEPTED, SHORT_FRAME, MIDDLE_FRAME, LONG_FRAME, SHORT_FRAME],
    [REFUSED, b"no!", STREAM, LAST_CHUNK],
    [EMPTY_POST, POST, b"hello", POST, b"again", EMPTY_POST],
    [STREAM, CHUNK, CHUNK, LAST_CHUNK, STREAM, LAST_CHUNK],
]


@given(st.sampled_from(DIRECTIONS), st.lists(st.integers(0, 500), max_size=8))
def test_units_are_found_however_their_bytes_come(sent: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(sent)
    borders = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    units = Units()
    found, unit = [], b""
    for begin, end in pairwise(borders):
        for piece, ends in units.feed(whole[begin:end]):
            assert units.begins == (not unit)
            unit += piece
            if ends:
                found.append(unit)
                unit = b""
    assert found == sent
    assert not unit
    assert units.is_websocket == (sent[0] in (HANDSHAKE, ACCEPTED))
