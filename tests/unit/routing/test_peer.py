"""What a peer tells of itself."""

from django_vortex.routing.peer import Peer


def test_a_peer_does_not_show_its_session_or_scope() -> None:
    peer = Peer(uuid="u", name="n", session={"token": "secret"}, scope={"cookie": "secret"})
    assert "secret" not in repr(peer)


def test_peers_are_the_same_by_who_they_are_not_by_what_is_loaded() -> None:
    assert Peer(uuid="u", name="n", scope={"a": []}) == Peer(uuid="u", name="n", session=object())
    assert len({Peer(uuid="u", name="n", scope={"a": []}), Peer(uuid="u", name="n")}) == 1
