# ruff: noqa: E402 - models can be imported only when Django is set up
"""The way of one CRUD update: how many calls of functions it is, in how many files.

The whole stack runs in this process: the ASGI application gets a native message that changes two
fields of one Django row, as a server would hand it over, a thread of ours works on SQLite in a
file, and the application sends the reply. `call_counter` says what counts as a call.

Nothing of this depends on the machine. The other side is what the same script has counted with the
package of `goals.BASE_COMMIT`.
"""

import asyncio
import json
import os
import tempfile
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import CodeType
from typing import Any, Final
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

# Models may be imported only now.
from django.db import connection, connections

import django_vortex
from benchmarks import goals
from benchmarks.call_counter import CallCounter
from benchmarks.crud_models import FIELDS, Customer, Order
from benchmarks.results import Result, compare, format_table
from django_vortex import (
    AllowAny,
    OrmCrudHandler,
    Payload,
    PayloadEnvelope,
    tuple_type,
    vortex_application,
)
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.messages import encode_message

UPDATES: Final = 9
"""Counted one by one. The fewest calls are those without a tick of the server's clock meanwhile."""

TURNS: Final = 20
"""Of the loop, in which the server ends what it still does about an answered request."""

_PACKAGE: Final = Path(django_vortex.__file__).parent
_FILT: Final = {"key": "bench.calls"}
_NOON: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Browser:
    """A peer of an ASGI application without any code of the package's."""

    def __init__(self, application: Any) -> None:
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._application = application
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and read who the server is."""
        query = f"vortexUuid={uuid4()}&vortexName=bench&vortexDialect=native&vortexVersion=2"
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/vortexws",
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
        }
        self._task = asyncio.ensure_future(
            self._application(scope, self._to_server.get, self._from_server.put)
        )
        self._to_server.put_nowait({"type": "websocket.connect"})
        assert (await self._from_server.get())["type"] == "websocket.accept"
        await self._from_server.get()

    async def ask(self, text: str) -> dict[str, Any]:
        """Send a message and return the next that is no heart-beat."""
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})
        while (text := (await self._from_server.get())["text"]) == ".":
            pass
        reply: dict[str, Any] = json.loads(text)
        return reply

    async def close(self) -> None:
        """Go away."""
        assert self._task is not None
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task


def count_update() -> Counter[CodeType]:
    """Return the calls of one update by function."""
    with tempfile.TemporaryDirectory() as directory:
        connections.databases["default"]["NAME"] = str(Path(directory) / "calls.sqlite3")
        _fill()
        counter = CallCounter(_PACKAGE)
        with counter.counting():
            counted = asyncio.run(_count_updates(counter))
        connections.close_all()
    return min(counted, key=Counter.total)


def count_files(calls: Counter[CodeType]) -> int:
    """Return in how many files the functions stand."""
    return len({code.co_filename for code in calls})


def measure() -> list[Result]:
    """Compare with the counts of the base."""
    calls = count_update()
    return [
        compare(
            f"{unit} of one CRUD update against {goals.BASE_COMMIT}",
            ours,
            theirs,
            unit,
            goal=goals.FEWER_THAN_BASE,
            is_less_better=True,
        )
        for unit, ours, theirs in (
            ("calls", calls.total(), goals.BASE_UPDATE_CALLS),
            ("files", count_files(calls), goals.BASE_UPDATE_FILES),
        )
    ]


def _fill() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Order.objects.create(id=1, name="order 1", price=Decimal("1.25"), created=_NOON)


async def _count_updates(counter: CallCounter) -> list[Counter[CodeType]]:
    tuple_type("bench.Calls", fields=FIELDS)(Order)
    application = vortex_application()
    handler = OrmCrudHandler(_FILT, Order, permission=AllowAny)
    browser = Browser(application)
    await browser.open()
    counted = []
    for number in range(UPDATES + 1):
        message = _make_message(number)
        counter.calls.clear()
        reply = await browser.ask(message)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert reply["result"] is True, reply
        counted.append(counter.calls.copy())
    await browser.close()
    del handler
    return counted[1:]  # the first has made what later ones use


def _make_message(number: int) -> str:
    row = Order(
        id=1, name="order 1", price=Decimal("1.25"), quantity=100 + number, created=_NOON,
        note=f"changed {number}",
    )  # fmt: skip
    filt = {**_FILT, "PayloadResponse.messageId": f"m{number}"}
    envelope = PayloadEnvelope(filt, Payload(filt, tuples=[row]))
    return str(encode_message(envelope, WireForm(Dialect.NATIVE, False), _NOON, Codec()))


if __name__ == "__main__":
    print(format_table(measure()))
