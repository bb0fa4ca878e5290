"""Pages about rows and permissions show what works: a project of their blocks runs their tests."""

from collections.abc import Callable

import pytest

from tests.docs.blocks import Block, read_blocks
from tests.docs.project import Project

PROJECT = [
    block
    for file, block in read_blocks("docs/howto-crud-django.rst").items()
    if file.startswith("mysite/")
]
"""What the first of the pages says about the project, for all of them."""

FASTER = Block(
    "mysite/settings.py",
    'MIGRATION_MODULES = {"board": None}\n'
    'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n',
    is_appended=True,
)

MIGRATED = """
from django.test import SimpleTestCase

from board.tables import Airport, Base, engine, make_session
from django_vortex.testing import connect
from django_vortex.wire.dialects import Dialect

GATES = {"key": "gates"}


class MigratedTest(SimpleTestCase):
    def setUp(self):
        Base.metadata.create_all(engine)
        with make_session() as session, session.begin():
            session.add(Airport(iata="ZRH", name="Zurich"))
        self.addCleanup(Base.metadata.drop_all, engine)

    def test_a_released_client_makes_and_deletes_a_row(self):
        from board.vortex import gates

        Gate = gates.plan.main.row_tuple.cls
        with connect(dialect=Dialect.D2) as peer:
            saved = peer.request(GATES, [Gate(id=None, label="A1", airport_iata="ZRH")])
            self.assertEqual((saved.result, saved.tuples[0].id), (True, 1))
            self.assertEqual([row.label for row in peer.request(GATES).tuples], ["A1"])

            refused = peer.request({**GATES, "delete": True})
            self.assertEqual(
                refused.result, "Nothing to delete: the filt has no id and there are no tuples"
            )
            self.assertEqual(refused.tuples, [])
            unknown = peer.request(GATES, [Gate(id=9, label="A9", airport_iata="ZRH")])
            self.assertEqual(unknown.result, "Tuple 0, field 'id': There is no row 9")
            self.assertEqual(peer.unread, [])

            upper = peer.request(GATES, [Gate(id=None, label="b2", airport_iata="ZRH")])
            self.assertEqual(upper.tuples[0].label, "B2")
            gone = peer.request({**GATES, "delete": True}, [Gate(id=None), *upper.tuples])
            self.assertEqual((gone.result, len(gone.tuples)), (True, 1))

            zurich = gates.plan.models[1].row_tuple.cls(iata="ZRH")
            stays = peer.request({**GATES, "delete": True}, [zurich])
            self.assertEqual(stays.result, "Zurich stays where it is")

            deleted = peer.request({**GATES, "delete": True}, saved.tuples)
            self.assertEqual((deleted.result, deleted.tuples), (True, []))
"""


@pytest.mark.parametrize(
    "page", ["crud-django", "crud-sqlalchemy", "crud-permissions", "crud-hooks", "permissions"]
)
def test_page_is_tested(page: str, make_project: Callable[[], Project]) -> None:
    blocks = read_blocks(f"docs/howto-{page}.rst")
    own = [block for file, block in blocks.items() if not file.startswith("mysite/")]
    project = make_project()
    project.write([*PROJECT, FASTER, *own])
    tests = blocks["board/tests.py"].code.count(" def test_")
    assert tests
    assert f"Ran {tests} test" in project.run("manage.py", "test")
    assert "no issues" in project.run("manage.py", "check")


def test_migrated_handler_answers_as_the_page_says(make_project: Callable[[], Project]) -> None:
    project = make_project()
    tables = read_blocks("docs/howto-crud-sqlalchemy.rst")["board/tables.py"]
    project.write([*PROJECT, FASTER, tables])
    project.write(read_blocks("docs/migrating-crud.rst").values())
    project.write([Block("board/tests.py", MIGRATED, is_appended=False)])
    assert "Ran 1 test" in project.run("manage.py", "test")
