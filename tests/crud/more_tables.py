"""Tables of one test module, in the databases that all share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, models
from sqlalchemy import MetaData

from tests.crud.boards import Place


@contextmanager
def more_tables(
    place: Place, django_models: Sequence[type[models.Model]], metadata: MetaData
) -> Iterator[None]:
    """Make tables as the ORM of a place makes them, and drop them afterwards."""
    database = place.database
    if place.store != "django":
        engine = database._own_engine
        metadata.create_all(engine)
        yield
        with engine.connect() as link:
            if engine.dialect.name == "sqlite":  # rows may still refer to each other
                link.exec_driver_sql("PRAGMA foreign_keys=OFF")
            metadata.drop_all(link)
            link.commit()
            if engine.dialect.name == "sqlite":
                link.exec_driver_sql("PRAGMA foreign_keys=ON")
        return
    with connections[database.alias].schema_editor() as editor:
        for model in django_models:
            editor.create_model(model)
    connections[database.alias].close()
    yield
    with connections[database.alias].schema_editor() as editor:
        for model in reversed(django_models):
            editor.delete_model(model)
    connections[database.alias].close()


def fixture_of(
    django_models: Sequence[type[models.Model]], metadata: MetaData
) -> Callable[..., Any]:
    """Make the fixture of a test module that uses such tables, to be called before ``board``."""

    @pytest.fixture(autouse=True)
    def tables(place: Place) -> Iterator[None]:
        with more_tables(place, django_models, metadata):
            yield

    return tables
