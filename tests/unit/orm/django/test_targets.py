"""Which rows a foreign key with ``limit_choices_to`` may refer to."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.orm.crud.model import CrudModel
from django_vortex.orm.django.targets import has_limited_targets
from tests.unit.orm.crud_bench import CrudBench, row
from tests.unit.orm.models import Author, Ticket

pytestmark = pytest.mark.django_db

AUTHOR = "vortex_tests.Author"
FIELDS = ["id", "title", "author_id"]


@pytest.fixture(params=[{"name": "Ann"}, lambda: {"name": "Ann"}], ids=["dict", "callable"])
def only_ann(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    field: Any = Ticket._meta.get_field("author")
    has_limited_targets.cache_clear()
    monkeypatch.setattr(field.remote_field, "limit_choices_to", request.param)
    yield
    has_limited_targets.cache_clear()


@pytest.mark.usefixtures("only_ann")
def test_a_stored_row_outside_the_limits_is_not_there(crud: CrudBench) -> None:
    ann, bob = (Author.objects.create(name=name) for name in ("Ann", "Bob"))
    crud.serve(fields=FIELDS)
    assert crud.errors_of(crud.say([row(title="a", author_id=bob.pk)])) == [(0, "author_id")]
    assert crud.say([row(title="a", author_id=ann.pk)]).result is True


@pytest.mark.usefixtures("only_ann")
def test_a_row_of_the_same_message_outside_the_limits_is_refused(crud: CrudBench) -> None:
    more = CrudModel(model=Author, fields=["name"], client_keys=True)
    crud.serve(Ticket, more, fields=FIELDS)

    def say(name: str) -> Any:
        return crud.say([row(AUTHOR, id=5, name=name), row(title="a", author_id=5)])

    assert crud.errors_of(say("Bob")) == [(1, "author_id")]
    assert (Author.objects.count(), Ticket.objects.count()) == (0, 0)
    assert say("Ann").result is True


def test_a_key_without_limits_refers_to_any_row_of_the_message(crud: CrudBench) -> None:
    more = CrudModel(model=Author, fields=["name"], client_keys=True)
    crud.serve(Ticket, more, fields=FIELDS)
    assert crud.say([row(AUTHOR, id=5, name="Bob"), row(title="a", author_id=5)]).result is True
