"""What a statement has read, noted for the evaluation that it belongs to: `note_reads`.

Takes texts that were executed, gives the dependencies of an evaluation: each known table that a
text names, whatever it does with it, and those of the views in it.
"""

from collections.abc import Iterable

from django_vortex.live.changes import Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sql_text import read_sql
from django_vortex.orm.views import Fetch, know_views
from django_vortex.quoting import shortened


def note_reads(
    recorder: Recorder,
    database: str,
    text: str,
    known: Iterable[Dependency] = (),
    fetch: Fetch | None = None,
) -> None:
    """Note what a text has read.

    Args:
        recorder: Who wants to know.
        database: What the database is called.
        text: What was executed.
        known: What is known better than from the text.
        fetch: Asks the database about its views.
    """
    if fetch is not None:
        know_views(database, fetch, is_missing=False)
    found = list(known)
    named = known_tables.find_named(text)
    if not found and not named and read_sql(text).has_source:
        if fetch is not None and know_views(database, fetch, is_missing=True):
            named = known_tables.find_named(text)
        if not named:
            recorder.unknown.append(shortened(text))
    rest = named.difference(one.table.name for one in found)
    # What is known of a table is not true of what a view reads of it.
    rest |= known_tables.find_in_views(text)
    recorder.reads += [*found, *(Dependency(Table(database, name)) for name in sorted(rest))]
