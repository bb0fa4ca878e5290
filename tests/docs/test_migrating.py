"""What the pages about other live frameworks show works as it stands there."""

from collections.abc import Callable

import pytest

from tests.docs.blocks import read_blocks
from tests.docs.project import Project
from tests.docs.test_crud import FASTER, PROJECT

MAKE_USER = """
from django.contrib.auth.models import User
from django_vortex.testing import connect

ann = User.objects.create(username="ann")
"""

SHELLS = {
    "dcrf": MAKE_USER
    + """
from board.models import Comment

Comment.objects.create(user=User.objects.create(username="bob"), text="not mine")
with connect() as stranger, connect(user=ann) as peer:
    assert stranger.request({"key": "board.my_comments"}).error == "permission"
    [row] = peer.request({"key": "board.comments"}).tuples
    row.id, row.user_id, row.text = None, ann.pk, "mine"
    [saved] = peer.request({"key": "board.comments"}, [row]).tuples
    assert [one.text for one in peer.request({"key": "board.my_comments"}).tuples] == ["mine"]
""",
    "meteor": MAKE_USER
    + """
from board.models import Ticket

Ticket.objects.create(title="Lamp", secret="x")
with connect() as stranger, connect(user=ann) as peer:
    assert stranger.request({"key": "tickets.open"}).error == "permission"
    [row] = peer.request({"key": "tickets.open", "search": "LAMP"}).tuples
    assert not hasattr(row, "secret") or not row.secret
    assert peer.request({"key": "tickets.close", "id": row.id}).result in (None, True)
    assert peer.request({"key": "tickets.open"}).tuples == []
""",
}


@pytest.mark.parametrize("page", SHELLS)
def test_page_shows_what_works(page: str, make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.write([*PROJECT, FASTER, *read_blocks(f"docs/migrating-{page}.rst").values()])
    project.run("manage.py", "migrate", "--run-syncdb")
    assert "no issues" in project.run("manage.py", "check")
    project.run("manage.py", "shell", "-c", SHELLS[page])
