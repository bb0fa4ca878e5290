"""Values of an application's own types between ends that know them, and ends that do not."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import typing
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage, UnencodableValue
from django_vortex.tuples import Field, Tuple, TupleField, TupleRegistry, register_value, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload
from django_vortex.wire.tuple_readers import TupleReader

registry = TupleRegistry()
CODEC = Codec(registry)
STRANGER = Codec(TupleRegistry(), reads_unknown_tuples=True)
NATIVE = [one for one in Dialect if one.is_native]
RELEASED = [one for one in Dialect if not one.is_native]


@dataclasses.dataclass(frozen=True)
class Money:
    """An amount in a currency."""

    amount: decimal.Decimal
    currency: str


def encode_money(money: Money) -> Any:
    if money.currency == "none":
        return None
    return {"amount": str(money.amount), "currency": money.currency}


def decode_money(data: Any) -> Money:
    return Money(decimal.Decimal(data["amount"]), data["currency"])


class Cents(int):
    """A number that is more than a number."""


@dataclasses.dataclass
class Broken:
    """A value whose functions fail."""

    error: Exception | None = None


def encode_broken(value: Broken) -> Any:
    if value.error is not None:
        raise value.error
    return object()


register_value(Money, "shop.money", encode_money, decode_money, registry=registry)
register_value(Cents, "shop.cents", int, Cents, registry=registry)
register_value(Broken, "shop.broken", encode_broken, lambda data: Broken(), registry=registry)


@tuple_type("shop.Item", registry=registry)
class Item(Tuple):
    """Has a field of the type."""

    price: Money
    cents: Cents
    anything = TupleField()


PRICE = Money(decimal.Decimal("1.50"), "EUR")
WIRE = {"_ft": "shop.money", "_fd": {"amount": "1.50", "currency": "EUR"}}


def write(tuples: list[Any], dialect: Dialect = Dialect.NATIVE, codec: Codec = CODEC) -> bytes:
    return codec.encode_payload(Payload({}, tuples), dialect).text


def there_and_back(tuples: list[Any], dialect: Dialect = Dialect.NATIVE) -> list[Any]:
    back: list[Any] = CODEC.decode_payload(write(tuples, dialect), dialect).tuples
    return back


@pytest.mark.parametrize("dialect", NATIVE)
@pytest.mark.parametrize("count", [1, 2])
def test_value_comes_back_as_it_was(dialect: Dialect, count: int) -> None:
    item = Item(price=PRICE, cents=Cents(5), anything={"in": [PRICE, (PRICE,)], PRICE: 1})
    tuples = [item] * count + [PRICE, Cents(2)]
    back = there_and_back(tuples, dialect)
    assert back == tuples
    assert type(back[0].cents) is type(back[-1]) is Cents
    assert there_and_back([Item()] * count, dialect) == [Item()] * count


@pytest.mark.parametrize("dialect", RELEASED)
def test_released_clients_get_the_data_alone(dialect: Dialect) -> None:
    encoded = CODEC.encode_value([PRICE, Field("other", [1, "x"])], dialect)
    assert encoded == [{"amount": "1.50", "currency": "EUR"}, [1, "x"]]
    assert not CODEC.encode_payload(Payload({}, [PRICE]), dialect).portable


@pytest.mark.parametrize("dialect", NATIVE)
@pytest.mark.parametrize("count", [1, 2])
def test_who_does_not_know_the_type_gets_a_field_and_sends_it_back(
    dialect: Dialect, count: int
) -> None:
    text = write([Item(price=PRICE, anything=[PRICE])] * count, dialect)
    got = STRANGER.decode_payload(text, dialect).tuples
    assert got[0].price == Field("shop.money", WIRE["_fd"]) == got[-1].anything[0]
    back = CODEC.decode_payload(write(got, dialect, STRANGER), dialect).tuples
    assert back == [Item(price=PRICE, anything=[PRICE])] * count


def test_field_type_of_a_column_stands_there_once() -> None:
    encoded = CODEC.encode_payload(Payload({}, [Item(price=PRICE), Item()]), Dialect.NATIVE)
    assert b'{"_ft":"shop.money","_fd":[{"amount":"1.50","currency":"EUR"},null]}' in encoded.tuples


@pytest.mark.parametrize("dialect", RELEASED)
def test_unknown_field_types_of_released_clients_are_mistakes(dialect: Dialect) -> None:
    with pytest.raises(MalformedMessage, match=r"Unknown field type 'shop.money'"):
        STRANGER.decode_value(WIRE, dialect)


@pytest.mark.parametrize("marker", ["", 5, True])
def test_field_type_is_a_text(marker: Any) -> None:
    with pytest.raises(MalformedMessage, match="Unknown field type"):
        CODEC.decode_value({"_ft": marker, "_fd": 1}, Dialect.NATIVE)


@pytest.mark.parametrize("data", ["x", {}, {"amount": "x"}, [], {"amount": "1", "x": 2}, 5])
def test_data_that_is_no_value_is_told_with_its_place(data: Any) -> None:
    source = {"_ct": "rt", "_c": "shop.Item", "price": {"_ft": "shop.money", "_fd": data}}
    with pytest.raises(MalformedMessage, match=r"Expected `shop.money`, got") as caught:
        CODEC.decode_payload_object({"tuples": ["x", source]}, Dialect.NATIVE)
    assert caught.value.path == "$.tuples[1].price"


def test_null_is_no_value() -> None:
    assert CODEC.decode_value({"_ft": "shop.money", "_fd": None}, Dialect.NATIVE) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money(decimal.Decimal(1), "none"), "made None of it"),
        (Broken(), "Raw field holds <object"),
        (Broken(ValueError("no such")), "Cannot encode Broken.* as 'shop.broken': ValueError"),
        (Field("x", object()), "Raw field holds <object"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_value_that_cannot_be_encoded_is_told_with_its_place(
    value: Any, text: str, dialect: Dialect
) -> None:
    with pytest.raises(UnencodableValue, match=text) as caught:
        write([Item(), Item(anything=[value])], dialect)
    assert caught.value.path.startswith("$.tuples[1].anything[0]")


def test_data_is_no_way_round_the_limit_of_depth() -> None:
    codec = Codec(registry, Limits(depth=3))
    data: Any = [[[[1]]]]
    with pytest.raises(LimitExceeded, match="max_depth"):
        codec.decode_value({"_ft": "other", "_fd": data}, Dialect.NATIVE)
    with pytest.raises(UnencodableValue, match="max_depth"):
        codec.encode_value(Field("other", data), Dialect.NATIVE)


def test_field_of_a_registered_type_may_be_declared() -> None:
    tuple_type_of_item = registry.get_by_class(Item)
    assert tuple_type_of_item is not None
    CODEC.compile(tuple_type_of_item)
    source = {"_ct": "rt", "_c": "shop.Item", "price": "1.50 EUR"}
    with pytest.raises(MalformedMessage, match=r"Expected `Money`, got '1.50 EUR'"):
        CODEC.decode_value(source, Dialect.NATIVE)


@dataclasses.dataclass(frozen=True)
class Box:
    """Holds any plain JSON but null."""

    data: Any


class Point(NamedTuple):
    """A tuple to Python, a text on the wire."""

    x: int
    y: int


class Color(enum.Enum):
    """An enum that travels by its names."""

    RED = 1
    BLUE = 2


def read_point(text: str) -> Point:
    x, y = text.split(";")
    return Point(int(x), int(y))


def open_box(data: Any) -> Box:
    if data is None:
        raise ValueError("empty")
    return Box(data)


register_value(Box, "test.box", lambda box: box.data, open_box, registry=registry)
register_value(Point, "test.point", lambda at: f"{at.x};{at.y}", read_point, registry=registry)
register_value(Color, "test.color", lambda one: one.name, Color.__getitem__, registry=registry)


@tuple_type("test.Shelf", registry=registry)
class Shelf(Tuple):
    """Has fields of registered types in every place that a declaration has."""

    box: Box
    maybe: Box | None
    boxes: list[Box]
    by_name: dict[str, Box]
    pair: tuple[Box, Point]
    point: Point
    points: list[Point]
    color: Color
    price: Money
    cents: Cents


names = st.from_regex(r"[a-z]{1,5}", fullmatch=True).filter(lambda name: name not in ("nan", "inf"))
whole = st.integers(-(2**53), 2**53)
scalars = st.none() | st.booleans() | whole | st.text(max_size=5) | st.floats(-1e6, 1e6)


def json_of(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return plain JSON without what would be taken for a wrapper, and no null."""

    def inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)

    return st.recursive(scalars, inside, max_leaves=5).filter(lambda data: data is not None)


def shelves(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Shelf]:
    boxes, named = st.builds(Box, json_of(keys)), st.builds(Box, json_of(names))
    points = st.builds(Point, whole, whole)
    prices = st.builds(Money, st.decimals(-1000, 1000, places=2), st.sampled_from(["EUR", "NOK"]))
    return st.builds(
        Shelf,
        box=boxes,
        maybe=st.none() | boxes,
        boxes=st.lists(boxes, max_size=3),
        by_name=st.dictionaries(names, named, max_size=3),
        pair=st.tuples(named, points),
        point=points,
        points=st.lists(points, max_size=3),
        color=st.sampled_from(Color),
        price=prices,
        cents=st.builds(Cents, st.integers(-100, 100)),
    )


any_keys = st.text(max_size=5).filter(lambda key: key not in ("_ft", "_ct"))


@pytest.mark.parametrize("dialect", Dialect)
@given(rows=st.lists(shelves(any_keys), min_size=1, max_size=3))
def test_what_was_sent_comes_back_in_every_dialect(dialect: Dialect, rows: list[Shelf]) -> None:
    assert there_and_back(rows, dialect) == rows
    assert there_and_back([*rows, "x"], dialect) == [*rows, "x"], "without the plan of the type"


@pytest.mark.parametrize("dialect", RELEASED)
@given(rows=st.lists(shelves(names), min_size=1, max_size=3))
def test_what_released_clients_make_of_it_is_accepted(dialect: Dialect, rows: list[Shelf]) -> None:
    """They read the data as values of their own and write these in their way."""
    theirs = STRANGER.decode_payload(write(rows, dialect), dialect).tuples
    text = write(theirs, dialect, STRANGER)
    assert CODEC.decode_payload(text, dialect).tuples == rows


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("field", "data", "path", "text"),
    [
        ("price", {"amount": "x", "currency": "EUR"}, "", "Expected `Money`, got {'amount': 'x'"),
        ("price", {"currency": "EUR"}, "", "Expected `Money`, got {'currency': 'EUR'}"),
        ("price", [1.5, "EUR"], "", "Expected `Money`, got [1.5, 'EUR']"),
        ("point", "1;b", "", "Expected `Point`, got '1;b'"),
        ("point", 5, "", "Expected `Point`, got 5"),
        ("points", ["1;2", "3"], "[1]", "Expected `Point`, got '3'"),
        ("color", "GREEN", "", "Expected `Color`, got 'GREEN'"),
        ("pair", [1, "2"], "[1]", "Expected `Point`, got '2'"),
        ("by_name", {"a": {"_ft": "date", "_fd": "2024-01-02"}}, "['a']", "Expected `Box`, got"),
        ("box", {"_ft": "decimal", "_fd": "1"}, "", "Expected `Box`, got Decimal('1')"),
    ],
)
def test_data_that_is_no_value_is_told_in_every_dialect(
    dialect: Dialect, count: int, field: str, data: Any, path: str, text: str
) -> None:
    rows = [{"_ct": "rt", "_c": "test.Shelf", field: data}] * count
    with pytest.raises(MalformedMessage) as caught:
        CODEC.decode_payload_object({"_ct": "rp", "tuples": rows}, dialect)
    assert caught.value.text.startswith(text)
    assert caught.value.path == f"$.tuples[0].{field}{path}"


def test_value_of_another_class_than_the_declared_one_is_none() -> None:
    own = TupleRegistry()
    register_value(Box, "test.box", lambda box: box.data, lambda data: data, registry=own)
    tuple_type("test.Own", registry=own)(type("Own", (Tuple,), {"__annotations__": {"box": Box}}))
    with pytest.raises(MalformedMessage, match="Expected `Box`, got 5"):
        Codec(own).decode_value({"_ct": "rt", "_c": "test.Own", "box": 5}, Dialect.D2)


@pytest.mark.parametrize("dialect", Dialect)
def test_data_of_a_field_is_no_way_round_the_limit_of_depth(dialect: Dialect) -> None:
    codec = Codec(registry, Limits(depth=4))
    data: Any = [[[[[[1]]]]]]
    for field in ("box", "maybe"):
        with pytest.raises(LimitExceeded, match="max_depth"):
            codec.decode_value({"_ct": "rt", "_c": "test.Shelf", field: data}, dialect)


def test_types_without_such_fields_are_read_as_before() -> None:
    own = TupleRegistry()
    plain = tuple_type("test.Plain", registry=own)(
        type("Plain", (Tuple,), {"__annotations__": {"a": int, "b": list[str], "c": dict}})
    )
    found = own.get_by_class(plain)
    assert found is not None
    assert TupleReader(found, own.values).data_fields == frozenset()


@pytest.mark.parametrize("dialect", list(Dialect))
def test_list_of_undeclared_items_is_a_list(dialect: Dialect) -> None:
    types = TupleRegistry()
    cls = type("Bag", (Tuple,), {"__annotations__": {"items": typing.List}, "__module__": __name__})  # noqa: UP006
    types.add("test.Bag", cls)
    codec = Codec(types)
    text = codec.encode_payload(Payload({}, [cls(items=["x", None])]), dialect).text
    [bag] = codec.decode_payload(text, dialect).tuples
    assert bag.items == ["x", None]
