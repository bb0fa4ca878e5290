"""Columns whose values cannot travel are refused by name where they are chosen, and only there."""

import decimal
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models
from sqlalchemy import ARRAY, Column, Integer, LargeBinary, MetaData, String, Table, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.fields import find_names
from django_vortex.orm.django.models import describe_model
from django_vortex.orm.model_spec import ModelSpec
from django_vortex.orm.sqlalchemy.models import describe
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec


class Point:
    """A class that nobody has registered."""


class Place(Tuple):
    name: str


class Pointed(types.TypeDecorator[Any]):
    """What its values are says the annotation."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return Point()


class Passing(types.TypeDecorator[Any]):
    """Gives what its column gives."""

    impl = postgresql.INT4RANGE
    cache_ok = True


class Bounds(types.TypeDecorator[Any]):
    """Gives plain lists for ranges."""

    impl = postgresql.INT4RANGE
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return [value.lower, value.upper]


class Typed(types.UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def get_col_spec(self, **options: Any) -> str:
        return "POINT"

    @property
    def python_type(self) -> type[Any]:
        found: type[Any] = self.kind
        return found


REFUSED: dict[str, Any] = {
    **{
        f"{name.lower()}{kind}": getattr(postgresql, name + kind.upper())()
        for name in ("INT4", "INT8", "NUM", "DATE", "TS", "TSTZ")
        for kind in ("range", "multirange")
    },
    "bit": postgresql.BIT(3),
    "bits": postgresql.BIT(varying=True),
    "ranges": ARRAY(postgresql.INT4RANGE),
    "dialect_ranges": postgresql.ARRAY(postgresql.TSTZRANGE),
    "variant": String().with_variant(postgresql.INT4RANGE(), "postgresql"),
    "decorated": Passing(),
    "domain": postgresql.DOMAIN("span", postgresql.INT4RANGE()),
    "defined": Typed(Point),
}

ACCEPTED: dict[str, Any] = {
    "hstore": postgresql.HSTORE(),
    "oid": postgresql.OID(),
    "money": postgresql.MONEY(),
    "words": postgresql.TSVECTOR(),
    "domain": postgresql.DOMAIN("positive", Integer()),
    "converted": Bounds(),
    "pickled": types.PickleType(),
    "unknown": types.NullType(),
    "defined": Typed(decimal.Decimal),
    "registered": Typed(Place),
    "blob": LargeBinary(),
}


@pytest.fixture
def places(tuples: TupleRegistry) -> TupleRegistry:
    tuple_type("t.Place", registry=tuples)(Place)
    return tuples


def make_table(kind: Any) -> Table:
    return Table("rows", MetaData(), Column("id", Integer, primary_key=True), Column("value", kind))


def choose(spec: ModelSpec, tuples: TupleRegistry, fields: Any) -> tuple[str, ...]:
    return find_names(spec, fields, tuples)


@pytest.mark.parametrize("kind", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("fields", [["id", "value"], ["value"], "__all__"])
def test_column_of_a_table_that_cannot_travel_is_refused_by_name(
    tuples: TupleRegistry, kind: Any, fields: Any
) -> None:
    spec = describe(make_table(kind)).spec
    with pytest.raises(DefinitionError, match=r"table\.rows\.value .*leave it out of fields"):
        choose(spec, tuples, fields)
    assert choose(spec, tuples, ["id"]) == ("id",)


@pytest.mark.parametrize("kind", ACCEPTED.values(), ids=ACCEPTED)
def test_column_that_may_travel_is_accepted(places: TupleRegistry, kind: Any) -> None:
    assert choose(describe(make_table(kind)).spec, places, "__all__") == ("id", "value")


def make_class(annotation: Any, kind: Any) -> Any:
    class Base(DeclarativeBase):
        pass

    body = {
        "__tablename__": "rows",
        "__module__": __name__,
        "__annotations__": {"id": Mapped[int], "value": Mapped[annotation]},
        "id": mapped_column(primary_key=True),
        "value": mapped_column(kind),
    }
    return type("Row", (Base,), body)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (postgresql.Range[int], postgresql.INT4RANGE),
        (Any, postgresql.INT4RANGE),
        (Point, Pointed),
        (Point | None, Pointed),
        (list[Point], types.PickleType),
    ],
)
def test_column_of_a_class_that_cannot_travel_is_refused_by_name(
    tuples: TupleRegistry, annotation: Any, kind: Any
) -> None:
    row = make_class(annotation, kind)
    with pytest.raises(DefinitionError, match=r"Row\.value .*leave it out of fields"):
        choose(describe(row).spec, tuples, "__all__")
    found = tuples.add("t.Row", row, fields=["id", "value"])
    with pytest.raises(DefinitionError, match=r"Row\.value .*leave it out"):
        Codec(tuples).compile(found)
    Codec(tuples).compile(tuples.add("t.Row", row, fields="__all__", exclude=["value"]))


@pytest.mark.parametrize("annotation", [Any, Place, Place | Point, list[Place], object, int | None])
def test_column_of_a_class_that_may_travel_is_accepted(
    places: TupleRegistry, annotation: Any
) -> None:
    row = make_class(annotation, Pointed)
    assert choose(describe(row).spec, places, "__all__") == ("id", "value")
    Codec(places).compile(places.add("t.Row", row, fields="__all__"))


class Shape(models.Field):  # type: ignore[type-arg]
    """A field as GeoDjango has them, for as much as a definition sees of one."""

    __module__ = "django.contrib.gis.db.models.fields"

    def db_type(self, connection: Any) -> str:
        return "geometry"


class Land(models.Model):
    name = models.CharField(max_length=5)
    shape = Shape()
    shapes = ArrayField(Shape(), default=list)

    class Meta:
        app_label = "vortex_tests"
        managed = False


@pytest.mark.parametrize("name", ["shape", "shapes"])
def test_geometry_is_refused_by_name(tuples: TupleRegistry, name: str) -> None:
    spec = describe_model(Land)
    with pytest.raises(DefinitionError, match=rf"Land\.{name} holds geometries"):
        choose(spec, tuples, ["name", name])
    assert choose(spec, tuples, ["name"]) == ("id", "name")
    with pytest.raises(DefinitionError, match=rf"'t\.Land': Land\.{name} holds geometries"):
        Codec(tuples).compile(tuples.add("t.Land", Land, fields=["name", name]))
