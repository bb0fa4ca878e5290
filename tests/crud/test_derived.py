"""What a model derives from a change is stored with it, and nothing that did not change."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.db.models.functions import Length
from django.db.models.signals import pre_save
from sqlalchemy import JSON, Computed, String, event, func
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, validates

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from tests.crud.asking import Record
from tests.crud.boards import Board
from tests.crud.more_tables import fixture_of

PAGE = {"key": "board.page"}
FIELDS = ["id", "title", "slug", "length", "loud", "extra", "size"]


class LoudField(models.CharField):
    """Makes its value of another field."""

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        return model_instance.title.upper()


class CountField(models.IntegerField):
    """Counts how often it is asked."""

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        model_instance.saves += 1
        return model_instance.saves


class DjangoPage(models.Model):
    title = models.CharField(max_length=40)
    slug = models.CharField(max_length=40, blank=True, default="")
    length = models.IntegerField(default=0)
    loud = LoudField(max_length=40, blank=True, default="")
    saves = CountField(default=0)
    extra = models.JSONField(default=dict, blank=True)
    other = models.CharField(max_length=40, blank=True, default="")
    version = models.IntegerField(default=1)
    size = models.GeneratedField(
        expression=Length("title"), output_field=models.IntegerField(), db_persist=True
    )

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_page"

    def clean(self) -> None:
        self.extra.setdefault("titles", []).append(self.title)  # in place

    def save(self, **options: Any) -> None:
        self.slug = self.title.lower().replace(" ", "-")
        super().save(**options)


class Base(DeclarativeBase):
    pass


def shout(context: Any) -> Any:
    return context.get_current_parameters().get("title", "").upper()


class AlchemyPage(Base):
    __tablename__ = "crud_page"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(40))
    slug: Mapped[str] = mapped_column(String(40), default="")
    length: Mapped[int] = mapped_column(default=0)
    loud: Mapped[str] = mapped_column(String(40), default=shout, onupdate=shout)
    saves: Mapped[int] = mapped_column(default=1, onupdate=2)
    extra: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    other: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=1)
    size: Mapped[int] = mapped_column(Computed(func.length(title.column), persisted=True))
    double = column_property(length.column + length.column)

    @validates("title")
    def derive(self, key: str, title: str) -> str:
        self.slug = title.lower().replace(" ", "-")
        self.extra = MutableDict(self.extra or {"titles": []})
        self.extra["titles"] = [*self.extra["titles"], title]
        return title


tables = fixture_of([DjangoPage], Base.metadata)


def measure(sender: Any, instance: Any, **rest: Any) -> None:
    instance.length = len(instance.title)


def measure_alchemy(mapper: Any, connection: Any, target: Any) -> None:
    target.length = len(target.title)


@pytest.fixture(autouse=True)
def receivers() -> Iterator[None]:
    pre_save.connect(measure, sender=DjangoPage)
    event.listen(AlchemyPage, "before_insert", measure_alchemy)
    event.listen(AlchemyPage, "before_update", measure_alchemy)
    yield
    pre_save.disconnect(measure, sender=DjangoPage)
    event.remove(AlchemyPage, "before_insert", measure_alchemy)
    event.remove(AlchemyPage, "before_update", measure_alchemy)


def serve(board: Board, **options: Any) -> None:
    model = DjangoPage if board.is_django else AlchemyPage
    board.handler(model, filt=PAGE, **{"fields": FIELDS, "type_name": "board.Page", **options})


def page(**fields: Any) -> Record:
    return Record("board.Page", **fields)


def stored(board: Board) -> dict[str, Any]:
    [row] = board.database.rows("page")
    return row


versions = pytest.mark.parametrize("version_field", [None, "version"])


@versions
async def test_what_is_derived_is_stored_and_told(board: Board, version_field: str | None) -> None:
    serve(board, version_field=version_field)
    [made] = (await board.ask(PAGE, [page(title="One Two")])).tuples
    if board.is_django:
        assert made["extra"] == {"titles": ["One Two"]}
    saves = stored(board)["saves"]  # Django 6.1 asks the fields of a new row twice
    made.fields["title"] = "Three Four Five"
    reply = await board.ask(PAGE, [made])
    assert reply.result is True
    [told] = reply.tuples
    row = stored(board)
    for found in (told.fields, row):
        assert found["slug"] == "three-four-five"
        assert found["length"] == found["size"] == 15
        assert found["loud"] == "THREE FOUR FIVE"
    assert row["saves"] == saves + 1
    assert told["extra"] == {"titles": ["One Two", "Three Four Five"]}
    assert [told.fields] == [one.fields for one in (await board.ask({**PAGE, "id": 1})).tuples]
    if version_field:
        assert told["version"] == row["version"] == 2


@versions
async def test_what_another_has_changed_meanwhile_stays(
    board: Board, version_field: str | None
) -> None:
    """Only what is derived is written besides, not all of the row."""

    class Meanwhile(CrudExtension):
        def before_update(self, context: Context, change: Change) -> None:
            if not board.is_django:
                rows, text = context.rows.session, __import__("sqlalchemy").text
                rows.execute(text("UPDATE crud_page SET other = 'theirs'"))
            else:
                DjangoPage.objects.using(board.database.alias).update(other="theirs")

    serve(board, version_field=version_field, extensions=[Meanwhile])
    [made] = (await board.ask(PAGE, [page(title="One")])).tuples
    made.fields["title"] = "Two"
    assert (await board.ask(PAGE, [made])).result is True
    row = stored(board)
    assert (row["other"], row["slug"], row["length"]) == ("theirs", "two", 3)


@versions
async def test_what_a_hook_sets_on_the_row_is_stored(
    board: Board, version_field: str | None
) -> None:
    class Noting(CrudExtension):
        def before_update(self, context: Context, change: Change) -> None:
            change.row.other = f"was {change.old['title']}"

    serve(board, version_field=version_field, extensions=[Noting])
    [made] = (await board.ask(PAGE, [page(title="One")])).tuples
    made.fields["title"] = "Two"
    assert (await board.ask(PAGE, [made])).result is True
    assert stored(board)["other"] == "was One"
