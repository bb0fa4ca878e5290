"""The public names, pinned: adding or removing one is a decision, not an accident."""

import ast
import importlib
from pathlib import Path

import pytest

import django_vortex

PUBLIC_NAMES = {
    "Action",
    "AllowAny",
    "AsyncModelHandler",
    "AuthenticatedOrReadOnly",
    "Change",
    "Conflict",
    "Context",
    "CrudExtension",
    "CrudModel",
    "CrudNested",
    "Field",
    "HandlerError",
    "InvalidCredentials",
    "IsAuthenticated",
    "IsStaff",
    "Login",
    "ModelHandler",
    "ModelPermissions",
    "NotFound",
    "OrmCrudHandler",
    "Payload",
    "PayloadEndpoint",
    "PayloadEnvelope",
    "PayloadIO",
    "Peer",
    "Permission",
    "PermissionDenied",
    "ReadOnly",
    "Request",
    "RowsHandler",
    "TooManyRequests",
    "Tuple",
    "TupleField",
    "TupleSelector",
    "ValidationError",
    "VortexError",
    "aflush",
    "bearer_token",
    "disconnect",
    "endpoint",
    "flush",
    "lag",
    "notify",
    "notify_mapper",
    "proxy_header",
    "query",
    "register_value",
    "send",
    "session_cookie",
    "touch",
    "tuple_type",
    "vortex_application",
}


def test_public_names_are_these():
    assert set(django_vortex.__all__) == PUBLIC_NAMES
    assert set(dir(django_vortex)) >= PUBLIC_NAMES
    assert list(django_vortex.__all__) == sorted(django_vortex.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC_NAMES))
def test_public_name_is_there_and_documented(name):
    value = getattr(django_vortex, name)
    assert value.__doc__
    assert value.__name__ == name
    assert getattr(importlib.import_module(value.__module__), name) is value


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'django_vortex' has no attribute 'Paylod'"):
        _ = django_vortex.Paylod


def test_version_is_told():
    assert django_vortex.__version__.count(".") == 2


def test_type_checkers_see_the_same_names_from_the_same_modules():
    tree = ast.parse(Path(django_vortex.__file__).read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {
        name: f"django_vortex.{module}" for name, module in django_vortex._MODULES.items()
    }
