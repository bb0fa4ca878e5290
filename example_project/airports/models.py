"""The table that is served."""

from django.db import models


class Airport(models.Model):
    """An airport, as the Bureau of Transportation Statistics lists it."""

    iata = models.CharField(max_length=4, unique=True)
    name = models.CharField(max_length=80)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    country = models.CharField(max_length=80)
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        """Rows come in the order of their codes."""

        ordering = ["iata"]

    def __str__(self) -> str:
        return f"{self.iata} {self.name}"
