"""Related rows are those that Django's own managers find: what is deleted softly stays hidden."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import AppConfig
from django.db import connections, models
from django.test import override_settings

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.testing import SyncPeer, connect
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from tests.crud.databases import Database
from tests.settings import INSTALLED_APPS

FILT = {"key": "hidden"}


class HiddenConfig(AppConfig):
    """Makes an app of these models, without which Django does not know what refers to them."""

    name = "tests.crud.test_hidden_related_rows"
    label = "hidden_tests"


class Living(models.Manager):  # type: ignore[type-arg]
    """Finds what is not deleted."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_deleted=False)


class Soft(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=9)
    is_deleted = models.BooleanField(default=False)
    objects = Living()
    everything = models.Manager()

    class Meta:
        abstract = True


class Team(Soft):
    class Meta:
        app_label = "hidden_tests"


class Badge(Soft):
    class Meta:
        app_label = "hidden_tests"


class Player(Soft):
    team = models.ForeignKey(Team, models.CASCADE, related_name="players", null=True)
    badges = models.ManyToManyField(Badge, related_name="players")

    class Meta:
        app_label = "hidden_tests"


class Coach(Soft):
    team = models.OneToOneField(Team, models.CASCADE, related_name="coach")

    class Meta:
        app_label = "hidden_tests"


class Strict(Soft):
    """Is hidden from what refers to it as well."""

    class Meta:
        app_label = "hidden_tests"
        base_manager_name = "objects"


class Fan(Soft):
    idol = models.ForeignKey(Strict, models.CASCADE, null=True)

    class Meta:
        app_label = "hidden_tests"


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    apps = [*INSTALLED_APPS, "tests.crud.test_hidden_related_rows.HiddenConfig"]
    with override_settings(INSTALLED_APPS=apps):
        yield


@pytest.fixture(scope="module")
def alias(tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[str]:
    database = Database(str(tmp_path_factory.mktemp("hidden") / "hidden.sqlite3"))
    with django_db_blocker.unblock(), database.in_django():
        with connections[database.alias].schema_editor() as editor:
            for model in (Team, Badge, Player, Coach, Strict, Fan):
                editor.create_model(model)
        yield database.alias


@pytest.fixture(autouse=True)
def stored(alias: str) -> None:
    for model in (Fan, Strict, Coach, Player, Badge, Team):
        model.everything.using(alias).all().delete()
    team = Team.everything.using(alias).create(id=1, name="gone", is_deleted=True)
    shown = Team.objects.using(alias).create(id=2, name="there")
    badges = [
        Badge.everything.using(alias).create(id=key, name=f"b{key}", is_deleted=key == 2)
        for key in (1, 2, 3)
    ]
    for key in (1, 2, 3):
        player = Player.everything.using(alias).create(
            id=key, name=f"p{key}", team=team if key == 3 else shown, is_deleted=key == 2
        )
        player.badges.set(badges[:2])
    Coach.everything.using(alias).create(id=1, name="c", team=shown, is_deleted=True)
    idol = Strict.everything.using(alias).create(id=1, name="i", is_deleted=True)
    Fan.objects.using(alias).create(id=1, name="f", idol=idol)


def make_payload_io() -> PayloadIO:
    made = PayloadIO()
    made.bind(codec=Codec(TupleRegistry()))
    return made


def ask(alias: str, model: Any, key: int, **options: Any) -> Any:
    payload_io = make_payload_io()
    options = {"fields": ["name"], "permission": AllowAny, "using": alias, **options}
    handler = OrmCrudHandler(FILT, model, payload_io=payload_io, **options)
    with connect(payload_io=payload_io) as peer:
        [found] = peer.request({**FILT, "id": key}).tuples
    del handler
    return found


def test_what_the_default_manager_hides_is_not_among_many(alias: str) -> None:
    team = ask(alias, Team, 2, nested={"players": ["name"]})
    assert [one.name for one in team.players] == ["p1"]
    player = ask(alias, Player, 1, nested={"badges": ["name"]})
    assert [one.name for one in player.badges] == ["b1"]


def test_one_row_is_found_as_django_finds_it(alias: str) -> None:
    player = ask(alias, Player, 3, nested={"team": ["name"]})
    assert player.team.name == "gone"
    team = ask(alias, Team, 2, nested={"coach": ["name"]})
    assert team.coach.name == "c"
    fan = ask(alias, Fan, 1, nested={"idol": ["name"]})
    assert fan.idol is None


def test_lists_of_keys_name_what_is_there(alias: str) -> None:
    payload_io = make_payload_io()
    options = {"fields": ["name", "badges"], "permission": AllowAny, "using": alias}
    handler = OrmCrudHandler(FILT, Player, payload_io=payload_io, **options)
    with connect(payload_io=payload_io) as peer:
        [player] = peer.request({**FILT, "id": 1}).tuples
        assert player.badges == [1]
        assert save(peer, player, [1, 3]) is True
        assert linked(alias) == [1, 2, 3]  # what is hidden stays as it was
        assert "There is no badge 2" in str(save(peer, player, [1, 2]))
        assert save(peer, player, []) is True
        assert linked(alias) == [2]
    del handler


def save(peer: SyncPeer, player: Any, badges: list[int]) -> Any:
    player.badges = badges
    return peer.request(FILT, [player]).result


def linked(alias: str) -> list[int]:
    links = Player.badges.through.objects.using(alias).filter(player_id=1)
    return sorted(links.values_list("badge_id", flat=True))
