"""What an SQL text names and does, as far as its words say: `SqlText`, `read_sql`.

Takes the text of a statement, or several in one, gives the names in it, whether it may write, and
whether it may begin or end a transaction. Nothing is parsed: where databases read a text in
different ways, every word of it counts. So it may be said too much, never too little.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

MAX_KEPT_CHARACTERS: Final = 10_000
"""Longer texts are read each time."""

MAX_KEPT: Final = 2_000
"""How many texts are kept with what was found in them."""

_TOKEN: Final = re.compile(
    r"""
    (?P<literal>'(?:[^']|'')*' | (?<!\w)\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    | "(?P<quoted>(?:[^"]|"")*)" | `(?P<ticked>(?:[^`]|``)*)`
    | \[(?=(?P<bracketed>[^\]]*)\])
    | %s(?!\w) | %\(\w*\)s
    | (?P<dot>\.\s*)? (?P<word>[\w$]+)
    | (?P<end>;)
    | (?P<stray>['"`])
    """,
    re.X | re.S,
)
_WORD: Final = re.compile(r"[\w$]+")
_UNSURE: Final = re.compile(r"""\\|\#|--(?!\s)|/\*!|/\*(?:(?!\*/).)*/\*|\bu&["']""", re.I | re.S)
"""What not all databases read alike: escapes, comments that nest, are code, or are none."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HARMLESS: Final = _words(
    "select values table savepoint release rollback begin start commit end abort show set "
    "reset pragma explain declare fetch close listen unlisten notify lock vacuum analyze "
    "reindex with discard use describe desc checkpoint deallocate prepare"
)
"""A statement that begins so writes only if another word of it does."""

_WRITES: Final = frozenset({"insert", "update", "delete", "merge", "into"})
"""Words that write wherever in a statement they are."""

_BEGIN_WRITES: Final = _words(
    "replace upsert truncate copy call do drop alter create refresh attach detach load"
)
"""Those that write where a statement begins with them; columns may be called so."""

_LOCKS: Final = (("for",), ("for", "no", "key"))
"""What stands before `update` where rows are locked and not changed."""

_TRANSACTION: Final = _words("begin start commit end rollback abort savepoint release prepare xa")
_SOURCES: Final = frozenset({"from", "join", "using"})
_CATALOGS: Final = ("pg_", "sqlite_", "information_schema")
"""How the names of a server's own tables begin."""

_NO_NAMES: Final = _words(
    "select from where order group by having union and or not null as on in case when then "
    "else table create insert update delete into values set primary foreign references "
    "check unique default"
)
"""Words that name something in no database unless they are quoted."""


class SqlText(NamedTuple):
    """What the words of an SQL text say."""

    names: frozenset[str]
    """All that may be a name, in lower case: no literals, no comments."""

    may_write: bool
    """Whether it may change rows of a table that it names."""

    ends_transaction: bool
    """Whether it may begin or end a transaction or savepoint, which the driver knows then."""

    has_source: bool
    """Whether it reads from something that has a name, and not only what the server knows."""


def read_sql(text: str) -> SqlText:
    """Return what a text says; it is remembered."""
    if len(text) > MAX_KEPT_CHARACTERS or text.startswith(("SAVEPOINT ", "RELEASE ", "ROLLBACK ")):
        return _read(text)  # savepoints have a new name each time
    return _read_and_keep(text)


def find_text(sql: Any, cursor: Any = None) -> str:
    """Return the text of what a cursor executes.

    Args:
        sql: A text, its bytes, or an object of ``psycopg.sql``.
        cursor: The driver's cursor, which such objects want.
    """
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes | bytearray | memoryview):
        return bytes(sql).decode(errors="replace")
    as_string = getattr(sql, "as_string", None)
    return str(as_string(cursor)) if as_string is not None else str(sql)


@lru_cache(MAX_KEPT)
def find_bare_name(table: str) -> str:
    """Return the name of a table without its schema and quotes: `item` of ``stock"."item``."""
    return re.split(r'"\s*\.\s*"|`\s*\.\s*`', table)[-1].strip('"`').replace('""', '"')


def _read(text: str) -> SqlText:
    names, first_words, words, is_sure = _find(text)
    if not is_sure:
        every = _find_all(text)
        names |= every
        words |= every - _BEGIN_WRITES
        first_words |= every & (_BEGIN_WRITES | _TRANSACTION)
    return SqlText(
        frozenset(names),
        bool(words & _WRITES) or not first_words <= _HARMLESS,
        bool(first_words & _TRANSACTION),
        bool(words & _SOURCES) and not any(map(_is_catalog, names)),
    )


_read_and_keep = lru_cache(MAX_KEPT)(_read)


def _is_catalog(name: str) -> bool:
    return name.startswith(_CATALOGS)


def _find(text: str) -> tuple[set[str], set[str], set[str], bool]:
    """Return names, first words of statements, keywords, and whether all databases agree on it."""
    names: set[str] = set()
    first_words: set[str] = set()
    words: set[str] = set()
    is_sure = _UNSURE.search(text) is None
    before: tuple[str, ...] = ()
    """The words of this statement so far, three at most."""
    is_code = False
    for match in _TOKEN.finditer(text):
        if match["word"] is not None:
            word = match["word"].lower()
            if match["dot"] is not None or word not in _NO_NAMES:
                names.add(word)
            if not before:
                first_words.add(word)
                is_code = word == "do"
            if match["dot"] is None and not (
                word == "update" and (before[-1:] in _LOCKS or before in _LOCKS)
            ):
                words.add(word)
            before = (*before[-2:], word)
        elif match["end"] is not None:
            before, is_code = (), False
        elif match["stray"] is not None:
            is_sure = False
        elif match["literal"] is not None:
            if is_code:
                names |= _find_all(match["literal"])
        else:
            names.update(_find_quoted(match))
    return names, first_words, words, is_sure


def _find_quoted(match: re.Match[str]) -> Iterator[str]:
    if match["quoted"] is not None:
        yield match["quoted"].replace('""', '"').lower()
    elif match["ticked"] is not None:
        yield match["ticked"].replace("``", "`").lower()
    elif match["bracketed"] is not None:
        yield match["bracketed"].lower()


def _find_all(text: str) -> set[str]:
    """Return all words, and whatever stands between two quotes, wherever literals may begin."""
    lower = text.lower()
    return {
        *_WORD.findall(lower),
        *lower.replace('""', "\0").replace('"', "\n").replace("\0", '"').split("\n"),
        *lower.split("`"),
        *re.split(r"[\[\]]", lower),
    }
