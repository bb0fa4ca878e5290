"""What an application tells of answers takes effect with its transaction."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from django_vortex import Request, notify, query
from django_vortex.live.changes import Change
from django_vortex.live.telling import telling


@pytest.fixture
def heard() -> Iterator[list[Change]]:
    heard: list[Change] = []
    with telling.heard_by(heard.extend):
        yield heard


def test_told_after_the_commit_and_not_without_it(heard: list[Change]) -> None:
    @query("live.notified")
    def notified(request: Request, *, number: int) -> int:
        return number

    notify(notified, number=1)
    assert [change.new for change in heard] == [{"number": '{"_fd":1,"_ft":"int"}'}]
    with transaction.atomic():
        notify(notified)
        assert len(heard) == 1
    assert len(heard) == 2
    with pytest.raises(ValueError), transaction.atomic():
        notify(notified)
        raise ValueError
    with transaction.atomic():
        with pytest.raises(ValueError), transaction.atomic():
            notify(notified)
            raise ValueError
        notify(notified, number=2)
    assert len(heard) == 3


def test_told_where_nobody_listens() -> None:
    @query("live.notified")
    def notified(request: Request) -> int:
        return 1

    with telling.heard_by(None):
        notify(notified)
