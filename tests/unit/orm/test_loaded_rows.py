"""Who is told of a change."""

from django_vortex.orm.loaded_rows import LoadedRows
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import MESSAGE_ID, Request
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope


def request(uuid: str, **filt: object) -> Request:
    return Request(PayloadEnvelope({"key": "k", **filt}), Peer(uuid, "n"), codec=Codec())


def uuids(rows: LoadedRows, key: int, besides: str = "") -> list[str]:
    return [load.peer.uuid for load in rows.find((key,), besides=besides)]


def test_who_has_loaded_a_row_is_found_under_its_filt():
    rows = LoadedRows()
    rows.add((1,), request("a", id=1, **{MESSAGE_ID: "m"}))
    rows.add((1,), request("b", id=1))
    rows.add((2,), request("a", id=2))
    assert uuids(rows, 1) == ["a", "b"]
    assert uuids(rows, 1, besides="a") == ["b"]
    assert uuids(rows, 3) == []
    assert [load.filt for load in rows.find((2,), besides="")] == [{"key": "k", "id": 2}]


def test_the_oldest_load_is_forgotten_first():
    rows = LoadedRows(limit=2)
    for uuid, key in [("a", 1), ("b", 1), ("a", 1), ("c", 2)]:
        rows.add((key,), request(uuid))
    assert (uuids(rows, 1), uuids(rows, 2)) == (["a"], ["c"])
    rows.add((3,), request("d"))
    assert (uuids(rows, 1), uuids(rows, 2)) == ([], ["c"])
