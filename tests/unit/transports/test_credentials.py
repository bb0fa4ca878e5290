"""Tokens in headers and subprotocols: found, refused, and forgotten."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import InvalidCredentials
from django_vortex.transports.credentials import (
    MAX_TOKEN_BYTES,
    find_bearer_token,
    forget_offered_tokens,
    make_acceptance,
)

PROTOCOLS = b"sec-websocket-protocol"


def offer(token: str) -> bytes:
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=")
    return b"vortex.native, vortex.token." + encoded


def test_request_without_a_token_shows_none():
    headers = [(b"authorization", b"Basic dTpw"), (PROTOCOLS, b"vortex.native, chat")]
    assert find_bearer_token(headers) is None
    assert find_bearer_token([]) is None


@pytest.mark.parametrize("value", [b"Bearer abc", b"bearer  abc ", b"BEARER abc"])
def test_token_is_found_in_the_authorization_header(value):
    assert find_bearer_token([(b"authorization", value)]) == "abc"


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_any_token_is_found_in_a_subprotocol(token):
    assert find_bearer_token([(PROTOCOLS, offer(token))]) == token


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"authorization", b"Bearer a"), (PROTOCOLS, offer("a"))],
        [(b"authorization", b"Bearer " + b"a" * (MAX_TOKEN_BYTES + 1))],
        [(PROTOCOLS, b"vortex.native, vortex.token.")],
        [(PROTOCOLS, b"vortex.native, vortex.token.c2VjcmV0!")],
        [(PROTOCOLS, b"vortex.native, vortex.token.A")],
        [(PROTOCOLS, b"vortex.native, vortex.token._____w")],
    ],
    ids=str,
)
def test_token_that_cannot_be_read_is_refused_and_not_repeated(headers):
    with pytest.raises(InvalidCredentials, match=r"^Expected ") as raised:
        find_bearer_token(headers)
    assert "c2VjcmV0" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("offered", [b"chat,vortex.native", b"vortex.native", offer("a")])
def test_native_is_selected_where_it_is_offered(offered):
    acceptance = make_acceptance([(PROTOCOLS, b"x"), (PROTOCOLS, offered)])
    assert acceptance == {"type": "websocket.accept", "subprotocol": "vortex.native"}


@pytest.mark.parametrize("headers", [[], [(PROTOCOLS, b"vortex.native2, chat, vortex.token.YQ")]])
def test_nothing_is_selected_that_is_not_offered(headers):
    assert make_acceptance(headers) == {"type": "websocket.accept"}


def test_offered_tokens_are_forgotten_and_the_rest_is_kept():
    headers = [(b"host", b"a"), (PROTOCOLS, offer("secret") + b", chat")]
    forget_offered_tokens(headers)
    assert headers == [(b"host", b"a"), (PROTOCOLS, b"vortex.native, chat")]
    forget_offered_tokens(headers)
    assert len(headers) == 2
