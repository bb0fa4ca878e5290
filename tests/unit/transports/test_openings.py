"""Clients of the versions that are served, and released ones, are answered as they always were."""

from typing import Any

import pytest

from django_vortex.wire.dialects import Dialect
from django_vortex.wire.inflate import inflate
from django_vortex.wire.versions import OLDEST_VERSION
from tests.vectors.openings import answer, load

OPENINGS = [one for one in load() if one["version"] is None or one["version"] >= OLDEST_VERSION]
DIALECTS = {
    "VortexPY 6.2.2": {"ws": None, "http": Dialect.D2},
    "VortexPY 2.4.3": {"http": Dialect.D1},
    "VortexPY 0.3.0": {"http": Dialect.D0},
    "VortexJS 2.4.2": {"ws": None, "http": Dialect.D1},
}


@pytest.mark.parametrize(
    "opening", OPENINGS, ids=[f"{one['client']}-{one['url'].partition(':')[0]}" for one in OPENINGS]
)
def test_opening_is_answered_as_it_was(opening: dict[str, Any]) -> None:
    dialect, first = answer(opening)
    if dialect is Dialect.D0:  # compressed as a whole, and not by every library to the same bytes
        assert inflate(first, 10_000) == inflate(opening["first"], 10_000)
    else:
        assert first == opening["first"]
    scheme = opening["url"].partition(":")[0]
    if opening["version"] is None:
        assert dialect is DIALECTS[opening["client"]][scheme]
