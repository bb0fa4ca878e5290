"""What a payload is before it is encoded."""

from __future__ import annotations

import datetime as dt

import pytest

from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload


def test_payloads_share_no_filt_and_no_tuples() -> None:
    first, second = Payload(), Payload()
    first.filt["key"] = "x"
    first.tuples.append(1)
    assert second == Payload({}, [])


def test_equal_means_same_filt_tuples_and_date_whatever_holds_them() -> None:
    date = dt.datetime(2024, 1, 2)
    assert Payload({"key": "k"}, [1, 2], date) == Payload({"key": "k"}, (1, 2), date)
    assert Payload({"key": "k"}, [1]) != Payload({"key": "k"}, [2])
    assert Payload({"key": "k"}) != Payload({"key": "l"})
    assert Payload(date=date) != Payload()
    assert Payload() != 5


def test_payloads_are_mutable_and_therefore_no_keys() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Payload())


def test_text_shows_everything() -> None:
    assert repr(Payload({"key": "k"}, [1])) == "Payload({'key': 'k'}, tuples=[1], date=None)"


def test_limits_cannot_be_changed_under_way() -> None:
    with pytest.raises(AttributeError):
        Limits().depth = 5  # type: ignore[misc]
