"""The work board of the example: tickets in Django's database, edited by whoever is logged in."""
