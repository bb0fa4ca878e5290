"""Decimals that are no numbers, and such that no field has room for, are keys of no Django row."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from tests.crud.django_fields import KEYS, Purse
from tests.crud.django_shelf import Shelf
from tests.crud.field_fixtures import *  # noqa: F403

FILT = {"key": "coins"}
PURSES = {"key": "purses"}
COIN = KEYS["price"][0]
STRANGE = ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1e400", "12345678.00"]

pytestmark = pytest.mark.parametrize("strange", STRANGE)


@pytest.fixture
def peer(shelf: Shelf) -> Iterator[SyncPeer]:
    """Somebody who sees the coin 1.50 and the purse 1 with it."""
    Purse.objects.using(shelf.alias).all().delete()
    COIN.objects.using(shelf.alias).all().delete()
    COIN.objects.using(shelf.alias).create(id=Decimal("1.50"))
    Purse.objects.using(shelf.alias).create(id=1, coin_id=Decimal("1.50"))
    payload_io = PayloadIO()
    payload_io.bind(codec=Codec(TupleRegistry()))
    options: Any = {"permission": AllowAny, "using": shelf.alias, "payload_io": payload_io}
    options["fields"] = "__all__"
    handlers = [
        OrmCrudHandler(FILT, COIN, client_keys=True, **options),
        OrmCrudHandler(PURSES, Purse, **options),
    ]
    with connect(payload_io=payload_io) as peer:
        yield peer
    del handlers


def check_refused(result: Any, field: str) -> None:
    assert [error["field"] for error in result["errors"]] == [field]


def is_answer(reply: Any) -> bool:
    """Return whether nothing was found, or the key was refused."""
    if isinstance(reply.result, str):
        return False
    return reply.tuples == [] and (reply.result is None or reply.result["error"] == "validation")


def test_none_is_found_or_deleted(shelf: Shelf, peer: SyncPeer, strange: str) -> None:
    assert is_answer(peer.request({**FILT, "id": Decimal(strange)}))
    reply = peer.request({**FILT, "id": Decimal(strange), "delete": True})
    assert reply.result is True or reply.result["error"] == "validation"
    assert COIN.objects.using(shelf.alias).count() == 1


def test_none_is_made(shelf: Shelf, peer: SyncPeer, strange: str) -> None:
    [coin] = peer.request({**FILT, "id": Decimal("1.50")}).tuples
    coin.id = Decimal(strange)
    check_refused(peer.request(FILT, [coin]).result, "id")
    reply = peer.request({**FILT, "delete": True}, [coin])
    assert reply.result is True or reply.result["errors"][0]["field"] == "id"
    assert COIN.objects.using(shelf.alias).count() == 1


@pytest.mark.parametrize(("field", "is_list"), [("coin_id", False), ("coins", True)])
def test_none_is_referred_to(
    shelf: Shelf, peer: SyncPeer, strange: str, field: str, is_list: bool
) -> None:
    [purse] = peer.request({**PURSES, "id": 1}).tuples
    setattr(purse, field, [Decimal(strange)] if is_list else Decimal(strange))
    for key in (1, None):
        purse.id = key
        check_refused(peer.request(PURSES, [purse]).result, field)
    [row] = Purse.objects.using(shelf.alias)
    assert (row.coin_id, list(row.coins.all())) == (Decimal("1.50"), [])
