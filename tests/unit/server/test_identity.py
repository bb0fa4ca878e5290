import pytest

from django_vortex.server.identity import Identity

HERE, THERE = "192.0.2.1", "192.0.2.2"


def visitor(address=HERE):
    return Identity("address", address, address)


def session(key="s1", address=HERE):
    return Identity("session", key, address)


def user(key="7", address=HERE):
    return Identity("user", key, address)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (visitor(), visitor()),
        (session(), session(address=THERE)),
        (user(), user(address=THERE)),
        (visitor(), session()),
        (visitor(), user()),
        (session(), user()),
    ],
)
def test_same_or_better_known_identity_takes_over(old, new):
    assert old.may_be_taken_over_by(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (visitor(), visitor(THERE)),
        (session("s1"), session("s2")),
        (user("7"), user("8")),
        (visitor(), session(address=THERE)),
        (visitor(), user(address=THERE)),
        (session(), user(address=THERE)),
        (session(), visitor()),
        (user(), visitor()),
        (user(), session()),
        (visitor(""), user(address="")),
    ],
)
def test_other_identity_is_refused(old, new):
    assert not old.may_be_taken_over_by(new)


@pytest.mark.parametrize("identity", [visitor(), session(), user()])
def test_identity_crosses_processes(identity):
    assert Identity.from_record(identity.to_record()) == identity
