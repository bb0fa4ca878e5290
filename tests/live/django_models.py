"""What makes noticing writes hard, each once; no migration knows these tables."""

from typing import Any
from uuid import uuid4

from django.db import models

HAS_DATABASE_CASCADES = hasattr(models, "DB_CASCADE")
"""Since Django 6.1."""


class LiveModel(models.Model):
    class Meta:
        abstract = True
        app_label = "live_tests"
        default_permissions = ()


class Person(LiveModel):
    username = models.CharField(max_length=50)
    friends = models.ManyToManyField("self")

    class Meta(LiveModel.Meta):
        db_table = "live_person"


class Team(LiveModel):
    name = models.CharField(max_length=50, unique=True)

    class Meta(LiveModel.Meta):
        db_table = "live_team"


class Label(LiveModel):
    name = models.CharField(max_length=50, unique=True)
    weight = models.IntegerField(default=0)

    class Meta(LiveModel.Meta):
        db_table = "live_label"


class Ticket(LiveModel):
    title = models.CharField(max_length=50)
    state = models.CharField(max_length=10, default="open", db_column="st")
    number = models.IntegerField(default=0)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="tickets")
    owner = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL)
    labels = models.ManyToManyField(Label)
    fans = models.ManyToManyField(Person, through="Fan", related_name="fan_of")

    class Meta(LiveModel.Meta):
        db_table = "live_ticket"


class Fan(LiveModel):
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)

    class Meta(LiveModel.Meta):
        db_table = "live_fan"


class Comment(LiveModel):
    """Goes with its ticket; nobody listens to its signals, so it is deleted by one statement."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)
    text = models.CharField(max_length=50)

    class Meta(LiveModel.Meta):
        db_table = "live_comment"


class OpenTicket(Ticket):
    class Meta(LiveModel.Meta):
        proxy = True


class Location(LiveModel):
    name = models.CharField(max_length=50)

    class Meta(LiveModel.Meta):
        db_table = "live_location"


class Bar(Location):
    """Has a row in the table of its parent too."""

    beers = models.IntegerField(default=0)

    class Meta(LiveModel.Meta):
        db_table = "live_bar"


class Order(LiveModel):
    """A table named like a keyword, with a column named like another table."""

    live_team = models.IntegerField(default=0)

    class Meta(LiveModel.Meta):
        db_table = "order"


class Mixed(LiveModel):
    name = models.CharField(max_length=50)

    class Meta(LiveModel.Meta):
        db_table = "Mixed Case"


class Seat(LiveModel):
    pk = models.CompositePrimaryKey("row", "number")
    row = models.CharField(max_length=2)
    number = models.IntegerField()
    guest = models.CharField(max_length=40, default="")

    class Meta(LiveModel.Meta):
        db_table = "live_seat"


class Line(LiveModel):
    """The database computes one of its columns, and gives another its value."""

    price = models.IntegerField(default=1)
    count = models.IntegerField(default=1)
    total = models.GeneratedField(
        expression=models.F("price") * models.F("count"),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    currency = models.CharField(max_length=3, db_default="EUR")

    class Meta(LiveModel.Meta):
        db_table = "live_line"


class Asset(LiveModel):
    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=50)
    is_lent = models.BooleanField(default=False)
    price = models.DecimalField(max_digits=6, decimal_places=2, default=0)

    class Meta(LiveModel.Meta):
        db_table = "live_asset"


class Country(LiveModel):
    """The key is a text, and its cities refer to another column."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=50, unique=True)

    class Meta(LiveModel.Meta):
        db_table = "live_country"


class City(LiveModel):
    name = models.CharField(max_length=50)
    country = models.ForeignKey(Country, on_delete=models.CASCADE, to_field="name")
    twin = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

    class Meta(LiveModel.Meta):
        db_table = "live_city"


class Rate(LiveModel):
    """No value of its key is known to be the same in the database."""

    day = models.DateTimeField(primary_key=True)
    value = models.FloatField(default=0)

    class Meta(LiveModel.Meta):
        db_table = "live_rate"


MODELS: list[Any] = [
    *(Person, Team, Label, Ticket, Fan, Comment, Location, Bar, Order, Mixed, Seat, Line),
    *(Asset, Country, City, Rate),
]

if HAS_DATABASE_CASCADES:

    class Folder(LiveModel):
        name = models.CharField(max_length=50)
        parent = models.ForeignKey("self", null=True, on_delete=models.DB_CASCADE)

        class Meta(LiveModel.Meta):
            db_table = "live_folder"

    class Page(LiveModel):
        folder = models.ForeignKey(Folder, on_delete=models.DB_CASCADE)

        class Meta(LiveModel.Meta):
            db_table = "live_page"

    class Note(LiveModel):
        page = models.ForeignKey(Page, null=True, on_delete=models.DB_SET_NULL)

        class Meta(LiveModel.Meta):
            db_table = "live_note"

    MODELS += [Folder, Page, Note]


def find_tables() -> dict[str, Any]:
    """Return all models by their tables, those that Django makes for many-to-many fields too."""
    tables = {model._meta.db_table: model for model in MODELS}
    for model in MODELS:
        for field in model._meta.many_to_many:
            through = field.remote_field.through
            tables[through._meta.db_table] = through
    return tables
