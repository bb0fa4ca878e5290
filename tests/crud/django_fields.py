"""Every field of Django 5.2 in a model, and what may be put into it; the databases refuse some."""

import datetime as dt
import decimal
from typing import Any

from django.apps import AppConfig
from django.core.files.storage import InMemoryStorage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Length
from hypothesis import strategies as st

WHOLE = st.integers(-(2**31), 2**31 - 1)
CENTS = st.decimals(-10_000_000, 10_000_000, places=2).filter(lambda value: abs(value) < 10_000_000)
ZONES = st.builds(
    dt.timezone, st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(timezones=ZONES)


def texts(longest: int | None = None) -> st.SearchStrategy[str]:
    """Return texts, among them such with NUL and lone surrogates, which few databases hold."""
    return st.text(max_size=longest)


def plain_json() -> st.SearchStrategy[Any]:
    """Return JSON, with numbers that are none; keys look like numbers and words now and then."""
    leaves = st.none() | st.booleans() | st.integers() | texts() | st.floats()
    keys = texts() | st.sampled_from(["", "1", "1.5", "01", "true", "null", "_ct", "_ft", "nan"])
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=8
    )


class FieldsConfig(AppConfig):
    """Makes an app of these models, without which Django does not know what refers to them."""

    name = "tests.crud.django_fields"
    label = "fields_tests"


class Owner(models.Model):
    id = models.SmallAutoField(primary_key=True)

    class Meta:
        app_label = "fields_tests"


class Partner(models.Model):
    id = models.UUIDField(primary_key=True)

    class Meta:
        app_label = "fields_tests"


class Tag(models.Model):
    code = models.CharField(max_length=10, primary_key=True)

    class Meta:
        app_label = "fields_tests"
        ordering = ["-code"]


class Mood(models.TextChoices):
    GOOD = "g"
    BAD = "b ä"


class Level(models.IntegerChoices):
    LOW = 1
    HIGH = 2**31 - 1


class Kinds(models.Model):
    """All fields that every database has."""

    id = models.BigAutoField(primary_key=True)
    version = models.IntegerField(default=1)
    big = models.BigIntegerField(null=True)
    binary = models.BinaryField(null=True)
    boolean = models.BooleanField(null=True)
    char = models.CharField(max_length=10, null=True)
    date = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    decimal = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    digits = models.DecimalField(max_digits=40, decimal_places=20, null=True)
    duration = models.DurationField(null=True)
    email = models.EmailField(null=True)
    path = models.FilePathField(path="/", null=True)
    float = models.FloatField(null=True)
    address = models.GenericIPAddressField(null=True)
    integer = models.IntegerField(null=True)
    json = models.JSONField(null=True)
    rich_json = models.JSONField(encoder=DjangoJSONEncoder, null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    positive_small = models.PositiveSmallIntegerField(null=True)
    slug = models.SlugField(null=True)
    small = models.SmallIntegerField(null=True)
    text = models.TextField(null=True)
    time = models.TimeField(null=True)
    url = models.URLField(null=True)
    uuid = models.UUIDField(null=True)
    mood = models.CharField(max_length=9, choices=Mood.choices, null=True)
    level = models.IntegerField(choices=Level.choices, null=True)
    counted = models.IntegerField(db_default=9, null=True)
    owner = models.ForeignKey(Owner, null=True, on_delete=models.CASCADE)
    partner = models.OneToOneField(Partner, null=True, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    owners = models.ManyToManyField(Owner, related_name="+")
    # What follows is read-only.
    file = models.FileField(null=True, storage=InMemoryStorage(base_url="/files/"))
    image = models.ImageField(null=True, storage=InMemoryStorage(base_url="/images/"))
    length = models.GeneratedField(
        expression=Length("char"), output_field=models.IntegerField(), db_persist=True
    )
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "fields_tests"


def make_key_model(name: str, key: Any) -> Any:
    """Make a model with such a primary key."""
    meta = type("Meta", (), {"app_label": "fields_tests"})
    note = models.CharField(max_length=10, default="", blank=True)
    version = models.IntegerField(default=1)
    body = {"id": key, "note": note, "version": version, "Meta": meta, "__module__": __name__}
    return type(f"{name.title()}Key", (models.Model,), body)


class Pair(models.Model):
    pk = models.CompositePrimaryKey("name", "day")
    name = models.CharField(max_length=10)
    day = models.DateField()
    note = models.CharField(max_length=10, default="", blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        app_label = "fields_tests"


KEYS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    name: (make_key_model(name, key), strategy)
    for name, key, strategy in [
        ("auto", models.AutoField(primary_key=True), st.integers(1, 2**31 - 1)),
        ("small", models.SmallAutoField(primary_key=True), st.integers(1, 2**15 - 1)),
        ("char", models.CharField(max_length=10, primary_key=True), st.text(min_size=1)),
        ("uuid", models.UUIDField(primary_key=True), st.uuids()),
        ("day", models.DateField(primary_key=True), st.dates()),
        ("moment", models.DateTimeField(primary_key=True), MOMENTS),
        ("price", models.DecimalField(max_digits=9, decimal_places=2, primary_key=True), CENTS),
    ]
}
"""By name: a model with such a key, and what may be put into that."""


class Purse(models.Model):
    """Refers to rows whose keys are decimals."""

    coin = models.ForeignKey(KEYS["price"][0], null=True, blank=True, on_delete=models.CASCADE)
    coins = models.ManyToManyField(KEYS["price"][0], blank=True, related_name="+")

    class Meta:
        app_label = "fields_tests"


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "big": st.integers(-(2**63), 2**63 - 1),
    "binary": st.binary(),
    "boolean": st.booleans(),
    "char": texts(10),
    "date": st.dates(),
    "moment": MOMENTS,
    "decimal": CENTS | st.sampled_from([decimal.Decimal("NaN"), decimal.Decimal("Infinity")]),
    "digits": st.decimals(-(10**19), 10**19, places=20),
    "duration": st.timedeltas(),
    "email": st.emails(),
    "path": texts(100),
    "float": st.floats(),
    "address": st.ip_addresses().map(str),
    "integer": WHOLE,
    "json": plain_json(),
    "rich_json": plain_json(),
    "positive_big": st.integers(0, 2**63 - 1),
    "positive": st.integers(0, 2**31 - 1),
    "positive_small": st.integers(0, 2**15 - 1),
    "slug": texts(50),
    "small": st.integers(-(2**15), 2**15 - 1),
    "text": texts(),
    "time": st.times(),
    "url": texts(200),
    "uuid": st.uuids(),
    "mood": st.sampled_from(Mood),
    "level": st.sampled_from(Level),
    "counted": WHOLE,
    "owner_id": st.just(1),
}
"""By field: what may be put in."""

MODELS: list[type[models.Model]] = [Owner, Partner, Tag, Kinds, Pair]
MODELS += [*(model for model, _ in KEYS.values()), Purse]
