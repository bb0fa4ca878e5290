from typing import Any
from urllib.parse import urlencode

import pytest

from django_vortex.transports.flow import SCOPE_KEY, Flow
from django_vortex.transports.greeting import Caller, get_client_address, greet
from django_vortex.transports.refusal import BAD_HOST, BAD_ORIGIN, NO_UUID
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.versions import VERSION


def make_scope(query: Any, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "headers": [(b"host", b"testserver"), *headers],
        "query_string": urlencode(query).encode(),
        "client": ("10.0.0.1", 1),
    }


PEER = {"vortexName": "tab one", "vortexUuid": "4f1-ä"}
NATIVE = {**PEER, "vortexDialect": "native"}


def test_url_says_who_calls() -> None:
    greeted = greet(make_scope(PEER), is_secure=False)
    assert greeted == Caller("4f1-ä", "tab one", "10.0.0.1", None)


def test_released_browser_client_adds_something_against_caches() -> None:
    greeted = greet(make_scope({**PEER, "__randArg__": "0.5.17"}), is_secure=False)
    assert isinstance(greeted, Caller)


@pytest.mark.parametrize(
    ("announced", "dialect"), [("native", Dialect.NATIVE_1), ("D2", None), ("nonsense", None)]
)
def test_only_our_own_dialect_is_announced(
    announced: str, dialect: Dialect | None, caplog: pytest.LogCaptureFixture
) -> None:
    greeted = greet(make_scope({**PEER, "vortexDialect": announced}), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.dialect is dialect
    assert (f"vortexDialect '{announced}', which does not exist" in caplog.text) is (
        dialect is None
    )


@pytest.mark.parametrize("version", [None, "1", "01", str(VERSION), str(VERSION + 1), "99"])
def test_versions_that_are_served(version: str | None) -> None:
    told = {} if version is None else {"vortexVersion": version}
    greeted = greet(make_scope({**NATIVE, **told}), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.outdated is None


@pytest.mark.parametrize("version", ["0", "-1", "", "two", "1.5", "²", "9" * 5000, "\ud800"])
def test_other_versions_have_to_be_updated(version: str) -> None:
    version = version.encode("utf-8", "surrogatepass").decode("latin-1")
    greeted = greet(make_scope({**NATIVE, "vortexVersion": version}), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.outdated is not None
    assert (greeted.outdated.status, greeted.outdated.closure) == (426, 4426)
    assert greeted.outdated.reason.startswith("update-required: update the client, or reload the")
    assert len(greeted.outdated.reason) <= 120


def test_version_that_is_told_twice_is_none() -> None:
    query = [*NATIVE.items(), ("vortexVersion", "1"), ("vortexVersion", "2")]
    greeted = greet(make_scope(query), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.outdated is not None


def test_released_clients_have_no_version() -> None:
    greeted = greet(make_scope({**PEER, "vortexVersion": "0"}), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.outdated is None


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        *[("1", Dialect.NATIVE_1), ("2", Dialect.NATIVE), ("3", Dialect.NATIVE)],
        *[("999999999", Dialect.NATIVE), ("9" * 5000, Dialect.NATIVE_1), ("0", Dialect.NATIVE_1)],
        *[("", Dialect.NATIVE_1), ("two", Dialect.NATIVE_1), ("-2", Dialect.NATIVE_1)],
        *[("²", Dialect.NATIVE_1), ("2.5", Dialect.NATIVE_1)],
    ],
)
def test_version_is_the_highest_that_both_ends_speak(version: str, dialect: Dialect) -> None:
    query = {**PEER, "vortexDialect": "native", "vortexVersion": version}
    greeted = greet(make_scope(query), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.dialect is dialect


def test_version_without_the_dialect_says_nothing() -> None:
    greeted = greet(make_scope({**PEER, "vortexVersion": "2"}), is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.dialect is None


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"vortexUuid": "u"},
        {"vortexName": "n"},
        {"vortexUuid": "", "vortexName": "n"},
        {"vortexUuid": "u", "vortexName": "n" * 201},
        [("vortexUuid", "u"), ("vortexUuid", "v"), ("vortexName", "n")],
    ],
)
def test_url_without_uuid_and_name_is_refused(query: Any) -> None:
    assert greet(make_scope(query), is_secure=False) is NO_UUID


def test_bytes_that_are_no_text_do_not_break_the_url() -> None:
    scope = {**make_scope({}), "query_string": b"vortexUuid=%ff\xff&vortexName=n"}
    assert isinstance(greet(scope, is_secure=False), Caller)


def test_foreign_page_is_refused() -> None:
    scope = make_scope(PEER, (b"origin", b"https://evil.example"))
    assert greet(scope, is_secure=False) is BAD_ORIGIN


def test_settings_say_which_origins_and_proxies_are_trusted(settings: Any) -> None:
    settings.VORTEX = {"ALLOWED_ORIGINS": ["https://a.example"], "TRUSTED_PROXIES": 1}
    scope = make_scope(PEER, (b"origin", b"https://a.example"), (b"x-forwarded-for", b"1.2.3.4"))
    greeted = greet(scope, is_secure=False)
    assert isinstance(greeted, Caller)
    assert greeted.address == "1.2.3.4"


def test_request_for_a_foreign_host_is_refused_before_anything_else() -> None:
    scope = {**make_scope({}), "headers": [(b"host", b"evil.example")]}
    assert greet(scope, is_secure=False) is BAD_HOST


class Seen(Flow):
    """A connection whose socket's other end is known."""

    __slots__ = ("address",)

    def __init__(self, address: str) -> None:
        super().__init__(lambda message: None)  # type: ignore[arg-type, return-value]
        self.address = address

    def get_address(self) -> str:
        return self.address


def test_address_is_that_of_the_socket_whatever_the_server_makes_of_headers(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    forwarded = (b"x-forwarded-for", b"1.2.3.4")
    scope = {**make_scope(PEER, forwarded), "client": ("1.2.3.4", 0), SCOPE_KEY: Seen("127.0.0.1")}
    assert get_client_address(scope) == "127.0.0.1"
    assert "VORTEX['TRUSTED_PROXIES']" in caplog.text
    settings.VORTEX = {"TRUSTED_PROXIES": 1}
    assert get_client_address(scope) == "1.2.3.4"


def test_address_of_a_server_that_nobody_knows_is_the_one_it_tells() -> None:
    scope = {**make_scope(PEER), SCOPE_KEY: Flow(lambda message: None)}  # type: ignore[arg-type, return-value]
    assert get_client_address(scope) == "10.0.0.1"
