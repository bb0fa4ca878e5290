"""The tables of these tests as Django models; no migration knows them."""

from django.core.exceptions import ValidationError
from django.db import models


def check_not_forbidden(title: str) -> None:
    """Refuse one title, as the SQLAlchemy class does."""
    if title == "forbidden":
        raise ValidationError("This title is forbidden")


class Project(models.Model):
    name = models.CharField(max_length=40, unique=True)
    code = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_project"


class Ticket(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    title = models.CharField(max_length=40, validators=[check_not_forbidden])
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    points = models.IntegerField(default=3)
    due = models.DateField(null=True, blank=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    owner_id = models.IntegerField(null=True, blank=True)
    secret = models.CharField(max_length=40, default="", blank=True)
    version = models.IntegerField(default=1)
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets"
    )

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_ticket"


class Label(models.Model):
    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=40)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_label"


class Seat(models.Model):
    pk = models.CompositePrimaryKey("row", "number")
    row = models.CharField(max_length=2)
    number = models.IntegerField()
    guest = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        app_label = "crud_tests"
        db_table = "crud_seat"


MODELS: list[type[models.Model]] = [Project, Ticket, Label, Seat]
