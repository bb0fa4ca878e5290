"""Cutting a stream into messages."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.wire.framing import Piece, Splitter, TooLong, as_bytes

LIMIT = 40


def split(parts: Iterable[str | bytes], *, framed: bool = True, whole: bool = False) -> list[Piece]:
    splitter = Splitter(LIMIT, framed=framed, whole_frames=whole)
    pieces = [piece for part in parts for piece in splitter.feed(part)]
    return pieces + list(splitter.finish())


def readable(pieces: list[Piece]) -> list[str]:
    """Make pieces comparable; which beats fell into one call is not part of the contract."""
    texts = [
        f"too long: {piece.head!r}" if isinstance(piece, TooLong) else str(piece, "latin-1")
        for piece in pieces
        if isinstance(piece, bytes | TooLong)
    ]
    assert len(texts) == len(pieces), "raw JSON from a stream of bytes is bytes"
    return [text for at, text in enumerate(texts) if text or at == 0 or texts[at - 1]]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(borders)]


stream = st.lists(
    st.one_of(
        st.sampled_from(
            [b".", b"..", b" ", b"\r\n", b"eyJ9", b"eyJ9.", b"{", b'{"a":1.5}.', b"\xe9"]
        ),
        st.binary(max_size=8),
        st.integers(LIMIT - 2, LIMIT + 2).map(lambda length: b"A" * length),
    ),
    max_size=12,
).map(b"".join)


@given(stream, st.lists(st.integers(0, 10_000), max_size=6))
def test_any_cut_of_an_http_body_gives_the_same_pieces(data: bytes, places: list[int]) -> None:
    assert readable(split(cut(data, places))) == readable(split([data]))


@given(stream.map(lambda data: data.replace(b"{", b"e")), st.lists(st.integers(0, 999), max_size=6))
def test_base64_is_cut_out_of_websocket_frames_wherever_they_begin(
    data: bytes, places: list[int]
) -> None:
    frames = cut(data, places)
    assert readable(split(frames, framed=False)) == readable(split([data], framed=False))


@given(stream, st.booleans(), st.booleans())
def test_text_and_bytes_are_cut_alike(data: bytes, framed: bool, whole: bool) -> None:
    text = data.decode("latin-1")
    as_text = split([text], framed=framed, whole=whole)
    as_data = split([text.encode()], framed=framed, whole=whole)

    def told(piece: Piece) -> object:
        if isinstance(piece, TooLong):
            return str(piece.error), as_bytes(piece.head)
        return as_bytes(piece)

    assert list(map(told, as_data)) == list(map(told, as_text))


def test_dots_end_messages_and_an_empty_one_is_a_beat() -> None:
    assert split([b".eyJ9.AAAA..BBBB."]) == [b"", b"eyJ9", b"AAAA", b"", b"BBBB"]


def test_the_last_message_of_a_body_needs_no_dot() -> None:
    assert split([b"AAAA.BB", b"BB"]) == [b"AAAA", b"BBBB"]


def test_white_space_before_messages_is_nothing() -> None:
    assert split([b" \nAAAA. \n BBBB.\n"]) == [b"AAAA", b"BBBB"]


def test_a_frame_of_raw_json_is_whole_and_keeps_its_dots() -> None:
    assert split(['{"date":"05.678"}'], framed=False) == ['{"date":"05.678"}']
    assert split([b' {"a":1.5}'], framed=False) == [b'{"a":1.5}']


def test_raw_json_ends_the_base64_before_it() -> None:
    assert split(["AAAA", '{"a":1}', "."], framed=False) == [b"AAAA", '{"a":1}', b""]


def test_raw_json_takes_the_rest_of_a_body() -> None:
    assert split([b'AAAA. {"a"', b":1.5}.BB"]) == [b"AAAA", b'{"a":1.5}.BB']


def test_frames_are_whole_messages_for_a_client() -> None:
    assert split(["AAAA", "BBBB.", "."], framed=False, whole=True) == [b"AAAA", b"BBBB", b""]


def test_beats_of_one_call_are_one_beat() -> None:
    assert split([b"." * 1000, b"."]) == [b"", b""]


@pytest.mark.parametrize("framed", [True, False])
def test_a_stream_without_dots_is_given_up_and_not_kept(framed: bool) -> None:
    splitter = Splitter(LIMIT, framed=framed)
    pieces = [piece for _ in range(100) for piece in splitter.feed(b"A" * LIMIT)]
    (piece,) = pieces
    assert isinstance(piece, TooLong)
    assert str(piece.error) == f"Message exceeds max_message_bytes ({LIMIT})"
    assert piece.head == b"A" * LIMIT
    assert len(splitter._pending) <= LIMIT
    assert list(splitter.feed(b"AAAA.BBBB.")) == [b"BBBB"]


def test_too_much_raw_json_takes_the_rest_of_the_body_with_it() -> None:
    pieces = split([b'{"a":"' + b"." * LIMIT, b".AAAA."])
    assert [type(piece) for piece in pieces] == [TooLong]


def test_the_limit_counts_bytes_not_characters() -> None:
    frame = '{"a":"' + "\u00e9" * (LIMIT // 2) + '"}'
    assert len(frame) < LIMIT
    assert [type(piece) for piece in split([frame], framed=False)] == [TooLong]


def test_a_message_of_exactly_the_limit_passes() -> None:
    assert split([b"A" * LIMIT + b"."]) == [b"A" * LIMIT]
    assert [type(piece) for piece in split([b"A" * (LIMIT + 1) + b"."])] == [TooLong]


def test_a_reader_that_stops_leaves_nothing_behind() -> None:
    splitter = Splitter(LIMIT, framed=True)
    assert next(splitter.feed(b"AAAA.BBBB.CC")) == b"AAAA"
    assert list(splitter.finish()) == []


@pytest.mark.parametrize(
    ("data", "framed", "is_whole"),
    [
        ('{"a":1.5}', False, True),
        (b'{"a":1.5}', False, True),
        ('{"a":1.5}', True, False),
        (' {"a":1.5}', False, False),
        ("AAAA.", False, False),
        (".", False, False),
        ("", False, False),
        ('{"a":"é"}', False, False),
        ("{" * (LIMIT + 1), False, False),
    ],
)
def test_usual_frame_is_known_to_be_whole(data: str | bytes, framed: bool, is_whole: bool) -> None:
    assert Splitter(LIMIT, framed=framed).is_whole(data) is is_whole
    if is_whole:
        assert list(Splitter(LIMIT, framed=framed).feed(data)) == [data]


@pytest.mark.parametrize("before", ["AAAA", "A" * (LIMIT + 1)])
def test_frame_is_not_taken_for_whole_while_something_is_pending(before: str) -> None:
    splitter = Splitter(LIMIT, framed=False)
    list(splitter.feed(before))
    assert not splitter.is_whole('{"a":1.5}')
