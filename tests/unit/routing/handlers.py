"""Handlers that return or raise what a test gives them."""

from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.wire.reserved import MESSAGE_ID
from tests.support.routing import Bench

ASK = {"key": "k", "id": 7, MESSAGE_ID: "m1", "nested": {"a": [1, None]}}


class Lazy:
    """A queryset: listed only where it may block, each time anew."""

    def __init__(self, bench: Bench, *items: object) -> None:
        self.bench = bench
        self.items = items

    def __iter__(self) -> Any:
        assert self.bench.sync.is_running
        return iter(self.items)


def answer_with(bench: Bench, result: object, *, is_async: bool) -> PayloadEndpoint:
    """Register a handler that returns ``result``."""
    return _register(bench, lambda: result, is_async=is_async)


def raise_in(bench: Bench, error: BaseException, *, is_async: bool) -> PayloadEndpoint:
    """Register a handler that raises ``error``."""

    def fail() -> None:
        raise error

    return _register(bench, fail, is_async=is_async)


def _register(bench: Bench, act: Callable[[], object], *, is_async: bool) -> PayloadEndpoint:
    async def handle_async(request: Request) -> object:
        return act()

    def handle(request: Request) -> object:
        return act()

    handler = handle_async if is_async else handle
    return PayloadEndpoint({"key": "k"}, handler, payload_io=bench.payload_io)


both_kinds = pytest.mark.parametrize("is_async", [True, False])
