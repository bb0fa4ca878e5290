"""The page of the example follows its rows, whoever changes them, and only what changed moves."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import *  # noqa: F403
from tests.support.fixtures import StartServer
from tests.support.processes import manage
from tests.support.redis_server import RedisServer
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=PATIENCE_SECONDS * 1000)

VECTORS = Path(__file__).parents[1] / "vectors/watches-2.json"
AS_IN_THE_DEMO = {"EXAMPLE_DEBUG": "1"}
IMPORTS = "from example_project.board.models import Person, Ticket"

OpenPage = Callable[..., "sync_api.Page"]


@pytest.fixture
def page_database(migrated_database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "live.sqlite3"
    shutil.copyfile(migrated_database, path)
    return path


@pytest.fixture
def server(start_server: StartServer, page_database: Path) -> Iterator[ServerProcess]:
    """A server that other processes do not reach, and which looks often for what they wrote."""
    vortex = {"SWEEP_SECONDS": 2.0}
    server = start_server("uvicorn", database=page_database, env=AS_IN_THE_DEMO, vortex=vortex)
    yield server
    server.stop()


@pytest.fixture
def open_page(browser: "sync_api.Browser") -> Iterator[OpenPage]:
    """Open the page of a server in a browser of its own, logged in or not."""
    contexts: list[sync_api.BrowserContext] = []

    def open_one(
        server: ServerProcess, *, logged_in: bool = True, frames: list[str] | None = None
    ) -> "sync_api.Page":
        context = browser.new_context()
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        if frames is not None:
            page.on("websocket", lambda socket: _record(socket, frames))
        page.goto(server.http_url)
        if logged_in:
            page.get_by_label("User name").fill("demo")
            page.get_by_label("Password").fill("demo")
            page.get_by_role("button", name="Log in").click()
        wait_for_rows(page)
        return page

    yield open_one
    for context in contexts:
        context.close()


def _record(socket: "sync_api.WebSocket", frames: list[str]) -> None:
    socket.on("framesent", lambda text: frames.append(f"> {text}"))
    socket.on("framereceived", lambda text: frames.append(f"< {text}"))


def wait_for_rows(page: "sync_api.Page") -> None:
    expect(page.locator("#board .card")).not_to_have_count(0)
    expect(page.locator("#airports tbody tr")).to_have_count(12)


def card(page: "sync_api.Page", title: str) -> "sync_api.Locator":
    return page.locator("#board .card", has_text=title)


def run(server: ServerProcess, *lines: str) -> None:
    """Run lines of Python in a process of another kind than the server."""
    manage("shell", "-c", "\n".join([IMPORTS, *lines]), env=server.environment)


def mark(page: "sync_api.Page") -> None:
    """Mark every element that shows a row, so that one that is made anew is known."""
    page.evaluate(
        "() => document.querySelectorAll('.card, #airports tr').forEach((one) => one.mark = true)"
    )


def find_unmarked(page: "sync_api.Page") -> list[str]:
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('.card, #airports tr')]"
        ".filter((one) => !one.mark).map((one) => one.querySelector('button').textContent)"
    )
    return found


def test_what_the_admin_saves_shows_on_open_pages(
    open_page: OpenPage, server: ServerProcess
) -> None:
    staff, reader = open_page(server), open_page(server, logged_in=False)
    expect(reader.get_by_role("link", name="Admin", exact=True)).to_have_count(0)
    editor = open_page(server)
    editor.get_by_role("button", name="Replace the wind sock").click()
    mark(reader)

    staff.get_by_role("link", name="Admin", exact=True).click()
    staff.get_by_role("link", name="Tickets").first.click()
    staff.get_by_role("link", name="Replace the wind sock").click()
    staff.get_by_label("Title").fill("Replace both wind socks")
    staff.get_by_role("button", name="Save", exact=True).click()
    expect(card(reader, "Replace both wind socks")).to_contain_text("v2")
    assert find_unmarked(reader) == ["Replace both wind socks"]

    dialog = editor.get_by_role("dialog", name="Edit ticket")
    dialog.get_by_label("Title").fill("Keep the wind sock")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator("[data-conflict]")).to_contain_text("Replace both wind socks")

    staff.locator("#result_list").get_by_role("link", name="Replace both wind socks").click()
    staff.locator("a.deletelink").click()
    staff.get_by_role("button", name="Yes").click()
    expect(card(reader, "wind sock")).to_have_count(0)


def test_what_commands_write_shows_at_once_over_a_layer(
    open_page: OpenPage, start_server: StartServer, page_database: Path, redis_server: RedisServer
) -> None:
    server = start_server(
        "uvicorn",
        database=page_database,
        layer="pubsub",
        redis_url=redis_server.url,
        env=AS_IN_THE_DEMO,
        vortex={"SWEEP_SECONDS": 3600.0},
    )
    page = open_page(server)
    expect(page.get_by_text("what commands write shows at once, too")).to_be_visible()
    run(server, "Ticket.objects.create(title='Mow the grass')")
    expect(card(page, "Mow the grass")).to_be_visible()
    run(
        server,
        "from sqlalchemy import update",
        "from example_project.airports.tables import Airport, make_session",
        "with make_session.begin() as session:",
        "    session.execute(update(Airport).where(Airport.iata == '00M').values(name='Thicket'))",
    )
    expect(page.locator("#airports tbody tr").first).to_contain_text("Thicket")
    manage("announce", "Gate 4 is closed", env=server.environment)
    expect(page.locator("#news")).to_have_text("Gate 4 is closed")
    run(server, "Ticket.objects.all().delete()", "Person.objects.all().delete()")
    expect(page.locator("#board .card")).to_have_count(0)
    manage("load_board", env=server.environment)
    expect(page.locator("#board .card")).to_have_count(8)
    server.stop()


def test_what_commands_write_shows_without_a_layer(
    open_page: OpenPage, server: ServerProcess
) -> None:
    page = open_page(server)
    expect(page.get_by_text("what commands write shows within 2 s")).to_be_visible()
    run(server, "Ticket.objects.filter(title__startswith='Order').update(title='Order salt')")
    expect(card(page, "Order salt")).to_be_visible()


def test_what_is_edited_stays_while_rows_and_people_change(
    open_page: OpenPage, server: ServerProcess
) -> None:
    page = open_page(server)
    page.get_by_role("button", name="Replace the wind sock").click()
    dialog = page.get_by_role("dialog", name="Edit ticket")
    dialog.get_by_label("Assignee").select_option("Bob")
    title = dialog.get_by_label("Title")
    title.fill("Half a sent")
    mark(page)
    run(server, "Person.objects.create(name='Eve')", "Ticket.objects.create(title='Other')")
    expect(card(page, "Other")).to_have_count(1)
    expect(dialog.get_by_label("Assignee").locator("option", has_text="Eve")).to_have_count(1)
    assert find_unmarked(page) == ["Other"]
    expect(title).to_be_focused()
    page.keyboard.type("ence")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(card(page, "Half a sentence")).to_contain_text("Bob")


def test_what_has_not_changed_while_the_server_was_away_does_not_come_again(
    open_page: OpenPage, server: ServerProcess
) -> None:
    frames: list[str] = []
    page = open_page(server, frames=frames)
    mark(page)
    server.stop()
    expect(page.locator("#connection")).to_have_text("connecting …")
    frames.clear()
    run(server, "Ticket.objects.filter(title__startswith='Order').update(title='Order salt')")
    server.restart()
    expect(page.locator("#connection")).to_have_text("connected")
    expect(card(page, "Order salt")).to_be_visible()
    wait_for_rows(page)
    assert find_unmarked(page) == ["Order salt"]
    (asked,) = [
        json.loads(frame[2:])
        for frame in frames
        if '"vortex.watch"' in frame[:99] and frame[0] == ">"
    ]
    assert len(asked["payload"]["tuples"]) == 3
    assert all(one["tag"] for one in asked["payload"]["tuples"])


FEED = """async (cases) => {
    const { Vortex } = await import("/static/home/vortex.js");
    const { Watches } = await import("/static/home/watches.js");
    const done = [];
    for (const { id, steps } of cases) {
        let socket, asked;
        window.WebSocket = class {
            static OPEN = 1;
            readyState = 1;
            constructor() { socket = this; }
            send(text) {
                const message = JSON.parse(text);
                asked.push(message.payload.tuples);
                const payload = { tuples: [{ watch: "q2Bz0mN5yqkz7hV3" }] };
                this.onmessage({ data: JSON.stringify({ ...message, payload }) });
            }
        };
        const settle = () => new Promise((resolve) => setTimeout(resolve));
        const vortex = new Vortex();
        const watches = new Watches(vortex);
        let rows = null, refused = null;
        watches.addEventListener("refused", ({ detail }) => { refused = detail.error; });
        watches.start({ key: "vec.tickets" }, (shown) => { rows = shown; });
        asked = [];
        vortex.start();
        const info = { __vortexUuid__: "server", __vortexVersion__: 2 };
        socket.onmessage({ data: JSON.stringify({ filt: info }) });
        await settle();
        for (const { push } of steps) {
            asked = [];
            refused = null;
            socket.onmessage({ data: push });
            await settle();
            done.push({ id, rows, asked, refused });
        }
    }
    return done;
}"""
"""Let the scripts of the page read pushes, from a server that answers that it watches."""


def read_note(note: Any) -> Any:
    """Return what the page makes of a value of the vectors."""
    if note["t"] == "list":
        return [read_note(one) for one in note["v"]]
    if note["t"] == "tupleobj":
        fields = {name: read_note(value) for name, value in note["v"]}
        return {"_ct": "rt", "_c": note["type"], **fields}
    if note["t"] == "dict":
        return {key["v"]: read_note(value) for key, value in note["v"]}
    return {"int": int, "str": str, "date": str, "null": lambda _: None}[note["t"]](note.get("v"))


def test_page_reads_the_pushes_of_the_vectors(open_page: OpenPage, server: ServerProcess) -> None:
    cases = json.loads(VECTORS.read_text("utf-8"))
    page = open_page(server)
    steps = [(case["id"], step) for case in cases for step in case["steps"]]
    assert len(steps) > 30
    for (name, step), done in zip(steps, page.evaluate(FEED, cases), strict=True):
        assert done["id"] == name
        news = step["news"]
        wanted = [[{"filt": {"key": "vec.tickets"}, "tag": None}]] if news == "unfit" else []
        assert (name, done["asked"]) == (name, wanted)
        assert (name, done["refused"]) == (name, step["code"] if news == "error" else None)
        answer = None if step["tag"] is None else read_note(step["answer"])
        rows = answer if answer is None or isinstance(answer, list) else [answer]
        rows = [None] if step["tag"] and answer is None else rows
        assert (name, done["rows"]) == (name, [] if step.get("ended") else rows)
