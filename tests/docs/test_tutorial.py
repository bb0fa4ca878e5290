"""Whoever follows the tutorial gets what it says."""

from collections.abc import Callable

from tests.docs.blocks import ROOT, read_blocks
from tests.docs.project import Project

BLOCKS = read_blocks("docs/tutorial.rst")
TEXT = (ROOT / "docs/tutorial.rst").read_text("utf-8")


def test_tutorial_is_tested_and_ends_with_a_client_that_hears_of_a_new_ticket(
    make_project: Callable[[], Project],
) -> None:
    project = make_project()
    project.write(BLOCKS.values())
    project.run("manage.py", "makemigrations", "board")
    project.run("manage.py", "migrate")
    assert "no issues" in project.run("manage.py", "check")
    for line in project.run("manage.py", "vortex_endpoints").splitlines():
        assert f"    {line}\n" in TEXT
    project.write(read_blocks("docs/testing.rst").values())
    assert "Ran 4 tests" in project.run("manage.py", "test")
    project.serve()

    client = project.start("client", "client.py", str(project.port))
    client.wait_for_log("[]\n")
    assert project.get("/tickets/Printer") == b"Added\n"
    client.wait_for_log("['Printer']\n")
