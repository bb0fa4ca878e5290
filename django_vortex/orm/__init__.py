"""Tuples kept in a database: adapters and handlers for Django models and SQLAlchemy classes.

Takes requests, gives rows as tuples. The Django and the SQLAlchemy modules do not know each other.
"""
