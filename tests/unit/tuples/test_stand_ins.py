"""Proxies and lazy values are known for what they stand for."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from django_vortex.exceptions import UnencodableValue
from django_vortex.tuples.stand_ins import StandIns


class Lazy:
    def __init__(self, value: object) -> None:
        self.value = value


class LazyName(Lazy):
    pass


class Person:
    pass


def read(value: Any) -> object:
    found: object = value.value
    return found


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns()


def test_lazy_values_are_those_that_were_added(stand_ins: StandIns) -> None:
    assert not stand_ins.has(LazyName)
    with pytest.raises(UnencodableValue, match="LazyName is neither a value that travels nor"):
        stand_ins.resolve(LazyName("Ada"))
    stand_ins.add(f"{Lazy.__module__}.Lazy", read)
    assert stand_ins.has(LazyName)
    assert stand_ins.includes(LazyName("Ada"))
    assert stand_ins.resolve(LazyName("Ada")) == "Ada"


def test_a_proxy_stands_for_its_object_though_its_class_was_not_added(stand_ins: StandIns) -> None:
    person = Person()
    proxy = weakref.proxy(person)
    assert stand_ins.includes(proxy)
    assert stand_ins.resolve(proxy) is person
    assert not stand_ins.has(type(proxy))
    assert not stand_ins.includes(person)
