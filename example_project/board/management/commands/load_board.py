"""``manage.py load_board``: put people, tickets and who may edit them into an empty board."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from example_project.board.models import Person, Ticket

DEMO_USER = "demo"
"""The name of the user who can log in, and the password too: the board is not for the internet."""

TICKETS = [
    ("Renew the runway lights contract", Ticket.State.OPEN, "Ann", 2),
    ("Repaint the stand markings at gate 4", Ticket.State.OPEN, "Bob", 9),
    ("Find out why belt 2 stops at noon", Ticket.State.OPEN, None, 5),
    ("Replace the wind sock", Ticket.State.DOING, "Cleo", -1),
    ("Translate the signs in the arrivals hall", Ticket.State.DOING, "Ann", 14),
    ("Order sand for the winter", Ticket.State.DONE, "Dan", -6),
    ("Test the fire pumps", Ticket.State.DONE, "Bob", -3),
    ("Plan the move of the tower", Ticket.State.DRAFT, None, None),
]
"""Title, state, assignee, and in how many days it is due."""


class Command(BaseCommand):
    """Makes what is missing; a board that has tickets keeps them as they are."""

    help = "Load the demo data of the board. May be run again: edited tickets stay as they are."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Make the user, with the admin of the board, and the tickets unless there are some."""
        users = get_user_model()
        user = users.objects.filter(username=DEMO_USER).first()
        if user is None:
            user = users.objects.create_user(DEMO_USER, password=DEMO_USER)
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        user.user_permissions.add(*Permission.objects.filter(content_type__app_label="board"))
        if not Ticket.objects.exists():
            today = timezone.localdate()
            for title, state, name, days in TICKETS:
                Ticket.objects.create(
                    title=title,
                    state=state,
                    assignee=Person.objects.get_or_create(name=name)[0] if name else None,
                    due=None if days is None else today + timedelta(days=days),
                )
        if options["verbosity"] >= 1:
            count = Ticket.objects.count()
            self.stdout.write(f"{count} tickets are on the board; log in as {DEMO_USER}.")
