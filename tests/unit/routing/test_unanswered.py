"""What the log says of messages that no endpoint is for."""

import pytest

from django_vortex.routing import unanswered
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from tests.support.routing import Bench


def answer(request: Request) -> None:
    """Answer nothing."""


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_key_is_written_once(
    bench: Bench, dialect: Dialect, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        await bench.ask({"key": "nobody", "id": number}, dialect=dialect)
    [record] = caplog.records
    assert record.getMessage() == (
        "A peer named 'browser' asks for {'key': 'nobody', 'id': 0}, which no endpoint is for"
    )


@pytest.mark.parametrize(
    ("filt", "reason"),
    [
        ({"key": "board.opne"}, ". Did you mean 'board.open'?"),
        (
            {"key": "board.open"},
            ". Those of this key want {'key': 'board.open', 'state': 'open'}, "
            "or do not hear peers of this name",
        ),
        ({"id": 5}, ""),
    ],
)
async def test_the_reason_is_written_where_it_can_be_guessed(
    bench: Bench, filt: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = {"key": "board.open", "state": "open"}
    kept = PayloadEndpoint(wanted, answer, payload_io=bench.payload_io)
    await bench.ask(filt)
    [record] = caplog.records
    assert record.getMessage().endswith(f"which no endpoint is for{reason}")
    kept.close()


async def test_answers_and_endless_new_keys_are_not_written(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswered, "MAX_KEYS", 2)
    await bench.ask({"key": "late"}, result="No endpoint for ...")
    for number in range(5):
        await bench.ask({"key": f"k{number}"})
    assert len(caplog.records) == 2
