import asyncio
import base64
import json
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.decorators import sync_only_middleware

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import payload_io
from django_vortex.routing.request import Request
from django_vortex.server.connection import Connection as ServerConnection
from django_vortex.transports import hub, view
from django_vortex.transports.asgi import vortex_application
from django_vortex.transports.turns import TURN_BYTES
from django_vortex.transports.view import vortex_view
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import Event
from tests.unit.transports.asgi_driver import Connection

pytestmark = pytest.mark.usefixtures("fresh_hub")

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
D0_PAYLOAD = {"_ct": "rp", "filt": {"key": "test.view"}, "tuples": [], "date": None}
D0_BODY = base64.b64encode(zlib.compress(json.dumps(D0_PAYLOAD).encode())) + b"."


@sync_only_middleware
def sync_middleware(get_response: Any) -> Any:
    def middleware(request: Any) -> HttpResponse:
        request.seen_in = threading.current_thread()
        response: HttpResponse = get_response(request)
        response["X-Sync"] = "was here"
        return response

    return middleware


def writing_middleware(get_response: Any) -> Any:
    async def middleware(request: Any) -> HttpResponse:
        request.session["visits"] = 1
        response: HttpResponse = await get_response(request)
        return response

    middleware.async_capable = True  # type: ignore[attr-defined]
    return middleware


writing_middleware.async_capable = True  # type: ignore[attr-defined]
writing_middleware.sync_capable = False  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def plain_project(settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.MIDDLEWARE = []


@pytest.fixture
def echo() -> Iterator[None]:
    async def answer(request: Request) -> list[str]:
        return ["answer"]

    endpoint = PayloadEndpoint({"key": "test.view"}, answer)
    yield
    payload_io.remove(endpoint)


def application() -> Any:
    return vortex_application(http=ASGIHandler())


def pack(**filt: Any) -> bytes:
    envelope = {"_ct": "rpe", "filt": filt, "data": None, "result": None, "date": None}
    return base64.b64encode(json.dumps(envelope).encode()) + b"."


def keys(body: str) -> list[Any]:
    """Return the keys of the messages in a body; None for a beat, "info" for the info."""
    return [
        json.loads(base64.b64decode(piece))["filt"].get("key", "info") if piece else None
        for piece in body.removesuffix(".").split(".")
    ]


async def test_response_streams_until_the_peer_goes() -> None:
    post = Connection.post(application())
    await post.wait_for(2)
    status, headers = post.head
    assert status == 200
    assert headers["content-type"] == "text/text"
    assert headers["content-encoding"] == "identity"
    assert headers["cache-control"].startswith("no-cache")
    assert headers["x-accel-buffering"] == "no"
    assert keys(post.body) == [None, "info"]
    assert hub.get_server().push(PayloadEnvelope({"key": "test.note"})) == 1
    await post.wait_for(3)
    assert keys(post.body) == [None, "info", "test.note"]
    assert not post.has_ended
    await post.disconnect()
    assert hub.get_server().connections["u"].stream is None  # held, until it comes back


async def test_first_chunk_has_the_replies_to_the_body(echo: None) -> None:
    post = Connection.post(application(), pack(key="test.view", number=1) + pack(key="test.view"))
    await post.wait_for(2)
    assert keys(post.sent[1]["body"].decode()) == [None, "info", "test.view", "test.view"]
    await post.disconnect()


@pytest.mark.parametrize(
    ("agent", "is_held_back"), [(b"Synerty VortexServer Client", True), (b"Mozilla/5.0", False)]
)
async def test_late_reply_gives_vortexpy_time_to_decode_the_info(
    agent: bytes, is_held_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_reply, may_go_on = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> list[str]:
        await may_reply.wait()
        return ["answer"]

    async def wait() -> None:
        await may_go_on.wait()

    monkeypatch.setattr(view, "REPLY_SECONDS", 0)
    monkeypatch.setattr(view, "VORTEXPY_REPLY_SECONDS", 0)
    monkeypatch.setattr(view, "_let_info_be_decoded", wait)
    endpoint = PayloadEndpoint({"key": "test.view"}, answer)
    post = Connection.post(application(), pack(key="test.view"), headers=[(b"user-agent", agent)])
    await post.wait_for(2)
    assert keys(post.body) == [None, "info"]
    may_reply.set()
    if is_held_back:
        while not hub.get_server().connections["u"].stream.take_unsent():
            await asyncio.sleep(0)
        assert keys(post.body) == [None, "info"]
        hub.get_server().push(PayloadEnvelope({"key": "test.view"}))
        may_go_on.set()
    await post.wait_for(3)
    assert keys(post.body) == [None, "info", "test.view"]
    await post.disconnect()
    payload_io.remove(endpoint)


@pytest.mark.parametrize("is_held", [False, True], ids=["answered", "held"])
async def test_long_reply_gives_vortexpy_time_to_decode_the_info(
    is_held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrives in pieces is decoded in another thread than the info, and may overtake it."""
    may_go_on = asyncio.Event()
    text = "".join(map(str, range(1000)))

    async def answer(request: Request) -> list[str]:
        return [text]

    async def wait() -> None:
        await may_go_on.wait()

    monkeypatch.setattr(view, "_let_info_be_decoded", wait)
    endpoint = PayloadEndpoint({"key": "test.view"}, answer)
    app = application()
    body = pack(key="test.view", text=text)
    if is_held:
        first = Connection.post(app)
        await first.wait_for(2)
        await first.disconnect()
        hub.get_server().push(PayloadEnvelope({"key": "test.view", "text": text}))
        body = b""
    headers = [(b"user-agent", b"Synerty VortexServer Client")]
    post = Connection.post(app, body, headers=headers)
    await post.wait_for(2)
    assert keys(post.body) == [None, "info"]
    may_go_on.set()
    await post.wait_for(3)
    assert keys(post.body) == [None, "info", "test.view"]
    await post.disconnect()
    payload_io.remove(endpoint)


async def test_next_post_ends_the_response_before(echo: None) -> None:
    app = application()
    first = Connection.post(app)
    await first.wait_for(2)
    second = Connection.post(app, pack(key="test.view"))
    await first.end()
    assert first.has_ended
    assert keys(first.body) == [None, "info"]
    await second.wait_for(2)
    assert keys(second.body) == [None, "info", "test.view"]
    await second.disconnect()


@pytest.mark.parametrize("beats", [b"", b"." + b" " * TURN_BYTES], ids=["alone", "after_a_beat"])
async def test_oldest_dialect_gets_no_dot_first(beats: bytes) -> None:
    post = Connection.post(application(), beats + D0_BODY)
    await post.wait_for(2)
    first = post.body.partition(".")[0]
    info = json.loads(zlib.decompress(base64.b64decode(first)))
    assert "__vortexUuid__" in info["filt"]
    await post.disconnect()


async def test_oldest_dialect_gets_the_info_in_a_chunk_of_its_own(
    echo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That client reads no further than to an empty payload, until more comes."""
    may_go_on = asyncio.Event()

    async def wait() -> None:
        await may_go_on.wait()

    monkeypatch.setattr(view, "_let_info_be_decoded", wait)
    app = application()
    first = Connection.post(app, D0_BODY)
    await first.wait_for(2)
    hub.get_server().push(PayloadEnvelope({"key": "test.note"}))
    second = Connection.post(app, D0_BODY)  # what was not sent moves over to it
    await second.wait_for(2)
    may_go_on.set()
    await second.wait_for(3)
    (info, end), rest = (message["body"].decode().split(".") for message in second.sent[1:3])
    assert ("__vortexUuid__" in d0_filt(info), end) == (True, "")
    assert {d0_filt(piece)["key"] for piece in rest[:-1]} == {"test.view", "test.note"}
    await second.disconnect()


def d0_filt(piece: str) -> dict[str, Any]:
    filt: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(piece)))["filt"]
    return filt


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/live/vortex", 405),
        ("PUT", "/live/vortex", 405),
        ("GET", "/live/vortexws", 200),
        ("HEAD", "/live/vortexws/", 200),
        ("DELETE", "/live/vortexws", 405),
    ],
)
async def test_other_methods_are_answered_at_once(method: str, path: str, status: int) -> None:
    request = Connection.post(application(), method=method, path=path)
    await request.end()
    assert request.head[0] == status
    assert not request.body.startswith("<")


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ([(b"origin", b"https://evil.example")], {}, 403),
        ([], {"vortexUuid": "u"}, 400),
        ([], {"vortexUuid": "u", "vortexName": ""}, 400),
        ([], {"vortexUuid": "x" * 201, "vortexName": "n"}, 400),
    ],
)
async def test_refused_request_is_answered_with_a_text(
    headers: list[tuple[bytes, bytes]], query: dict[str, str], status: int
) -> None:
    request = Connection.post(application(), headers=headers, **query)
    await request.end()
    assert request.head[0] == status
    assert request.head[1]["content-type"] == "text/plain; charset=utf-8"
    assert request.body
    assert not request.body.startswith("<")


async def test_throttled_peer_is_told_when_to_come_back(settings: Any) -> None:
    settings.VORTEX = {**settings.VORTEX, "THROTTLE_PEERS": 1}
    app = application()
    first = Connection.post(app, vortexUuid="one", vortexName="n")
    await first.wait_for(2)
    second = Connection.post(app, vortexUuid="two", vortexName="n")
    await second.end()
    assert second.head[0] == 503
    assert int(second.head[1]["retry-after"]) >= 1
    await first.disconnect()


async def test_server_that_stops_refuses() -> None:
    app = application()
    hub.get_server()
    await hub.stop()
    post = Connection.post(app)
    await post.end()
    assert post.head[0] == 503


async def test_stopping_ends_responses() -> None:
    post = Connection.post(application())
    await post.wait_for(2)
    await hub.stop()
    await post.end()
    assert post.has_ended


@pytest.mark.parametrize(
    "middleware",
    [
        [f"{__name__}.sync_middleware"],
        [SESSIONS, f"{__name__}.writing_middleware"],
        [
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            f"{__name__}.sync_middleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
    ],
    ids=["sync", "session", "all"],
)
async def test_stream_works_behind_middleware(
    middleware: list[str], settings: Any, echo: None
) -> None:
    settings.MIDDLEWARE = middleware
    headers = [(b"accept-encoding", b"gzip")]
    post = Connection.post(application(), pack(key="test.view"), headers=headers)
    await post.wait_for(2)
    assert keys(post.body) == [None, "info", "test.view"]
    assert ("x-sync" in post.head[1]) == (f"{__name__}.sync_middleware" in middleware)
    # What middleware saves is saved before the stream begins.
    assert ("sessionid=" in post.head[1].get("set-cookie", "")) == (SESSIONS in middleware)
    await post.disconnect()


async def test_made_up_session_key_is_nobodys_also_in_a_project_without_users(
    settings: Any,
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.MIDDLEWARE = [SESSIONS]
    headers = [(b"cookie", b"sessionid=madeupmadeup")]
    post = Connection.post(application(), headers=headers)
    await post.wait_for(2)
    assert hub.get_server().connections["u"].identity.kind == "address"
    await post.disconnect()


async def test_thread_of_the_request_ends_while_the_response_streams(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.sync_middleware"]
    before = set(threading.enumerate())
    post = Connection.post(application())
    await post.wait_for(2)
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 10) if thread.name.startswith("ThreadPool") else None
        assert not thread.is_alive() or not thread.name.startswith("ThreadPool")
    await post.disconnect()


def test_wsgi_server_is_told_what_is_missing() -> None:
    request = RequestFactory().post("/vortex?vortexUuid=u&vortexName=n")
    response = asyncio.run(vortex_view(request))
    assert response.status_code == 503
    assert b"ASGI" in response.content  # type: ignore[attr-defined]


async def test_requests_may_be_atomic_elsewhere(settings: Any) -> None:
    """Django refuses async views in a transaction; ours says that it wants none."""
    databases = {
        alias: {**options, "ATOMIC_REQUESTS": True} for alias, options in settings.DATABASES.items()
    }
    from django.core.handlers.base import BaseHandler
    from django.db import connections

    before = connections.settings
    connections.settings = databases
    try:
        assert BaseHandler().make_view_atomic(vortex_view) is vortex_view
    finally:
        connections.settings = before


async def test_body_of_very_many_messages_lets_others_run_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events_in_turn: list[int] = []

    def begin_turn() -> None:
        events_in_turn.append(0)
        turning[0] = asyncio.get_running_loop().call_soon(begin_turn)

    def take(connection: ServerConnection, events: list[Event], dialect: object) -> None:
        events_in_turn[-1] += len(events)

    turning = [asyncio.get_running_loop().call_soon(begin_turn)]
    monkeypatch.setattr(ServerConnection, "receive_events", take)
    empty = base64.b64encode(b'{"_ct":"rpe"}') + b"."
    post = Connection.post(application(), empty * 5000)
    await post.wait_for(2)
    turning[0].cancel()
    await post.disconnect()
    assert sum(events_in_turn) == 5000
    assert max(events_in_turn) < 1000


def post_short(
    app: Any, attempt: int, body: bytes = b"", *, since: int = 0, received: int = 0, flags: str = ""
) -> Connection:
    """Post as a client of ours that wants short responses."""
    said = f"{'k' * 22}.{since}.{attempt}.{received}.1.{flags}s"
    return Connection.post(
        app,
        body,
        headers=[(b"vortex-session", said.encode())],
        vortexUuid="u",
        vortexName="n",
        vortexDialect="native",
        vortexVersion="2",
    )


def messages(post: Connection) -> list[Any]:
    """Return the keys of all that a short response had but its counts."""
    pieces = [one for one in post.body.removesuffix(".").split(".") if "," not in one]
    return keys(".".join(pieces) + ".")


async def test_short_response_ends_at_once_where_the_introduction_is_awaited() -> None:
    app = application()
    first = post_short(app, 1, flags="c")  # a server that was started anew meanwhile
    await first.end()
    assert messages(first) == [None, "info"]
    second = post_short(app, 2, since=1)
    await second.end()
    assert messages(second) == [None, "info"]
    assert hub.get_server().connections["u"].stream is None  # held, until it comes back


async def test_short_response_ends_with_what_there_is_to_say(echo: None) -> None:
    app = application()
    await post_short(app, 1).end()
    waiting = post_short(app, 2, since=1, flags="c")
    await waiting.wait_for(2)
    assert not waiting.has_ended
    hub.get_server().push(PayloadEnvelope({"key": "test.note"}))
    await waiting.end()
    assert messages(waiting) == [None, "info", "test.note"]

    hub.get_server().push(PayloadEnvelope({"key": "test.held"}))
    third = post_short(app, 3, since=1, received=1, flags="c")
    await third.end()
    assert messages(third) == [None, "info", "test.held"]

    asking = post_short(app, 4, pack(key="test.view"), since=1, received=2, flags="c")
    await asking.end()
    assert messages(asking) == [None, "info", "test.view"]


async def test_short_response_to_messages_ends_at_once() -> None:
    app = application()
    await post_short(app, 1).end()
    post = post_short(app, 2, pack(key="test.view"), since=1, flags="c")
    await post.end()
    assert messages(post) == [None, "info"]
    assert post.body.endswith("1,0.")


@pytest.mark.parametrize("flags", ["", "c"])
async def test_what_is_in_a_short_response_is_written_again_where_nobody_reads_that(
    flags: str,
) -> None:
    """The response has ended by itself and may still be on its way to the peer."""
    app = application()
    await post_short(app, 1).end()
    waiting = post_short(app, 2, since=1, flags="c")
    await waiting.wait_for(2)
    hub.get_server().push(PayloadEnvelope({"key": "test.first"}))
    await waiting.end()
    hub.get_server().push(PayloadEnvelope({"key": "test.second"}))
    crossing = post_short(app, 3, since=1, received=0, flags=flags)
    await crossing.end()
    expected = ["test.second"] if flags else ["test.first", "test.second"]
    assert messages(crossing) == [None, "info", *expected]
    behind = post_short(app, 4, b".", since=1, received=2, flags=flags)
    await behind.end()
    assert messages(behind) == [None, "info"]
    assert not len(hub.get_server().connections["u"].session.window)


async def test_short_response_that_was_cut_is_not_taken_for_read() -> None:
    app = application()
    await post_short(app, 1).end()
    waiting = post_short(app, 2, since=1, flags="c")
    await waiting.wait_for(2)
    hub.get_server().push(PayloadEnvelope({"key": "test.first"}))
    await waiting.disconnect()
    again = post_short(app, 3, since=1, flags="c")
    await again.end()
    assert messages(again) == [None, "info", "test.first"]


async def test_overtaken_post_is_refused() -> None:
    app = application()
    await post_short(app, 1).end()
    await post_short(app, 3, since=1).end()
    late = post_short(app, 2, since=1)
    await late.end()
    assert late.head[0] == 409


async def test_short_response_with_nothing_to_say_is_no_end_of_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django_vortex.transports.http_stream.SHORT_SECONDS", 0.05)
    app = application()
    await post_short(app, 1).end()
    for attempt in (2, 3):
        post = post_short(app, attempt, since=1, flags="c")
        await post.end()
        assert messages(post) == [None, "info"]
    assert hub.get_server().connections["u"].session.is_resumed
