"""Which hooks an extension has, and that only those cost anything."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from django_vortex.orm.crud.extension import CrudExtension, has_hook
from tests.unit.orm.crud_bench import CrudBench, row
from tests.unit.orm.models import Ticket


class Noting(CrudExtension):
    def __init__(self) -> None:
        self.titles: list[str] = []

    def after_create_commit(self, context: Any, row: Any) -> None:
        self.titles.append(row.title)


class More(Noting):
    """Inherits its hook."""


@pytest.mark.parametrize("extension", [Noting(), More()])
def test_a_hook_is_one_of_the_extension_itself_or_of_a_base(extension: CrudExtension):
    assert has_hook(extension, "after_create_commit")
    assert has_hook(extension, "after_retrieve", "after_create_commit")
    assert not has_hook(extension, "after_retrieve", "after_update_commit")


def test_a_hook_may_be_set_on_an_instance():
    extension = CrudExtension()
    assert not has_hook(extension, "after_new")
    extension.after_new = lambda context, values: None  # type: ignore[method-assign]
    assert has_hook(extension, "after_new")


@pytest.mark.django_db
def test_no_thread_is_asked_for_hooks_that_are_not_there(crud: CrudBench):
    extension = Noting()
    handler = crud.serve(extensions=[extension])
    runs: list[Any] = []
    run_sync = handler.payload_io.run_sync

    def count(function: Callable[[], Any]) -> Awaitable[Any]:
        runs.append(function)
        return run_sync(function)

    handler.payload_io.bind(run_sync=count)
    crud.say([row(id=None, title="a"), row(id=None, title="b")])
    assert extension.titles == ["a", "b"]
    for_creating = len(runs)
    crud.say([row(id=one.pk, points=5) for one in Ticket.objects.all()])
    for_updating = len(runs) - for_creating
    assert for_creating - for_updating == 2
