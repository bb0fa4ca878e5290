"""What ``howto-authenticate.rst`` shows works as it stands there."""

import re
from collections.abc import Callable

from tests.docs.blocks import ROOT, read_blocks
from tests.docs.project import Project
from tests.support.ports import HOST

DOCUMENT = "docs/howto-authenticate.rst"
TEXT = (ROOT / DOCUMENT).read_text("utf-8")

ACCOUNTS = """
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.utils import timezone

from board.models import AccessKey

for name, days in (("ann", 1), ("bob", -1)):
    AccessKey.objects.create(
        user=User.objects.create(username=name),
        digest=sha256(f"token-of-{name}".encode()).hexdigest(),
        expires_at=timezone.now() + timedelta(days=days),
    )
"""


def test_client_is_who_its_token_says(make_project: Callable[[], Project]) -> None:
    project = make_project()
    project.write(
        one for one in read_blocks("docs/howto-crud-django.rst").values() if one.is_appended
    )
    project.write(read_blocks(DOCUMENT).values())
    project.run("manage.py", "makemigrations", "board")
    project.run("manage.py", "migrate")
    assert "no issues" in project.run("manage.py", "check")
    project.run("manage.py", "shell", "-c", ACCOUNTS)
    project.serve()

    url = f"ws://{HOST}:{project.port}/vortex"
    assert "I am ann" in project.run("client.py", url, "token-of-ann")
    assert "Refused: These credentials have expired" in project.run(
        "client.py", url, "token-of-bob"
    )
    assert "Refused: This token is not known" in project.run("client.py", url, "token-of-eve")
    assert not [process.log for process in project.processes if "token-of-" in process.log]


def test_other_functions_are_ones_that_the_setting_takes(
    make_project: Callable[[], Project],
) -> None:
    """The blocks that stand for a choice are tried one after the other."""
    project = make_project()
    project.write(
        one for one in read_blocks("docs/howto-crud-django.rst").values() if one.is_appended
    )
    blocks = [
        "".join(f"{line.removeprefix('    ')}\n" for line in block.splitlines())
        for block in re.findall(r"::\n\n((?:(?:    [^\n]*)?\n)+)", TEXT)
        if "@proxy_header" in block or "def find_device" in block
    ]
    assert len(blocks) == 2
    source = "\n".join(blocks).replace("from board.models import Device", "Device = None")
    (project.directory / "board" / "logins.py").write_text(source)
    (choice,) = re.findall(r"\n    VORTEX = \{\n        \"AUTH[^}]*rest_framework[^}]*\}", TEXT)
    more = (
        'VORTEX["AUTHENTICATE"] += ["board.logins.find_by_certificate", "board.logins.find_device"]'
        '\nVORTEX["TRUSTED_PROXIES"] = ["unix"]'
        '\nINSTALLED_APPS += ["rest_framework.authtoken"]\n'
    )
    with (project.directory / "mysite" / "settings.py").open("a") as settings:
        settings.write("\n".join(line[4:] for line in choice.splitlines()) + "\n" + more)
    assert "no issues" in project.run("manage.py", "check")
    with (project.directory / "mysite" / "settings.py").open("a") as settings:
        settings.write('VORTEX["TRUSTED_PROXIES"] = 1\n')
    failed = project.start("check", "manage.py", "check")
    assert failed.wait(seconds=120) != 0
    assert "django_vortex.E031" in failed.log
