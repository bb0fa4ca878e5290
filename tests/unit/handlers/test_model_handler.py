"""Data that is built for whoever asks, and pushed."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, DeliveryError, PermissionDenied
from django_vortex.handlers import ModelHandler
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny, IsAuthenticated
from django_vortex.routing.readers import Readers
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload
from tests.support.routing import Bench
from tests.support.told import text_of


class Numbers(ModelHandler):
    """Gives what its ``data`` gives and notes what it was called with."""

    filt = {"key": "numbers"}

    def __init__(self, bench: Bench, data: Callable[[Request], Any], **more: Any) -> None:
        self.bench = bench
        self.data = data
        self.calls: list[str] = []
        super().__init__(payload_io=bench.payload_io, **more)

    def pre_process(self, request: Request) -> None:
        self.calls.append("pre")

    def build_model(self, request: Request) -> Any:
        self.calls.append("push" if request.is_push else "build")
        return self.data(request)

    def post_process(self, request: Request, payload: Payload) -> None:
        self.calls.append(f"post {payload.tuples}")


@pytest.mark.parametrize(
    ("data", "tuples"),
    [([1, 2], [1, 2]), (None, []), (Payload(tuples=[3]), [3]), (range(2), [0, 1])],
)
async def test_the_data_is_built_off_the_loop_between_the_hooks(
    bench: Bench, data: Any, tuples: list[int]
) -> None:
    def build(request: Request) -> Any:
        assert bench.sync.is_running
        return data

    handler = Numbers(bench, build)
    assert bench.tuples_of(await bench.ask_one({"key": "numbers"})) == tuples
    assert handler.calls == ["pre", "build", f"post {tuples}"]


async def test_what_a_hook_changes_is_sent(bench: Bench) -> None:
    class Reversed(Numbers):
        def post_process(self, request: Request, payload: Payload) -> None:
            payload.tuples.reverse()

    handler = Reversed(bench, lambda request: [1, 2])
    assert bench.tuples_of(await bench.ask_one({"key": "numbers"})) == [2, 1]
    del handler


async def test_a_hook_that_refuses_prevents_the_building(bench: Bench) -> None:
    class Closed(Numbers):
        def pre_process(self, request: Request) -> None:
            raise PermissionDenied("Not today")

    handler = Closed(bench, lambda request: [1])
    assert text_of((await bench.ask_one({"key": "numbers"})).result) == "Not today"
    assert handler.calls == []


async def test_a_filt_given_to_an_object_replaces_that_of_its_class(bench: Bench) -> None:
    class More(Numbers):
        def __init__(self) -> None:
            super().__init__(bench, lambda request: [1], filt={"key": "other"})

    handler = More()
    assert handler.filt == {"key": "other"}
    assert Numbers.filt == {"key": "numbers"}
    assert bench.tuples_of(await bench.ask_one({"key": "other"})) == [1]


def test_an_update_goes_to_everyone_under_the_filt(bench: Bench) -> None:
    handler = Numbers(bench, lambda request: range(3))
    assert handler.send_model_update().result(0) == 1
    [(envelope, to, coalesce)] = bench.pushes.made
    assert envelope.filt == {"key": "numbers"}
    assert (to, coalesce) == (Address(handler={"key": "numbers"}), True)
    assert bench.tuples_of(envelope) == [0, 1, 2]
    assert handler.calls == ["push"]


def test_an_update_goes_to_those_named(bench: Bench) -> None:
    handler = Numbers(bench, lambda request: [1])
    handler.send_model_update(to_peer="u1")
    handler.send_model_update(to_name="browser")
    handler.send_model_update(to_user=7)
    addresses = [to for _, to, _ in bench.pushes.made]
    filt = {"key": "numbers"}
    assert addresses == [
        Address(uuid="u1", handler=filt, is_each=True),
        Address(name="browser", handler=filt),
        Address(user=7, handler=filt, is_each=True),
    ]
    assert [envelope.has_payload for envelope, _, _ in bench.pushes.made] == [False, True, False]
    assert handler.calls == ["push"]  # what is for one is built where that is


def test_an_update_is_encoded_where_it_was_built(bench: Bench) -> None:
    data = [1]
    handler = Numbers(bench, lambda request: Payload(tuples=data))
    handler.send_model_update()
    [(envelope, _, _)] = bench.pushes.made
    envelope.decode_payload(bench.codec).tuples.append("too late")
    assert bench.tuples_of(envelope, Dialect.NATIVE) == [1]


def test_an_update_has_the_filt_of_the_handler_inside_as_well(bench: Bench) -> None:
    returned = Payload({"key": "other"}, [1])
    handler = Numbers(bench, lambda request: returned)
    handler.send_model_update()
    [(envelope, _, _)] = bench.pushes.made
    text = envelope.encoded(bench.codec, Dialect.NATIVE, None)
    assert text is not None
    assert bench.codec.decode_payload(text, Dialect.NATIVE).filt == {"key": "numbers"}
    assert returned.filt == {"key": "other"}


def test_an_update_waits_for_the_commit_and_is_built_then(bench: Bench) -> None:
    committed: list[Callable[[], object]] = []
    bench.payload_io.bind(after_commit=committed.append)
    data = ["before"]
    handler = Numbers(bench, lambda request: list(data))
    future = handler.send_model_update()
    data[:] = ["after"]
    assert bench.pushes.made == []
    assert not future.done()
    [send] = committed
    send()
    assert future.result(0) == 1
    assert bench.tuples_of(bench.pushes.made[0][0]) == ["after"]


async def test_an_update_from_a_loop_is_built_off_it(bench: Bench) -> None:
    seen: list[bool] = []
    handler = Numbers(bench, lambda request: seen.append(bench.sync.is_running))
    future = handler.send_model_update()
    assert seen == []
    assert await asyncio.wrap_future(future) == 1
    assert seen == [True]


async def test_an_update_that_cannot_be_built_says_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: Request) -> None:
        raise KeyError("x")

    handler = Numbers(bench, fail)
    with pytest.raises(KeyError):
        await asyncio.wrap_future(handler.send_model_update())
    with pytest.raises(KeyError):
        (await asyncio.to_thread(handler.send_model_update)).result(0)
    assert len(caplog.records) == 2
    assert bench.pushes.made == []


def test_an_update_that_reaches_nobody_says_so(bench: Bench) -> None:
    bench.payload_io = PayloadIO()
    handler = Numbers(bench, lambda request: [1])
    with pytest.raises(DeliveryError):
        handler.send_model_update().result(0)


def test_an_update_that_is_cancelled_in_time_gives_no_result(bench: Bench) -> None:
    committed: list[Callable[[], object]] = []
    bench.payload_io.bind(after_commit=committed.append)
    handler = Numbers(bench, lambda request: [1])
    future = handler.send_model_update()
    future.cancel()
    committed[0]()
    assert future.cancelled()


def test_a_request_without_asker_has_the_filt_and_stands_for_many(bench: Bench) -> None:
    seen: list[Request] = []
    handler = Numbers(bench, seen.append)
    handler.send_model_update()
    [request] = seen
    assert (request.filt, request.tuples) == ({"key": "numbers"}, [])
    assert (request.is_push, request.is_shared) == (True, True)
    assert repr(request) == "<Request {'key': 'numbers'} from nobody>"


@pytest.mark.parametrize(
    "look",
    [
        lambda request: request.user,
        lambda request: request.peer.session,
        lambda request: request.peer.uuid,
        lambda request: request.peer.name,
        lambda request: request.peer.address,
        lambda request: request.peer.scope,
    ],
)
@pytest.mark.parametrize("is_caught", [True, False])
def test_what_depends_on_the_peer_is_not_pushed_to_many(
    bench: Bench, look: Callable[[Request], Any], is_caught: bool
) -> None:
    def build(request: Request) -> list[Any]:
        try:
            look(request)
        except Exception:
            if not is_caught:
                raise
        return ["of nobody"]

    handler = Numbers(bench, build)
    each = Address(handler={"key": "numbers"}, is_each=True)
    for count in (1, 2):
        assert handler.send_model_update().result(0) == 1
        envelope, to, coalesce = bench.pushes.made[-1]
        assert (envelope.filt, envelope.has_payload) == ({"key": "numbers"}, False)
        assert (to, coalesce) == (each, True)
        assert len(bench.pushes.made) == count
    assert handler.calls == ["push"]  # which is known from then on


async def test_what_is_pushed_is_built_without_the_hooks_for_those_who_asked(bench: Bench) -> None:
    handler = Numbers(bench, lambda request: [request.user])
    peer = Peer("u", "n", user="ann")
    [reply] = await Readers(bench.payload_io).read({"key": "numbers"}, {"key": "numbers"}, peer)
    assert (bench.tuples_of(reply), reply.filt) == (["ann"], {"key": "numbers"})
    assert handler.calls == ["push"]


def test_a_handler_that_nobody_keeps_disappears(bench: Bench) -> None:
    handler = Numbers(bench, lambda request: [1])
    alive = weakref.ref(handler)
    del handler
    gc.collect()
    assert alive() is None
    assert bench.payload_io.endpoints == []


def test_a_coroutine_in_a_plain_handler_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"Wrong\.build_model is a coroutine function"):

        class Wrong(ModelHandler):
            async def build_model(self, request: Request) -> None: ...  # type: ignore[override]


def test_a_handler_without_filt_is_refused(bench: Bench) -> None:
    class Nameless(ModelHandler):
        def build_model(self, request: Request) -> None: ...

    with pytest.raises(DefinitionError, match="has no 'key'"):
        Nameless(payload_io=bench.payload_io)


def test_a_handler_that_builds_nothing_cannot_be_made(bench: Bench) -> None:
    class Idle(ModelHandler):
        filt = {"key": "idle"}

    with pytest.raises(TypeError, match="build_model"):
        Idle(payload_io=bench.payload_io)  # type: ignore[abstract]


async def test_who_may_ask_is_said_by_the_class_or_when_it_is_made(bench: Bench) -> None:
    class Secret(Numbers):
        permission = IsAuthenticated

    handler = Secret(bench, lambda request: [1])
    assert text_of((await bench.ask_one({"key": "numbers"})).result) == "You may not ask for this"
    assert handler.calls == []
    handler.endpoint.close()
    handler = Secret(bench, lambda request: [1], permission=AllowAny)
    assert bench.tuples_of(await bench.ask_one({"key": "numbers"})) == [1]


def test_a_handler_without_rows_takes_no_permission_that_tells_them_apart(bench: Bench) -> None:
    class Own(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"owner_id": 7}

    with pytest.raises(DefinitionError, match="Own tells rows apart"):
        Numbers(bench, lambda request: [1], permission=Own)
