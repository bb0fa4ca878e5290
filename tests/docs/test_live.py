"""What the page about live answers shows works as it stands there."""

from collections.abc import Callable

from tests.docs.blocks import Block, read_blocks
from tests.docs.project import Project
from tests.docs.test_crud import PROJECT
from tests.support.ports import HOST

SHELL = """
from board.imports import note_import
from board.models import Ticket
from board.vortex import counts, ticket
from django_vortex.testing import connect

Ticket(title="Lamp", due="2026-01-01").save()
note_import([1])
with connect() as peer:
    error = peer.request({"key": "board.open", "due": "tomorrow", "stat": 1}).text
    assert error.startswith("Argument 'due': Expected `date`, got 'tomorrow'"), error
    assert "Argument 'stat': There is no such argument" in error, error
    assert peer.request({"key": "board.ticket", "id": 1}).error == "permission"
    assert peer.request({"key": "board.clock", "seconds": 5}).tuples[0].year > 2000
assert ticket(None, id=1).title == "Lamp"
assert counts(None) == [{"state": "open", "count": 1}]
"""

SWEEPING = 'VORTEX = {"SWEEP_SECONDS": 2}\n'

CLOSE = """
from board.models import Ticket

Ticket.objects.filter(title="Lamp").update(state="closed")
"""

VIEW = """
from django.http import HttpResponse
from django.urls import path

from board.models import Ticket


def add_tickets(request):
    Ticket.objects.bulk_create(
        [Ticket(title="Printer", due="2026-01-31"), Ticket(title="Roof", due="2026-02-01")]
    )
    return HttpResponse("Added")


urlpatterns += [path("add", add_tickets)]
"""


def test_page_shows_what_works(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.write([*PROJECT, *read_blocks("docs/howto-live.rst").values()])
    project.write([Block("mysite/urls.py", VIEW, is_appended=True)])
    project.write([Block("mysite/settings.py", SWEEPING, is_appended=True)])
    project.run("manage.py", "makemigrations", "board")
    project.run("manage.py", "migrate")
    assert "no issues" in project.run("manage.py", "check")
    project.run("manage.py", "shell", "-c", SHELL)
    project.serve()

    client = project.start("client", "client.py", f"ws://{HOST}:{project.port}/vortex")
    client.wait_for_log("[{'state': 'open', 'count': 1}]\n['Lamp']\n")
    assert project.get("/add") == b"Added"
    client.wait_for_log("['Lamp', 'Printer']\n")
    project.run("manage.py", "shell", "-c", CLOSE)  # another process, and no layer between them
    client.wait_for_log("['Printer']\n")
