"""What a statement has read, noted for the evaluation that it belongs to: `note_reads`.

Takes texts that were executed, gives the dependencies of an evaluation: each known table that a
text names, whatever it does with it.
"""

from collections.abc import Iterable

from django_vortex.live.changes import Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import Recorder
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.sql_text import read_sql
from django_vortex.quoting import shortened


def note_reads(
    recorder: Recorder, database: str, text: str, known: Iterable[Dependency] = ()
) -> None:
    """Note what a text has read; raises nothing.

    Args:
        recorder: Who wants to know.
        database: What the database is called.
        text: What was executed.
        known: What is known better than from the text.
    """
    found = list(known)
    named = known_tables.find_named(text) - {one.table.name for one in found}
    found += [Dependency(Table(database, name)) for name in sorted(named)]
    recorder.reads += found
    if not found and read_sql(text).has_source:
        recorder.unknown.append(shortened(text))
