# ruff: noqa: E402 - models can be imported only when Django is set up
"""Capture and tracking: what Django's ORM takes longer with them than without.

Both sides are in this process and take turns: two databases of a kind with the same rows, one
whose connection was opened without capture, and Django's compilers with hooks or as Django has
them. Writes are told to a listener that does nothing, reads are recorded as in an evaluation.
Times are the processor time of this thread, since waiting for a disk or a server tells more of the
machine: so what PostgreSQL takes is on neither side.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.capture_settings"

import django

django.setup()

# Models may be imported only now.
from django.db import connections, transaction
from django.db.backends.signals import connection_created

from benchmarks.crud import make_rows
from benchmarks.crud_models import Customer, Order
from benchmarks.goals import CAPTURE_OVER_NONE
from benchmarks.results import Result, compare, format_table, interleave
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from django_vortex.orm.django.capture import watch_connection
from django_vortex.orm.django.install import install_capture
from django_vortex.orm.django.read_hooks import HOOK
from django_vortex.orm.django.write_hooks import HOOKS, LATER_HOOKS
from django_vortex.transports.telling import is_heard, tell
from tests.support.postgres import USER, PostgresServer

ROUNDS: Final = 61
SAVES: Final = 20
MADE: Final = 1000
SELECTS: Final = 20
"""Selects by key that are timed together."""

_SIGNAL: Final = "django_vortex.capture"
_PLACES: Final = (*HOOKS, *LATER_HOOKS, HOOK)
_INHERITED: Final = object()
"""Stands for a method that a class does not have itself."""


class Sides:
    """The two sides over databases of one kind, each with a connection that stays open.

    Args:
        databases: Those of Django's setting, by side.
    """

    def __init__(self, kind: str, databases: dict[str, dict[str, Any]]) -> None:
        self.aliases = {side: f"{kind}_{side}" for side in databases}
        for side, database in databases.items():
            connections.databases[self.aliases[side]] = connections.configure_settings(
                {"default": database}
            )["default"]
        connection_created.disconnect(dispatch_uid=_SIGNAL)
        connections[self.aliases["plain"]].ensure_connection()
        connection_created.connect(watch_connection, dispatch_uid=_SIGNAL)
        connections[self.aliases["captured"]].ensure_connection()
        for alias in self.aliases.values():
            _fill(alias)
        self.rows = {
            side: list(Order.objects.using(alias).order_by("id")[:SAVES])
            for side, alias in self.aliases.items()
        }
        self._turn = 0

    def save(self, side: str, count: int) -> None:
        """Save rows one by one, in one transaction if they are several."""
        alias = self.aliases[side]
        self._turn += 1
        with transaction.atomic(using=alias) if count > 1 else nullcontext():
            for row in self.rows[side][:count]:
                row.quantity = self._turn
                row.save(using=alias)

    def make(self, side: str) -> None:
        """Make many rows at once."""
        Order.objects.using(self.aliases[side]).bulk_create(_make_orders(MADE))

    def unmake(self, side: str) -> None:
        """Delete them again."""
        Order.objects.using(self.aliases[side]).filter(id__gt=MADE).delete()

    def select(self, side: str) -> None:
        """Read rows by their keys."""
        for key in range(1, SELECTS + 1):
            Order.objects.using(self.aliases[side]).get(pk=key)

    def list(self, side: str) -> None:
        """Read all rows."""
        assert len(list(Order.objects.using(self.aliases[side]).all())) == MADE


class Hooks:
    """The hooks on Django's compilers, which can be taken away and put back."""

    def __init__(self) -> None:
        self._plain = _find_methods()
        install_capture()
        self._hooked = _find_methods()
        self.remove()

    def put(self) -> None:
        """Have them."""
        _set_methods(self._hooked)

    def remove(self) -> None:
        """Have Django's own methods."""
        _set_methods(self._plain)


def _find_methods() -> list[Any]:
    return [vars(cls).get(name, _INHERITED) for cls, name in _PLACES]


def _set_methods(methods: Sequence[Any]) -> None:
    for (cls, name), method in zip(_PLACES, methods, strict=True):
        if method is not _INHERITED:
            setattr(cls, name, method)
        elif name in vars(cls):
            delattr(cls, name)


def _make_orders(count: int, **given: Any) -> list[Order]:
    rows = [{k: v for k, v in row.items() if k != "id"} for row in make_rows()[:count]]
    return [Order(**row, **given) for row in rows]


def _fill(alias: str) -> None:
    with connections[alias].schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Customer.objects.using(alias).bulk_create(Customer(name=f"customer {n}") for n in range(10))
    Order.objects.using(alias).bulk_create(_make_orders(MADE))


def measure() -> list[Result]:
    """Compare each kind of statement with and without, over each database."""
    hooks = Hooks()
    results = []
    with tempfile.TemporaryDirectory() as directory, _run_postgres(Path(directory)) as postgres:
        for kind, database in (("SQLite", _sqlite(Path(directory))), ("PostgreSQL", postgres)):
            sides = Sides(kind, {side: database(side) for side in ("plain", "captured")})
            results += measure_sides(kind, sides, hooks)
        connections.close_all()
    return results


def measure_sides(kind: str, sides: Sides, hooks: Hooks) -> list[Result]:
    """Compare over one kind of database."""
    lines: dict[str, tuple[Callable[[str], object], Callable[[], Any], Callable[[str], object]]] = {
        f"{SAVES} saves with capture": (partial(sides.save, count=SAVES), _heard, _nothing),
        f"bulk_create of {MADE} with capture": (sides.make, _heard, sides.unmake),
        "select by key with tracking": (sides.select, recording, _nothing),
        f"list of {MADE} with tracking": (sides.list, recording, _nothing),
        "save in a process that serves nobody": (partial(sides.save, count=1), _unheard, _nothing),
    }
    results = []
    for name, (run, entered, undo) in lines.items():
        medians = interleave(
            {
                "plain": _timed(
                    partial(run, "plain"), nullcontext, hooks.remove, partial(undo, "plain")
                ),
                "captured": _timed(
                    partial(run, "captured"), entered, hooks.put, partial(undo, "captured")
                ),
            },
            rounds=ROUNDS,
        )
        results.append(
            compare(
                f"{name}, {kind}, against none",
                medians["captured"],
                medians["plain"],
                "ms",
                goal=CAPTURE_OVER_NONE,
                is_less_better=True,
            )
        )
    return results


def _timed(
    run: Callable[[], object],
    entered: Callable[[], Any],
    prepare: Callable[[], object],
    undo: Callable[[], object],
) -> Callable[[], float]:
    """Return a measurement in milliseconds."""

    def measurement() -> float:
        prepare()
        with entered():
            start = time.thread_time()
            run()
            seconds = time.thread_time() - start
        undo()
        return seconds * 1000

    return measurement


@contextmanager
def _heard() -> Iterator[None]:
    """Let somebody listen who does nothing."""
    telling.listen(_nothing)
    try:
        yield
    finally:
        telling.listen(None)


@contextmanager
def _unheard() -> Iterator[None]:
    """Listen as a process does that serves nobody and has no layer to others."""
    telling.listen(tell, is_heard)
    try:
        yield
    finally:
        telling.listen(None)


def _nothing(_: object) -> None:
    pass


def _sqlite(directory: Path) -> Callable[[str], dict[str, Any]]:
    """Return what makes settings of databases in files."""
    return lambda side: {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(directory / f"{side}.sqlite3"),
    }


@contextmanager
def _run_postgres(directory: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Run a server, and give what makes databases in it."""
    server = PostgresServer(directory)

    def make(side: str) -> dict[str, Any]:
        server.create_database(side)
        engine = "django.db.backends.postgresql"
        return {"ENGINE": engine, "NAME": side, "HOST": server.host, "USER": USER}

    server.start()
    try:
        yield make
    finally:
        server.stop()


if __name__ == "__main__":
    print(format_table(measure()))
