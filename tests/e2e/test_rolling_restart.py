"""Servers are restarted one after the other, and their peers miss nothing."""

import logging
from pathlib import Path

import pytest

from tests.chaos import restarts
from tests.support.fixtures import StartServer
from tests.support.redis_server import RedisServer

COMPLAINTS = ("Traceback", "ERROR", "Exception in", "never retrieved")


@pytest.mark.parametrize("takes_turns", [False, True], ids=["told", "in turn"])
async def test_rolling_restart_loses_nothing_and_nobody_sees_an_error(
    takes_turns: bool,
    start_server: StartServer,
    redis_server: RedisServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = tmp_path / "ran.txt"
    log.touch()
    servers = [
        start_server(
            kind,
            vortex=restarts.VORTEX,
            layer="pubsub",
            redis_url=redis_server.url,
            env={"E2E_COUNTED_LOG": str(log)},
        )
        for kind in ("uvicorn", "daphne")
    ]
    with caplog.at_level(logging.WARNING):
        run_id = f"restarts-{takes_turns}"  # the database has the rows of the other run as well
        wrong, told = await restarts.run(run_id, servers, log, takes_turns=takes_turns)
    assert not wrong, "\n".join(wrong)[:5000]
    assert told["moves"] >= 12
    assert not [one for one in caplog.records if one.name.startswith("django_vortex.client")]
    for server in servers:
        server.stop()
        lines = [line for line in server.log.splitlines() if any(c in line for c in COMPLAINTS)]
        assert not lines
