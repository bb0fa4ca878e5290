import dataclasses

import pytest

from django_vortex import RowsHandler
from django_vortex.checks import tuple_types
from django_vortex.checks.tuple_types import check_tuple_types
from django_vortex.orm.django import tuples as django_tuples
from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
from django_vortex.routing.payload_io import PayloadIO, payload_io
from django_vortex.tuples import Tuple, TupleRegistry
from django_vortex.wire.codec import Codec
from tests.support.check_messages import ids


@pytest.fixture
def known_types(monkeypatch):
    """The registry of the project, empty."""
    registry = TupleRegistry()
    django_tuples.install(registry)
    sqlalchemy_tuples.install(registry)
    monkeypatch.setattr(payload_io, "codec", Codec(registry))
    return registry


def lacking_tuple():
    class Person(Tuple):
        name: str

    return Person


def lacking_dataclass():
    return dataclasses.make_dataclass("Person", ["name"])


def lacking_model():
    from django.contrib.auth.models import Group

    return Group


def lacking_mapped_class():
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    return Person


@pytest.mark.parametrize(
    "make", [lacking_tuple, lacking_dataclass, lacking_model, lacking_mapped_class]
)
def test_tuple_type_that_names_what_its_class_lacks_is_an_error(known_types, make):
    cls = make()
    known_types.add("acme.Person", cls, fields=["nam"])
    (message,) = check_tuple_types()
    assert ids([message]) == ["E020"]
    assert "'acme.Person'" in message.msg
    assert f"'nam', which {cls.__qualname__} does not have. Did you mean 'name'?" in message.msg


def test_tuple_type_whose_class_the_orm_cannot_finish_is_an_error(known_types):
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

    class Base(DeclarativeBase):
        pass

    class Pet(Base):
        __tablename__ = "pet"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner = relationship("Nobody")

    known_types.add("acme.Pet", Pet, fields=["id"])
    (message,) = check_tuple_types()
    assert ids([message]) == ["E020"]
    assert "'acme.Pet'" in message.msg
    assert "Nobody" in message.msg


def test_tuple_types_that_can_be_used_are_silent(known_types):
    known_types.add("acme.Person", lacking_tuple())
    known_types.add("acme.Group", lacking_model(), fields=["id", "name"])
    assert check_tuple_types() == []


@pytest.fixture
def registered(known_types, monkeypatch):
    """The endpoints of the project, none."""
    registry = PayloadIO()
    registry.codec = payload_io.codec
    monkeypatch.setattr(tuple_types, "payload_io", registry)
    return registry


def test_rows_that_are_no_tuple_type_are_told(registered, known_types):
    person, group = lacking_mapped_class(), lacking_model()
    kept = [
        RowsHandler({"key": "a"}, group, payload_io=registered),
        RowsHandler({"key": "b"}, person, session_factory=list, payload_io=registered),
    ]
    messages = check_tuple_types()
    assert ids(messages) == ["E021", "E021"]
    assert "RowsHandler {'key': 'a'}> sends rows of django.contrib" in messages[0].msg
    assert "fields=[...])(Group)" in str(messages[0].hint)
    known_types.add("acme.Group", group, fields=["name"])
    known_types.add("acme.Person", person, fields=["name"])
    assert check_tuple_types() == []
    del kept


def test_rows_that_a_handler_makes_something_of_are_its_own_business(registered):
    class Names(RowsHandler):
        def build_model(self, request):
            return [row.name for row in super().build_model(request)]

    group = lacking_model()
    kept = [
        Names({"key": "a"}, group, payload_io=registered),
        RowsHandler({"key": "b"}, group, queryset=group.objects.all(), payload_io=registered),
    ]
    assert check_tuple_types() == []
    del kept
