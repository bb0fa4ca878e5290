"""Where a client connects, and with what."""

import ssl

import pytest

from django_vortex.client.addresses import FROM_ENVIRONMENT, get_proxy, make_target
from django_vortex.exceptions import DefinitionError

QUERY = {"vortexUuid": "u", "vortexName": "a b"}


def make(url, **more):
    options = {"headers": {}, "cookies": {}, "context": None, "proxy": None, "idle_seconds": 25.0}
    return make_target(url, **{**options, **more})


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_both_transports_have_the_same_address(scheme):
    address = make(f"{scheme}://example.org:81/vortex?x=1").address(QUERY, None)
    query = "example.org:81/vortex?x=1&vortexUuid=u&vortexName=a+b"
    assert address.websocket_url == f"ws://{query}"
    assert address.http_url == f"http://{query}"
    assert address.ssl is None


@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_G8_one_context_that_checks_names_for_both_transports(scheme):
    target = make(f"{scheme}://example.org/vortex")
    address = target.address(QUERY, None)
    assert address.ssl is target.address(QUERY, "t").ssl
    assert address.ssl.check_hostname
    assert address.ssl.verify_mode is ssl.CERT_REQUIRED
    own = ssl.create_default_context()
    assert make("wss://example.org/vortex", context=own).ssl is own


def test_token_is_of_one_attempt_and_never_in_the_url():
    target = make("wss://example.org/vortex", headers={"X-A": "b"}, cookies={"a": "1", "b": "2"})
    first = target.address(QUERY, "secret")
    assert first.headers == {"X-A": "b", "Cookie": "a=1; b=2", "Authorization": "Bearer secret"}
    assert "secret" not in first.websocket_url + first.http_url
    assert "Authorization" not in target.address(QUERY, None).headers


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org/", "ws:///vortex", "ws://a/#b", "ws://u:p@a/"]
)
def test_url_that_is_none_is_refused_at_once(url):
    with pytest.raises(DefinitionError):
        make(url)


def test_G9_environment_decides_for_both_transports(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "internal.example,.corp,other:444")

    def find(host, port=None, proxy=FROM_ENVIRONMENT, scheme="https"):
        return get_proxy(host, port, scheme, proxy)

    assert find("example.org") == "http://proxy:3128"
    assert find("example.org", scheme="http") is None
    assert find("example.org", proxy=None) is None
    assert find("example.org", proxy="http://mine:1") == "http://mine:1"
    for host in (
        "localhost",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "internal.example",
    ):
        assert find(host) is None, host
    assert find("x.corp") is None
    assert find("other", 444) is None
    assert find("other", 443) == "http://proxy:3128"


def test_G9_all_proxy_is_the_last_resort(monkeypatch):
    monkeypatch.setenv("all_proxy", "http://all:1")
    assert get_proxy("example.org", None, "http", FROM_ENVIRONMENT) == "http://all:1"
