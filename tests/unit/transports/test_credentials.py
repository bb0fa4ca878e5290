"""Tokens in headers and subprotocols: found, refused, and kept out of what is written."""

import base64
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import InvalidCredentials
from django_vortex.transports.credentials import (
    MAX_TOKEN_BYTES,
    adopt_offered_secrets,
    describe_error,
    find_schemes,
    get_bearer_token,
    make_acceptance,
    redact,
)

PROTOCOLS = b"sec-websocket-protocol"
VISIBLE = string.ascii_letters + string.digits + string.punctuation + "äß€"


def encode(token: str) -> bytes:
    return base64.urlsafe_b64encode(token.encode()).rstrip(b"=")


def offer(token: str) -> bytes:
    return b"vortex.native, vortex.token." + encode(token)


def adopted(*headers: tuple[bytes, bytes]) -> Any:
    scope: dict[str, Any] = {"headers": list(headers)}
    adopt_offered_secrets(scope)
    return scope["headers"]


def test_request_without_a_token_shows_none():
    headers = [(b"authorization", b"Basic dTpw"), (PROTOCOLS, b"vortex.native, chat")]
    assert get_bearer_token(adopted(*headers)) is None
    assert get_bearer_token([]) is None
    assert find_schemes(headers) == ["basic"]
    assert find_schemes([(b"authorization", b" ")]) == []


@pytest.mark.parametrize("value", [b"Bearer abc", b"bearer  abc ", b"BEARER abc"])
def test_token_is_found_in_the_authorization_header(value):
    assert get_bearer_token([(b"authorization", value)]) == "abc"


@given(st.text(VISIBLE, min_size=1, max_size=200))
def test_any_token_is_found_in_a_subprotocol(token):
    assert get_bearer_token(adopted((PROTOCOLS, offer(token)))) == token


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer c2VjcmV0 b")],
        [(b"authorization", b"Bearer c2VjcmV0\x00b")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"authorization", b"Bearer a"), (PROTOCOLS, offer("a"))],
        [(b"authorization", b"Bearer " + b"a" * (MAX_TOKEN_BYTES + 1))],
        [(PROTOCOLS, b"vortex.native, vortex.token.")],
        [(PROTOCOLS, b"vortex.native, vortex.token.c2VjcmV0!")],
        [(PROTOCOLS, b"vortex.native, vortex.token.A")],
        [(PROTOCOLS, b"vortex.native, vortex.token._____w")],
        [(PROTOCOLS, offer("line\nbreak"))],
    ],
    ids=str,
)
def test_token_that_cannot_be_read_is_refused_and_not_repeated(headers):
    with pytest.raises(InvalidCredentials, match=r"^Expected ") as raised:
        get_bearer_token(adopted(*headers))
    assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.parametrize("offered", [b"chat,vortex.native", b"vortex.native", offer("a")])
def test_native_is_selected_where_it_is_offered(offered):
    acceptance = make_acceptance([(PROTOCOLS, b"x"), (PROTOCOLS, offered)])
    assert acceptance == {"type": "websocket.accept", "subprotocol": "vortex.native"}


@pytest.mark.parametrize("headers", [[], [(PROTOCOLS, b"vortex.native2, chat, vortex.token.YQ")]])
def test_nothing_is_selected_that_is_not_offered(headers):
    assert make_acceptance(headers) == {"type": "websocket.accept"}


def test_offered_tokens_are_left_in_one_place_only():
    token = encode("secret")
    scope: dict[str, Any] = {
        "headers": ((b"host", b"a"), (PROTOCOLS, offer("secret") + b", chat")),
        "subprotocols": ["vortex.native", f"vortex.token.{token.decode()}", "chat"],
    }
    adopt_offered_secrets(scope)
    assert scope["headers"] == [
        (b"host", b"a"),
        (PROTOCOLS, b"vortex.native, chat"),
        (b"authorization", b"Bearer secret"),
    ]
    assert scope["subprotocols"] == ["vortex.native", "chat"]
    assert token.decode() not in repr(scope)
    before = list(scope["headers"])
    adopt_offered_secrets(scope)
    assert scope["headers"] == before


@pytest.mark.parametrize("token", ["secret", "it's/a+secret", "back\\slash", "sécret"])
def test_texts_are_written_without_the_token_in_any_form(token):
    headers = [(b"authorization", b"Bearer " + token.encode())]
    try:
        raise LookupError(f"No token {token!r} or {token}, {encode(token).decode()}")
    except LookupError as error:
        text = describe_error(error, headers)
    assert "LookupError" in text
    assert token not in text.replace("secret" + "'", "")
    assert encode(token).decode() not in text
    assert redact(
        "https://idp.example/%3F?token=sec%2Fret", [(b"authorization", b"T sec/ret")]
    ) == ("https://idp.example/%3F?token=***")


def test_session_keys_are_secrets_and_other_cookies_are_not():
    headers = [(b"cookie", b"lang=traceback; sessionid=k3y0fas3ss10nk3y; x")]
    text = "traceback of k3y0fas3ss10nk3y"
    assert redact(text, headers) == "traceback of ***"


def test_short_texts_are_not_replaced():
    assert redact("a bad token", [(b"authorization", b"Token a")]) == "a bad token"
