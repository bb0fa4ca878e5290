from typing import Any

import pytest

from django_vortex.transports import handshake_cleanup
from django_vortex.transports.handshake_cleanup import (
    compact_headers,
    release_daphne_handshake,
    release_uvicorn_handshake,
)


@pytest.fixture(autouse=True)
def shared_headers(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    shared: dict[Any, Any] = {}
    monkeypatch.setattr(handshake_cleanup, "_shared", shared)
    return shared


def header(name: str, value: str) -> tuple[bytes, bytes]:
    """Return a header whose bytes are no constants of this module."""
    return (name.encode(), value.encode())


def test_headers_of_the_handshake_go_and_the_others_stay_in_order() -> None:
    headers = [
        header("host", "a"),
        header("upgrade", "websocket"),
        header("sec-websocket-key", "x"),
        header("user-agent", "b"),
    ]
    compact_headers(headers)
    assert headers == [(b"host", b"a"), (b"user-agent", b"b")]


def test_equal_headers_of_two_peers_become_one_object() -> None:
    one, other = [header("user-agent", "some browser")], [header("user-agent", "some browser")]
    assert one[0] is not other[0]
    compact_headers(one)
    compact_headers(other)
    assert one[0] is other[0]


@pytest.mark.parametrize("name", ["cookie", "authorization"])
def test_secrets_of_a_peer_are_kept_by_nobody_else(
    name: str, shared_headers: dict[Any, Any]
) -> None:
    headers = [header(name, "secret"), header("host", "a")]
    compact_headers(headers)
    assert headers[0] == (name.encode(), b"secret")
    assert list(shared_headers) == [(b"host", b"a")]


def test_many_different_headers_are_kept_but_no_longer_shared(
    monkeypatch: pytest.MonkeyPatch, shared_headers: dict[Any, Any]
) -> None:
    monkeypatch.setattr(handshake_cleanup, "MAX_SHARED_HEADERS", 2)
    for number in range(5):
        headers = [header("x-number", str(number))]
        compact_headers(headers)
        assert headers == [(b"x-number", str(number).encode())]
    assert len(shared_headers) == 2


@pytest.mark.parametrize("headers", [None, (), ((b"upgrade", b"websocket"),)])
def test_headers_that_cannot_be_changed_stay(headers: Any) -> None:
    compact_headers(headers)


class Whatever:
    request = "no request"
    response = None
    producer = object()


def test_servers_that_look_different_are_left_alone() -> None:
    release_uvicorn_handshake(Whatever())
    release_daphne_handshake(Whatever(), Whatever())
    assert Whatever.request == "no request"
