import pytest

from django_vortex.transports.identity import get_address
from django_vortex.transports.proxies import is_trusted

PROXIES = ("10.0.0.7", "192.168.0.0/16", "2001:db8::/32")


@pytest.mark.parametrize(
    "address",
    ["10.0.0.7", "192.168.3.4", "2001:db8::1", "2001:db8::1%eth0", "::ffff:10.0.0.7"],
)
def test_listed_addresses_and_networks_are_trusted(address: str) -> None:
    assert is_trusted(address, PROXIES)


@pytest.mark.parametrize("address", ["10.0.0.8", "2001:db9::1", "testclient", "unix", ""])
def test_others_are_not(address: str) -> None:
    assert not is_trusted(address, PROXIES)


def test_unix_sockets_are_trusted_where_they_are_listed() -> None:
    assert is_trusted("", ("unix",))
    assert not is_trusted("10.0.0.7", ("unix",))


@pytest.mark.parametrize(
    ("connected", "forwarded", "expected"),
    [
        ("10.0.0.7", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.7", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.7", "6.6.6.6, 1.2.3.4, 192.168.0.9", "1.2.3.4"),
        ("10.0.0.7", "1.2.3.4:55, 192.168.0.9:4711", "1.2.3.4"),
        ("10.0.0.7", "192.168.0.1, 192.168.0.9", "192.168.0.1"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("6.6.6.6", "1.2.3.4, 10.0.0.7", "6.6.6.6"),
    ],
)
def test_address_is_the_first_from_the_right_that_is_no_proxy(
    connected: str, forwarded: str, expected: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())]
    assert get_address(headers, connected, trusted_proxies=PROXIES) == expected
