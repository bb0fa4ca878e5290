"""Peers of application tests, used in all the ways that such tests are written."""

import asyncio
import random
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser, Group, User
from django.test import TestCase

from django_vortex import ModelHandler, Payload, PermissionDenied, Request, endpoint, send
from django_vortex.exceptions import DefinitionError, TakenByAnother
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO, payload_io
from django_vortex.routing.permissions import IsAuthenticated
from django_vortex.testing import NothingReceived, PeerClosed, connect
from django_vortex.tuples import registry, tuple_type
from django_vortex.wire.dialects import Dialect

ANN = SimpleNamespace(pk=7, is_authenticated=True)
BOB = SimpleNamespace(pk=8, is_authenticated=True)

if registry.get_by_class(Group) is None:
    tuple_type("tests.testing.Group", fields=["id", "name"])(Group)


class Groups(ModelHandler):
    filt = {"key": "testing.groups"}

    def build_model(self, request: Request) -> Any:
        return Group.objects.order_by("name")


async def count_groups() -> int:
    return await Group.objects.acount()


@pytest.fixture(autouse=True)
def endpoints() -> Iterator[list[Any]]:
    """Endpoints of a small application, in the program's registry."""
    kept: list[Any] = [Groups()]

    @endpoint({"key": "testing.echo"}, owner=kept[0])
    async def echo(request: Request) -> Any:
        return request.tuples

    @endpoint({"key": "testing.who"}, owner=kept[0])
    def who(request: Request) -> Any:
        return [request.user.pk, request.peer.name, threading.get_ident()]

    @endpoint({"key": "testing.add"}, owner=kept[0])
    def add(request: Request) -> Any:
        for name in request.tuples:
            Group.objects.create(name=name)
        send(Payload({"key": "testing.added"}, tuples=request.tuples))

    @endpoint({"key": "testing.add_async"}, owner=kept[0])
    async def add_async(request: Request) -> Any:
        for name in request.tuples:
            await Group.objects.acreate(name=name)
        nested = await sync_to_async(async_to_sync(count_groups))()
        counts = await asyncio.gather(Group.objects.acount(), Group.objects.acount())
        return [[one.name async for one in Group.objects.order_by("name")], nested, *counts]

    @endpoint({"key": "testing.refuse"}, owner=kept[0])
    async def refuse(request: Request) -> Any:
        raise PermissionDenied("Only for staff")

    kept += [echo, who, add, add_async, refuse]
    yield kept
    for found in payload_io.endpoints:
        if found.filt["key"].startswith("testing."):
            found.close()


async def test_a_request_is_answered() -> None:
    async with connect() as peer:
        reply = await peer.request({"key": "testing.echo"}, ["a", 1, None])
    assert (reply.tuples, reply.result) == (["a", 1, None], None)
    assert reply.filt["key"] == "testing.echo"


def test_a_request_is_answered_to_a_plain_test() -> None:
    with connect() as peer:
        assert peer.request({"key": "testing.echo"}, ["a"]).tuples == ["a"]
        assert peer.request({"key": "testing.echo"}, ["b"]).tuples == ["b"]


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_peer_speaks_the_dialect_it_is_told_to(dialect: Dialect) -> None:
    async with connect(dialect=dialect) as peer:
        assert (await peer.request({"key": "testing.echo"}, [(1, 2)])).tuples == [
            (1, 2) if dialect.is_native else [1, 2]
        ]


async def test_a_peer_of_the_oldest_dialect_may_say_much_in_its_life() -> None:
    tuples = [random.Random(0).randbytes(200_000).hex()]
    async with connect(dialect=Dialect.D0) as peer:
        for _ in range(16_777_216 // 400_000 + 2):  # more than one body may hold
            assert (await peer.request({"key": "testing.echo"}, tuples)).tuples == tuples


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_peer_that_has_left_is_reached_by_nothing(dialect: Dialect) -> None:
    async with connect() as other:
        async with connect(dialect=dialect, name="left") as peer:
            await peer.request({"key": "testing.echo"})
        reached = send(Payload({"key": "testing.news"}), to_name="left")
        assert await asyncio.wrap_future(reached) == 0
        assert not other.unread


async def test_plain_handlers_run_in_the_thread_of_the_test() -> None:
    async with connect(user=ANN, name="board") as peer:
        reply = await peer.request({"key": "testing.who"})
    assert reply.tuples == [7, "board", threading.get_ident()]


def test_plain_handlers_run_in_the_thread_of_a_plain_test() -> None:
    with connect(user=ANN, name="board") as peer:
        reply = peer.request({"key": "testing.who"})
    assert reply.tuples == [7, "board", threading.get_ident()]


def test_whoever_is_nobody_in_particular_is_anonymous() -> None:
    with connect() as peer:
        assert peer.request({"key": "testing.who"}).tuples[0] is None


async def test_what_goes_wrong_is_the_result() -> None:
    async with connect() as peer:
        reply = await peer.request({"key": "testing.refuse"})
    assert (reply.error, reply.text, reply.tuples) == ("permission", "Only for staff", [])


@pytest.mark.django_db
def test_a_plain_test_and_its_handlers_share_the_transaction() -> None:
    Group.objects.create(name="a")
    with connect() as peer:
        peer.send({"key": "testing.add"}, ["b"])
        names = [group.name for group in peer.request({"key": "testing.groups"}).tuples]
        pushed = peer.receive({"key": "testing.added"})
    assert names == ["a", "b"]
    assert pushed.tuples == ["b"]
    assert Group.objects.filter(name="b").exists()


@pytest.fixture
def group(db: None) -> Group:
    """A row written in the test's transaction, by a fixture that is a plain function."""
    return Group.objects.create(name="a")


async def test_a_coroutine_of_pytest_and_its_handlers_share_the_transaction(group: Group) -> None:
    async with connect() as peer:
        await peer.send({"key": "testing.add"}, ["b"])
        reply = await peer.request({"key": "testing.groups"})
    assert [one.name for one in reply.tuples] == ["a", "b"]


class TestOfDjango(TestCase):
    """The ways of Django's own test case, which wraps each test in a transaction."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create(username="ann")
        Group.objects.create(name="a")

    def test_a_plain_test_shares_the_transaction(self) -> None:
        with connect(user=self.user) as peer:
            assert peer.request({"key": "testing.who"}).tuples[0] == self.user.pk
            peer.send({"key": "testing.add"}, ["b"])
            assert [group.name for group in peer.request({"key": "testing.groups"}).tuples] == [
                "a",
                "b",
            ]
        assert Group.objects.count() == 2

    def test_asynchronous_handlers_share_the_transaction_of_a_plain_test(self) -> None:
        for names in (["b"], ["c"]):
            with connect(user=self.user) as peer:
                reply = peer.request({"key": "testing.add_async"}, names)
        assert reply.tuples == [["a", "b", "c"], 3, 3, 3]
        assert Group.objects.count() == 3
        assert async_to_sync(count_groups)() == 3

    async def test_asynchronous_handlers_share_the_transaction_of_a_coroutine(self) -> None:
        async with connect(user=self.user) as peer:
            reply = await peer.request({"key": "testing.add_async"}, ["b"])
        assert reply.tuples == [["a", "b"], 2, 2, 2]
        assert await Group.objects.acount() == 2

    async def test_a_coroutine_shares_the_transaction(self) -> None:
        async with connect(user=self.user) as peer:
            assert (await peer.request({"key": "testing.who"})).tuples[0] == self.user.pk
            await peer.send({"key": "testing.add"}, ["b"])
            reply = await peer.request({"key": "testing.groups"})
            assert [group.name for group in reply.tuples] == ["a", "b"]
            assert (await peer.receive({"key": "testing.added"})).tuples == ["b"]
        assert await Group.objects.acount() == 2

    def test_an_update_goes_out_with_the_commit(self) -> None:
        handler = Groups({"key": "testing.pushed"})
        with connect() as peer:
            with self.captureOnCommitCallbacks(execute=True):
                handler.send_model_update()
                Group.objects.create(name="b")
                assert peer.unread == []
            pushed = peer.receive({"key": "testing.pushed"})
        assert [group.name for group in pushed.tuples] == ["a", "b"]


async def test_a_push_has_arrived_when_it_is_sent() -> None:
    async with connect(user=ANN) as ann, connect(user=BOB, name="board") as bob:
        filt = {"key": "testing.push"}
        assert await asyncio.wrap_future(send(Payload(filt, tuples=["all"]))) == 2
        assert send(Payload(filt, tuples=["ann"]), to_user=7).result(0) == 1
        assert send(Payload(filt, tuples=["bob"]), to_peer=bob.uuid).result(0) == 1
        assert send(Payload(filt, tuples=["board"]), to_name="board").result(0) == 1
        assert [one.tuples for one in ann.unread] == [["all"], ["ann"]]
        assert [one.tuples for one in bob.unread] == [["all"], ["bob"], ["board"]]


def test_a_push_of_a_plain_test_has_arrived_when_it_is_sent() -> None:
    with connect(user=ANN) as ann, connect(user=BOB) as bob:
        send(Payload({"key": "testing.push"}, tuples=["x"]), to_user=BOB)
        assert [one.tuples for one in bob.unread] == [["x"]]
        assert ann.unread == []


def test_a_push_of_another_thread_arrives() -> None:
    with connect() as peer:
        thread = threading.Thread(target=send, args=[Payload({"key": "testing.push"})])
        thread.start()
        thread.join()
        assert peer.receive().filt == {"key": "testing.push"}


async def test_a_push_of_a_thread_arrives_while_the_loop_runs() -> None:
    async with connect() as peer:
        future = await sync_to_async(send, thread_sensitive=False)(Payload({"key": "testing.push"}))
        assert (await peer.receive()).filt == {"key": "testing.push"}
        assert future.result(0) == 1


def test_what_can_not_be_sent_is_told_to_the_sender() -> None:
    with connect() as peer:
        with pytest.raises(DefinitionError, match="Cannot encode"):
            send(Payload({"key": "testing.push"}, tuples=[object()]))
        assert peer.unread == []


async def test_what_was_not_waited_for_stays_unread() -> None:
    async with connect() as peer:
        for number in range(3):
            send(Payload({"key": "testing.push", "number": number}))
        assert (await peer.receive({"number": 1})).filt["number"] == 1
        assert [one.filt["number"] for one in peer.unread] == [0, 2]
        assert (await peer.receive()).filt["number"] == 0


async def test_waiting_in_vain_says_what_came_instead() -> None:
    async with connect() as peer:
        send(Payload({"key": "testing.other"}))
        with pytest.raises(NothingReceived) as failed:
            await peer.receive({"key": "testing.push"}, timeout=0)
    assert str(failed.value) == (
        "Nothing with {'key': 'testing.push'} came within 0 s; unread is {'key': 'testing.other'}"
    )


async def test_sending_waits_for_the_handler() -> None:
    done: list[str] = []

    async def work(request: Request) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        done.append("work")

    kept = PayloadEndpoint({"key": "testing.work"}, work)
    async with connect() as peer:
        await peer.send({"key": "testing.work"})
        assert done == ["work"]
    kept.close()


async def test_a_handler_that_does_not_end_is_cancelled_when_its_peer_leaves() -> None:
    ended: list[str] = []

    async def wait(request: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("wait")

    kept = PayloadEndpoint({"key": "testing.wait"}, wait)
    tasks = asyncio.all_tasks()
    async with connect() as peer:
        with pytest.raises(TimeoutError):
            await peer.send({"key": "testing.wait"}, timeout=0.01)
    assert ended == ["wait"]
    assert asyncio.all_tasks() == tasks
    kept.close()


async def test_a_uuid_in_use_by_somebody_else_is_refused() -> None:
    async with connect(user=ANN, uuid="u1") as peer:
        with pytest.raises(TakenByAnother):
            async with connect(user=BOB, uuid="u1"):
                pytest.fail("Bob is connected as Ann")
        assert (await peer.request({"key": "testing.echo"}, [1])).tuples == [1]


def test_a_refused_peer_of_a_plain_test_leaves_nothing_behind() -> None:
    before = payload_io.run_sync
    with connect(user=ANN, uuid="u1") as peer:
        with pytest.raises(TakenByAnother), connect(user=BOB, uuid="u1"):
            pytest.fail("Bob is connected as Ann")
        assert peer.request({"key": "testing.echo"}, [1]).tuples == [1]
    assert payload_io.run_sync is before


async def test_plain_and_coroutine_peers_are_not_mixed() -> None:
    async with connect():
        with pytest.raises(RuntimeError, match="all with `async with`"):
            await asyncio.to_thread(connect().__enter__)


async def test_what_was_received_is_shown() -> None:
    async with connect() as peer:
        filt = {"key": "testing.echo", "PayloadResponse.messageId": "m"}
        await peer.send(filt, ["a"])
        await peer.send({**filt, "key": "testing.refuse"})
    assert [repr(one) for one in peer.unread] == [
        f"<Received {filt!r} 1 tuples>",
        f"<Received { {**filt, 'key': 'testing.refuse'}!r} permission: 'Only for staff'>",
    ]


async def test_a_newer_peer_with_the_same_uuid_replaces_the_older() -> None:
    async with connect(user=ANN, uuid="u1") as old, connect(user=ANN, uuid="u1") as new:
        assert (await new.request({"key": "testing.echo"}, [1])).tuples == [1]
        with pytest.raises(PeerClosed, match="1000 Replaced by a newer stream"):
            await old.request({"key": "testing.echo"}, [1])


def test_using_a_peer_after_its_end_fails() -> None:
    with connect() as peer:
        pass
    with pytest.raises(RuntimeError, match="The peer has left"):
        peer.request({"key": "testing.echo"})


async def test_a_registry_of_its_own_is_used() -> None:
    mine = PayloadIO()
    kept = PayloadEndpoint({"key": "testing.mine"}, lambda request: ["mine"], payload_io=mine)
    async with connect(payload_io=mine) as peer:
        assert (await peer.request({"key": "testing.mine"})).tuples == ["mine"]
        reply = await peer.request({"key": "testing.echo"})
        assert reply.text.startswith("No endpoint for")
        with pytest.raises(RuntimeError, match="same PayloadIO"):
            async with connect():
                pytest.fail("A peer of another registry is connected")
    kept.close()


async def test_a_coroutine_has_to_use_async_with() -> None:
    with pytest.raises(RuntimeError, match="async with"), connect():
        pytest.fail("A plain peer is connected on a loop")


def test_afterwards_all_is_as_before() -> None:
    before = payload_io.run_sync, payload_io._push
    with connect(), connect():
        assert payload_io.run_sync is not before[0]
    assert (payload_io.run_sync, payload_io._push) == before


def test_a_failing_test_leaves_nothing_behind() -> None:
    before = payload_io.run_sync
    with pytest.raises(ZeroDivisionError), connect():
        1 / 0  # noqa: B018
    assert payload_io.run_sync is before
    with connect() as peer:
        assert peer.request({"key": "testing.echo"}, [1]).tuples == [1]


def test_anonymous_is_nobody_to_send_to() -> None:
    with connect() as peer:
        with pytest.raises(DefinitionError):
            send(Payload({"key": "testing.push"}), to_user=AnonymousUser())
        assert peer.unread == []


async def test_permissions_are_asked_for_the_user_of_the_test(settings: Any) -> None:
    @endpoint({"key": "testing.members"}, permission=IsAuthenticated)
    async def count(request: Request) -> Any:
        return [5]

    async with connect() as peer:
        assert (await peer.request({"key": "testing.members"})).text == "You may not ask for this"
    async with connect(user=ANN) as peer:
        assert (await peer.request({"key": "testing.members"})).tuples == [5]


@pytest.mark.parametrize("io", [payload_io, PayloadIO()], ids=["of the program", "another"])
async def test_the_default_permission_is_that_of_the_settings(settings: Any, io: PayloadIO) -> None:
    @endpoint({"key": "testing.any"}, payload_io=io)
    async def count(request: Request) -> Any:
        return [5]

    async with connect(payload_io=io) as peer:
        assert (await peer.request({"key": "testing.any"})).tuples == [5]
        settings.VORTEX = {"PERMISSION": "django_vortex.IsStaff"}
        assert (await peer.request({"key": "testing.any"})).text == "You may not ask for this"
