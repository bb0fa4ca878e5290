from types import SimpleNamespace

import pytest

from django_vortex.server.identity import Identity
from django_vortex.transports.identity import get_address, get_identity

VISITOR = SimpleNamespace(is_authenticated=False, pk=None)
CONNECTED = "10.0.0.9"


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((b"x-forwarded-for", value.encode()) for value in values)]


def test_user_counts_more_than_session_and_address() -> None:
    user = SimpleNamespace(is_authenticated=True, pk=7)
    session = SimpleNamespace(session_key="abc")
    assert get_identity(user, session, "1.2.3.4") == Identity("user", "7", "1.2.3.4")


def test_session_counts_more_than_address() -> None:
    session = SimpleNamespace(session_key="abc")
    assert get_identity(VISITOR, session, "1.2.3.4") == Identity("session", "abc", "1.2.3.4")


@pytest.mark.parametrize("session", [None, SimpleNamespace(session_key=None)])
def test_who_has_nothing_is_known_by_address(session: object) -> None:
    assert get_identity(None, session, "1.2.3.4") == Identity("address", "1.2.3.4", "1.2.3.4")


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert get_address(forwarded("1.2.3.4"), CONNECTED, trusted_proxies=0) == "10.0.0.9"


@pytest.mark.parametrize(
    ("proxies", "expected"), [(1, "3.3.3.3"), (2, "2.2.2.2"), (3, "1.1.1.1"), (4, "10.0.0.9")]
)
def test_as_many_hops_are_believed_as_there_are_trusted_proxies(
    proxies: int, expected: str
) -> None:
    headers = forwarded("1.1.1.1, 2.2.2.2", "3.3.3.3")
    assert get_address(headers, CONNECTED, trusted_proxies=proxies) == expected


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        ("1.2.3.4:567", "1.2.3.4"),
        ("[2001:db8::1]:567", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "10.0.0.9"),
    ],
)
def test_ports_of_hops_are_cut(hop: str, expected: str) -> None:
    assert get_address(forwarded(hop), CONNECTED, trusted_proxies=1) == expected


def test_unix_socket_has_no_address() -> None:
    assert get_address([], "", trusted_proxies=0) == ""
