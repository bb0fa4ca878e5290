"""What a Django project has of its own: managers that hide rows, and users with permissions."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import models

from django_vortex.routing.permissions import ModelPermissions
from tests.support.told import text_of
from tests.unit.orm.crud_bench import CrudBench, row, ticket
from tests.unit.orm.models import Ticket

pytestmark = pytest.mark.django_db

NAME = "vortex_tests.OpenTicket"
GROUP = "auth.Group"


class OpenTickets(models.Manager[Ticket]):
    """Tickets that are not done."""

    def get_queryset(self) -> models.QuerySet[Ticket]:
        return super().get_queryset().exclude(state="done")


class OpenTicket(Ticket):
    objects = OpenTickets()

    class Meta:
        app_label = "vortex_tests"
        proxy = True


def test_rows_that_the_manager_leaves_out_do_not_exist(crud: CrudBench):
    shown, hidden = ticket(title="shown"), ticket(title="hidden", state="done")
    crud.serve(OpenTicket, fields=["title", "state"], retrieve_all=True)
    assert [one.title for one in crud.rows_of(crud.say())] == ["shown"]
    assert crud.rows_of(crud.say(id=hidden.pk)) == []
    assert crud.errors_of(crud.say([row(NAME, id=hidden.pk, title="x")])) == [(0, "id")]
    assert crud.rows_of(crud.say([row(NAME, id=hidden.pk)], delete=True))[0].title == "shown"
    [saved] = crud.rows_of(crud.say([row(NAME, id=shown.pk, title="changed")]))
    assert saved.title == "changed"
    [made] = crud.rows_of(crud.say([row(NAME, title="new")]))
    titles = Ticket.objects.order_by("pk").values_list("title", flat=True)
    assert list(titles) == ["changed", "hidden", "new"]
    crud.say(id=made.id, delete=True)
    assert not Ticket.objects.filter(title="new").exists()


def test_no_row_is_saved_that_the_manager_would_leave_out(crud: CrudBench):
    shown = ticket(title="shown")
    crud.serve(OpenTicket, fields=["title", "state"])
    for sent in (row(NAME, id=shown.pk, state="done"), row(NAME, title="new", state="done")):
        assert text_of(crud.say([sent]).result) == "A row would leave what you may see"
    assert list(Ticket.objects.values_list("title", "state")) == [("shown", "open")]


def allowed(crud: CrudBench, user: Any) -> list[str]:
    """Try everything with a group and tell what was done."""
    Group.objects.all().delete()
    group = Group.objects.create(name="one")
    crud.say([row(GROUP, name="made")], user=user)
    read = crud.say(id=group.pk, user=user)
    crud.say([row(GROUP, id=group.pk, name="changed")], user=user)
    done = [name for name in ("made", "changed") if Group.objects.filter(name=name).exists()]
    crud.say(id=group.pk, delete=True, user=user)
    done += ["read"] if read.result is None else []
    return done + ([] if Group.objects.filter(pk=group.pk).exists() else ["deleted"])


@pytest.mark.parametrize(
    ("codename", "done"),
    [
        ("add_group", ["made"]),
        ("view_group", ["read"]),
        ("change_group", ["changed"]),
        ("delete_group", ["deleted"]),
        ("add_user", []),
    ],
)
def test_users_do_what_django_permits_them(crud: CrudBench, codename: str, done: list[str]):
    crud.serve(Group, fields=["name"], permission=ModelPermissions(Group), type_name=GROUP)
    user = User.objects.create(username="ann")
    user.user_permissions.add(Permission.objects.get(codename=codename))
    assert allowed(crud, User.objects.get(pk=user.pk)) == done
    assert allowed(crud, AnonymousUser()) == []


def test_superusers_do_everything_as_long_as_they_are_active(crud: CrudBench):
    crud.serve(Group, fields=["name"], permission=ModelPermissions(Group), type_name=GROUP)
    user = User.objects.create(username="root", is_superuser=True)
    assert allowed(crud, user) == ["made", "changed", "read", "deleted"]
    user.is_active = False
    assert allowed(crud, user) == []
