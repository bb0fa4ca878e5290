"""The tickets of the board and the people who work on them."""

from typing import Any

from django.db import models


class Person(models.Model):
    """Somebody who works on tickets."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Tickets, or some of them."""

    def visible_to(self, user: Any) -> "TicketQuerySet":
        """Leave out the drafts unless the user is logged in."""
        is_known = user is not None and user.is_authenticated
        return self if is_known else self.exclude(state=Ticket.State.DRAFT)


class Ticket(models.Model):
    """Something to be done."""

    class State(models.TextChoices):
        """How far it is."""

        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        DOING = "doing", "In progress"
        DONE = "done", "Done"

    title = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    assignee = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    due = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = TicketQuerySet.as_manager()

    def __str__(self) -> str:
        return self.title
