"""Tuples kept in a database: adapters and handlers for Django models and SQLAlchemy classes.

Takes requests, gives rows as tuples. `crud` decides, over the interface in `store`; the folders
`django` and `sqlalchemy` implement it and do not know each other.
"""
