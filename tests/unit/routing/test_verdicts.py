"""Verdicts of permissions, joined without waiting."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.routing.verdicts import Verdict, both, either, opposite, settle

BOOLS = (False, True)


async def later(value: bool) -> bool:
    return value


class Asked:
    """A second verdict that knows whether somebody wanted it."""

    def __init__(self, value: bool, make: Callable[[bool], Verdict]) -> None:
        self.count = 0
        self._value, self._make = value, make

    def __call__(self) -> Verdict:
        self.count += 1
        return self._make(self._value)


@pytest.mark.parametrize("make_second", [bool, later])
@pytest.mark.parametrize("make_first", [bool, later])
@pytest.mark.parametrize("second", BOOLS)
@pytest.mark.parametrize("first", BOOLS)
async def test_the_second_is_asked_only_if_it_matters(
    first: bool, second: bool, make_first: Any, make_second: Any
):
    other = Asked(second, make_second)
    assert await settle(both(make_first(first), other)) is (first and second)
    assert other.count == first
    other = Asked(second, make_second)
    assert await settle(either(make_first(first), other)) is (first or second)
    assert other.count == (not first)


@pytest.mark.parametrize("value", BOOLS)
async def test_the_opposite_is_negated(value: bool):
    assert opposite(value) is not value
    assert await settle(opposite(later(value))) is not value


def test_nothing_is_waited_for_where_nobody_has_to():
    assert both(True, lambda: True) is True
    assert both(False, lambda: True) is False
    assert either(False, lambda: False) is False
    assert either(True, lambda: False) is True


async def test_a_coroutine_makes_the_whole_a_coroutine():
    for joined in (
        both(later(True), lambda: True),
        both(True, lambda: later(True)),
        either(later(True), lambda: False),
        either(False, lambda: later(True)),
        opposite(later(False)),
    ):
        assert inspect.isawaitable(joined)
        assert await joined is True


async def test_what_is_settled_is_a_bool():
    async def give() -> Any:
        return "x"

    assert await settle("x") is True  # type: ignore[arg-type]
    assert await settle(give()) is True
    assert await both(give(), give) is True  # type: ignore[misc]
    assert await either(give(), lambda: False) is True  # type: ignore[misc]
