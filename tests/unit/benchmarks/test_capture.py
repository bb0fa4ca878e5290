"""The benchmark decides itself when capture is installed, so it runs in a process of its own."""

import json
import subprocess
import sys

SCRIPT = """
import json
from functools import partial

from benchmarks import capture
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling

hooks = capture.Hooks()
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
sides = capture.Sides("memory", {"plain": dict(database), "captured": dict(database)})
told, read = {}, {}
for side, prepare in (("plain", hooks.remove), ("captured", hooks.put), ("plain", hooks.remove)):
    prepare()
    heard = []
    telling.listen(heard.extend)
    sides.save(side, 20)
    sides.make(side)
    sides.unmake(side)
    told[side] = len(heard)
    with recording() as recorder:
        sides.select(side)
        sides.list(side)
    read[side] = len(recorder.reads)
print(json.dumps([told, read]))
"""


def test_one_side_is_captured_and_tracked_and_the_other_is_as_django_has_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told, read = json.loads(done.stdout)
    assert told["plain"] == read["plain"] == 0
    assert told["captured"] >= 22  # 20 saves, rows made, rows deleted
    assert read["captured"] == 21
