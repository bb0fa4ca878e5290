"""The airports of the example project as Django sees them."""

from django.db import models


class AirportRow(models.Model):
    """A row of the table that SQLAlchemy makes, in the same file."""

    iata = models.CharField(max_length=4, primary_key=True)
    name = models.CharField(max_length=80)
    state = models.CharField(max_length=2)

    class Meta:
        """Migrations leave the table alone."""

        managed = False
        db_table = "airport"
        ordering = ["iata"]
