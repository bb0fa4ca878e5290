"""Tickets over every store, for released clients."""

import os

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.permissions import AllowAny
from tests.crud import django_models, sqlalchemy_tables

FIELDS = ["id", "title", "state", "points", "price"]

OrmCrudHandler(
    {"key": "crud.django"},
    django_models.Ticket,
    fields=FIELDS,
    using="crud",
    type_name="crud.DjangoTicket",
    permission=AllowAny,
)

sync_session = sessionmaker(create_engine(os.environ["CRUD_URL"]))
OrmCrudHandler(
    {"key": "crud.sqlalchemy"},
    sqlalchemy_tables.Ticket,
    fields=FIELDS,
    session_factory=sync_session,
    type_name="crud.AlchemyTicket",
    permission=AllowAny,
)

async_session = async_sessionmaker(create_async_engine(os.environ["CRUD_ASYNC_URL"]))
OrmCrudHandler(
    {"key": "crud.async"},
    sqlalchemy_tables.Ticket,
    fields=FIELDS,
    session_factory=async_session,
    type_name="crud.AlchemyTicket",
    permission=AllowAny,
    retrieve_all=True,
)
