"""Three random runs of sessions over cuts; ``make chaos`` has many more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import cuts
from tests.chaos.stage import open_servers
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers with a Redis between them."""
    directory: Path = tmp_path_factory.mktemp("cuts")
    with open_servers(directory, cuts.VORTEX) as servers:
        yield servers


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_lost_or_doubled_over_cuts(
    seed: int, servers: list[ServerProcess]
) -> None:
    wrong, told = await cuts.run(seed, servers)
    assert not wrong
    assert told["cuts"] == len(cuts.TRANSPORTS) * cuts.CUTS
    lost = [name for name in told if name.startswith("session lost")]
    assert not lost, "both servers live"
