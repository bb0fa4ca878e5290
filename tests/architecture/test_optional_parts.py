"""A project that installs no extra works, and one that has SQLAlchemy and not all of its parts."""

import sys
from configparser import ConfigParser
from pathlib import Path

from tests.support.processes import run

ROOT = Path(__file__).parents[2]
ABSENT = ["channels_redis", "daphne", "redis", "rest_framework", "sqlalchemy", "twisted", "uvicorn"]

PROJECT = """
import sys

sys.modules.update(dict.fromkeys(sys.argv[1:]))  # importing one of them fails now

import django
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.urls import include, path

urlpatterns = [path("", include("django_vortex.urls"))]
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_vortex"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="__main__",
    ASGI_APPLICATION="__main__.application",
)
django.setup()

from django.contrib.contenttypes.models import ContentType

from django_vortex import Payload, RowsHandler, endpoint, send, tuple_type, vortex_application
from django_vortex.testing import connect

application = vortex_application()
print([message.id for message in run_checks(tags=["vortex"])])
call_command("migrate", verbosity=0)

tuple_type("types.Type", fields=["id", "app_label", "model"])(ContentType)
rows = RowsHandler({"key": "types"}, ContentType)


@endpoint({"key": "echo"})
async def echo(request):
    return request.tuples


with connect() as peer:
    print(peer.request({"key": "echo"}, [1, "two"]).tuples)
    print({row.app_label for row in peer.request({"key": "types"}).tuples} >= {"auth"})
    send(Payload({"key": "notice"}, tuples=["Lunch"]))
    print(peer.receive().tuples)
"""


OVER_SQLALCHEMY = """
import sys

sys.modules["greenlet"] = None  # which SQLAlchemy needs for asynchronous engines alone

import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django_vortex"])
django.setup()

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool

from django_vortex import AllowAny, OrmCrudHandler, query
from django_vortex.testing import connect

engine = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
)
Session = sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Gate(Base):
    __tablename__ = "gate"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]


gates = OrmCrudHandler(
    {"key": "gates"},
    Gate,
    session_factory=Session,
    type_name="test.Gate",
    fields=["id", "label"],
    permission=AllowAny,
)


@query("labels", permission=AllowAny, scope="all", session_factory=Session)
def labels(request):
    return select(Gate.label).order_by(Gate.id)


Base.metadata.create_all(engine)
with connect() as peer:
    watch = peer.watch("labels")
    print(watch.next())
    with Session.begin() as session:
        session.add(Gate(id=4, label="Four"))
    print(watch.next())
    print([row.label for row in peer.request({"key": "gates", "id": 4}).tuples])
"""


def test_absent_parts_are_those_that_nothing_requires() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    required = config["options"]["install_requires"].lower()
    assert not [name for name in ABSENT if name in required]
    assert {"daphne", "uvicorn", "redis", "sqlalchemy"} <= config["options.extras_require"].keys()


def test_project_without_any_extra_serves_rows_echo_and_push() -> None:
    assert run_program(PROJECT, *ABSENT) == ["[]", "[1, 'two']", "True", "['Lunch']"]


def test_project_over_sqlalchemy_without_greenlet_is_live() -> None:
    assert run_program(OVER_SQLALCHEMY) == ["[]", "['Four']", "['Four']"]


def run_program(source: str, *arguments: str) -> list[str]:
    """Return the lines that a program has printed, warnings and logs among them."""
    return run([sys.executable, "-W", "error", "-c", source, *arguments]).splitlines()
