"""Whatever a peer sends is refused when it is read, or can be sent back to it."""

import json
from typing import Any

import pytest
from hypothesis import example, given

from django_vortex.exceptions import WireError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.protocol import OUTER_LEVELS
from tests.unit.wire import strategies

CODEC = Codec(strategies.registry)


def send_back(source: Any, dialect: Dialect) -> None:
    """Read JSON of a peer, and write what it stands for; either may tell that the peer is wrong."""
    try:
        value = CODEC.decode_part(source, dialect, "$")
        CODEC.encode_json(CODEC.encode_value(value, dialect), dialect)
        payload = CODEC.decode_payload_object(
            {"_ct": "rp", "filt": {}, "tuples": [source]}, dialect
        )
        CODEC.encode_payload(payload, dialect)
    except WireError:
        return


@pytest.mark.parametrize("dialect", Dialect)
@given(strategies.peers_json)
@example({"_ft": "bigint", "_fd": "0x" + "f" * 9000})
@example({"_ft": "int", "_fd": "1" * 4300})
@example(int("1" * 4300))
@example({"_ct": "rpe", "filt": {}, "encodedPayload": "!!!"})
@example({"_ct": "rpe", "filt": {}, "data": "AAAA"})
@example({"_ct": "rt", "_c": "test.Anything", "json": float("inf")})
@example({"_ft": "decimal", "_fd": "1e999999"})
def test_json_of_any_kind(dialect: Dialect, source: Any) -> None:
    send_back(source, dialect)


@pytest.mark.parametrize("dialect", Dialect)
@given(strategies.values)
def test_values_of_our_own_dialect_from_peers_of_another(dialect: Dialect, value: Any) -> None:
    native = Dialect.NATIVE
    send_back(json.loads(CODEC.encode_json(CODEC.encode_value(value, native), native)), dialect)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("levels", range(58, 66))
def test_filt_that_is_read_can_stand_in_an_answer(dialect: Dialect, levels: int) -> None:
    filt: Any = "bottom"
    for _ in range(levels):
        filt = {"a": filt}
    try:
        read = CODEC.decode_part(filt, dialect, "$.filt", OUTER_LEVELS)
    except WireError:
        assert levels > CODEC.limits.depth - OUTER_LEVELS
        return
    CODEC.encode_value([[read]], dialect)
