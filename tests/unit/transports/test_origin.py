from typing import Any

import pytest

from django_vortex.transports.origin import (
    is_host_allowed,
    is_origin_allowed,
    is_websocket_secure,
)

LISTED = ("https://app.example.org", "https://*.partner.net", "http://dev.local:3000")


def is_allowed(
    *origins: str, host: str = "example.com", is_secure: bool = True, allowed: Any = LISTED
) -> bool:
    headers = [(b"host", host.encode()), *((b"origin", origin.encode()) for origin in origins)]
    return is_origin_allowed(headers, is_secure=is_secure, allowed_origins=allowed)


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.com", ".wide.org"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.io"]


def test_programs_that_are_no_browsers_send_no_origin() -> None:
    assert is_allowed()


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "HTTPS://EXAMPLE.com",
        "https://wide.org",
        "https://deep.wide.org",
        "https://app.example.org",
        "https://one.partner.net",
        "https://partner.net",
        "http://dev.local:3000",
        "https://trusted.io",
    ],
)
def test_own_and_listed_origins_are_allowed(origin: str) -> None:
    assert is_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "https://example.com.evil.com",
        "https://evil.com/example.com",
        "https://notexample.com",
        "https://example.com:8443",
        "http://app.example.org",
        "https://app.example.org:444",
        "http://one.partner.net",
        "https://evilpartner.net",
        "http://dev.local",
        "null",
        "",
        "file://",
        "https://",
        "https://[",
        "example.com",
    ],
)
def test_everything_else_is_refused(origin: str) -> None:
    assert not is_allowed(origin)


def test_page_without_tls_is_no_friend_of_a_host_with_tls() -> None:
    assert not is_allowed("http://example.com", is_secure=True)
    assert is_allowed("http://example.com", is_secure=False)


def test_proxy_may_end_tls_and_rewrite_the_host() -> None:
    assert is_allowed("https://example.com", host="10.0.0.1:8000", is_secure=False)
    assert is_allowed("https://example.com:8000", host="10.0.0.1:8000", is_secure=False)
    assert not is_allowed("https://example.com:9000", host="10.0.0.1:8000", is_secure=False)


def test_server_need_not_know_of_tls(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert is_allowed("https://any.name", host="any.name", is_secure=False)
    assert not is_allowed("http://any.name", host="any.name", is_secure=True)


def test_forwarded_host_counts_where_django_believes_it(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    headers = [
        (b"host", b"10.0.0.1:8000"),
        (b"x-forwarded-host", b"any.name"),
        (b"origin", b"https://any.name"),
    ]
    assert not is_origin_allowed(headers, is_secure=True, allowed_origins=())
    settings.USE_X_FORWARDED_HOST = True
    assert is_origin_allowed(headers, is_secure=True, allowed_origins=())


def test_own_origin_keeps_its_port() -> None:
    assert is_allowed("http://example.com:8000", host="example.com:8000", is_secure=False)
    assert not is_allowed("http://example.com:8000", host="example.com:9000", is_secure=False)


def test_star_allows_names_and_not_pages(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert is_allowed("https://any.name", host="any.name")
    assert not is_allowed("https://evil.com", host="any.name")


def test_rebound_name_is_not_ours() -> None:
    """A page of a foreign name that leads to our address has that name in both headers."""
    assert not is_allowed("https://evil.com", host="evil.com")


def test_two_origins_are_none() -> None:
    assert not is_allowed("https://example.com", "https://example.com")


def test_local_hosts_are_allowed_while_debugging(settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    origin = "http://localhost:8000"
    assert not is_allowed(origin, host="localhost:8000", is_secure=False)
    settings.DEBUG = True
    assert is_allowed(origin, host="localhost:8000", is_secure=False)
    assert not is_allowed("http://evil.com", host="localhost:8000", is_secure=False)


def test_sandboxed_pages_are_allowed_when_listed() -> None:
    assert is_allowed("null", allowed=["null"])


@pytest.mark.parametrize(
    ("scheme", "said", "expected"),
    [
        ("wss", [], True),
        ("ws", [], False),
        ("ws", [b"https"], True),
        ("ws", [b"https, http"], True),
        ("ws", [b"http"], False),
        ("wss", [b"http"], False),
        (None, [b"https"], True),
        (None, [], False),
    ],
)
def test_proxy_that_ends_tls_says_so_for_websockets_as_for_requests(
    settings: Any, scheme: str | None, said: list[bytes], expected: bool
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    scope = {"headers": [(b"x-forwarded-proto", value) for value in said]}
    if scheme is not None:
        scope["scheme"] = scheme  # type: ignore[assignment]
    assert is_websocket_secure(scope) is expected


def test_nobody_is_believed_about_tls_who_was_not_named(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    scope = {"scheme": "ws", "headers": [(b"x-forwarded-proto", b"https")]}
    assert not is_websocket_secure(scope)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("example.com", True),
        ("EXAMPLE.com:8000", True),
        ("deep.wide.org", True),
        ("evil.example", False),
        ("example.com.evil.example", False),
        ("example.com evil.example", False),
        ("", False),
    ],
)
def test_hosts_are_those_of_allowed_hosts(host: str, is_ours: bool) -> None:
    assert is_host_allowed([(b"host", host.encode())], None) is is_ours


def test_request_with_two_hosts_is_for_none() -> None:
    assert not is_host_allowed([(b"host", b"example.com"), (b"host", b"evil.example")], None)
    assert not is_host_allowed(iter([(b"host", b"example.com")] * 2), None)


def test_where_no_host_is_said_the_address_of_the_server_stands_in(settings: Any) -> None:
    assert not is_host_allowed([], ("10.0.0.1", 80))
    settings.ALLOWED_HOSTS = ["10.0.0.1"]
    assert is_host_allowed([], ("10.0.0.1", 80))
    assert not is_host_allowed([], None)


def test_forwarded_host_counts_where_django_says_so(settings: Any) -> None:
    headers = [(b"host", b"inside"), (b"x-forwarded-host", b"example.com")]
    assert not is_host_allowed(headers, None)
    settings.USE_X_FORWARDED_HOST = True
    assert is_host_allowed(headers, None)


def test_star_lets_every_host_in(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert is_host_allowed([(b"host", b"any.example")], None)
