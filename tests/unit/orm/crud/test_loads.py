"""What is remembered of what peers have loaded, and for how long."""

from typing import Any

from django_vortex.orm.crud.loads import Asked, Load, Loads
from django_vortex.routing.peer import Peer


def row(key: int, **filt: Any) -> Asked:
    filt = {"id": key, **filt}
    return Asked(repr(filt), filt, filt, (key,), is_list=False)


def rows(page: int) -> Asked:
    filt = {"after": page}
    return Asked(repr(filt), filt, filt, None, is_list=True)


def add(loads: Loads, uuid: str, asked: Asked) -> Load:
    load = loads.add(Peer(uuid, "n"), asked)
    loads.keep(load)
    return load


def uuids(loads: Loads, key: int) -> list[str]:
    return [load.peer.uuid for load in loads.find([(key,)])]


def test_who_has_loaded_a_row_is_found_by_its_key():
    loads = Loads()
    add(loads, "a", row(1))
    add(loads, "b", row(1))
    add(loads, "a", row(2))
    assert (uuids(loads, 1), uuids(loads, 2), uuids(loads, 3)) == (["a", "b"], ["a"], [])


def test_a_row_loaded_under_two_filts_is_two_loads():
    loads = Loads()
    assert add(loads, "a", row(1)) is not add(loads, "a", row(1, more=True))
    assert uuids(loads, 1) == ["a", "a"]


def test_what_is_asked_again_is_the_same_load_of_the_peer_as_it_is_now():
    loads = Loads()
    load = add(loads, "a", row(1))
    later = Peer("a", "n", user="ann")
    assert loads.add(later, row(1)) is load
    assert load.peer.user == "ann"
    assert loads.get("a", row(1)) is load
    assert (loads.get("a", row(2)), loads.get("b", row(1))) == (None, None)


def test_a_list_is_concerned_by_every_change():
    loads = Loads()
    one, other = add(loads, "a", rows(1)), add(loads, "b", row(2))
    assert loads.find([(1,)]) == [one]
    assert loads.find([(2,)]) == [other, one]
    assert loads.find_all() == [one, other]


def test_the_oldest_load_is_forgotten_first():
    loads = Loads(limit=2)
    for uuid, key in [("a", 1), ("b", 1), ("a", 1), ("c", 2)]:
        add(loads, uuid, row(key))
    assert (uuids(loads, 1), uuids(loads, 2), len(loads)) == (["a"], ["c"], 2)
    add(loads, "d", row(3))
    assert (uuids(loads, 1), uuids(loads, 2)) == ([], ["c"])


def test_a_peer_with_many_loads_forgets_its_own():
    loads = Loads(rows_per_peer=2, lists_per_peer=1)
    add(loads, "b", row(1))
    first = add(loads, "a", rows(1))
    for key in (1, 2, 1, 3):
        add(loads, "a", row(key))
    assert (uuids(loads, 1)[:2], uuids(loads, 2)) == (["b", "a"], ["a"])
    second = add(loads, "a", rows(2))
    assert (first.is_here, second.is_here) == (False, True)
    assert len(loads) == 4


def test_what_is_not_answered_yet_takes_no_place():
    loads = Loads(lists_per_peer=1)
    kept = add(loads, "a", rows(1))
    asking = loads.add(Peer("a", "n"), rows(2))
    assert (kept.is_here, asking.is_here) == (True, True)
    loads.remove(asking)
    loads.keep(kept)
    assert loads.find_all() == [kept]


def test_nothing_is_left_of_a_peer_that_has_gone():
    loads = Loads()
    gone = [add(loads, "a", row(1)), add(loads, "a", rows(1))]
    kept = add(loads, "b", row(1))
    assert loads.remove_peer("a") == gone
    assert loads.remove_peer("a") == []
    assert [load.is_here for load in (*gone, kept)] == [False, False, True]
    loads.remove(kept)
    loads.remove(kept)
    assert len(loads) == 0
    assert [value for value in vars(loads).values() if value in ({}, [])] == [{}] * 4
