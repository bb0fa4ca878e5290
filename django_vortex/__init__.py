"""Typed data objects between a Django server and browser or Python clients, both ways, live.

The public names are imported when they are first used: Django imports this package before any model
is ready, and the core below it does not know Django at all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_vortex.exceptions import Conflict as Conflict
    from django_vortex.exceptions import HandlerError as HandlerError
    from django_vortex.exceptions import InvalidCredentials as InvalidCredentials
    from django_vortex.exceptions import NotFound as NotFound
    from django_vortex.exceptions import PermissionDenied as PermissionDenied
    from django_vortex.exceptions import TooManyRequests as TooManyRequests
    from django_vortex.exceptions import ValidationError as ValidationError
    from django_vortex.exceptions import VortexError as VortexError
    from django_vortex.handlers.async_model_handler import AsyncModelHandler as AsyncModelHandler
    from django_vortex.handlers.model_handler import ModelHandler as ModelHandler
    from django_vortex.handlers.notify import notify as notify
    from django_vortex.handlers.notify import notify_mapper as notify_mapper
    from django_vortex.handlers.query import query as query
    from django_vortex.orm.crud.extension import Change as Change
    from django_vortex.orm.crud.extension import Context as Context
    from django_vortex.orm.crud.extension import CrudExtension as CrudExtension
    from django_vortex.orm.crud.handler import OrmCrudHandler as OrmCrudHandler
    from django_vortex.orm.crud.model import CrudModel as CrudModel
    from django_vortex.orm.crud.nested import CrudNested as CrudNested
    from django_vortex.orm.crud.rows_handler import RowsHandler as RowsHandler
    from django_vortex.orm.touch import touch as touch
    from django_vortex.routing.endpoint import PayloadEndpoint as PayloadEndpoint
    from django_vortex.routing.endpoint import endpoint as endpoint
    from django_vortex.routing.payload_io import PayloadIO as PayloadIO
    from django_vortex.routing.peer import Peer as Peer
    from django_vortex.routing.permission import Action as Action
    from django_vortex.routing.permission import Permission as Permission
    from django_vortex.routing.permissions import AllowAny as AllowAny
    from django_vortex.routing.permissions import (
        AuthenticatedOrReadOnly as AuthenticatedOrReadOnly,
    )
    from django_vortex.routing.permissions import IsAuthenticated as IsAuthenticated
    from django_vortex.routing.permissions import IsStaff as IsStaff
    from django_vortex.routing.permissions import ModelPermissions as ModelPermissions
    from django_vortex.routing.permissions import ReadOnly as ReadOnly
    from django_vortex.routing.request import Request as Request
    from django_vortex.transports.asgi import vortex_application as vortex_application
    from django_vortex.transports.authentication import bearer_token as bearer_token
    from django_vortex.transports.authentication import proxy_header as proxy_header
    from django_vortex.transports.authentication import session_cookie as session_cookie
    from django_vortex.transports.held_login import Login as Login
    from django_vortex.transports.identity_changes import disconnect as disconnect
    from django_vortex.transports.inspecting import lag as lag
    from django_vortex.transports.sending import aflush as aflush
    from django_vortex.transports.sending import flush as flush
    from django_vortex.transports.sending import send as send
    from django_vortex.tuples import Field as Field
    from django_vortex.tuples import Tuple as Tuple
    from django_vortex.tuples import TupleField as TupleField
    from django_vortex.tuples import TupleSelector as TupleSelector
    from django_vortex.tuples import register_value as register_value
    from django_vortex.tuples import tuple_type as tuple_type
    from django_vortex.wire.envelope import PayloadEnvelope as PayloadEnvelope
    from django_vortex.wire.payload import Payload as Payload

__version__ = "0.1.0"

_MODULES = {
    "Action": "routing.permission",
    "AllowAny": "routing.permissions",
    "AsyncModelHandler": "handlers.async_model_handler",
    "AuthenticatedOrReadOnly": "routing.permissions",
    "Change": "orm.crud.extension",
    "Conflict": "exceptions",
    "Context": "orm.crud.extension",
    "CrudExtension": "orm.crud.extension",
    "CrudModel": "orm.crud.model",
    "CrudNested": "orm.crud.nested",
    "Field": "tuples",
    "HandlerError": "exceptions",
    "InvalidCredentials": "exceptions",
    "IsAuthenticated": "routing.permissions",
    "IsStaff": "routing.permissions",
    "Login": "transports.held_login",
    "ModelHandler": "handlers.model_handler",
    "ModelPermissions": "routing.permissions",
    "NotFound": "exceptions",
    "OrmCrudHandler": "orm.crud.handler",
    "Payload": "wire.payload",
    "PayloadEndpoint": "routing.endpoint",
    "PayloadEnvelope": "wire.envelope",
    "PayloadIO": "routing.payload_io",
    "Peer": "routing.peer",
    "Permission": "routing.permission",
    "PermissionDenied": "exceptions",
    "ReadOnly": "routing.permissions",
    "Request": "routing.request",
    "RowsHandler": "orm.crud.rows_handler",
    "TooManyRequests": "exceptions",
    "Tuple": "tuples",
    "TupleField": "tuples",
    "TupleSelector": "tuples",
    "ValidationError": "exceptions",
    "VortexError": "exceptions",
    "aflush": "transports.sending",
    "bearer_token": "transports.authentication",
    "disconnect": "transports.identity_changes",
    "endpoint": "routing.endpoint",
    "flush": "transports.sending",
    "lag": "transports.inspecting",
    "notify": "handlers.notify",
    "notify_mapper": "handlers.notify",
    "proxy_header": "transports.authentication",
    "query": "handlers.query",
    "register_value": "tuples",
    "send": "transports.sending",
    "session_cookie": "transports.authentication",
    "touch": "orm.touch",
    "tuple_type": "tuples",
    "vortex_application": "transports.asgi",
}
"""Where each public name is defined."""

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    """List the public names whether they were used or not."""
    return sorted({*globals(), *_MODULES})
