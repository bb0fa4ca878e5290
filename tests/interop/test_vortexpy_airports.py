"""VortexPY 6.2.2 receives the airports of the example project as tuples of its own class."""

import csv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.interop.conftest import StartOriginal
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, start_server: StartServer) -> ServerProcess:
    return start_server(request.param)


def expected_airports() -> list[dict[str, object]]:
    """Read the file the example project loads; "NA" is how it writes an unknown city or state."""
    path = Path(str(distribution("vega_datasets").locate_file("vega_datasets/_data/airports.csv")))
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {
                **{name: "" if row[name] == "NA" else row[name] for name in ("city", "state")},
                **{name: row[name] for name in ("iata", "name", "country")},
                **{name: float(row[name]) for name in ("latitude", "longitude")},
            }
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_all_airports_arrive_as_tuples(
    kind: str, server: ServerProcess, start_original: StartOriginal
) -> None:
    client = start_original(kind, server.port)
    client.connect()
    airports = client.request({"key": "airports.all"}).tuples
    assert airports is not None
    assert len(airports) == 3376
    assert {airport.class_name for airport in airports} == {"AirportTuple"}
    by_code = {airport.fields["iata"]: airport.fields for airport in airports}
    assert by_code == {row["iata"]: row for row in expected_airports()}
