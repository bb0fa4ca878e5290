"""Writing a row only if it is still in the version that its peer saw.

Takes a row with values that are not written yet, makes one UPDATE of the version's table: it counts
on from that version and writes what can be written with it. The rest is left to the session.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from django_vortex.orm.sqlalchemy.models import MappedModel
from django_vortex.orm.store import StaleRow, Version


def write_version(
    session: Session, mapped: MappedModel, row: Any, version: Version, names: Iterable[str] = ()
) -> set[str]:
    """Claim a row: nobody comes between what was seen and what is written.

    It also locks the row until the end of the transaction, where a database can do that.

    Args:
        session: The session of the row.
        mapped: Its class.
        row: An instance.
        version: What it has to be in the database.
        names: Columns that are to be written.

    Returns:
        Those of them that have been written.

    Raises:
        StaleRow: It is in another version, or gone.
    """
    names = set(names) - {version.name}
    mapper, column = mapped.mapper, mapped.columns[version.name].column
    if mapper.version_id_col is column:  # SQLAlchemy does the same when it writes the row
        if getattr(row, version.name) != version.seen:
            raise StaleRow
        return set()
    table = column.table
    here = {name for name in names if mapped.columns[name].column.table is table}
    written = here if _is_all_there_is_to_do(session, mapped, row) else set()
    same = [
        key == getattr(row, mapper.get_property_by_column(key).key) for key in table.primary_key
    ]
    statement = (
        update(table)
        .where(*same, column == version.seen)
        .values({mapped.columns[name].column: getattr(row, name) for name in written})
        .values({column: version.next})
    )
    with session.no_autoflush:
        result: Any = session.execute(statement, bind_arguments={"mapper": mapper})
    if result.rowcount != 1:
        raise StaleRow
    set_committed_value(row, version.name, version.next)
    made_anew = {name for name, one in mapped.columns.items() if one.is_made_anew} - names
    if written and made_anew:
        session.expire(row, made_anew)
    return written


def _is_all_there_is_to_do(session: Session, mapped: MappedModel, row: Any) -> bool:
    """Return whether nobody misses anything if a row is written past the session."""
    mapper, flush = mapped.mapper, session.dispatch
    return not (
        mapper.version_id_col is not None
        or session.is_modified(row)  # a hook has set something on the row itself
        or mapper.dispatch.before_update
        or mapper.dispatch.after_update
        or flush.before_flush
        or flush.after_flush
        or flush.after_flush_postexec
    )
