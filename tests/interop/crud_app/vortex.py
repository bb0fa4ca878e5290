"""Tickets and projects over every store, for released clients."""

import os
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from django_vortex import AllowAny, CrudModel, OrmCrudHandler
from tests.crud import django_models, sqlalchemy_tables


def serve(store: str, models: Any, type_name: str, **options: Any) -> list[OrmCrudHandler]:
    """Serve both tables under one filt, and all tickets under another."""
    tickets = {
        "fields": ["id", "title", "state", "points", "price"],
        "type_name": f"crud.{type_name}Ticket",
        "permission": AllowAny,
        **options,
    }
    projects = CrudModel(
        models.Project, fields=["id", "name", "code"], type_name=f"crud.{type_name}Project"
    )
    return [
        OrmCrudHandler({"key": f"crud.{store}"}, models.Ticket, projects, **tickets),
        OrmCrudHandler({"key": f"crud.{store}.all"}, models.Ticket, retrieve_all=True, **tickets),
    ]


session = sessionmaker(create_engine(os.environ["CRUD_URL"]))
async_session = async_sessionmaker(create_async_engine(os.environ["CRUD_ASYNC_URL"]))

handlers = [
    *serve("django", django_models, "Django", using="crud"),
    *serve("sqlalchemy", sqlalchemy_tables, "Alchemy", session_factory=session),
    *serve("async", sqlalchemy_tables, "Alchemy", session_factory=async_session),
]
