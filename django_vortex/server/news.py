"""Records with which a handler tells the same handler in other processes something."""

from django_vortex.server.fan_out import Record


def news_record(name: str, text: str, uuid: str | None) -> Record:
    """Return the record of news for the followers of a name.

    Args:
        name: What the handler is called in every process.
        text: What it tells.
        uuid: The peer that the news follows; None if all processes are told.
    """
    return {"kind": "news", "name": name, "text": text, "uuid": uuid}
