"""What Django says of peers: all at once where it lies in its own tables, else one by one."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model, login, update_session_auth_hash
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.sessions.backends import cache, cached_db, db, file, signed_cookies
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject

from django_vortex.routing.peer import Peer
from django_vortex.server.judging import (
    NEW_COOKIES,
    NOT_THIS_PASSWORD,
    NOT_THIS_USER,
    Outcome,
    Question,
)
from django_vortex.transports.recheck import DjangoJudge, ask_alone
from django_vortex.transports.session_tables import SessionTable

pytestmark = pytest.mark.django_db

T = TypeVar("T")
User = get_user_model()
DJANGO = "django.contrib.auth.backends.ModelBackend"
OWN = f"{__name__}.OwnBackend"
ENGINES = [db, cached_db, cache, file, signed_cookies]


class OwnBackend(ModelBackend):
    """A backend that asks something else than the user table."""

    def get_user(self, user_id: Any) -> Any:
        return User.objects.filter(pk=user_id, first_name="").first()


@pytest.fixture(autouse=True)
def own_backend(settings: Any, tmp_path: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [DJANGO, OWN]
    settings.SESSION_FILE_PATH = str(tmp_path)


async def run_sync(function: Callable[[], T], /) -> T:
    return function()


def log_in(user: Any, engine: Any = db, *, backend: str = DJANGO) -> Peer:
    """The peer that a handshake with the cookie of a fresh login makes."""
    request: Any = HttpRequest()
    request.session = engine.SessionStore()
    login(request, user, backend=backend)
    request.session.save()
    session = engine.SessionStore(request.session.session_key)
    session.items()
    return Peer(str(user.pk), "test", user=User.objects.get(pk=user.pk), session=session)


def make_user(name: str = "anna") -> Any:
    return User.objects.create_user(name, password="x")


def ask(*peers: Peer, judge: DjangoJudge | None = None, logout: Any = "") -> list[Outcome]:
    """Ask about peers as a server does."""
    judge = judge or DjangoJudge(run_sync)
    questions = [Question(peer, logout) for peer in peers]

    async def collect() -> dict[int, Outcome]:
        return {index: outcome async for index, outcome in judge(questions, 0.0)}

    coroutine = collect()
    outcomes: dict[int, Outcome] = {}
    try:
        while True:
            coroutine.send(None)  # without a loop: nothing waits but for its turn
    except StopIteration as stop:
        outcomes = stop.value
    return [outcomes[index] for index in range(len(peers))]


def delete_session(peer: Peer) -> None:
    peer.session.__class__(peer.session.session_key).delete()


ENDINGS: dict[str, tuple[Callable[[Peer], object], Any]] = {
    "inactive": (lambda peer: User.objects.update(is_active=False), NOT_THIS_USER),
    "deleted": (lambda peer: User.objects.all().delete(), NOT_THIS_USER),
    "password": (lambda peer: User.objects.update(password="y"), NOT_THIS_PASSWORD),
    "session": (delete_session, NEW_COOKIES),
}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda one: one.__name__.rpartition(".")[2])
@pytest.mark.parametrize("backend", [DJANGO, OWN])
@pytest.mark.parametrize("what", ENDINGS)
def test_login_that_has_ended_is_noticed(engine: Any, backend: str, what: str) -> None:
    peer = log_in(make_user(), engine, backend=backend)
    (before,) = ask(peer)
    assert isinstance(before, Peer)
    assert before.user == peer.user
    assert before.user is not peer.user
    end, expected = ENDINGS[what]
    if what == "inactive" and backend == OWN:
        User.objects.update(first_name="gone")
    if (engine, what) == (signed_cookies, "session"):
        return  # nobody can: it is the browser's
    if (engine, what) == (signed_cookies, "password"):
        expected = NEW_COOKIES  # which the browser may have
    end(peer)
    assert ask(peer) == [expected]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda one: one.__name__.rpartition(".")[2])
def test_session_that_was_logged_out_is_another_end_than_one_that_is_gone(engine: Any) -> None:
    peer = log_in(make_user(), engine)
    delete_session(peer)
    assert ask(peer, logout="session") == [NOT_THIS_USER]
    if engine is signed_cookies:
        assert ask(peer, logout="user") == [NEW_COOKIES]
    else:
        other = log_in(User.objects.get(), engine)
        (outcome,) = ask(other, logout="user")
        assert isinstance(outcome, Peer)


@pytest.mark.parametrize("engine", [db, cached_db, cache], ids=lambda one: one.__name__[-5:])
def test_own_change_of_password_asks_for_new_cookies(engine: Any) -> None:
    user = make_user()
    peer = log_in(user, engine)
    request: Any = HttpRequest()
    request.user = user
    request.session = engine.SessionStore(peer.session.session_key)
    user.set_password("y")
    user.save()
    update_session_auth_hash(request, user)
    request.session.save()
    assert ask(peer) == [NEW_COOKIES]
    again = engine.SessionStore(request.session.session_key)
    again.items()
    (outcome,) = ask(Peer("p", "test", user=user, session=again))
    assert isinstance(outcome, Peer)


def test_new_secret_key_ends_no_login_while_the_old_one_is_a_fallback(settings: Any) -> None:
    peer = log_in(make_user())
    key = peer.session.session_key
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    (outcome,) = ask(peer)
    assert isinstance(outcome, Peer)
    assert Session.objects.get().session_key == key
    settings.SECRET_KEY_FALLBACKS = []
    assert ask(peer) == [NOT_THIS_USER]  # what the session says is not signed by anybody known


def test_expired_session_is_gone() -> None:
    peer = log_in(make_user())
    Session.objects.update(expire_date="2001-01-01T00:00Z")
    assert ask(peer) == [NEW_COOKIES]


def test_session_gone_from_the_table_is_gone_from_the_cache_too() -> None:
    peer = log_in(make_user(), cached_db)
    Session.objects.all().delete()
    assert ask(peer) == [NEW_COOKIES]
    assert cached_db.SessionStore(peer.session.session_key).load() == {}


def test_session_of_another_user_by_now_asks_for_new_cookies() -> None:
    anna, bob = make_user(), make_user("bob")
    peer = log_in(anna)
    session = db.SessionStore(peer.session.session_key)
    session.update(log_in(bob).session.items())
    session.save()
    assert ask(peer) == [NEW_COOKIES]


def test_session_whose_login_was_taken_out_is_nobodys() -> None:
    peer = log_in(make_user())
    session = db.SessionStore(peer.session.session_key)
    session.clear()
    session.save()
    assert ask(peer) == [NOT_THIS_USER]


def test_backend_that_was_taken_out_logs_nobody_in(settings: Any) -> None:
    peer = log_in(make_user(), backend=OWN)
    settings.AUTHENTICATION_BACKENDS = [DJANGO]
    assert ask(peer) == [NOT_THIS_USER]


def test_visitor_with_a_session_goes_on_until_that_is_gone() -> None:
    session = db.SessionStore()
    session["cart"] = [1]
    session.save()
    peer = Peer("p", "test", user=AnonymousUser(), session=db.SessionStore(session.session_key))
    (outcome,) = ask(peer)
    assert isinstance(outcome, Peer)
    session.delete()
    assert ask(peer) == [NEW_COOKIES]


def test_visitor_whose_session_is_logged_in_by_now_asks_for_new_cookies() -> None:
    session = db.SessionStore()
    session.save(must_create=True)
    peer = Peer("p", "test", user=AnonymousUser(), session=db.SessionStore(session.session_key))
    session.update(log_in(make_user()).session.items())
    session.save()
    assert ask(peer) == [NEW_COOKIES]


def test_visitor_with_the_session_of_somebody_inactive_stays_a_visitor() -> None:
    session = log_in(make_user()).session
    User.objects.update(is_active=False)
    (outcome,) = ask(Peer("p", "test", user=AnonymousUser(), session=session))
    assert isinstance(outcome, Peer)
    assert not outcome.user.is_authenticated


def test_handlers_see_what_the_session_says_now_and_the_same_one_if_nothing_changed() -> None:
    peer = log_in(make_user())
    (same,) = ask(peer)
    assert isinstance(same, Peer)
    assert same.session is peer.session
    session = db.SessionStore(peer.session.session_key)
    session["tenant"] = 2
    session.save()
    (changed,) = ask(peer)
    assert isinstance(changed, Peer)
    with CaptureQueriesContext(connection) as queries:
        assert changed.session["tenant"] == 2
    assert len(queries) == 0


def test_scope_has_the_user_of_now() -> None:
    peer = log_in(make_user())
    scope = {"user": SimpleLazyObject(lambda: peer.user), "session": peer.session, "path": "/"}
    (outcome,) = ask(Peer("p", "test", user=scope["user"], session=peer.session, scope=scope))
    assert isinstance(outcome, Peer)
    assert scope["user"] is outcome.user


def test_what_middlewares_wrap_is_looked_into() -> None:
    user = make_user()
    peer = log_in(user)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    wrapped = Peer(
        "p",
        "test",
        user=SimpleLazyObject(lambda: peer.user),
        session=SimpleLazyObject(lambda: peer.session),
    )
    (outcome,) = ask(wrapped)
    assert isinstance(outcome, Peer)
    assert outcome.user.has_perm("auth.view_user")
    delete_session(peer)
    assert ask(wrapped) == [NEW_COOKIES]


class TestWithoutSession:
    """Users that something else than a session has logged in."""

    def test_goes_on_with_a_fresh_user(self) -> None:
        user = make_user()
        (outcome,) = ask(Peer("p", "test", user=user))
        assert isinstance(outcome, Peer)
        assert outcome.user == user
        assert outcome.user is not user

    @pytest.mark.parametrize("backend", ["", DJANGO, OWN, "not.a.Backend"])
    def test_inactive_or_deleted_user_is_none(self, backend: str) -> None:
        user = make_user()
        if backend:
            user.backend = backend
        User.objects.update(is_active=False, first_name="gone")
        assert ask(Peer("p", "test", user=user)) == [NOT_THIS_USER]
        User.objects.all().delete()
        assert ask(Peer("p", "test", user=user)) == [NOT_THIS_USER]

    def test_new_password_asks_to_come_again(self) -> None:
        user = make_user()
        User.objects.update(password="y")
        assert ask(Peer("p", "test", user=user)) == [NEW_COOKIES]

    def test_anonymous_session_beside_it_says_nothing_of_it(self) -> None:
        session = db.SessionStore()
        session.save(must_create=True)
        (outcome,) = ask(Peer("p", "test", user=make_user(), session=session))
        assert isinstance(outcome, Peer)

    def test_user_of_another_kind_stays(self) -> None:
        user = SimpleNamespace(is_authenticated=True, pk=1)
        (outcome,) = ask(Peer("p", "test", user=user, session=SimpleNamespace(session_key="s")))
        assert isinstance(outcome, Peer)
        assert outcome.user is user


def count_queries(*peers: Peer) -> int:
    judge = DjangoJudge(run_sync)
    with CaptureQueriesContext(connection) as queries:
        assert all(isinstance(outcome, Peer) for outcome in ask(*peers, judge=judge))
    return len(queries)


@pytest.mark.parametrize("engine", [db, cached_db], ids=["db", "cached_db"])
def test_number_of_queries_does_not_depend_on_the_number_of_users(engine: Any) -> None:
    peers = [log_in(make_user(f"user {number}"), engine) for number in range(60)]
    assert count_queries(peers[0]) == count_queries(*peers) == 2
    for peer in peers:
        peer.user.has_perm("auth.view_user")
    assert count_queries(peers[0]) == count_queries(*peers) == 4


def test_users_of_engines_and_backends_of_others_are_asked_about_alone() -> None:
    judge = DjangoJudge(run_sync)
    peers = [
        log_in(make_user("a")),
        log_in(make_user("b"), cache),
        log_in(make_user("c"), backend=OWN),
    ]
    together = judge.ask_together([Question(peer) for peer in peers])
    assert [outcome is None for outcome in together] == [False, True, True]


async def test_those_are_spread_over_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    judge = DjangoJudge(run_sync)
    monkeypatch.setattr(judge, "ask_together", lambda questions: [None] * len(questions))
    monkeypatch.setattr(
        "django_vortex.transports.recheck.ask_alone", lambda question: question.peer
    )
    monkeypatch.setattr(asyncio, "sleep", sleep)
    questions = [Question(Peer(str(number), "test")) for number in range(60)]
    assert [index async for index, _ in judge(questions, 30.0)] == list(range(60))
    assert slept == [0.5] * 60


async def test_one_that_can_not_be_asked_about_spares_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask_one(question: Question) -> Peer:
        if question.peer.uuid == "1":
            raise OperationalError("no such cache")
        return question.peer

    judge = DjangoJudge(run_sync)
    monkeypatch.setattr(judge, "ask_together", lambda questions: [None] * len(questions))
    monkeypatch.setattr("django_vortex.transports.recheck.ask_alone", ask_one)
    questions = [Question(Peer(str(number), "test")) for number in range(3)]
    answered = []
    with pytest.raises(OperationalError, match="no such cache"):
        async for index, _ in judge(questions, 0.0):
            answered.append(index)
    assert answered == [0, 2]


def test_permissions_that_a_user_was_asked_for_are_those_of_now() -> None:
    user = make_user()
    view, add = (Permission.objects.get(codename=f"{one}_user") for one in ("view", "add"))
    group = Group.objects.create(name="desk")
    group.permissions.add(add)
    user.user_permissions.add(view)
    user.groups.add(group)
    peer, idle = log_in(user), log_in(make_user("idle"))
    assert peer.user.get_all_permissions() == {"auth.view_user", "auth.add_user"}
    group.permissions.clear()
    with CaptureQueriesContext(connection) as queries:
        outcome, other = ask(peer, idle)
    assert len(queries) == 4
    assert isinstance(outcome, Peer)
    with CaptureQueriesContext(connection) as queries:
        assert outcome.user.has_perm("auth.view_user")
        assert not outcome.user.has_perm("auth.add_user")
        assert outcome.user.get_user_permissions() == {"auth.view_user"}
        assert outcome.user.get_group_permissions() == set()
    assert len(queries) == 0
    assert isinstance(other, Peer)
    assert not other.user.has_perm("auth.view_user")
    user.user_permissions.clear()
    (outcome,) = ask(outcome)
    assert isinstance(outcome, Peer)
    assert not outcome.user.has_perm("auth.view_user")


def test_streams_of_one_user_share_no_object() -> None:
    user = make_user()
    first, second = ask(log_in(user), log_in(user))
    assert isinstance(first, Peer)
    assert isinstance(second, Peer)
    assert first.user == second.user
    assert first.user is not second.user


def test_superuser_stays_one_only_as_long_as_it_is() -> None:
    user = User.objects.create_superuser("root")
    peer = log_in(user)
    assert peer.user.get_all_permissions()
    (outcome,) = ask(peer)
    assert isinstance(outcome, Peer)
    assert "auth.add_user" in outcome.user.get_all_permissions()
    User.objects.update(is_superuser=False)
    (outcome,) = ask(outcome)
    assert isinstance(outcome, Peer)
    assert not outcome.user.has_perm("auth.add_user")


def test_what_has_not_changed_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = [log_in(make_user(f"user {number}")) for number in range(3)]
    decoded: list[str] = []
    decode = db.SessionStore.decode
    monkeypatch.setattr(
        db.SessionStore, "decode", lambda self, text: decoded.append(text) or decode(self, text)
    )
    table = SessionTable()
    for _ in range(3):
        assert len(table.read([peer.session for peer in peers])) == 3
    assert len(decoded) == 3


def test_login_says_who_it_was() -> None:
    peer = log_in(make_user())
    assert peer.session[BACKEND_SESSION_KEY] == DJANGO
    assert isinstance(ask_alone(Question(peer)), Peer)
