"""The page of the example in a browser: both apps live, between two open pages."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import *  # noqa: F403
from tests.support.fixtures import StartServer
from tests.support.servers import ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=PATIENCE_SECONDS * 1000)

VERSION_1 = Path(__file__).parents[1] / "vectors/pages/vortex-1.js"
"""The script of the page as it was when there was no other version."""

OpenPage = Callable[..., "sync_api.Page"]


@pytest.fixture(scope="module", params=["runserver", "uvicorn"])
def server(
    request: pytest.FixtureRequest,
    start_server: StartServer,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> ServerProcess:
    """A server with rows of its own, which serves the scripts itself as the demo does."""
    database = tmp_path_factory.mktemp(request.param) / "page.sqlite3"
    shutil.copyfile(migrated_database, database)
    return start_server(request.param, database=database, env={"EXAMPLE_DEBUG": "1"})


@pytest.fixture
def open_page(browser: "sync_api.Browser", server: ServerProcess) -> Iterator[OpenPage]:
    """Open the page in a browser of its own, logged in or not; no page may complain."""
    complaints: list[str] = []
    contexts: list[sync_api.BrowserContext] = []

    def open_one(
        *, logged_in: bool = True, script: Path | None = None, frames: list[str] | None = None
    ) -> "sync_api.Page":
        context = browser.new_context()
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        if script is not None:
            page.route(re.compile(r"/vortex(\.\w+)?\.js"), lambda route: route.fulfill(path=script))
        if frames is not None:
            page.on("websocket", lambda socket: _record(socket, frames))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(server.http_url)
        if logged_in:
            log_in(page, "demo", "demo")
        expect(page.locator("#connection")).to_have_text("connected")
        expect(page.locator("#board .card")).not_to_have_count(0)
        expect(page.locator("#airports tbody tr")).to_have_count(12)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _record(socket: "sync_api.WebSocket", frames: list[str]) -> None:
    frames.append(socket.url)
    socket.on("framesent", lambda text: frames.append(f"> {text}"))
    socket.on("framereceived", lambda text: frames.append(f"< {text}"))


def log_in(page: "sync_api.Page", name: str, password: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def add_ticket(page: "sync_api.Page", title: str, state: str = "open") -> None:
    page.get_by_role("button", name="New ticket").click()
    dialog = page.get_by_role("dialog", name="New ticket")
    dialog.get_by_label("Title").fill(title)
    dialog.get_by_label("State").select_option(state)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()


def edit(page: "sync_api.Page", title: str) -> "sync_api.Locator":
    page.get_by_role("button", name=title, exact=True).click()
    return page.get_by_role("dialog", name="Edit ticket")


def column(page: "sync_api.Page", name: str) -> "sync_api.Locator":
    return page.get_by_role("list", name=name)


def test_what_one_page_saves_shows_in_the_other_at_once(open_page: OpenPage) -> None:
    writer, reader = open_page(), open_page(logged_in=False)
    add_ticket(writer, "Check the radar")
    expect(column(reader, "Open")).to_contain_text("Check the radar")

    dialog = edit(writer, "Check the radar")
    dialog.get_by_label("Assignee").select_option("Cleo")
    dialog.get_by_label("State").select_option("In progress")
    dialog.get_by_role("button", name="Save").click()
    for page in (writer, reader):
        card = column(page, "In progress").locator("li", has_text="Check the radar")
        expect(card).to_contain_text(re.compile("Cleo.*v2"))
    expect(reader.get_by_role("status").first).to_have_text("“Check the radar” has changed.")
    expect(writer.get_by_role("button", name="Check the radar")).to_be_focused()

    writer.on("dialog", lambda question: question.accept())
    edit(writer, "Check the radar").get_by_role("button", name="Delete").click()
    for page in (writer, reader):
        expect(page.get_by_text("Check the radar", exact=True)).to_have_count(0)


def test_stale_save_shows_what_the_row_is_now(open_page: OpenPage) -> None:
    first, second = open_page(), open_page()
    add_ticket(first, "Clean the lounge")
    mine = edit(second, "Clean the lounge")
    theirs = edit(first, "Clean the lounge")
    theirs.get_by_label("Title").fill("Clean the lounge and the bar")
    theirs.get_by_label("Due").fill("2031-05-06")
    theirs.get_by_role("button", name="Save").click()
    expect(column(second, "Open")).to_contain_text("Clean the lounge and the bar")

    mine.get_by_label("Title").fill("Close the lounge")
    mine.get_by_role("button", name="Save").click()
    conflict = mine.locator("[data-conflict]")
    expect(conflict).to_contain_text("Somebody else saved this meanwhile")
    expect(conflict.locator("dd")).to_have_text(["Clean the lounge and the bar", "2031-05-06"])
    expect(mine.get_by_label("Title")).to_have_value("Close the lounge")
    expect(mine.get_by_label("Due")).to_have_value("2031-05-06")

    mine.get_by_role("button", name="Take theirs").click()
    expect(conflict).to_be_hidden()
    expect(mine.get_by_label("Title")).to_have_value("Clean the lounge and the bar")

    theirs = edit(first, "Clean the lounge and the bar")
    theirs.get_by_label("Title").fill("Clean the bar")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs).to_be_hidden()
    mine.get_by_label("Title").fill("Close the lounge")
    mine.get_by_role("button", name="Save").click()
    mine.get_by_role("button", name="Save mine on top").click()
    expect(mine).to_be_hidden()
    expect(column(first, "Open").locator("li", has_text="Close the lounge")).to_contain_text("v4")


def ask_for_echo(page: "sync_api.Page", tuples: list[object]) -> list[object]:
    """Let the script of the page send tuples, and return what comes back."""
    answer: list[object] = page.evaluate(
        """async (tuples) => {
            const { Vortex } = await import("/static/home/vortex.js");
            const vortex = new Vortex();
            const open = new Promise((resolve) => vortex.addEventListener("open", resolve));
            vortex.start();
            await open;
            return await vortex.request({ key: "airports.echo" }, tuples);
        }""",
        tuples,
    )
    return answer


def make_airports(count: int, city: str) -> list[object]:
    return [
        {"_ct": "rt", "_c": "airports.Airport", "iata": f"A{n}", "city": city} for n in range(count)
    ]


def what_was_sent(value: Any) -> object:
    """Return a tuple without the fields that the server has added, others as they are."""
    names = ("_ct", "_c", "iata", "city")
    return {name: value[name] for name in names} if isinstance(value, dict) else value


def test_script_and_server_speak_version_2(open_page: OpenPage) -> None:
    frames: list[str] = []
    page = open_page(frames=frames)
    assert "vortexDialect=native&vortexVersion=2" in frames[0]
    assert any(frame.startswith("< ") and '"rts"' in frame for frame in frames)
    frames.clear()
    for tuples in ([], make_airports(1, "Rome"), make_airports(3, "Zoë"), ["x", None, "x"]):
        assert [what_was_sent(one) for one in ask_for_echo(page, tuples)] == tuples
    (columns,) = [frame for frame in frames if frame.startswith("> ") and '"rts"' in frame]
    assert '"payload":{"tuples":[{"_ct":"rts","_c":"airports.Airport"' in columns
    many = make_airports(2000, "x" * 20)
    assert [what_was_sent(one) for one in ask_for_echo(page, many)] == many
    assert any(frame.startswith("< ") and '"pieces":[' in frame for frame in frames)
    assert len(frames) > 4


@pytest.mark.parametrize("size", [4050, 4100, 300_000, 700_000, 1_200_000])
def test_long_messages_of_the_page_travel_in_pieces(open_page: OpenPage, size: int) -> None:
    frames: list[str] = []
    page = open_page(frames=frames)
    frames.clear()
    assert ask_for_echo(page, ["x" * size, "é"]) == ["x" * size, "é"]
    announced = [frame[:2] for frame in frames if '"pieces":[' in frame]
    expected = {4050: [], 1_200_000: ["< "]}  # what is longer the page compresses
    assert announced == expected.get(size, ["> ", "< "])


def test_what_is_too_long_for_the_server_is_not_sent(open_page: OpenPage) -> None:
    frames: list[str] = []
    page = open_page(frames=frames)
    before = len(frames)
    told = page.evaluate(
        """async () => {
            const { Vortex } = await import("/static/home/vortex.js");
            const vortex = new Vortex();
            const open = new Promise((resolve) => vortex.addEventListener("open", resolve));
            vortex.addEventListener("close", () => console.error("The connection was lost"));
            vortex.start();
            await open;
            const bytes = new Uint8Array(60_000);
            const parts = Array.from({ length: 30 }, () => [...crypto.getRandomValues(bytes)]);
            const filt = { key: "airports.echo" };
            const error = await vortex.request(filt, [parts.join()]).catch((error) => error);
            return [error.error, error.message, await vortex.request(filt, ["short"])];
        }"""
    )
    assert told == ["limit", "The server takes at most 1048576 bytes", ["short"]]
    assert max(map(len, frames[before:])) < 1_000_000


def test_page_that_was_loaded_before_goes_on_in_version_1(open_page: OpenPage) -> None:
    frames: list[str] = []
    page = open_page(script=VERSION_1, frames=frames)
    assert "vortexVersion" not in frames[0]
    add_ticket(page, "Sweep the runway")
    expect(column(page, "Open")).to_contain_text("Sweep the runway")
    newer = open_page(logged_in=False)
    expect(column(newer, "Open")).to_contain_text("Sweep the runway")
    assert len(ask_for_echo(page, make_airports(3, "Rome"))) == 3
    assert not any('"rts"' in frame or '"payload"' in frame for frame in frames)
    page.on("dialog", lambda question: question.accept())
    edit(page, "Sweep the runway")
    page.get_by_role("button", name="Delete").click()
    expect(newer.get_by_text("Sweep the runway", exact=True)).to_have_count(0)


def test_visitors_look_and_are_refused(open_page: OpenPage) -> None:
    writer, visitor = open_page(), open_page(logged_in=False)
    expect(visitor.get_by_role("list", name="Draft")).to_have_count(0)
    add_ticket(writer, "Not yet for everybody", "draft")
    dialog = edit(visitor, "Replace the wind sock")
    dialog.get_by_label("Title").fill("Steal the wind sock")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("You may not")
    dialog.get_by_role("button", name="Cancel").click()
    for page in (writer, visitor):
        expect(column(page, "In progress")).to_contain_text("Replace the wind sock")
    assert "Not yet for everybody" not in visitor.content()

    dialog = edit(writer, "Not yet for everybody")
    dialog.get_by_label("State").select_option("open")
    dialog.get_by_role("button", name="Save").click()
    expect(column(visitor, "Open")).to_contain_text("Not yet for everybody")


def test_mistakes_stand_beside_their_fields(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="New ticket").click()
    dialog = page.get_by_role("dialog", name="New ticket")
    dialog.get_by_role("button", name="Save").click()
    title = dialog.get_by_label("Title")
    expect(title).to_have_attribute("aria-invalid", "true")
    expect(title.locator("..").locator("[data-error]")).to_contain_text("blank")
    expect(dialog.locator("[data-alert]")).to_be_empty()


def test_airports_are_searched_paged_and_edited(open_page: OpenPage) -> None:
    writer, reader = open_page(), open_page(logged_in=False)
    rows = reader.locator("#airports tbody tr")
    codes = rows.locator("button")
    first_page = codes.all_inner_texts()
    reader.get_by_role("button", name="Next").click()
    expect(reader.get_by_text("Page 2")).to_be_visible()
    assert not set(first_page) & set(codes.all_inner_texts())
    reader.get_by_role("button", name="Previous").click()
    expect(codes).to_have_text(first_page)

    for page in (reader, writer):
        search = page.get_by_role("search")
        search.get_by_label("Name contains").fill("dover")
        search.get_by_label("State").fill("de")
        expect(page.locator("#airports tbody tr")).to_have_count(1)
    expect(reader.get_by_role("button", name="Next")).to_be_disabled()
    writer.locator("#airports tbody button").click()
    dialog = writer.get_by_role("dialog", name="Edit airport")
    assert dialog.get_by_label("Code").get_attribute("readonly") is not None
    city = dialog.get_by_label("City").input_value()
    dialog.get_by_label("City").fill(f"{city} by the sea")
    dialog.get_by_label("State").fill("Delaware")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Expected at most 2 characters")).to_be_visible()
    dialog.get_by_label("State").fill("DE")
    dialog.get_by_role("button", name="Save").click()
    expect(rows).to_contain_text(f"{city} by the sea")


def test_list_that_is_refused_is_told(open_page: OpenPage) -> None:
    page = open_page()
    order = page.get_by_role("search").get_by_label("Order by")
    order.evaluate("(select) => select.append(new Option('secret', 'password'))")
    order.select_option("secret")
    expect(page.locator("#news")).to_contain_text("'password' is nothing to order by")


def test_logging_in_and_out(open_page: OpenPage) -> None:
    page = open_page(logged_in=False)
    log_in(page, "demo", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()
    expect(column(page, "Draft")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_every_control_has_a_name(open_page: OpenPage) -> None:
    page = open_page()
    controls = page.locator("input:not([type=hidden]), select, button")
    nameless = controls.evaluate_all(
        "(all) => all.filter((one) => !(one.labels?.length || one.ariaLabel || one.innerText"
        " || one.textContent)).map((one) => one.outerHTML)"
    )
    assert nameless == []
    ids = page.locator("[id]").evaluate_all("(all) => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_page_comes_back_with_the_server(
    browser: "sync_api.Browser", start_server: StartServer, migrated_database: Path, tmp_path: Path
) -> None:
    database = tmp_path / "restarted.sqlite3"
    shutil.copyfile(migrated_database, database)
    server = start_server("uvicorn", database=database, env={"EXAMPLE_DEBUG": "1"})
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.http_url)
    log_in(page, "demo", "demo")
    expect(page.locator("#board .card")).not_to_have_count(0)
    server.stop()
    expect(page.locator("#connection")).to_have_text("connecting …")
    server.restart()
    expect(page.locator("#connection")).to_have_text("connected")
    add_ticket(page, "Start the engines")
    expect(column(page, "Open")).to_contain_text("Start the engines")
    context.close()
