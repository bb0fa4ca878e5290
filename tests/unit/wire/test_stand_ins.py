"""What stands for another value travels as that; what cannot travel is told with its path."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import types
import uuid
import weakref
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject, lazystr
from django.utils.safestring import mark_safe
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, override

from django_vortex.exceptions import UnencodableValue
from django_vortex.orm.django import lazy
from django_vortex.tuples import Tuple, TupleField, TupleRegistry, TupleSelector
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload

NOON = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
OLDER = [dialect for dialect in Dialect if dialect is not Dialect.D0]


class Colour(enum.Enum):
    RED = "red"


class Place(Tuple):
    name: str
    rank: int
    size: float
    seen: dt.datetime
    price: decimal.Decimal
    key: uuid.UUID
    is_open: bool
    inside: Any
    notes = TupleField(raw=True)


class LocalProxy:
    """A proxy as Werkzeug has it, for as much as the codec sees of one."""

    def __init__(self, found: Any) -> None:
        object.__setattr__(self, "_found", found)

    def _get_current_object(self) -> Any:
        return object.__getattribute__(self, "_found")

    @property
    def __class__(self) -> Any:
        return type(self._get_current_object())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)


class ObjectProxy:
    """A proxy as wrapt has it."""

    def __init__(self, found: Any) -> None:
        self.__wrapped__ = found

    @property
    def __class__(self) -> Any:
        return self.__wrapped__.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


class UnknownProxy:
    """One that has no way to what is behind it."""

    @property
    def __class__(self) -> Any:
        return Place


PROXIES = {
    "django": lambda value: SimpleLazyObject(lambda: value),
    "werkzeug": LocalProxy,
    "wrapt": ObjectProxy,
    "nested": lambda value: ObjectProxy(SimpleLazyObject(lambda: value)),
}


@pytest.fixture
def codec() -> Codec:
    registry = TupleRegistry()
    registry.add("test.Place", Place)
    lazy.install(registry)
    return Codec(registry)


def text_of(codec: Codec, value: Any, dialect: Dialect) -> Any:
    """Return what a peer reads of a payload with the value as its only tuple."""
    encoded = codec.encode_payload(Payload({}, [value], NOON), dialect)
    (found,) = codec.decode_payload(encoded.text, dialect).tuples
    return found


def place() -> Place:
    return Place(
        name="Here",
        rank=3,
        size=1.5,
        seen=NOON,
        price=decimal.Decimal("1.5"),
        key=uuid.UUID(int=5),
        is_open=True,
        inside=["a", 1],
        notes={"a": [1]},
    )


@pytest.mark.parametrize("make", PROXIES.values(), ids=PROXIES)
@pytest.mark.parametrize("dialect", OLDER)
def test_proxied_tuple_and_proxied_values_travel_as_they_are(
    codec: Codec, make: Any, dialect: Dialect
) -> None:
    plain = place()
    proxied = Place(**{name: make(getattr(plain, name)) for name in Place.__tuple_fields__})
    proxied.notes = plain.notes
    expected = codec.encode_payload(Payload({}, [plain], NOON), dialect)
    for value in (make(plain), proxied, make(proxied)):
        assert codec.encode_payload(Payload({}, [value], NOON), dialect).text == expected.text
        in_d0 = codec.encode_value([value], Dialect.D0)
        assert in_d0 == codec.encode_value([plain], Dialect.D0)


def test_weak_proxy_travels_as_its_object(codec: Codec) -> None:
    plain = place()
    assert text_of(codec, weakref.proxy(plain), Dialect.NATIVE) == plain


@pytest.mark.parametrize("dialect", Dialect)
def test_unknown_proxy_is_told_with_its_path_and_never_sent_as_nulls(
    codec: Codec, dialect: Dialect
) -> None:
    outer = Place(inside={"a": [1, UnknownProxy()]})
    envelope = PayloadEnvelope({"key": "x"}, Payload({}, [place(), outer], NOON))
    with pytest.raises(UnencodableValue) as caught:
        envelope.encoded(codec, dialect, NOON)
    assert str(caught.value) == (
        "Cannot encode a UnknownProxy, which stands for a Place: pass the object itself"
        " - at `$.tuples[1].inside.a[1]`"
    )


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "$.tuples[0]"),
        ([1, object()], "$.tuples[0][1]"),
        ((1, {2, object}), None),
        ({"a b": {"c": object()}}, "$.tuples[0]['a b'].c"),
        ({5: object()}, "$.tuples[0][5]"),
        ({None: object()}, "$.tuples[0][None]"),
        (types.MappingProxyType({"a": object()}), "$.tuples[0].a"),
        (Place(notes={"a": [0, object()]}), "$.tuples[0].notes.a[1]"),
        (Place(rank=object()), "$.tuples[0].rank"),
        (Payload({"x": object()}), "$.tuples[0].filt.x"),
        (Payload({}, [1, object()]), "$.tuples[0].tuples[1]"),
        (PayloadEnvelope({}, result=[object()]), None),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_what_cannot_travel_is_told_with_its_path(
    codec: Codec, value: Any, path: str | None, dialect: Dialect
) -> None:
    envelope = PayloadEnvelope({"key": "x"}, Payload({}, [value], NOON))
    if isinstance(value, PayloadEnvelope) and dialect is Dialect.D0:
        return  # which has no results inside data
    with pytest.raises(UnencodableValue) as caught:
        envelope.encoded(codec, dialect, NOON)
    assert (
        caught.value.path.startswith("$.tuples[0]") if path is None else (caught.value.path == path)
    )


@pytest.mark.parametrize("form", [WireForm(dialect, False) for dialect in Dialect])
def test_what_cannot_travel_in_filt_or_result_is_told_with_its_path(
    codec: Codec, form: WireForm
) -> None:
    with pytest.raises(UnencodableValue, match=r"at `\$\.filt\.x\[0\]`"):
        encode_message(PayloadEnvelope({"key": "x", "x": [object()]}), form, NOON, codec)
    with pytest.raises(UnencodableValue, match=r"at `\$\.result\.why`"):
        encode_message(PayloadEnvelope({}, result={"why": object()}), form, NOON, codec)


LAZY = {
    "gettext_lazy": gettext_lazy("Monday"),
    "format_lazy": format_lazy("{day}", day=gettext_lazy("Monday")),
    "lazystr": lazystr(gettext_lazy("Monday")),
    "SafeString": mark_safe("Montag"),
}


@pytest.mark.parametrize("text", LAZY.values(), ids=LAZY)
@pytest.mark.parametrize("dialect", OLDER)
def test_special_text_travels_as_text_in_the_language_of_who_encodes(
    codec: Codec, text: Any, dialect: Dialect
) -> None:
    value = Place(name=text, inside={text: [text, (text,)]}, notes={"a": [text], text: text})
    with override("de"):
        found = text_of(codec, value, dialect)
        assert text_of(codec, text, dialect) == "Montag"
        in_d0 = codec.encode_json(codec.encode_value([text, {text: text}], Dialect.D0), Dialect.D0)
    assert in_d0 == b'["Montag",{"Montag":"Montag"}]'
    assert found.name == "Montag"
    assert type(found.name) is str
    assert [list(item) if isinstance(item, tuple) else item for item in found.inside["Montag"]] == [
        "Montag",
        ["Montag"],
    ]
    assert found.notes == {"a": ["Montag"], "Montag": "Montag"}


@pytest.mark.parametrize("dialect", Dialect)
def test_pushed_lazy_text_is_made_once_for_all_peers(codec: Codec, dialect: Dialect) -> None:
    day = gettext_lazy("Monday")
    envelope = PayloadEnvelope({"key": "x", "day": day}, Payload({}, [day]), result=[day])
    with override("de"):
        envelope.encode_for_all(codec, NOON)
    with override("fr"):
        body = envelope.encoded(codec, dialect, NOON)
        assert encode_message(envelope, WireForm(dialect, False), NOON, codec)
        assert (envelope.filt, envelope.result) == ({"key": "x", "day": "Montag"}, ["Montag"])
    if dialect is Dialect.D0:
        assert body == b'["Montag"]'
    else:
        assert codec.decode_payload(body, dialect).tuples == ["Montag"]


def test_selector_holds_lazy_text_and_proxies_as_what_they_stand_for(codec: Codec) -> None:
    lazily = TupleSelector("x", {"day": lazystr("Monday"), "rank": ObjectProxy(3)})
    assert lazily.canonical == TupleSelector("x", {"day": "Monday", "rank": 3}).canonical


class Kind(enum.IntEnum):
    A = 1


@pytest.mark.parametrize("dialect", OLDER)
def test_members_of_enums_travel_as_their_values_also_in_raw_fields(
    codec: Codec, dialect: Dialect
) -> None:
    found = text_of(codec, Place(rank=Kind.A, name=Colour.RED, notes={"a": Kind.A}), dialect)
    assert (found.rank, found.name, found.notes) == (1, "red", {"a": 1})
    assert type(found.notes["a"]) is int
