"""Values that the application makes: what cannot travel is told with its place, text is text."""

from typing import Any

import pytest
from django.utils.translation import override
from sqlalchemy import Integer, String, create_engine, types
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool

from django_vortex.orm.crud.rows_handler import RowsHandler
from django_vortex.routing.permissions import AllowAny
from django_vortex.tuples import tuple_type
from django_vortex.wire.dialects import Dialect
from tests.unit.orm.crud_bench import FILT, CrudBench, row
from tests.unit.orm.models import Greeting, Money, Priced

pytestmark = pytest.mark.django_db

DIALECTS = [Dialect.NATIVE, Dialect.D2, Dialect.D1]


def check_told(
    caplog: pytest.LogCaptureFixture, reply: Any, place: str, told: str = "field 'price'"
) -> None:
    """Fail unless the peer got what concerns it, and the log the place and the class."""
    assert told in str(reply.result)
    assert "Money" not in str(reply.result)
    assert f"Money is neither a value that travels nor a registered tuple type - at `{place}`" in (
        caplog.text
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_object_that_a_field_of_django_makes_is_told_with_its_place(
    crud: CrudBench, caplog: pytest.LogCaptureFixture, dialect: Dialect
) -> None:
    Priced.objects.create(price=None)
    known = Priced.objects.create(price=Money(5))
    crud.serve(Priced, fields=["price"], retrieve_all=True)
    check_told(caplog, crud.say(dialect=dialect), "$.tuples[1].price")
    caplog.clear()
    check_told(caplog, crud.say(dialect=dialect, id=known.pk), "$.tuples[0].price")
    new = row("vortex_tests.Priced", price=7)
    assert crud.say([new], dialect=dialect).result is not True
    assert Priced.objects.count() == 2


def test_an_object_in_rows_of_a_rows_handler_is_told_with_its_place(
    crud: CrudBench, caplog: pytest.LogCaptureFixture
) -> None:
    tuple_type("t.Priced", fields=["id", "price"], registry=crud.codec.registry)(Priced)
    Priced.objects.create(price=Money(5))
    kept = RowsHandler(FILT, Priced, permission=AllowAny, payload_io=crud.payload_io)
    check_told(caplog, crud.say(), "$.tuples[0].price", told="(ref abc123)")
    kept.endpoint.close()


class Base(DeclarativeBase):
    pass


class Cents(types.TypeDecorator[Any]):
    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return Money(value)


class Price(Base):
    __tablename__ = "prices"
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[Any] = mapped_column(Cents)
    note: Mapped[str] = mapped_column(String(5), default="")


def test_an_object_that_a_type_of_sqlalchemy_makes_is_told_with_its_place(
    crud: CrudBench, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(Price(id=1, price=5))
    crud.serve(Price, fields=["price"], session_factory=sessionmaker(engine), retrieve_all=True)
    check_told(caplog, crud.say(), "$.tuples[0].price")
    engine.dispose()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_lazy_default_of_a_model_is_text(crud: CrudBench, dialect: Dialect) -> None:
    crud.serve(Greeting, fields=["text", "kind"])
    with override("de"):
        [made] = crud.rows_of(crud.say([row("vortex_tests.Greeting", kind="b")], dialect=dialect))
    assert (made.text, type(made.text)) == ("Montag", str)
    assert Greeting.objects.get().text == "Montag"
    reply = crud.say([row("vortex_tests.Greeting", kind="nope")], dialect=dialect)
    assert crud.errors_of(reply) == [(0, "kind")] if dialect is Dialect.NATIVE else reply.result
