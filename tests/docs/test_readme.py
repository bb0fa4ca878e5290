"""What ``README.rst`` shows works as it stands there."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, read_blocks
from tests.docs.project import Project
from tests.e2e.peers import ReadingPeer, decode_tuples
from tests.support.fixtures import StartServer
from tests.support.ports import HOST
from tests.support.processes import LoggedProcess
from tests.support.waiting import PATIENCE_SECONDS

EXAMPLE = "example_project/board/vortex.py"
ALL_BLOCKS = read_blocks("README.rst")
BLOCKS = {file: block for file, block in ALL_BLOCKS.items() if file != EXAMPLE}
CLIENT = "client.py"
ANYWHERE = "anywhere"
MODELS = "board/models.py"

VIEWS = """
from django.http import HttpResponse

from board.models import Ticket

def notice(request):
{anywhere}
    return HttpResponse()

def add(request):
    Ticket.objects.create(title="Another lamp")
    return HttpResponse()
"""

WATCH = """
import asyncio
import sys

from django_vortex.client import connect

async def main(url):
    async with connect(url, name="watch") as client:
        async for tickets in client.watch("board.open", search="lamp"):
            print([ticket.title for ticket in tickets], flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def project(make_project: Callable[[], Project]) -> Project:
    """The fifteen lines in a project that has the model and a ticket."""
    project = make_project()
    project.write(block for block in BLOCKS.values() if block.file not in (CLIENT, ANYWHERE))
    anywhere = "\n".join(f"    {line}" for line in BLOCKS[ANYWHERE].code_lines)
    (project.directory / "board" / "views.py").write_text(VIEWS.format(anywhere=anywhere))
    Block(
        "mysite/urls.py",
        "from board.views import add, notice\n"
        "urlpatterns += [path('notice', notice), path('add', add)]\n",
        is_appended=True,
    ).write(project.directory)
    project.run("manage.py", "makemigrations", "board")
    project.run("manage.py", "migrate")
    project.run(
        "manage.py", "shell", "-c", "from board.models import Ticket as T; T(title='Lamp').save()"
    )
    project.serve()
    return project


@pytest.fixture
def peer(project: Project) -> Iterator[ReadingPeer]:
    peer = ReadingPeer("websocket", project.port, "reader")
    yield peer
    peer.close()


def test_lines_are_as_few_as_promised() -> None:
    ours = [block for block in BLOCKS.values() if block.file not in (CLIENT, MODELS)]
    assert len(ours) == 5
    assert sum(len(block.code_lines) for block in ours) <= 15
    assert len(BLOCKS[CLIENT].code_lines) <= 10


@pytest.mark.parametrize(
    "page", ["README.rst", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.rst"))]
)
def test_nothing_is_installed_from_an_index_that_does_not_have_it(page: str) -> None:
    commands = re.findall(r"pip install [^`\n]*", (ROOT / page).read_text("utf-8"))
    assert not [one for one in commands if "django_vortex" in one or "django-vortex" in one]
    assert not [one for one in commands if "vortexpy" in one and "Twisted<25" not in one]


def test_shown_handler_is_the_one_of_the_example() -> None:
    assert ALL_BLOCKS[EXAMPLE].code == (ROOT / EXAMPLE).read_text("utf-8")


def test_fifteen_lines_serve_rows_live_answers_and_push(
    project: Project, peer: ReadingPeer
) -> None:
    assert "no issues" in project.run("manage.py", "check")
    peer.ask(key="board.open", search="lamp")
    (ticket,) = decode_tuples(peer.wait_for("board.open"))
    assert (ticket["_ct"], ticket["_c"]) == ("rt", "board.Ticket")
    assert ticket["title"] == "Lamp"
    peer.ask(key="board.tickets", id=1)
    assert [one["title"] for one in decode_tuples(peer.wait_for("board.tickets"))] == ["Lamp"]

    (project.directory / "watch.py").write_text(WATCH)
    watcher = project.start("watch", "watch.py", f"ws://{HOST}:{project.port}/vortex")
    watcher.wait_for_log("['Lamp']\n")
    project.get("/add")
    watcher.wait_for_log("['Lamp', 'Another lamp']\n")

    project.get("/notice")
    assert decode_tuples(peer.wait_for("board.notice")) == ["Lunch"]


@pytest.mark.parametrize("kind", ["runserver", "uvicorn"])
def test_ten_line_client_receives_the_airports(
    kind: str, start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(kind)
    path = tmp_path / CLIENT
    path.write_text(BLOCKS[CLIENT].code.replace("8000", str(server.port)))
    command = [sys.executable, "-W", "error", str(path)]
    client = LoggedProcess("client", command, tmp_path, {"PYTHONPATH": str(ROOT)})
    client.start()
    assert client.wait(seconds=PATIENCE_SECONDS) == 0, client.log
    text = (ROOT / "README.rst").read_text("utf-8")
    lines = client.log.splitlines()
    assert len(lines) == 2
    assert all(f"``{line}``" in text for line in lines)
