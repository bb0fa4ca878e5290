"""What the functions for ``VORTEX["AUTHENTICATE"]`` find, each by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, InvalidCredentials
from django_vortex.transports.authentication import (
    CONNECTED_KEY,
    bearer_token,
    proxy_header,
    session_cookie,
)

pytestmark = pytest.mark.usefixtures("fresh_hub")

ANN = SimpleNamespace(pk=1, is_authenticated=True)
SUBJECT = b"x-client-subject"


def find_by_token(token: str) -> Any:
    """Find by token."""
    return ANN if token == "good" else None


async def find_by_token_async(token: str) -> Any:
    return find_by_token(token)


class Tokens:
    async def __call__(self, token: str) -> Any:
        return find_by_token(token)


@pytest.mark.parametrize("function", [find_by_token, find_by_token_async, Tokens()])
async def test_bearer_token_is_given_to_the_function(function: Any) -> None:
    authenticate = bearer_token(function)
    scope: Any = {"headers": [(b"authorization", b"Bearer good")]}
    assert await authenticate(scope) is ANN
    assert await authenticate({"headers": [(b"authorization", b"Bearer bad")]}) is None
    assert await authenticate({"headers": []}) is None


def test_decorated_function_keeps_its_name() -> None:
    assert bearer_token(find_by_token).__doc__ == "Find by token."
    assert bearer_token(find_by_token).__name__ == "find_by_token"  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [None, "a.b", lambda: None, lambda a, b: None, pow])
def test_decorated_is_only_what_takes_one_argument(wrong: Any) -> None:
    with pytest.raises(DefinitionError, match="bearer_token expects a function"):
        bearer_token(wrong)


@pytest.mark.parametrize("name", ["", "X_Client_Subject", "X-Client ", "HTTP_X", "-a", "a:b"])
def test_names_that_a_proxy_and_a_client_could_both_write_are_none(name: Any) -> None:
    with pytest.raises(DefinitionError, match="Expected the name of a header"):
        proxy_header(name)


class TestProxyHeader:
    @pytest.fixture(autouse=True)
    def proxies(self, fresh_hub: None, settings: Any) -> None:
        settings.VORTEX = {"TRUSTED_PROXIES": ["10.0.0.0/24"]}

    async def ask(self, *headers: tuple[bytes, bytes], connected: Any = "10.0.0.7") -> Any:
        @proxy_header("X-Client-Subject")
        def find_user(subject: str) -> Any:
            return ANN if subject == "CN=ann" else None

        return await find_user({"headers": list(headers), CONNECTED_KEY: connected})

    async def test_header_of_a_trusted_proxy_counts(self) -> None:
        assert await self.ask((SUBJECT, b"CN=ann")) is ANN

    async def test_request_without_it_shows_nothing(self) -> None:
        assert await self.ask() is None
        assert await self.ask((SUBJECT, b"")) is None
        assert await self.ask((SUBJECT, b" "), connected="6.6.6.6") is None

    @pytest.mark.parametrize("connected", ["6.6.6.6", "", None])
    async def test_header_from_anywhere_else_is_refused(self, connected: Any) -> None:
        with pytest.raises(InvalidCredentials, match="Only a trusted proxy"):
            await self.ask((SUBJECT, b"CN=ann"), connected=connected)

    async def test_number_of_proxies_says_nothing_of_who_connects(self, settings: Any) -> None:
        settings.VORTEX = {"TRUSTED_PROXIES": 1}
        with pytest.raises(InvalidCredentials, match="Only a trusted proxy"):
            await self.ask((SUBJECT, b"CN=ann"), (b"x-forwarded-for", b"10.0.0.7"))

    @pytest.mark.parametrize("second", [b"CN=ann", b"CN=bob", b""])
    async def test_second_header_is_refused(self, second: bytes) -> None:
        for headers in ([b"CN=ann", second], [second, b"CN=ann"]):
            with pytest.raises(InvalidCredentials, match="Expected one header"):
                await self.ask(*((SUBJECT, one) for one in headers))

    async def test_other_spellings_are_not_read(self) -> None:
        assert await self.ask((b"x_client_subject", b"CN=ann")) is None
        with pytest.raises(
            InvalidCredentials, match="This value of the header x-client-subject is not known"
        ):
            await self.ask((b"x_client_subject", b"CN=ann"), (SUBJECT, b"CN=eve"))


async def test_session_cookie_gives_nobody_for_a_visitor() -> None:
    scope: Any = {"headers": []}
    assert await session_cookie(scope) is None
    assert not scope["user"].is_authenticated
    assert await session_cookie({"headers": [], "session": None, "user": ANN}) is ANN
