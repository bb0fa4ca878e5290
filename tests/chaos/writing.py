"""Write rows in all the ways there are, at random: ``python -m tests.chaos.writing SEED COUNT``.

A process of its own, as a command or a worker of a task queue is. Whatever changes a row makes its
version greater.
"""

import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django
import psycopg


class Undone(Exception):
    """Raised to roll back."""


class Writer:
    """Writes with one source of randomness.

    Args:
        seed: Of the randomness.
    """

    def __init__(self, seed: int) -> None:
        from django.contrib.auth import get_user_model

        from example_project.board.models import Ticket

        self.random = random.Random(seed)
        self.tickets: Any = Ticket.objects
        self.make_ticket: Any = Ticket
        self.users: Any = get_user_model().objects

    @property
    def ways(self) -> list[Callable[[], object]]:
        """All ways to write."""
        return [
            *(self.create, self.save, self.save_fields, self.delete, self.create_many),
            *(self.update_many, self.update_rows, self.delete_rows, self.update_or_create),
            *(self.write_text, self.write_unseen, self.roll_back, self.roll_back_savepoint),
            *(self.change_rights, self.change_group, self.save_in_admin, self.delete_in_admin),
        ]

    def write(self) -> None:
        """Write once."""
        from django.db import DatabaseError, transaction

        with suppress(DatabaseError, psycopg.Error):  # two writers may meet in one row
            if self.random.random() < 0.3:
                with transaction.atomic():
                    for _ in range(self.random.randint(2, 4)):
                        self.random.choice(self.ways)()
            else:
                self.random.choice(self.ways)()

    def values(self) -> dict[str, Any]:
        return {
            "title": f"{self.random.choice('abcdef')}{self.random.randint(0, 99)}",
            "state": self.random.choice(["draft", "open", "open", "doing", "done"]),
        }

    @property
    def next_version(self) -> Any:
        """One more than whatever the database has then: others write at the same time."""
        from django.db.models import F

        return F("version") + 1

    def pick(self) -> Any:
        pks = list(self.tickets.values_list("pk", flat=True))
        return self.tickets.filter(pk=self.random.choice(pks)).first() if pks else None

    def create(self) -> None:
        self.tickets.create(**self.values())

    def save(self) -> None:
        if (one := self.pick()) is not None:
            for name, value in self.values().items():
                setattr(one, name, value)
            one.version = self.next_version
            one.save(force_update=True)  # else one that is gone is inserted, with no version

    def save_fields(self) -> None:
        if (one := self.pick()) is not None:
            one.title, one.version = self.values()["title"], self.next_version
            one.save(update_fields=["title", "version"])

    def delete(self) -> None:
        if (one := self.pick()) is not None and self.tickets.count() > 5:
            one.delete()

    def create_many(self) -> None:
        self.tickets.bulk_create(self.make_ticket(**self.values()) for _ in range(3))

    def update_many(self) -> None:
        some = list(self.tickets.order_by("pk")[:4])
        for one in some:
            one.title, one.version = self.values()["title"], self.next_version
        self.tickets.bulk_update(some, ["title", "version"])

    def update_rows(self) -> None:
        state = self.values()["state"]
        found = self.tickets.filter(title__startswith=self.random.choice("abcdef"))
        found.update(state=state, version=self.next_version)

    def delete_rows(self) -> None:
        if self.tickets.count() > 30:
            self.tickets.filter(title__startswith=self.random.choice("abcdef")).delete()

    def update_or_create(self) -> None:
        if (one := self.pick()) is not None:
            found = self.tickets.filter(pk=one.pk)
            found.update_or_create(
                defaults={**self.values(), "version": self.next_version},
                create_defaults=self.values(),
            )

    def write_text(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE board_ticket SET title = %s, version = version + 1 WHERE state = %s",
                [self.values()["title"], self.values()["state"]],
            )

    def write_unseen(self) -> None:
        from django.db import connection

        from django_vortex import touch

        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE board_ticket SET title = %s, version = version + 1 WHERE state = 'open'",
                [self.values()["title"]],
            )
        touch(self.make_ticket)

    def roll_back(self) -> None:
        from django.db import transaction

        with suppress(Undone), transaction.atomic():
            self.tickets.update(title="rolled back")
            raise Undone

    def roll_back_savepoint(self) -> None:
        from django.db import transaction

        with transaction.atomic():
            self.create()
            with suppress(Undone), transaction.atomic():
                self.tickets.update(title="rolled back")
                raise Undone

    def save_in_admin(self) -> None:
        if (one := self.pick()) is not None:
            self.post_to_admin(one.pk, "change", {**self.values(), "assignee": "", "due": ""})

    def delete_in_admin(self) -> None:
        if (one := self.pick()) is not None and self.tickets.count() > 5:
            self.post_to_admin(one.pk, "delete", {"post": "yes"})

    def post_to_admin(self, pk: int, page: str, values: dict[str, Any]) -> None:
        """Send a form of the admin, as its views get it from a browser."""
        from django.db import transaction
        from django.test import Client

        client = Client(headers={"host": "localhost"})
        client.force_login(self.users.get(username="chief"))
        with transaction.atomic():
            if self.tickets.select_for_update().filter(pk=pk).exists():
                response = client.post(f"/admin/board/ticket/{pk}/{page}/", values)
                assert response.status_code == 302, response.content.decode()

    def change_rights(self) -> None:
        from django.contrib.auth.models import Permission

        user = self.users.filter(username="changing").first()
        if user is not None:
            permissions = Permission.objects.filter(content_type__model="ticket")
            user.user_permissions.set(permissions if self.random.random() < 0.6 else [])

    def change_group(self) -> None:
        user = self.users.filter(username="changing").first()
        if user is not None:
            user.first_name = f"changed {self.random.random()}"
            user.save()


def main(seed: int, count: int) -> None:
    """Write so many times."""
    django.setup()
    writer = Writer(seed)
    for _ in range(count):
        writer.write()
        time.sleep(writer.random.random() * 0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
