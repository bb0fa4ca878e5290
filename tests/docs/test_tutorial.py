"""Whoever follows the tutorial gets what it says."""

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Callable

from tests.docs.blocks import ROOT, read_blocks
from tests.docs.project import Project
from tests.support.ports import HOST

BLOCKS = read_blocks("docs/tutorial.rst")
TEXT = (ROOT / "docs/tutorial.rst").read_text("utf-8")

SUPERUSER = (
    "from django.contrib.auth.models import User; User.objects.create_superuser('ann', '', 'ann')"
)


class Admin:
    """A browser that is logged in to the admin.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}/admin/"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        self.submit("login/?next=/admin/", username="ann", password="ann")

    def submit(self, path: str, **fields: str) -> None:
        """Fill in the form of a page and send it."""
        with self._opener.open(self._url + path, timeout=60) as page:
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
        assert token
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        with self._opener.open(self._url + path, data, timeout=60) as page:
            assert "errornote" not in page.read().decode()


def test_tutorial_is_tested_and_ends_with_a_list_that_is_always_right(
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
    assert "Ran 5 tests" in project.run("manage.py", "test")
    project.run("manage.py", "shell", "-c", SUPERUSER)
    project.serve()

    client = project.start("client", "client.py", f"ws://{HOST}:{project.port}/vortex")
    client.wait_for_log("[]\n")
    assert project.get("/tickets/Lamp") == b"Added\n"
    assert project.get("/tickets/Printer") == b"Added\n"
    client.wait_for_log("['Printer']\n")
    Admin(project.port).submit(
        "board/ticket/2/change/", title="Printer, upstairs", state="open", _save="Save"
    )
    client.wait_for_log("['Printer, upstairs']\n")
    assert client.log == "[]\n['Printer']\n['Printer, upstairs']\n"
