"""VortexPY 6.2.2 receives and edits the airports of the example project as tuples of its own."""

import csv
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.interop.conftest import StartOriginal
from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.notation import Record
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess


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


AIRPORTS = {"key": "airports.airport"}
PUSHED = {"key": "e2e.airports"}
FOR_EVERYBODY = {"PERMISSION": "django_vortex.AllowAny"}
"""A released client has no cookie, so it is nobody; a project may let it write all the same."""


@pytest.fixture(scope="module")
def open_server(start_server: StartServer) -> ServerProcess:
    return start_server("uvicorn", vortex=FOR_EVERYBODY)


@pytest.fixture(params=["websocket", "http"])
def connect(
    request: pytest.FixtureRequest, start_original: StartOriginal
) -> Callable[[ServerProcess], OriginalClient]:
    def make(server: ServerProcess) -> OriginalClient:
        client = start_original(request.param, server.port)
        client.connect()
        return client

    return make


def make_airport(**fields: object) -> Record:
    names = ["iata", "name", "city", "state", "country", "latitude", "longitude", "version"]
    return Record("airports.AirportRow", {**dict.fromkeys(names), **fields})


NOWHERE = make_airport(
    iata="ZZ9", name="Nowhere", city="", state="", country="USA", latitude=1.5, longitude=2.5
)


def test_airports_are_listed_but_not_changed_by_nobody(
    connect: Callable[[ServerProcess], OriginalClient], server: ServerProcess
) -> None:
    client = connect(server)
    wanted = {**AIRPORTS, "where": {"state": "DE"}, "order": ["-iata"]}
    listed = [row.fields["iata"] for row in client.request(wanted).tuples or []]
    of_state = sorted(str(row["iata"]) for row in expected_airports() if row["state"] == "DE")
    assert listed == of_state[::-1]

    *rows, page = client.request({**wanted, "limit": 2}).tuples or []
    assert ([row.fields["iata"] for row in rows], page.fields["count"]) == (listed[:2], 2)
    *rows, page = client.request({**wanted, "limit": 4, "after": page.fields["next"]}).tuples or []
    assert [row.fields["iata"] for row in rows] == listed[2:]
    assert page.fields["next"] is None

    refused = client.request(AIRPORTS, [NOWHERE])
    assert "You may not create" in str(refused.failure)
    assert client.request({**AIRPORTS, "id": "ZZ9"}).tuples == []


def test_an_airport_is_made_changed_and_deleted(
    connect: Callable[[ServerProcess], OriginalClient], open_server: ServerProcess
) -> None:
    writer, reader = connect(open_server), connect(open_server)
    one = {**PUSHED, "id": "ZZ9"}
    created = writer.request(PUSHED, [Record("e2e.PushedAirport", NOWHERE.fields)])
    assert (created.failure, created.result) == (None, True)
    [row] = created.tuples or []
    assert row == Record(row.type_name, {**NOWHERE.fields, "version": 1}, "PushedAirportTuple")

    assert reader.request(one).tuples == [row]
    pushed = reader.listen(one)
    somewhere = Record(row.type_name, {**row.fields, "name": "Somewhere"})
    changed = writer.request(PUSHED, [somewhere])
    assert changed.result is True
    assert [new.fields["version"] for new in changed.tuples or []] == [2]
    assert pushed.wait_for(1)[0].tuples == changed.tuples

    elsewhere = Record(row.type_name, {**row.fields, "name": "Elsewhere"})
    stale = reader.request(PUSHED, [elsewhere])
    assert "changed" in str(stale.failure)
    assert reader.request(one).tuples == changed.tuples

    assert writer.request({**PUSHED, "delete": True}, changed.tuples).result is True
    assert pushed.wait_for(2)[-1].tuples == []
    assert reader.request(one).tuples == []
