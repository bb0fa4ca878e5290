"""The scenarios of the conformance suite, which every client of ours plays against real servers.

Takes the files of ``scenarios/``, gives `Scenario`s. Each file is a list of objects::

    name      what it is called: a sentence in snake_case
    about     why it is there: which trap of the field it tries
    needs     what it is played on, all of it optional:
        transports  "websocket", "http": on which of the two (both)
        processes   1, 2: by how many servers behind one Redis (both)
        settings    entries of VORTEX beside `SETTINGS`
        feature     what has to be built first; it is expected to fail until a client has that
    waits     seconds of the client, in place of its own 10, 5, 25 and 60: "attempt" (until the
              server's first word), "info" (the same over HTTP, before short answers are asked for),
              "silent" (without a word), "return" (until a WebSocket is tried)
    loses     true where the session is lost, or the client refused; "maybe" where that depends on
              who comes first; else nothing may be lost, and no fate is unknown
    cuts      true, or the seconds for which one direction is lost before the cut: the steps are
              played once without a cut, then once for every place at which it can be: before, in
              and after each head, body, chunk and frame, in each direction (`Trap`)
    steps     what is done, in order; each an object with a verb under "do"

Verbs of the stage, which are the same for all clients (`Stage`; "server" is 0 or 1, by default the
last that there is; "client" is that whose proxy is meant, "a" by default):

    lead_to   server          new connections go there; else each cut moves on to the next server
    push      server, count, pause, topics, background
                              push numbers; with topics each replaces those of its topic that wait
    change    server, deeds   change the rows that are watched: ["create", "x"], ["rename", "x",
                              "y"], ["delete", "x"]
    kill, start, stop  server
    log_in    user            cookies of a login, sent with every attempt from now on
    log_out                   the server ends that login; the cookies stay as they are
    drop_cookies
    address   is              the network address of the client from now on
    token     user, seconds   what the client's token function gives from now on
    wait      seconds         let time go by, for what must not happen
    proxy     order, ...      what the way between client and server does; the orders:
        pass                  all that comes, from now on
        stall, stall_up, stall_down   nothing, in both directions or in one
        refuse                answers 503 to every new connection
        forbid_upgrades       answers 403 to WebSockets
        cut                   ends all connections
        trap way, unit, place, lose    cuts there, once: see `Trap`
        cut_clients           ends the client's sides of them, servers are not told
        end_orphans           tells them
        hide_ends             clients are not told when a server ends a connection
        swallow count         the next connections get nowhere
        replay connection, stranger   the server gets once more what was said over a connection,
                              counted from the newest: -1; with stranger under another session key
        kill_upgrades times, seconds   each of the next WebSockets is cut after so long
        close code            ends connections in good order, as a server would
        alternate             each new connection goes to the next server
        delay seconds         gathers what a server says
        buffer                gives a response when it has ended
    expect_ran  as, times     something has run so often, or will have: a number, or a list of those
                              that are possible
    expect_refused  count     so many replays were answered, and none was let in

Verbs of the client, which each runner interprets (`Actor`). A client calls itself by the id of the
play, its ``run``, which everything that it says carries, too:

    connect   transports, online   by default over the transport that is tried; with online false it
                              is not waited for
    call      as, times, pause, seconds, size, again    ask, and go on; see `conformance.note`
    send      as, times, pause     send what nobody answers
    watch                     watch the rows
    expect    call, fate      "answered", "unknown", "any" of the two, or the name of an error
    expect_event  event, ...  the next event of this kind has these attributes: "online" (resumed,
                              transport), "offline", "lost" (pushes), "refused" (code)
    expect_no_event  event    there was none of this kind
    expect_rows               the watched answer becomes equal to a fresh query
    expect_pushes             all that was pushed has come
    flush                     wait until all that was sent has arrived
    renew                     begin anew as somebody else
    close                     leave

At the end of each play everything comes to rest and `Promises` are checked, without any step: every
call has been answered once, every message has run once, in order of each source every push has come
once, what is watched is equal to a fresh query; where the session was lost, the client has said so
and what may lack.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from zlib import crc32

FOLDER: Final = Path(__file__).parent / "scenarios"

SETTINGS: Final[Mapping[str, object]] = {
    "AUTHENTICATE": ["django_vortex.session_cookie", "tests.e2e.app.tokens.find_signed"],
    "HEARTBEAT_SECONDS": 0.5,
    "HOLD_SECONDS": 20.0,
    "OUTBOX_MAX_MESSAGES": 300,
    "RECHECK_SECONDS": 0.5,
    "TRUSTED_PROXIES": 1,
}
"""``VORTEX`` of the servers."""

KINDS: Final = ("uvicorn", "daphne")
TRANSPORTS: Final = ("websocket", "http")
PROCESSES: Final = (1, 2)

NOTED: Final = "conformance.note"
"""The key of calls and messages; ``run``, ``label``, ``seconds`` and ``size`` are beside it."""

PUSHED: Final = "conformance.push"
"""The key of pushed numbers; ``source`` is beside it, a tuple is the number."""

LATEST: Final = "conformance.latest"
"""The same with ``topic``, where a later number takes the place of one that waits."""

ROWS: Final = "e2e.watched"
"""The query that is watched, whose argument ``prefix`` is the run."""

Step: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Combination:
    """What a scenario is played on.

    Attributes:
        kind: Of the servers, "uvicorn" or "daphne".
        transport: Of the client.
        processes: How many servers.
    """

    kind: str
    transport: str
    processes: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.transport}-{self.processes}"


ALL: Final = tuple(Combination(*one) for one in product(KINDS, TRANSPORTS, PROCESSES))


@dataclass(frozen=True)
class Scenario:
    """One scenario; the fields are those of the module's documentation."""

    name: str
    about: str
    steps: Sequence[Step]
    needs: Mapping[str, Any] = field(default_factory=dict)
    waits: Mapping[str, float] = field(default_factory=dict)
    loses: bool | Literal["maybe"] = False
    cuts: bool | float = False

    @property
    def feature(self) -> str:
        """What has to be built first, "" if nothing has."""
        return str(self.needs.get("feature", ""))

    @property
    def settings(self) -> dict[str, object]:
        """``VORTEX`` of its servers."""
        return {**SETTINGS, **self.needs.get("settings", {})}

    @property
    def lose_seconds(self) -> float:
        """For how long one direction is lost before each cut."""
        return 0.0 if isinstance(self.cuts, bool) else self.cuts

    def find_combinations(self) -> list[Combination]:
        """Return all that it can be played on."""
        transports = self.needs.get("transports", TRANSPORTS)
        processes = self.needs.get("processes", PROCESSES)
        return [one for one in ALL if one.transport in transports and one.processes in processes]

    def choose(self) -> Combination:
        """Return one of them, always the same."""
        possible = self.find_combinations()
        return possible[crc32(self.name.encode()) % len(possible)]


def load() -> list[Scenario]:
    """Return all scenarios, in order of their files."""
    scenarios: list[Scenario] = []
    for path in sorted(FOLDER.glob("*.json")):
        scenarios += (Scenario(**one) for one in json.loads(path.read_text("utf-8")))
    return scenarios
