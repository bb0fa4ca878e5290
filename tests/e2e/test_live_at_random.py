"""Random runs of live answers on PostgreSQL and Redis, each from a seed; many by ``make chaos``."""

from collections.abc import Iterator

import pytest

from tests.chaos import live
from tests.chaos.stage import open_stage


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.World]:
    with open_stage(tmp_path_factory.mktemp("chaos")) as world:
        yield world


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_answers_are_right_in_the_end(world: live.World, seed: int) -> None:
    assert await live.run(seed, world) == []
