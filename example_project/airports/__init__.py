"""The airports of the example: a table of SQLAlchemy, served to whoever asks."""
