"""Encoding and decoding 2000 tuples with 8 mixed fields.

Ours (D2, base64 included) against ``vortexpy`` 6.2.2, and against bare ``orjson`` with zlib level 6
on ready plain dicts of the same values, which needs no base64 and makes no tuples.
"""

import datetime as dt
import random
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from vortex.Payload import Payload as VortexPyPayload
from vortex.Tuple import Tuple as VortexPyTuple
from vortex.Tuple import TupleField as VortexPyField
from vortex.Tuple import addTupleType

from benchmarks import goals
from benchmarks.operations import Operations, in_process
from benchmarks.results import Result, compare, format_table, interleave
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.payload import Payload

TUPLES = 2000
ROUNDS = 15

registry = TupleRegistry()


@tuple_type("bench.Order", registry=registry)
class Order(Tuple):
    """Our side's record."""

    id: int
    name: str
    price: float
    quantity: int
    active: bool
    created: dt.datetime
    tags: list[str]
    note: str


@addTupleType
class VortexPyOrder(VortexPyTuple):
    """The same for vortexpy, with its fields declared as completely as it can."""

    __tupleType__ = "bench.Order"

    id = VortexPyField(typingType=int)
    name = VortexPyField(typingType=str)
    price = VortexPyField(typingType=float)
    quantity = VortexPyField(typingType=int)
    active = VortexPyField(typingType=bool)
    created = VortexPyField(typingType=dt.datetime)
    tags = VortexPyField(typingType=list)
    note = VortexPyField(typingType=str)


def make_rows() -> list[dict[str, Any]]:
    """Return the values, the same in every run."""
    rng = random.Random(1)
    start = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    return [
        {
            "id": index,
            "name": f"order {index}",
            "price": rng.random() * 100,
            "quantity": rng.randint(0, 50),
            "active": bool(index % 2),
            "created": start + dt.timedelta(seconds=index),
            "tags": ["new", "web", str(index % 7)],
            "note": "lorem ipsum " * rng.randint(0, 4),
        }
        for index in range(TUPLES)
    ]


def make_vortexpy_order(row: dict[str, Any]) -> Any:
    """Return a row as vortexpy's record."""
    make: Any = VortexPyOrder
    return make(**row)


def rate(run: Callable[[], object]) -> Callable[[], float]:
    """Return a measurement of one run in tuples per second of this thread's processor time.

    Nothing here waits, so time that other processes took is none of ours.
    """

    def measurement() -> float:
        start = time.thread_time()
        run()
        return TUPLES / (time.thread_time() - start)

    return measurement


@contextmanager
def operations() -> Iterator[Operations]:
    """Return our side: a payload each way."""
    codec = Codec(registry)
    payload = Payload({"key": "bench"}, [Order(**row) for row in make_rows()])
    text = codec.encode_payload(payload, Dialect.D2).text
    yield {
        f"encode {TUPLES} tuples": in_process(
            lambda: codec.encode_payload(payload, Dialect.D2).text
        ),
        f"decode {TUPLES} tuples": in_process(lambda: codec.decode_payload(text, Dialect.D2)),
    }


def measure() -> list[Result]:
    """Compare both ways with both sides."""
    rows = make_rows()
    codec = Codec(registry)
    payload = Payload({"key": "bench"}, [Order(**row) for row in rows])
    theirs: Any = VortexPyPayload(
        filt={"key": "bench"}, tuples=list(map(make_vortexpy_order, rows))
    )
    text = codec.encode_payload(payload, Dialect.D2).text
    their_text = theirs.toEncodedPayload()
    bare_text = zlib.compress(orjson.dumps(rows), 6)
    _check_equal(codec.decode_payload(text, Dialect.D2), payload)
    _check_equal(codec.decode_payload(their_text, Dialect.D2), payload)

    rates = interleave(
        {
            "ours encode": rate(lambda: codec.encode_payload(payload, Dialect.D2).text),
            "bare encode": rate(lambda: zlib.compress(orjson.dumps(rows), 6)),
            "ours decode": rate(lambda: codec.decode_payload(text, Dialect.D2)),
            "bare decode": rate(lambda: orjson.loads(zlib.decompress(bare_text))),
            "vortexpy encode": rate(theirs.toEncodedPayload),
            "vortexpy decode": rate(lambda: VortexPyPayload().fromEncodedPayload(their_text)),
        },
        rounds=ROUNDS,
    )
    return [
        compare(
            f"{way} 2000 tuples against {other}",
            rates[f"ours {way}"],
            rates[f"{side} {way}"],
            "tuples/s",
            goal=goal,
        )
        for side, other, goal in (
            ("vortexpy", "vortexpy 6.2.2", goals.CODEC_OVER_VORTEXPY),
            ("bare", "bare orjson and zlib 6", goals.CODEC_OVER_BARE_ORJSON),
        )
        for way in ("encode", "decode")
    ]


def _check_equal(decoded: Payload, payload: Payload) -> None:
    """Make sure that fast is not wrong."""
    if list(decoded.tuples) != list(payload.tuples):
        raise AssertionError("The decoded tuples are not those that were encoded")


if __name__ == "__main__":
    print(format_table(measure()))
