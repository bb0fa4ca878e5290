"""A queryset is read without instances only where that is the same."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Count, F
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import ModelSignal, post_init, pre_init

from django_vortex.orm.conditions import Condition, to_condition
from django_vortex.orm.django.store import DjangoStore
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.store import Order, Scope
from tests.unit.orm.crud_bench import ticket
from tests.unit.orm.models import Author, Everything, Guarded, Novelist, Pseudonym, Ticket

pytestmark = pytest.mark.django_db

FIELDS = ("id", "title", "points", "changed", "author_id")


async def run_inline(function: Callable[[], Any]) -> Any:
    return function()


def read(
    model: Any,
    *names: str,
    queryset: Any = None,
    where: Condition | None = None,
    order: str | None = None,
    limit: int | None = None,
) -> Any:
    """Return what is read without instances; it has to be what they have."""
    store = DjangoStore("default", run_inline)
    shape = Shape(store.describe(model), names)

    def work(unit: Any) -> Any:
        rows = unit.rows(shape, Scope(queryset))
        asked = where, [Order(order)] if order else [], limit
        plain = rows.find_values(*asked)
        if plain is None:
            return None
        whole = [rows.values(row) for row in rows.find(*asked)]
        assert [dict(zip(names, row, strict=True)) for row in plain] == whole
        return [tuple(row) for row in plain]

    return store.run_here(work)


@pytest.fixture
def tickets() -> None:
    ann = Author.objects.create(name="Ann")
    for number in range(3):
        ticket(title=f"t{number}", points=number, author=ann if number else None)


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize(
    "change",
    [
        lambda queryset: queryset,
        lambda queryset: queryset.only("id"),
        lambda queryset: queryset.defer("title"),
        lambda queryset: queryset.annotate(more=F("points") + 1).filter(more__gt=0),
        lambda queryset: queryset.alias(more=F("points") + 1).order_by("-more"),
        lambda queryset: queryset.prefetch_related("author"),
        lambda queryset: queryset.filter(author__name="Ann"),
        lambda queryset: queryset.exclude(author=None),
        lambda queryset: queryset.order_by("author__name", "-id"),
        lambda queryset: queryset.none(),
    ],
)
def test_what_a_queryset_says_of_rows_counts(change: Any) -> None:
    queryset = change(Ticket.objects.all())
    found = read(Ticket, *FIELDS, queryset=queryset)
    assert [row[0] for row in found] == [one.pk for one in queryset]


@pytest.mark.usefixtures("tickets")
def test_conditions_order_and_limit_count() -> None:
    where = to_condition({"points__gte": 1})
    assert [row[1] for row in read(Ticket, *FIELDS, where=where, order="title")] == ["t1", "t2"]
    assert [row[1] for row in read(Ticket, *FIELDS, order="title", limit=2)] == ["t0", "t1"]


def test_a_row_that_a_join_gives_twice_is_there_once() -> None:
    group = Group.objects.create(name="g")
    group.permissions.set(Permission.objects.all()[:2])
    queryset = Group.objects.filter(permissions__isnull=False)
    assert read(Group, "id", "name", queryset=queryset) == [(group.pk, "g")]


def test_children_and_proxies_are_read_without_instances() -> None:
    novelist = Novelist.objects.create(name="Ann")
    names = ("author_ptr_id", "id", "name", "genre")
    assert read(Novelist, *names) == [(novelist.pk, novelist.pk, "Ann", "crime")]
    assert read(Pseudonym, "id", "name") == [(novelist.pk, "Ann")]
    assert read(Author, "id", queryset=Pseudonym.objects.all()) == [(novelist.pk,)]


@pytest.mark.parametrize(
    "change",
    [
        lambda queryset: queryset.distinct(),
        lambda queryset: queryset.select_related("author"),
        lambda queryset: queryset.annotate(number=Count("author")),
        lambda queryset: queryset.extra(select={"one": "1"}),
        lambda queryset: queryset.select_for_update(),
    ],
)
def test_a_queryset_that_would_give_other_rows_takes_instances(change: Any) -> None:
    assert read(Ticket, *FIELDS, queryset=change(Ticket.objects.all())) is None


class Fetching(models.QuerySet[Any]):
    def _fetch_all(self) -> None:
        raise AssertionError("Not to be called")


class Iterating(models.QuerySet[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("Not to be called")


@pytest.mark.parametrize("cls", [Fetching, Iterating])
def test_a_queryset_with_a_reading_of_its_own_takes_instances(cls: Any) -> None:
    assert read(Ticket, *FIELDS, queryset=cls(Ticket)) is None


class Loaded(Author):
    """Does something with each row."""

    class Meta:
        app_label = "vortex_tests"
        proxy = True

    @classmethod
    def from_db(cls, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("Not to be called")


class Setting(Author):
    class Meta:
        app_label = "vortex_tests"
        proxy = True

    def __setattr__(self, name: str, value: Any) -> None:
        raise AssertionError("Not to be called")


class LoudDescriptor(DeferredAttribute):
    def __set__(self, instance: Any, value: Any) -> None:
        raise AssertionError("Not to be called")


class LoudField(models.CharField):
    descriptor_class = LoudDescriptor


class Loud(models.Model):
    name = LoudField(max_length=9)

    class Meta:
        app_label = "vortex_tests"


@pytest.mark.parametrize("model", [Guarded, Loaded, Setting, Loud])
def test_a_model_that_does_something_at_loading_takes_instances(model: Any) -> None:
    assert read(model, "id", "name") is None


def test_so_does_one_whose_queryset_is_of_such_a_child() -> None:
    assert read(Author, "id", "name", queryset=Loaded.objects.all()) is None


@pytest.fixture(params=[pre_init, post_init])
def signal(request: pytest.FixtureRequest) -> Iterator[ModelSignal]:
    def receive(**rest: Any) -> None:
        raise AssertionError("Not to be called")

    request.param.connect(receive, sender=Ticket)
    yield request.param
    request.param.disconnect(receive, sender=Ticket)


def test_a_model_whose_loading_is_watched_takes_instances(signal: ModelSignal) -> None:
    assert read(Ticket, *FIELDS) is None
    assert read(Author, "id", "name") == []


@pytest.mark.parametrize(
    ("model", "names"),
    [(Group, ("id", "permissions")), (Everything, ("key", "file")), (Everything, ("image",))],
)
def test_lists_of_keys_and_files_take_instances(model: Any, names: tuple[str, ...]) -> None:
    assert read(model, *names) is None


class ViewedField(models.BinaryField):
    """As some drivers of PostgreSQL give them."""

    def get_db_converters(self, connection: Any) -> Any:
        return [lambda value, *rest: memoryview(value)]


class Viewed(models.Model):
    key = models.UUIDField(primary_key=True)
    blob = ViewedField()

    class Meta:
        app_label = "vortex_tests"
        db_table = Everything._meta.db_table
        managed = False


def test_views_of_bytes_become_bytes() -> None:
    known = Everything.objects.create(blob=b"ab")
    [(key, value)] = read(Viewed, "key", "blob")
    assert (key, type(value), value) == (known.pk, bytes, b"ab")


def test_relations_take_instances() -> None:
    store = DjangoStore("default", run_inline)
    author = Shape(store.describe(Author), ("id", "name"))
    shape = Shape(store.describe(Ticket), ("id",), {"author": author})
    found = store.run_here(lambda unit: unit.rows(shape, Scope()).find_values())
    assert found is None
