"""The same tables for SQLAlchemy Core, which has no classes: no relations and no validators."""

from typing import Any

from tests.crud import sqlalchemy_tables

Project: Any = sqlalchemy_tables.Project.__table__
Ticket: Any = sqlalchemy_tables.Ticket.__table__
Label: Any = sqlalchemy_tables.Label.__table__
Seat: Any = sqlalchemy_tables.Seat.__table__
