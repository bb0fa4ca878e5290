"""Live answers within a test, where nothing is committed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import translation

from django_vortex import (
    IsStaff,
    OrmCrudHandler,
    PayloadIO,
    PermissionDenied,
    Request,
    ValidationError,
    query,
    touch,
    tuple_type,
)
from django_vortex.testing import connect
from django_vortex.tuples import registry

IO = PayloadIO()

if registry.get_by_class(Group) is None:
    tuple_type("tests.testing.Group", fields=["id", "name"])(Group)


@query("groups", payload_io=IO)
def groups(request: Request, *, prefix: str = "") -> Any:
    return Group.objects.filter(name__startswith=prefix).order_by("name")


@query("names", payload_io=IO)
def names(request: Request) -> Any:
    return list(Group.objects.order_by("name").values_list("name", flat=True))


@query("staff", permission=IsStaff, payload_io=IO)
def staff(request: Request) -> int:
    return Group.objects.count()


@query("language", payload_io=IO)
def language(request: Request) -> str:
    return translation.get_language()


def find_language(request: Request) -> Any:
    """Say that all peers read German; a `WATCH_SCOPE`."""
    return "de", partial(translation.override, "de")


class LiveTest(TestCase):
    """Ten lines test a live list."""

    def test_answers_are_not_in_the_language_of_who_asked_first(self) -> None:
        with translation.override("fr"), connect(payload_io=IO) as peer:
            self.assertEqual(peer.watch("language").next(), "en-us")

    @override_settings(VORTEX={"WATCH_SCOPE": f"{__name__}.find_language"})
    def test_scope_of_the_project_says_in_which_language_answers_are(self) -> None:
        with connect(payload_io=IO) as peer:
            self.assertEqual(peer.watch("language").next(), "de")

    def test_list_is_live(self) -> None:
        with connect(payload_io=IO) as peer:
            watch = peer.watch("groups", prefix="a")
            self.assertEqual(watch.next(), [])
            Group.objects.create(name="ab")
            Group.objects.create(name="b")
            [group] = watch.next()
            self.assertEqual(group.name, "ab")
            group.delete()
            self.assertEqual(watch.next(), [])


class CommitTest(TestCase):
    """What counts as a commit where nothing is."""

    def setUp(self) -> None:
        Group.objects.create(name="before")
        connecting = connect(payload_io=IO)
        self.peer = connecting.__enter__()
        self.addCleanup(connecting.__exit__, None, None, None)
        self.watch = self.peer.watch("names")
        self.assertEqual(self.watch.next(), ["before"])

    def check(self, *expected: str) -> None:
        self.assertEqual(self.watch.next(), sorted(["before", *expected]))

    def test_writes_outside_of_any_savepoint(self) -> None:
        group = Group.objects.create(name="one")
        self.check("one")
        group.name = "two"
        group.save()
        self.check("two")
        Group.objects.bulk_create([Group(name="x"), Group(name="y")])
        self.check("two", "x", "y")
        Group.objects.filter(name="x").update(name="z")
        self.check("two", "y", "z")
        Group.objects.filter(name__in=["y", "z"]).delete()
        self.check("two")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE auth_group SET name = 'raw' WHERE name = 'two'")
        self.check("raw")

    def test_release_of_the_outermost_savepoint(self) -> None:
        with transaction.atomic():
            Group.objects.create(name="one")
            with transaction.atomic():
                Group.objects.create(name="two")
            self.assertEqual(self.peer.unread, [])
        self.check("one", "two")

    def test_what_is_rolled_back_is_not_shown(self) -> None:
        with self.assertRaises(ValueError), transaction.atomic():
            Group.objects.create(name="gone")
            raise ValueError
        with transaction.atomic():
            with self.assertRaises(ValueError), transaction.atomic():
                Group.objects.create(name="gone")
                raise ValueError
            Group.objects.create(name="stays")
        self.check("stays")
        self.assertEqual(self.peer.unread, [])

    def test_block_without_a_savepoint(self) -> None:
        with transaction.atomic(savepoint=False):
            Group.objects.create(name="one")
        self.check("one")

    def test_handlers_of_the_same_test(self) -> None:
        class Groups(OrmCrudHandler):
            filt = {"key": "edited"}
            model = Group
            fields = ["id", "name"]
            type_name = "t.EditedGroup"
            payload_io = IO

        handler = Groups()
        user = User.objects.create(username="ann", is_superuser=True)
        with connect(user=user, payload_io=IO) as writer:
            [row] = writer.request({"key": "edited"}).tuples
            row.name = "made"
            self.assertEqual(writer.request({"key": "edited"}, [row]).text, "")
        self.check("made")
        handler.endpoint.close()

    def test_what_is_touched(self) -> None:
        with connect(payload_io=IO) as peer:
            other = peer.watch("groups")
            self.assertEqual(len(other.next()), 1)
            touch(Group)
            Group.objects.create(name="one")
            self.assertEqual(len(other.next()), 2)


class CoroutineTest(TestCase):
    """The same in coroutines, whose loop has a thread of its own."""

    async def test_asynchronous_tests_await(self) -> None:
        await Group.objects.acreate(name="before")
        async with connect(payload_io=IO) as peer:
            watch = await peer.watch("groups", prefix="b")
            self.assertEqual([group.name for group in await watch.next()], ["before"])
            await Group.objects.acreate(name="b")
            self.assertEqual([group.name for group in await watch.next()], ["b", "before"])


class RefusalTest(TestCase):
    """What a watch is refused with, and what ends it."""

    def test_errors_are_raised(self) -> None:
        with connect(payload_io=IO) as peer:
            with self.assertRaises(ValidationError):
                peer.watch("groups", prefix=5).next()
            with self.assertRaises(PermissionDenied):
                peer.watch("staff").next()

    def test_a_right_that_goes_ends_the_watch(self) -> None:
        user = User.objects.create(username="ann", is_staff=True)
        user.user_permissions.add(*Permission.objects.all()[:1])
        with connect(user=user, payload_io=IO) as peer:
            watch = peer.watch("staff")
            self.assertEqual(watch.next(), 0)
            User.objects.filter(pk=user.pk).update(is_staff=False)
            with self.assertRaises(PermissionDenied):
                watch.next()


class RealCommitTest(TransactionTestCase):
    """A test that commits needs nothing of that."""

    def test_commits_are_shown(self) -> None:
        with connect(payload_io=IO) as peer:
            watch = peer.watch("names")
            self.assertEqual(watch.next(), [])
            with transaction.atomic():
                Group.objects.create(name="one")
                self.assertEqual(peer.unread, [])
            self.assertEqual(watch.next(), ["one"])


@pytest.fixture
def quiet() -> Iterator[None]:
    """A peer that watches nothing."""
    with connect(payload_io=IO):
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("quiet")
def test_queries_are_as_many_as_without(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Group.objects.create(name="one")
