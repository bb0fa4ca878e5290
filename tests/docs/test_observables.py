"""The page about VortexPY's observables shows what works, also with VortexPY's own observer."""

from collections.abc import Callable

from tests.docs.blocks import Block, read_blocks
from tests.docs.project import Project
from tests.docs.test_crud import PROJECT

VIEW = """
from django.http import HttpResponse
from django.urls import path

from board.models import Ticket


def add_tickets(request):
    for day in ("2026-01-31", "2026-02-01"):
        Ticket.objects.create(title=day, due=day)
    return HttpResponse("Added")


urlpatterns += [path("add", add_tickets)]
"""


def test_observer_of_vortexpy_is_shown_what_changes(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.write([*PROJECT, *read_blocks("docs/migrating-observables.rst").values()])
    project.write([Block("mysite/urls.py", VIEW, is_appended=True)])
    project.run("manage.py", "makemigrations", "board")
    project.run("manage.py", "migrate")
    assert "no issues" in project.run("manage.py", "check")
    project.serve()

    observer = project.start("observer", "observer.py", str(project.port))
    observer.wait_for_log("[]\n")
    assert project.get("/add") == b"Added"
    observer.wait_for_log("['2026-01-31']\n")
