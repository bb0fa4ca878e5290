"""What a database is called: the same by both ORMs and in every process of the project.

Takes what a connection was made with, gives a text: kind, host, port and name, or for a file its
absolute path. A table written by one ORM so concerns answers that the other has read.
"""

from pathlib import Path


def name_database(kind: str, host: str, port: str | int | None, name: str) -> str:
    """Return the name of a database.

    Args:
        kind: Such as ``postgresql`` or ``sqlite``.
        host: A host, a directory of sockets, or nothing.
        port: Nothing is the kind's usual one.
        name: Of the database, or the path of its file.
    """
    if kind == "sqlite":
        is_file = bool(name) and ":memory:" not in name and "mode=memory" not in name
        return f"sqlite:{Path(name).absolute()}" if is_file else f"sqlite:{name}"
    usual = {"postgresql": "5432", "mysql": "3306"}.get(kind, "")
    where = {"": "localhost", "127.0.0.1": "localhost", "::1": "localhost"}.get(host, host)
    return f"{kind}://{where}:{port or usual}/{name}"
