from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from django_vortex.orm.django import tuples as django_tuples
from django_vortex.orm.sqlalchemy import tuples as sqlalchemy_tuples
from django_vortex.tuples import TupleRegistry, registry
from tests.support.routing import Bench
from tests.unit.orm.crud_bench import CrudBench
from tests.unit.orm.desk import Desk
from tests.unit.orm.models import MODELS


@pytest.fixture
def tuples() -> TupleRegistry:
    """A fresh registry of tuple types that knows both ORMs."""
    fresh = TupleRegistry()
    django_tuples.install(fresh)
    sqlalchemy_tuples.install(fresh)
    return fresh


@pytest.fixture
def bench(tuples: TupleRegistry) -> Bench:
    """A fresh registry of endpoints with a peer that asks it."""
    assert tuples is not registry
    return Bench(tuples)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Add the tables of the models of these tests to the test database."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    yield


@pytest.fixture
def crud(tuples: TupleRegistry) -> CrudBench:
    """A bench for tables."""
    return CrudBench(tuples)


@pytest.fixture
def desk() -> Desk:
    """Tables in memory."""
    return Desk()
