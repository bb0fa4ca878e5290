"""Whom a push is for."""

import uuid
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.routing.address import EVERYONE, Address
from django_vortex.routing.peer import Peer

ANN = Peer(uuid="u1", name="browser")


@pytest.mark.parametrize(
    ("address", "user_pk", "expected"),
    [
        (EVERYONE, None, True),
        (Address(uuid="u1"), None, True),
        (Address(uuid="u2"), None, False),
        (Address(name="browser"), None, True),
        (Address(name="plant"), None, False),
        (Address(user=7), 7, True),
        (Address(user="7"), 7, True),
        (Address(user=7), 8, False),
        (Address(user=7), None, False),
        (Address(user="None"), None, False),
        (Address(user=uuid.UUID(int=1)), str(uuid.UUID(int=1)), True),
        (Address(uuid="u1", name="plant"), None, False),
        (Address(uuid="u1", name="browser", user=7), 7, True),
        (Address(uuid=""), None, False),
    ],
)
def test_every_part_that_is_given_must_fit(
    address: Address, user_pk: object, expected: bool
) -> None:
    assert address.matches(ANN, user_pk) is expected


class User:
    def __init__(self, pk: int | None) -> None:
        self.pk = pk


def test_an_address_is_written_with_objects_or_their_keys() -> None:
    expected = Address(uuid="u1", name="browser", user=7)
    assert Address.of(to_peer=ANN, to_name="browser", to_user=User(7)) == expected
    assert Address.of(to_peer="u1", to_name="browser", to_user=7) == expected
    assert Address.of(to_peer=None) == EVERYONE


def test_somebody_who_is_not_logged_in_is_not_everyone() -> None:
    with pytest.raises(DefinitionError, match="has no primary key"):
        Address.of(to_peer=None, to_user=User(None))


def test_peer_may_be_named_by_its_uuid_as_an_object() -> None:
    number = uuid.UUID(int=1)
    assert Address.of(to_peer=number) == Address(uuid=str(number))


@pytest.mark.parametrize("to", [{"to_peer": 7}, {"to_peer": None, "to_name": 7}])
def test_parts_that_could_not_travel_to_other_processes_are_refused(to: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="Expected `str`, got 7"):
        Address.of(**to)
