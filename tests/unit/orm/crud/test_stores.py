"""Which store a model is kept in."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.crud.stores import make_store
from django_vortex.orm.django.store import DjangoStore
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import Store
from tests.support.routing import InlineSync
from tests.unit.orm.models import Ticket
from tests.unit.orm.shelves import Book, stock


def find(model: Any, session_factory: Any = None) -> Store:
    return make_store(model, session_factory, None, InlineSync())


def test_a_model_of_django_is_kept_by_django():
    assert isinstance(find(Ticket), DjangoStore)
    assert isinstance(find(Ticket, Session), DjangoStore)


def test_a_model_of_django_is_kept_in_the_database_that_is_named():
    store = make_store(Ticket, None, "other", InlineSync())
    assert store.get_all(Ticket).db == "other"


@pytest.mark.parametrize("model", [Book, stock])
def test_classes_and_tables_of_sqlalchemy_are_kept_by_sqlalchemy(model: Any):
    assert isinstance(find(model, Session), SqlAlchemyStore)


@pytest.mark.parametrize("model", [Book, stock])
def test_sqlalchemy_wants_a_session_factory(model: Any):
    with pytest.raises(DefinitionError, match="need a session_factory"):
        find(model)


@pytest.mark.parametrize("model", [None, object, "Ticket", dict])
def test_anything_else_is_told(model: Any):
    with pytest.raises(DefinitionError, match=r"Expected a Django model.*got") as failure:
        find(model, Session)
    assert repr(model)[:80] in str(failure.value)


async def test_the_store_runs_where_the_handler_says():
    sync = InlineSync()
    store = make_store(Book, lambda: Session(), None, sync)
    assert await store.run(lambda unit: sync.is_running) is True
    assert sync.count == 1
