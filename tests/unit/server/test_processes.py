from django_vortex.server import processes
from django_vortex.server.processes import FORGET_SECONDS, RECENT_SECONDS, Processes


def test_announced_process_lives_until_it_leaves_or_falls_silent():
    known = Processes()
    assert known.announce("A", 0.0)
    assert not known.announce("A", 10.0)
    known.announce("B", 10.0)
    assert known.live == {"A", "B"}
    known.leave("A")
    known.leave("never heard of")
    assert known.live == {"B"}
    assert known.forget(10.0 + FORGET_SECONDS) == []
    assert known.forget(10.1 + FORGET_SECONDS) == ["B"]
    assert known.live == set()


def test_what_was_seen_is_compared_process_by_process():
    known = Processes()
    known.take("A", 5, 0.0)
    known.take("B", 2, 0.0)
    assert known.has_seen({})
    assert known.has_seen({"A": 5, "B": 1})
    assert not known.has_seen({"A": 6})
    assert not known.has_seen({"C": 1})
    assert known.seen == {"A": 5, "B": 2}


def test_only_what_was_seen_lately_need_be_waited_for():
    known = Processes()
    known.take("old", 5, 0.0)
    known.take("new", 2, 10.0)
    assert known.seen_lately(10.0 + RECENT_SECONDS) == {"new": 2}


def test_memory_of_processes_and_peers_is_bounded(monkeypatch):
    monkeypatch.setattr(processes, "MAX_SOURCES", 3)
    monkeypatch.setattr(processes, "MAX_KNOWN_PEERS", 3)
    known = Processes()
    for index in range(10):
        known.take(f"process {index}", index, 0.0)
        known.know(f"peer {index}", 0.0)
    assert known.seen == {"process 7": 7, "process 8": 8, "process 9": 9}
    assert not known.is_known("peer 6")
    assert known.is_known("peer 7")


def test_peer_is_known_for_long_and_lately_for_short():
    known = Processes()
    assert not known.is_known("peer")
    known.know("peer", 0.0)
    assert known.has_known_lately("peer", RECENT_SECONDS)
    assert not known.has_known_lately("peer", RECENT_SECONDS + 0.1)
    assert known.is_known("peer")
