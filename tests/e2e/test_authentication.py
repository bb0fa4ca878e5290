"""Peers that show tokens and certificates instead of a cookie, on both servers and transports."""

import base64
import http.client
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_websocket
from websockets.typing import Subprotocol

from django_vortex.client import Lost, Offline, Online, Refused, RefusedForGood, connect
from tests.e2e.logins import Login, read_to_end
from tests.e2e.peers import ReadingPeer, decode_tuples, http_head, websocket_head
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.servers import ServerProcess

HERE = "tests.e2e.app.tokens"
PROXY = "127.0.0.5"
"""An address of the machine that the servers take for their proxy's."""
OPTIONS = {
    "HEARTBEAT_SECONDS": 1.0,
    "RECHECK_SECONDS": 0.5,
    "TRUSTED_PROXIES": [PROXY],
    "AUTHENTICATE": [
        "django_vortex.session_cookie",
        f"{HERE}.find_signed",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        f"{HERE}.find_by_certificate",
    ],
}
SCHEMES = {"signed": "Bearer", "table": "Token", "jwt": "Bearer"}
NOT_THIS_USER, REFUSED, STOPPING = 4401, 4403, 4503
BROKEN = "a-token-that-breaks-the-server"

secrets: set[str] = {BROKEN}
"""All tokens of these tests, which no log may have."""


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[ServerProcess]:
    """A server whose whole log, with that of its requests, is looked at in the end."""
    arguments = {"uvicorn": ["--access-log"], "daphne": ["--access-log", "-", "-v", "2"]}
    server = start_server(request.param, vortex=OPTIONS, arguments=arguments[request.param])
    yield server
    server.get_json("/e2e/stats", last="request")
    server.wait_for_log("/e2e/stats?last=request")
    log = server.log
    assert "vortexUuid" in log, "The requests are not logged"
    assert "A peer could not be authenticated" in log
    encoded = {base64.urlsafe_b64encode(one.encode()).decode().rstrip("=") for one in secrets}
    assert not [one for one in secrets | encoded if one in log]


@pytest.fixture(params=["websocket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Account:
    """A new user with a token of each kind."""

    def __init__(self, server: ServerProcess, *, seconds: float = 3600) -> None:
        self.server = server
        self.name = str(uuid.uuid4())
        made = server.get_json("/e2e/token", username=self.name, seconds=seconds)
        self.pk = made.pop("user")
        self.tokens: dict[str, str] = made
        secrets.update(made.values())

    def headers(self, kind: str) -> dict[str, str]:
        return {"Authorization": f"{SCHEMES[kind]} {self.tokens[kind]}"}

    def revoke(self, what: str) -> None:
        if what == "token":
            self.server.get_json("/e2e/revoke_token", user=self.pk)
        elif what == "disconnect":
            self.server.get_json("/e2e/disconnect", user=self.pk)
        else:
            self.server.get_json("/e2e/revoke", what=what, user=self.pk, session="")


def open_peer(
    transport: str, server: ServerProcess, headers: dict[str, str], *, name: str = ""
) -> ReadingPeer:
    return ReadingPeer(transport, server.port, name or str(uuid.uuid4()), headers=headers)


def find_user(peer: ReadingPeer) -> Any:
    """Ask the server who the peer is."""
    peer.ask(key="e2e.who")
    return decode_tuples(peer.wait_for("e2e.who"))[1]


def knock(
    transport: str,
    server: ServerProcess,
    *lines: str,
    source: str = HOST,
    dialect: str = "",
    name: str = "",
) -> tuple[int, dict[str, str], int]:
    """Open a stream with raw header lines; return status, headers, and the code of its close."""
    query = f"vortexUuid={name or uuid.uuid4()}&vortexName=n&vortexDialect={dialect}"
    more = "".join(f"{line}\r\n" for line in lines)
    if transport == "http":
        head = http_head(query, server.port, more=more)
    else:
        head = websocket_head(query, server.port)[:-2] + f"{more}\r\n".encode()
    with socket.create_connection((HOST, server.port), 60, source_address=(source, 0)) as opened:
        opened.sendall(head)
        response = http.client.HTTPResponse(opened)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        code = 0
        if response.status == 101:
            kind, length = response.fp.read(2)
            code = int.from_bytes(response.fp.read(2), "big") if kind == 0x88 and length else 0
        response.close()
        return response.status, headers, code


@pytest.mark.parametrize("kind", SCHEMES)
def test_token_says_who_a_peer_is(server: ServerProcess, transport: str, kind: str) -> None:
    account = Account(server)
    with closing(open_peer(transport, server, account.headers(kind))) as peer:
        assert find_user(peer) == account.pk
        server.push(key="yours", to_user=account.pk)
        assert peer.wait_for("yours")


def test_cookie_says_it_too_and_nothing_says_nobody(server: ServerProcess, transport: str) -> None:
    login = Login(server)
    with closing(open_peer(transport, server, login.headers)) as peer:
        assert find_user(peer) == login.user
    with closing(open_peer(transport, server, {})) as peer:
        assert find_user(peer) is None


@pytest.mark.parametrize(
    "header",
    [
        "Bearer a-bad-token",
        "Token a-bad-token",
        "Bearer",
        "Unknown a-bad-token",
        "Bearer a-bad-token\r\nAuthorization: Bearer another",
    ],
)
def test_bad_token_is_401_and_never_anonymous(
    server: ServerProcess, transport: str, header: str
) -> None:
    status, headers, _ = knock(transport, server, f"Authorization: {header}")
    # Daphne has no other answer to a handshake than 403.
    assert status == (403 if (server.kind, transport) == ("daphne", "websocket") else 401)
    if status == 401:
        assert headers["www-authenticate"].startswith("Token" if "Token" in header else "Bearer")
    status, _, code = knock(transport, server, f"Authorization: {header}", dialect="native")
    assert (status, code) == ((101, NOT_THIS_USER) if transport == "websocket" else (401, 0))


def test_token_in_the_url_is_not_read(server: ServerProcess, transport: str) -> None:
    """It is one that is not secret any more, since the servers log URLs."""
    made = server.get_json("/e2e/token", username=str(uuid.uuid4()))
    name = f"{uuid.uuid4()}&token={made['signed']}&access_token={made['table']}"
    assert knock(transport, server, dialect=f"native&vortexToken={made['jwt']}")[0] in (101, 200)
    with closing(open_peer(transport, server, {}, name=name)) as peer:
        assert find_user(peer) is None


def test_inactive_user_is_refused(server: ServerProcess, transport: str) -> None:
    account = Account(server)
    account.revoke("deactivate")
    for kind in SCHEMES:
        (header,) = account.headers(kind).items()
        status, _, code = knock(transport, server, ": ".join(header), dialect="native")
        assert (status, code) == ((101, NOT_THIS_USER) if transport == "websocket" else (401, 0))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("table", "token"),
        ("table", "deactivate"),
        ("table", "delete"),
        ("jwt", "deactivate"),
        ("jwt", "delete"),
        ("signed", "deactivate"),
        ("signed", "delete"),
        ("signed", "disconnect"),
    ],
)
def test_end_of_a_token_ends_the_stream(
    server: ServerProcess, transport: str, kind: str, what: str
) -> None:
    account, other = Account(server), Account(server)
    peer = open_peer(transport, server, account.headers(kind))
    bystander = open_peer(transport, server, other.headers(kind))
    assert find_user(peer) == account.pk
    account.revoke(what)
    assert read_to_end(peer)[0] == NOT_THIS_USER
    assert find_user(bystander) == other.pk
    peer.close()
    bystander.close()


@pytest.mark.parametrize("kind", ["signed", "jwt"])
def test_token_that_expires_ends_the_stream(
    server: ServerProcess, transport: str, kind: str
) -> None:
    for seconds in (3, 12, 60):  # the machine may be slow
        account = Account(server, seconds=seconds)
        (header,) = account.headers(kind).items()
        if knock("http", server, ": ".join(header))[0] == 200:
            break
    peer = open_peer(transport, server, account.headers(kind))
    assert read_to_end(peer)[0] == NOT_THIS_USER
    assert knock("http", server, ": ".join(header))[0] == 401
    peer.close()


def test_uuid_belongs_to_the_user_whichever_token_it_shows(
    server: ServerProcess, transport: str
) -> None:
    ann, eve = Account(server), Account(server)
    name = str(uuid.uuid4())
    first = open_peer(transport, server, ann.headers("signed"), name=name)
    assert find_user(first) == ann.pk
    second = open_peer(transport, server, ann.headers("table"), name=name)
    assert read_to_end(first)[0] in (0, 1000)
    line = f"Authorization: Bearer {eve.tokens['signed']}"
    status, _, code = knock(transport, server, line, dialect="native", name=name)
    assert (status, code) == ((101, REFUSED) if transport == "websocket" else (403, 0))
    assert find_user(second) == ann.pk
    first.close()
    second.close()


def test_foreign_page_is_refused_with_whatever_it_shows(
    server: ServerProcess, transport: str
) -> None:
    account, login = Account(server), Login(server)
    origin = "Origin: https://evil.example"
    for lines in (
        (f"Authorization: Bearer {account.tokens['signed']}",),
        (f"Cookie: {login.cookie}",),
        (f"Cookie: {login.cookie}", f"Authorization: Bearer {account.tokens['signed']}"),
    ):
        assert knock(transport, server, origin, *lines, dialect="native")[0] == 403


@pytest.mark.parametrize("is_native", [True, False])
def test_failure_of_a_function_is_503_and_told_in_the_log(
    server: ServerProcess, transport: str, is_native: bool
) -> None:
    start = len(server.log)
    status, headers, code = knock(
        transport,
        server,
        f"Authorization: Bearer {BROKEN}",
        dialect="native" if is_native else "",
    )
    if transport == "http":
        assert (status, headers["retry-after"]) == (503, "1")
    elif is_native:
        assert (status, code) == (101, STOPPING)
    else:
        assert status == (403 if server.kind == "daphne" else 503)
    server.wait_for_log("RuntimeError: https://accounts.example/?token=*** does", start=start)


class TestCertificates:
    """The header of a proxy that has verified a client's certificate."""

    def who(self, transport: str, server: ServerProcess, *lines: str, source: str = PROXY) -> int:
        return knock(transport, server, *lines, source=source, dialect="native")[0]

    def is_refused(
        self, transport: str, server: ServerProcess, *lines: str, source: str = PROXY
    ) -> bool:
        status, _, code = knock(transport, server, *lines, source=source, dialect="native")
        return (status, code) in ((101, NOT_THIS_USER), (401, 0))

    def test_header_of_the_proxy_counts(
        self, server: ServerProcess, transport: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = Account(server)
        create = socket.create_connection

        def from_proxy(address: Any, *args: Any, **kwargs: Any) -> socket.socket:
            kwargs["source_address"] = (PROXY, 0)
            return create(address, *args[:1], **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(socket, "create_connection", from_proxy)
            patch.setattr(http.client.socket, "create_connection", from_proxy)  # type: ignore[attr-defined]
            peer = open_peer(transport, server, {"X-Client-Subject": f"CN={account.name}"})
            assert find_user(peer) == account.pk
        account.revoke("deactivate")
        assert read_to_end(peer)[0] == NOT_THIS_USER
        peer.close()

    def test_header_from_anywhere_else_logs_nobody_in(
        self, server: ServerProcess, transport: str
    ) -> None:
        subject = f"CN={Account(server).name}"
        for lines in (
            [f"X-Client-Subject: {subject}"],
            [f"x-client-subject: {subject}", f"X-Forwarded-For: {PROXY}"],
            [f"X-Client-Subject: {subject}", f"Forwarded: for={PROXY}"],
        ):
            assert self.is_refused(transport, server, *lines, source=HOST)

    def test_header_that_comes_twice_logs_nobody_in(
        self, server: ServerProcess, transport: str
    ) -> None:
        subject = f"CN={Account(server).name}"
        for lines in (
            [f"X-Client-Subject: {subject}", f"X-Client-Subject: {subject}"],
            [f"X-Client-Subject: {subject}", "X-Client-Subject:"],
            ["X-Client-Subject:", f"X-Client-Subject: {subject}"],
            [f"X-Client-Subject: {subject}", f"X_Client_Subject: {subject}", "X-Client-Subject: x"],
        ):
            assert self.is_refused(transport, server, *lines)

    @pytest.mark.parametrize("source", [HOST, PROXY])
    def test_other_spellings_are_not_read(
        self, server: ServerProcess, transport: str, source: str
    ) -> None:
        account = Account(server)
        headers = {"X_Client_Subject": f"CN={account.name}", "X-Client_Subject": "CN=x"}
        with closing(open_peer(transport, server, headers)) as peer:
            assert find_user(peer) is None
        lines = [f"X_Client_Subject: CN={account.name}", "X-Client-Subject: CN=nobody"]
        assert self.is_refused(transport, server, *lines, source=source)


def offer(token: str) -> list[Subprotocol]:
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return [Subprotocol("vortex.native"), Subprotocol(f"vortex.token.{encoded}")]


@pytest.mark.parametrize("kind", ["signed", "jwt"])
def test_browser_offers_its_token_as_a_subprotocol(server: ServerProcess, kind: str) -> None:
    account = Account(server)
    url = f"{server.ws_url}/vortex?vortexUuid={uuid.uuid4()}&vortexName=n&vortexDialect=native"
    offered = offer(account.tokens[kind])
    with connect_websocket(url, subprotocols=offered, proxy=None) as websocket:
        assert websocket.subprotocol == "vortex.native"
        websocket.send(json.dumps({"_ct": "rpe", "filt": {"key": "e2e.who"}, "data": None}))
        while '"e2e.who"' not in (text := str(websocket.recv(60))):
            continue
        assert decode_tuples(json.loads(text))[1] == account.pk


def test_browser_hears_that_its_token_is_bad(server: ServerProcess) -> None:
    url = f"{server.ws_url}/vortex?vortexUuid={uuid.uuid4()}&vortexName=n&vortexDialect=native"
    for offered in (offer("a-bad-token"), [*offer("x")[:1], Subprotocol("vortex.token.%")]):
        with (
            connect_websocket(url, subprotocols=offered, proxy=None) as websocket,
            pytest.raises(ConnectionClosed) as closed,
        ):
            websocket.recv(60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == NOT_THIS_USER
    released = url.replace("native", "")
    with pytest.raises(InvalidStatus) as refused:
        connect_websocket(released, subprotocols=offer("bad-token"), proxy=None).__enter__()
    assert refused.value.response.status_code == (403 if server.kind == "daphne" else 401)


@pytest.mark.parametrize("kind", ["signed", "jwt"])
async def test_python_client_shows_its_token(
    server: ServerProcess, transport: str, kind: str
) -> None:
    account = Account(server)
    url = f"{server.http_url}/vortex"
    async with connect(
        url, token=account.tokens[kind], transports=[transport], open_timeout=60
    ) as vortex:
        assert (await vortex.call("e2e.who")).tuples[1] == account.pk


async def test_python_client_asks_for_another_token_when_its_own_has_ended(
    server: ServerProcess, transport: str
) -> None:
    account = Account(server)
    tokens = [account.tokens["signed"], account.tokens["jwt"]]
    options: Any = {"transports": [transport], "open_timeout": 60}
    async with connect(
        f"{server.http_url}/vortex", token=lambda: tokens.pop(), **options
    ) as vortex:
        assert (await vortex.call("e2e.who")).tuples[1] == account.pk
        async with vortex.events() as events:
            account.revoke("disconnect")
            happened = [type(await anext(events)) for _ in range(3)]
        assert happened == [Offline, Lost, Online]
        assert not tokens
        assert (await vortex.call("e2e.who")).tuples[1] == account.pk


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
async def test_bearer_token_may_be_one_of_rest_frameworks_table(
    kind: str, start_server: StartServer
) -> None:
    """Browsers and programs that know nothing of its keyword can show it, too."""
    rest = "rest_framework.authentication.TokenAuthentication"
    server = start_server(kind, vortex={"AUTHENTICATE": [rest]})
    account = Account(server)
    query = f"vortexUuid={uuid.uuid4()}&vortexName=n&vortexDialect=native"
    offered = offer(account.tokens["table"])
    with connect_websocket(
        f"{server.ws_url}/vortex?{query}", subprotocols=offered, proxy=None
    ) as websocket:
        assert "__vortexUuid__" in str(websocket.recv(60))
    url = f"{server.http_url}/vortex"
    async with connect(url, token=account.tokens["table"], open_timeout=60) as vortex:
        assert (await vortex.call("e2e.who")).tuples[1] == account.pk
    for refused in (account.tokens["signed"], account.tokens["jwt"]):
        with pytest.raises(Refused, match="Invalid token"):
            async with connect(url, token=refused, open_timeout=60):
                pass
    server.stop()


async def test_python_client_is_refused_with_a_bad_token(
    server: ServerProcess, transport: str
) -> None:
    asked: list[str] = []

    def get_token() -> str:
        asked.append("a-bad-token")
        return asked[-1]

    url, options = f"{server.http_url}/vortex", {"transports": [transport]}
    with pytest.raises(Refused, match=r"invalid|Nobody|not valid") as refused:
        async with connect(url, token=get_token, open_timeout=60, **options):  # type: ignore[arg-type]
            pass
    assert refused.value.code in (401, NOT_THIS_USER)
    assert len(asked) == 2
    async with (
        connect(url, token="a-bad-token", open_timeout=0, **options) as vortex,  # type: ignore[arg-type]
        vortex.events() as events,
    ):
        async for event in events:
            assert isinstance(event, RefusedForGood)
            break
