"""Tuples of types that are not registered: read by clients, refused by servers."""

import copy
import pickle

import pytest

from django_vortex import Payload
from django_vortex.exceptions import UnencodableValue, UnknownTupleType
from django_vortex.tuples import GenericTuple, TupleRegistry
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect

SERVER = Codec(TupleRegistry())
CLIENT = Codec(TupleRegistry(), reads_unknown_tuples=True)


def carry(value: object, codec: Codec, dialect: Dialect = Dialect.NATIVE) -> object:
    text = SERVER.encode_payload(Payload({}, [value]), dialect).text
    return codec.decode_payload(text, dialect).tuples[0]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
def test_client_reads_and_writes_it_as_it_came(dialect: Dialect) -> None:
    row = GenericTuple("a.Row", {"id": 5, "children": [GenericTuple("a.Child", {"x": 1.5})]})
    read = carry(row, CLIENT, dialect)
    assert read == row
    assert isinstance(read, GenericTuple)
    assert (read.id, read.children[0].x) == (5, 1.5)
    read.id = 6
    assert carry(read, CLIENT, dialect).id == 6
    assert repr(read) == "<a.Row id=6, children=[<a.Child x=1.5>]>"


def test_server_refuses_it() -> None:
    with pytest.raises(UnknownTupleType):
        carry(GenericTuple("a.Row", {}), SERVER)


def test_F3_fields_shadow_nothing() -> None:
    names = {"fields": 1, "type_name": 2, "__class__": 3, "_ct": 4, "other": 5}
    row = GenericTuple("a.Row", names)
    assert row.fields == names
    assert row.type_name == "a.Row"
    assert row.__class__ is GenericTuple
    assert row.other == 5
    for name in ("fields", "missing"):
        with pytest.raises(AttributeError):
            setattr(row, name, 1)
    with pytest.raises(AttributeError, match="came without 'missing'"):
        _ = row.missing


def test_copies_are_equal_and_their_own() -> None:
    row = GenericTuple("a.Row", {"id": 5, "children": [GenericTuple("a.Child", {"x": 1.5})]})
    for make in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        copied = make(row)
        assert copied == row
        copied.id = 6
        assert row.id == 5


def test_path_of_a_field_that_cannot_travel() -> None:
    with pytest.raises(UnencodableValue, match=r"\$\.tuples\[0\]\.x"):
        carry(GenericTuple("a.Row", {"x": object()}), SERVER)
