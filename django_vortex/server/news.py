"""Records with which a part of a server tells the same part in other processes something."""

from django_vortex.server.fan_out import Record


def news_record(name: str, text: str, uuid: str | None) -> Record:
    """Return the record of news for the followers of a name.

    Args:
        name: What the part is called in every process.
        text: What it tells.
        uuid: The peer that the news follows; None if all processes are told.
    """
    return {"kind": "news", "name": name, "text": text, "uuid": uuid}
