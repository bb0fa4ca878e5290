"""Django models of these tests; of no installed app, so no migration knows them."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import InMemoryStorage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Lower, Upper
from django.utils.translation import gettext_lazy


class Author(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "vortex_tests"


class Everything(models.Model):
    """One field of each kind."""

    class State(models.TextChoices):
        OPEN = "open"

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    author = models.ForeignKey(Author, null=True, on_delete=models.CASCADE)
    small = models.SmallIntegerField(default=3)
    big = models.BigIntegerField(null=True)
    flag = models.BooleanField(null=True)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(null=True, max_digits=9, decimal_places=2)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    text = models.TextField(default="text")
    link = models.URLField(default="")
    slug = models.SlugField(default="")
    address = models.GenericIPAddressField(null=True)
    path = models.FilePathField(null=True)
    at = models.DateTimeField(null=True)
    on = models.DateField(null=True)
    clock = models.TimeField(null=True)
    took = models.DurationField(null=True)
    blob = models.BinaryField(null=True)
    extra = models.JSONField(null=True)
    rich = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    file = models.FileField(null=True, storage=InMemoryStorage())
    image = models.ImageField(null=True, storage=InMemoryStorage())
    loud = models.GeneratedField(
        expression=Upper("text"), output_field=models.TextField(), db_persist=True
    )
    counted = models.IntegerField(db_default=9)

    class Meta:
        app_label = "vortex_tests"


class Money:
    """A value that no message carries."""

    def __init__(self, cents: int) -> None:
        self.cents = cents


class MoneyField(models.IntegerField):
    """A column whose values are objects of the application."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else Money(value)

    def get_prep_value(self, value: Any) -> Any:
        return value.cents if isinstance(value, Money) else value


class Priced(models.Model):
    price = MoneyField(null=True)

    class Meta:
        app_label = "vortex_tests"


class Greeting(models.Model):
    """Text that is translated when it is used."""

    text = models.CharField(max_length=20, default=gettext_lazy("Monday"))
    kind = models.CharField(
        max_length=20, default="a", choices=[("a", gettext_lazy("Monday")), ("b", "b")]
    )

    class Meta:
        app_label = "vortex_tests"


class Guarded(models.Model):
    """A model whose own constructor must not run for peers."""

    name = models.CharField(max_length=50, default="unnamed")
    secret = models.CharField(max_length=50, default="s")

    class Meta:
        app_label = "vortex_tests"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("name") == "evil":
            raise AssertionError("The constructor has seen what a peer sent")
        super().__init__(*args, **kwargs)


class Novelist(Author):
    """A child with a table of its own."""

    genre = models.CharField(max_length=20, default="crime")

    class Meta:
        app_label = "vortex_tests"


class Pseudonym(Author):
    class Meta:
        app_label = "vortex_tests"
        proxy = True


class Ticket(models.Model):
    """What the tests of CRUD are about."""

    title = models.CharField(max_length=20)
    slug = models.SlugField(unique=True, null=True, default=None, blank=True)
    state = models.CharField(max_length=9, choices=[("open", "o"), ("done", "d")], default="open")
    points = models.IntegerField(default=3)
    owner_id = models.IntegerField(null=True, blank=True)
    secret = models.CharField(max_length=20, default="", blank=True)
    version = models.IntegerField(default=1)
    changed = models.DateTimeField(auto_now=True)
    author = models.ForeignKey(
        Author, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets"
    )

    class Meta:
        app_label = "vortex_tests"
        unique_together = [("title", "points")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(points__gte=0), name="points", violation_error_message="Too few"
            )
        ]

    def clean(self) -> None:
        if self.title == "forbidden":
            raise ValidationError({"title": "This title is forbidden"})
        if self.title == self.state:
            raise ValidationError("The title is the state")


class Edition(Author):
    """A child whose table has the version; the name is in the parent's."""

    pages = models.IntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        app_label = "vortex_tests"


class Bundle(Ticket):
    """A child whose parent's table has the version."""

    weight = models.IntegerField(default=0)

    class Meta:
        app_label = "vortex_tests"


class Report(models.Model):
    """A model that writes all of itself, whatever it is told."""

    title = models.CharField(max_length=20)
    version = models.IntegerField(default=1)

    class Meta:
        app_label = "vortex_tests"

    def save(self, **options: Any) -> None:
        super().save(**{**options, "update_fields": None})


class Booking(models.Model):
    """A model that checks more than its fields say, and says when it is asked to."""

    room = models.CharField(max_length=20)
    start = models.IntegerField(default=0)
    end = models.IntegerField(default=9)
    code = models.CharField(max_length=40, default="", blank=True, editable=False)
    author = models.ForeignKey(Author, null=True, blank=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "vortex_tests"

    asked: list[Any] = []

    def full_clean(
        self, exclude: Any = None, validate_unique: bool = True, validate_constraints: bool = True
    ) -> None:
        self.asked.append(set(exclude or ()))
        self.room = self.room.strip()
        super().full_clean(exclude, validate_unique, validate_constraints)
        if self.room == "closed":
            raise ValidationError({"room": "This room is closed"})

    def clean(self) -> None:
        self.code = f"{self.room}-{self.start}"
        if self.author_id and self.author.name == "Eve":
            raise ValidationError({"author": "Not Eve"})
        if self.end < self.start:
            raise ValidationError({"end": "Ends before it starts"})


class Entry(models.Model):
    """A model that is unique in every way there is."""

    title = models.CharField(max_length=20, default="", blank=True)
    slug = models.SlugField(unique=True, null=True, blank=True)
    day = models.DateField(null=True, blank=True, unique_for_year="made")
    made = models.DateField(null=True, blank=True)
    row = models.IntegerField(null=True, blank=True)
    number = models.IntegerField(null=True, blank=True)
    kind = models.CharField(max_length=20, null=True, blank=True)
    secret = models.CharField(max_length=20, default="s", blank=True)

    class Meta:
        app_label = "vortex_tests"
        unique_together = [("row", "number")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], name="one_kind", violation_error_message="One of each kind"
            ),
            models.UniqueConstraint(fields=["secret", "title"], name="one_secret"),
            models.UniqueConstraint(Lower("title"), name="one_title", condition=models.Q(number=7)),
        ]


class Loose(models.Model):
    """A model with its own ideas of what is unique and what is right."""

    name = models.CharField(max_length=20, unique=True)
    other = models.IntegerField(default=0)

    class Meta:
        app_label = "vortex_tests"
        constraints = [
            models.CheckConstraint(condition=models.Q(other__lt=9), name="small_other"),
        ]

    def clean_fields(self, exclude: Any = None) -> None:
        super().clean_fields(exclude)
        if "other" not in (exclude or ()) and self.other == 5:
            raise ValidationError({"other": "Not five"})

    def validate_unique(self, exclude: Any = None) -> None:
        if self.name != "twin":
            super().validate_unique(exclude)

    def validate_constraints(self, exclude: Any = None) -> None:
        super().validate_constraints(exclude)
        if "other" not in (exclude or ()) and self.other == 6:
            raise ValidationError("Not six")


MODELS: list[type[models.Model]] = [
    Priced,
    Greeting,
    Author,
    Everything,
    Guarded,
    Novelist,
    Ticket,
    Edition,
    Bundle,
    Report,
    Booking,
    Entry,
    Loose,
]
