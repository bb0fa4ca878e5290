"""The table of the CRUD benchmark, for Django and for SQLAlchemy."""

import datetime as dt
import decimal

from django.db import models
from sqlalchemy import ForeignKey, Numeric, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Customer(models.Model):
    """Who has ordered."""

    name = models.CharField(max_length=40)

    class Meta:
        app_label = "benchmarks"
        db_table = "bench_customer"


class Order(models.Model):
    """A row with a field of each common kind."""

    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    name = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    quantity = models.IntegerField(default=1)
    active = models.BooleanField(default=True)
    created = models.DateTimeField()
    due = models.DateField(null=True, blank=True)
    note = models.TextField(default="", blank=True)

    class Meta:
        app_label = "benchmarks"
        db_table = "bench_order"


class Base(DeclarativeBase):
    """The base of the classes."""


class AlchemyCustomer(Base):
    """The same for SQLAlchemy."""

    __tablename__ = "bench_customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))


class AlchemyOrder(Base):
    """The same for SQLAlchemy."""

    __tablename__ = "bench_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("bench_customer.id"))
    name: Mapped[str] = mapped_column(String(40))
    price: Mapped[decimal.Decimal] = mapped_column(Numeric(9, 2, asdecimal=True))
    quantity: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[dt.datetime]
    due: Mapped[dt.date | None]
    note: Mapped[str] = mapped_column(Text, default="")
    customer: Mapped[AlchemyCustomer | None] = relationship()


FIELDS = ["id", "name", "price", "quantity", "active", "created", "due", "note"]
