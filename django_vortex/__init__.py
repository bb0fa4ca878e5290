"""Typed data objects between a Django server and browser or Python clients, both ways, live."""

__version__ = "0.1.0"
