"""Who a request comes from: the functions in order, and what becomes of their failures."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import APIException, AuthenticationFailed

from django_vortex.exceptions import InvalidCredentials, RefusedError
from django_vortex.routing.peer import Peer
from django_vortex.server.judging import NOT_THIS_USER, Question
from django_vortex.transports import authenticate as module
from django_vortex.transports.asgi import vortex_application
from django_vortex.transports.authenticate import authenticate
from django_vortex.transports.authentication import bearer_token, session_cookie
from django_vortex.transports.held_login import SCOPE_KEY, Login
from django_vortex.transports.recheck import DjangoJudge
from tests.unit.transports.asgi_driver import Connection

pytestmark = pytest.mark.usefixtures("fresh_hub")

SECRET = "s3cret-token"


def make_user(pk: int, **more: Any) -> Any:
    return SimpleNamespace(pk=pk, is_authenticated=True, **more)


ANN, BOB = make_user(1), make_user(2)
USERS: dict[str, Any] = {"ann": ANN, "bob": BOB}


@bearer_token
def by_token(token: str) -> Any:
    found = USERS.get(token)
    if isinstance(found, Exception):
        raise found
    return found


def by_key(scope: Any) -> Any:
    return BOB if (b"x-api-key", b"bob") in scope["headers"] else None


class Words(TokenAuthentication):
    """Tokens of REST framework, in no table."""

    keyword = "Word"

    def authenticate_credentials(self, key: str) -> Any:
        if key == "down":
            raise APIException("The store of words is down")
        if key not in USERS:
            raise AuthenticationFailed({"detail": "No such word.", "code": "x"})
        return USERS[key], key


Words.model = object


class Header(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        if "token" in request.query_params:
            return ANN, None
        return (ANN, None) if request.META.get("HTTP_X_ANN") == "yes" else None


def authorization(value: str) -> tuple[bytes, bytes]:
    return b"authorization", value.encode()


async def ask(*headers: tuple[bytes, bytes], query: bytes = b"") -> tuple[Any, dict[str, Any]]:
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/vortex",
        "query_string": query,
        "headers": list(headers),
    }
    user, _ = await authenticate(scope)
    return user, scope


@pytest.fixture
def use(settings: Any, fresh_hub: None) -> Any:
    def use(*functions: Any) -> None:
        settings.VORTEX = {"CHANNEL_LAYER": None, "AUTHENTICATE": functions}

    return use


async def test_functions_are_tried_in_order(use: Any) -> None:
    use(session_cookie, by_token, by_key)
    assert (await ask(authorization("Bearer ann")))[0] is ANN
    assert (await ask((b"x-api-key", b"bob")))[0] is BOB
    assert (await ask((b"x-api-key", b"bob"), authorization("Bearer ann")))[0] is ANN
    user, scope = await ask()
    assert not user.is_authenticated
    assert SCOPE_KEY not in scope


@pytest.mark.parametrize(
    "headers",
    [
        [authorization("Bearer eve")],
        [authorization("Bearer")],
        [authorization("Token ann")],
        [authorization("ann")],
        [authorization("Bearer ann"), authorization("Bearer ann")],
    ],
    ids=str,
)
async def test_bad_token_is_never_anonymous(use: Any, headers: Any) -> None:
    for functions in ([by_token], [session_cookie, by_token]):
        use(*functions)
        with pytest.raises(InvalidCredentials) as raised:
            await ask(*headers)
        assert raised.value.challenge == "Bearer"


async def test_token_in_the_url_is_not_read(use: Any) -> None:
    use(by_token, Header)
    user, _ = await ask(query=b"token=ann&access_token=ann&authorization=Bearer+ann")
    assert not user.is_authenticated


async def test_what_browsers_add_for_a_proxy_is_no_token(use: Any) -> None:
    use(by_token)
    assert not (await ask(authorization("Basic dTpw")))[0].is_authenticated


async def test_project_that_reads_no_tokens_is_told_of_them(caplog: Any) -> None:
    assert not (await ask(authorization("Bearer ann")))[0].is_authenticated
    assert "nothing in VORTEX['AUTHENTICATE'] reads" in caplog.text


async def test_session_counts_only_where_it_is_listed(use: Any) -> None:
    use(by_token)
    scope: Any = {"path": "/", "headers": [], "user": ANN, "session": "theirs"}
    user, session = await authenticate(scope)
    assert (user.is_authenticated, session) == (False, None)
    use(by_token, session_cookie)
    assert await authenticate(scope) == (ANN, "theirs")


async def test_token_that_was_not_known_is_not_made_up_for_by_a_cookie(use: Any) -> None:
    scope: Any = {"path": "/", "user": ANN, "session": "theirs"}
    use(by_token, session_cookie)
    with pytest.raises(InvalidCredentials):
        await authenticate({**scope, "headers": [authorization("Bearer eve")]})
    use(session_cookie, by_token)
    eve = {**scope, "headers": [authorization("Bearer eve")]}
    assert await authenticate(eve) == (ANN, "theirs")


@pytest.mark.parametrize("is_model", [True, False])
async def test_inactive_user_is_refused(use: Any, is_model: bool, monkeypatch: Any) -> None:
    use(by_token)
    model = get_user_model()(pk=5, is_active=False)
    monkeypatch.setitem(USERS, "gone", model if is_model else make_user(3, is_active=False))
    with pytest.raises(InvalidCredentials, match="not active"):
        await ask(authorization("Bearer gone"))


async def test_anonymous_user_is_nobody(use: Any, monkeypatch: Any) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, "nobody", AnonymousUser())
    with pytest.raises(InvalidCredentials, match="This token is not known"):
        await ask(authorization("Bearer nobody"))


@pytest.mark.parametrize(
    "end",
    [
        time.time() - 1,
        1,
        datetime.now(UTC) - timedelta(seconds=1),
        datetime(2020, 1, 1),
    ],
    ids=["a second ago", "long ago", "a datetime", "without a zone"],
)
async def test_token_that_has_expired_is_refused(use: Any, end: Any, monkeypatch: Any) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, "old", Login(ANN, end))
    with pytest.raises(InvalidCredentials, match="expired"):
        await ask(authorization("Bearer old"))


async def test_login_with_an_end_is_a_user(use: Any, monkeypatch: Any) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, "new", Login(ANN, time.time() + 60))
    assert (await ask(authorization("Bearer new")))[0] is ANN


@pytest.mark.parametrize("found", ["ann", 5, (ANN, "auth"), make_user(None)])  # type: ignore[arg-type]
async def test_what_is_no_user_is_a_failure_of_ours(
    use: Any, found: Any, monkeypatch: Any, caplog: Any
) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, SECRET, found)
    with pytest.raises(RefusedError, match=r"^The server could not authenticate you \(ref "):
        await ask(authorization(f"Bearer {SECRET}"))
    assert "Expected a user, a Login or None" in caplog.text


async def test_failure_is_logged_without_the_token_and_told_without_its_text(
    use: Any, monkeypatch: Any, caplog: Any
) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, SECRET, OSError(f"GET https://idp/?token={SECRET} failed"))
    with pytest.raises(RefusedError) as raised:
        await ask(authorization(f"Bearer {SECRET}"))
    assert not isinstance(raised.value, InvalidCredentials)
    assert "idp" not in str(raised.value)
    assert "token=*** failed" in caplog.text
    assert "Traceback" in caplog.text
    assert SECRET not in caplog.text


async def test_refusal_of_the_project_is_told_without_the_token(use: Any, monkeypatch: Any) -> None:
    use(by_token)
    monkeypatch.setitem(USERS, SECRET, InvalidCredentials(f"Token {SECRET} is revoked", "Own"))
    with pytest.raises(InvalidCredentials, match=r"^Token \*\*\* is revoked$") as raised:
        await ask(authorization(f"Bearer {SECRET}"))
    assert raised.value.challenge == "Own"
    assert raised.value.__cause__ is None


async def test_function_that_takes_too_long_is_a_failure(
    use: Any, monkeypatch: Any, caplog: Any
) -> None:
    async def wait(scope: Any) -> None:
        await module.asyncio.sleep(3600)

    monkeypatch.setattr(module, "AUTHENTICATE_SECONDS", 0.01)
    use(wait)
    with pytest.raises(RefusedError, match="could not authenticate"):
        await ask()
    assert "TimeoutError" in caplog.text


class TestRestFramework:
    async def test_its_classes_find_users(self, use: Any) -> None:
        use(Words, Header)
        assert (await ask(authorization("Word ann")))[0] is ANN
        assert (await ask((b"x-ann", b"yes")))[0] is ANN
        assert not (await ask((b"x_ann", b"yes")))[0].is_authenticated

    async def test_bearer_token_is_shown_to_a_class_with_another_keyword(self, use: Any) -> None:
        use(Words)
        assert (await ask(authorization("Bearer ann")))[0] is ANN
        use(Words, by_token)
        assert (await ask(authorization("Bearer bob")))[0] is BOB

    @pytest.mark.parametrize("value", ["Word eve", "Word", "Word a b", "Bearer eve", "Other ann"])
    async def test_its_refusals_are_ours(self, use: Any, value: str) -> None:
        use(Words)
        with pytest.raises(InvalidCredentials) as raised:
            await ask(authorization(value))
        assert raised.value.challenge == "Word"
        assert not str(raised.value).endswith(".")
        assert str(raised.value).startswith(
            ("No such word", "Invalid token", "This token is not known")
        )

    async def test_its_failures_are_ours(self, use: Any) -> None:
        use(Words)
        with pytest.raises(RefusedError, match="could not authenticate"):
            await ask(authorization("Word down"))

    @pytest.mark.django_db
    async def test_basic_authentication_is_one_too(self, use: Any) -> None:
        use(BasicAuthentication)
        with pytest.raises(InvalidCredentials) as raised:
            await ask(authorization("Basic !"))
        assert raised.value.challenge == 'Basic realm="api"'


class TestAskingAgain:
    @pytest.fixture(autouse=True)
    def tokens(self, use: Any) -> None:
        use(session_cookie, by_token)

    async def judge(self, name: str, scope: Any, user: Any = ANN) -> Any:
        async def run_sync(function: Any, /) -> Any:
            return function()

        peer = Peer("u", "n", user=user, scope=scope)
        outcomes = [one async for _, one in DjangoJudge(run_sync)([Question(peer)], 0.0)]
        return outcomes[0] if outcomes else None

    async def open(self, found: Any, monkeypatch: Any) -> Any:
        monkeypatch.setitem(USERS, SECRET, found)
        return (await ask(authorization(f"Bearer {SECRET}")))[1]

    async def test_peer_gets_the_user_of_now(self, monkeypatch: Any) -> None:
        scope = await self.open(ANN, monkeypatch)
        fresh = make_user(1, is_staff=True)
        monkeypatch.setitem(USERS, SECRET, fresh)
        outcome = await self.judge("fresh", scope)
        assert outcome.user is fresh
        assert scope[SCOPE_KEY].login.user is fresh

    @pytest.mark.parametrize(
        "found",
        [
            None,
            BOB,
            make_user(1, is_active=False),
            AnonymousUser(),
            Login(ANN, 1),
            InvalidCredentials("Revoked"),
        ],
        ids=str,
    )
    async def test_login_that_has_ended_ends_the_peer(self, found: Any, monkeypatch: Any) -> None:
        scope = await self.open(ANN, monkeypatch)
        monkeypatch.setitem(USERS, SECRET, found)
        assert await self.judge("ended", scope) is NOT_THIS_USER

    async def test_failure_ends_nobody_and_is_told_without_the_token(
        self, monkeypatch: Any
    ) -> None:
        scope = await self.open(ANN, monkeypatch)
        monkeypatch.setitem(USERS, SECRET, OSError(f"No answer about {SECRET}"))
        with pytest.raises(RuntimeError, match=r"No answer about \*\*\*") as raised:
            await self.judge("failed", scope)
        assert raised.value.__cause__ is None

    async def test_end_that_the_token_carries_is_noticed_without_asking(
        self, monkeypatch: Any
    ) -> None:
        scope = await self.open(Login(ANN, time.time() + 3600), monkeypatch)
        monkeypatch.setitem(USERS, SECRET, OSError("down"))
        later = time.time() + 3601
        monkeypatch.setattr(time, "time", lambda: later)
        assert await self.judge("expired", scope) is NOT_THIS_USER


class TestGuessing:
    """Whoever tries tokens is counted like whoever brings peers."""

    async def knock(self, uuid: str, token: str) -> Any:
        made = Connection.open_websocket(
            vortex_application(http=None),
            headers=[authorization(f"Bearer {token}")],
            vortexUuid=uuid,
            vortexName="n",
            vortexDialect="native",
        )
        await made.wait_for(2)
        await made.disconnect()
        return made.sent[1]

    @pytest.mark.parametrize(
        "limits",
        [
            {"THROTTLE_PEERS_PER_ADDRESS": 2},
            {"THROTTLE_PEERS": 2},
            {"CONNECT_RATES": {"address": "2/h"}},
        ],
        ids=str,
    )
    async def test_guesses_count_like_new_peers(
        self, settings: Any, fresh_hub: None, limits: Any
    ) -> None:
        settings.VORTEX = {**settings.VORTEX, "AUTHENTICATE": [by_token], **limits}
        codes = [(await self.knock(str(n), f"guess-{n}")).get("code") for n in range(3)]
        assert codes == [4401, 4401, 4429]
        assert (await self.knock("3", "ann"))["code"] == 4429

    async def test_good_tokens_are_counted_once(self, settings: Any, fresh_hub: None) -> None:
        limits = {"THROTTLE_PEERS": 2, "THROTTLE_PEERS_PER_ADDRESS": 1}
        settings.VORTEX = {**settings.VORTEX, "AUTHENTICATE": [by_token], **limits}
        for number in range(2):
            assert (await self.knock(str(number), "ann"))["type"] == "websocket.send"
        assert (await self.knock("2", "ann"))["code"] == 4429
