"""Whatever a write changes in an answer, the write concerns what the answer has read.

Random answers and random writes; never may one be overlooked. That few are told in vain is seen by
counting.
"""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Lower, RowNumber

from django_vortex.live.changes import Change
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from tests.live.django_models import Bar as Pub
from tests.live.django_models import (
    City,
    Comment,
    Country,
    Fan,
    Label,
    Line,
    Location,
    Person,
    Seat,
    Team,
    Ticket,
)
from tests.live.django_place import Place

STATES = ("open", "shut", "Open")
Evaluate = Callable[[], Any]


class Watch:
    """An answer, and what it has read.

    Args:
        evaluate: Gives the answer.
        text: Says what it is.
    """

    def __init__(self, evaluate: Evaluate, text: str) -> None:
        self.text = text
        self._evaluate = evaluate
        self.evaluate()

    def evaluate(self) -> None:
        with recording() as recorder:
            self.answer = show(self._evaluate())
        assert not recorder.writes
        assert not recorder.unknown
        self.reads: list[Dependency] = recorder.reads

    def is_concerned_by(self, change: Change) -> bool:
        return any(read.is_concerned_by(change) for read in self.reads)


def show(value: Any) -> Any:
    """Return values that can be compared, with all columns of instances."""
    if isinstance(value, models.Model):
        fields = [one.attname for one in value._meta.concrete_fields]
        return tuple((name, value.__dict__[name]) for name in fields if name in value.__dict__)
    if isinstance(value, models.QuerySet | list | tuple):
        return [show(one) for one in value]
    return value


def make_rows(rnd: random.Random) -> models.QuerySet[Any]:
    """Return a random queryset of tickets."""
    rows: Any = Ticket.objects.all()
    for _ in range(rnd.randint(0, 3)):
        rows = narrow(rnd, rows)
    return rows


def narrow(rnd: random.Random, rows: Any) -> Any:
    """Return those of some tickets that fit a random condition."""
    n, s, t = rnd.randint(0, 3), rnd.choice(STATES), rnd.choice([1, 2, 3])
    made: list[Callable[[Any], Any]] = [
        lambda q: q.filter(number=n),
        lambda q: q.filter(state=s),
        lambda q: q.filter(team=t),
        lambda q: q.filter(team_id=t, number=n),
        lambda q: q.filter(team__isnull=True),
        lambda q: q.filter(number__in=[n, n + 1]),
        lambda q: q.filter(number__gt=n),
        lambda q: q.filter(Q(number=n) | Q(state=s)),
        lambda q: q.exclude(number=n),
        lambda q: q.filter(~Q(state=s)),
        lambda q: q.filter(number=F("team_id")),
        lambda q: q.filter(team__name=f"t{t}"),
        lambda q: q.exclude(team__name=f"t{t}"),
        lambda q: q.filter(state__iexact=s),
        lambda q: q.filter(pk__in=[n + 1, n + 2]),
        lambda q: q.filter(labels__weight=n),
        lambda q: q.exclude(labels__weight=n),
        lambda q: q.filter(labels__isnull=True),
        lambda q: q.filter(fan__isnull=True),
        lambda q: q.filter(fan__person_id=t),
        lambda q: q.filter(comment__isnull=n > 1),
        lambda q: q.filter(team__in=Team.objects.filter(name=f"t{t}")),
        lambda q: q.filter(team__in=Team.objects.order_by("-name")[:1].values("pk")),
        lambda q: q.annotate(low=Lower("state")).filter(low=s),
        lambda q: q.filter(Exists(Fan.objects.filter(ticket=OuterRef("pk"), person_id=t))),
        lambda q: q.filter(~Exists(Ticket.objects.filter(number=n).exclude(pk=OuterRef("pk")))),
        lambda q: q.filter(Exists(Ticket.objects.filter(team=OuterRef("team"), number=n, state=s))),
    ]
    return rnd.choice(made)(rows)


def make_answer(rnd: random.Random) -> Evaluate:
    """Return what evaluates a random answer."""
    rows = make_rows(rnd).order_by("-number", "pk")
    u, n, t = rnd.randint(1, 3), rnd.randint(0, 3), rnd.randint(1, 8)
    newest = Comment.objects.filter(ticket=OuterRef("pk")).order_by("-pk").values("text")[:1]
    made: list[Evaluate] = [
        lambda: rows.all(),
        lambda: rows.all(),
        lambda: rows.distinct(),
        lambda: rows.order_by("number", "pk")[:2],
        lambda: rows.order_by("state", "pk")[1:3],
        lambda: rows.order_by("team__name", "pk")[:3],
        lambda: rows.only("title"),
        lambda: rows.select_related("team", "owner"),
        lambda: rows.values_list("number", flat=True),
        lambda: rows.values_list("pk", "state"),
        lambda: rows.values("state").annotate(c=Count("pk")).order_by("state"),
        lambda: rows.annotate(n=Window(RowNumber(), order_by=["pk"])),
        lambda: rows.annotate(c=Count("comment")),
        lambda: rows.annotate(text=Subquery(newest)).values_list("pk", "text"),
        lambda: rows.count(),
        lambda: rows.distinct().count(),
        lambda: rows.exists(),
        lambda: rows.first(),
        lambda: rows.aggregate(m=models.Max("number")),
        lambda: rows.prefetch_related("labels") and [list(x.labels.all()) for x in rows],
        lambda: [x.team and x.team.name for x in rows],
        lambda: list(rows.iterator()),
        lambda: Ticket.objects.filter(pk=t),
        lambda: Ticket.objects.filter(pk=t).first(),
        lambda: Ticket.objects.filter(owner_id=u).filter(number=n).order_by("pk"),
        lambda: Comment.objects.filter(ticket__owner_id=u, ticket__number=n).order_by("pk"),
        lambda: Comment.objects.filter(ticket_id=t).count(),
        lambda: Team.objects.annotate(c=Count("tickets")).values_list("name", "c").order_by("name"),
        lambda: Team.objects.filter(tickets__number=n).order_by("pk", "tickets__pk"),
        lambda: Person.objects.filter(fan__ticket_id=t).order_by("pk", "fan__pk"),
        lambda: (
            Ticket.objects.filter(number=n).union(Ticket.objects.filter(owner_id=u)).order_by("id")
        ),
        lambda: Label.objects.filter(ticket=t).order_by("name"),
        lambda: City.objects.filter(name="c1").select_related("twin", "country"),
        lambda: [(x.name, x.twin and x.twin.name) for x in City.objects.select_related("twin")],
        lambda: [x.twin for x in City.objects.filter(name="c2").select_related("twin")],
        lambda: City.objects.filter(twin__name="c1").order_by("pk"),
        lambda: City.objects.filter(twin__isnull=True).order_by("pk"),
        lambda: City.objects.filter(country="n1").order_by("pk"),
        lambda: City.objects.filter(country__code="k1").order_by("pk"),
        lambda: City.objects.filter(city=None).order_by("pk"),
        lambda: Pub.objects.filter(beers=n).order_by("pk"),
        lambda: Pub.objects.filter(name=f"p{n}").order_by("pk"),
        lambda: Location.objects.filter(bar__isnull=True).order_by("pk"),
        lambda: Location.objects.filter(bar__beers=n).order_by("pk"),
        lambda: Seat.objects.filter(pk=("a", n)).order_by("pk"),
        lambda: Seat.objects.filter(row="a").order_by("number"),
        lambda: Seat.objects.filter(pk__in=[("a", n), ("b", n)]).order_by("number"),
        lambda: Line.objects.filter(total=n).order_by("pk"),
        lambda: Line.objects.filter(currency="EUR").values_list("total").order_by("pk"),
        lambda: Person.objects.filter(friends=u).order_by("pk"),
        lambda: list(Ticket.objects.raw("SELECT * FROM live_ticket WHERE number = %s", [n])),
    ]
    return rnd.choice(made)


def pick(rnd: random.Random, model: type[models.Model]) -> Any:
    """Return a random row, None if there is none."""
    return rnd.choice([*model._default_manager.order_by("pk"), None])


def write(rnd: random.Random, place: Place) -> None:
    """Write something at random, to any table."""
    n, s = rnd.randint(0, 3), rnd.choice(STATES)
    t, u, k = (rnd.choice([1, 2, 3, None]) for _ in range(3)), 0, rnd.randint(1, 10)
    team, owner, person = t
    one = Ticket.objects.filter(pk=k).first()
    label = pick(rnd, Label)
    city = pick(rnd, City)
    pub = pick(rnd, Pub)
    del u

    def save(row: Any, **values: Any) -> None:
        if row is not None:
            for name, value in values.items():
                setattr(row, name, value)
            row.save()

    def bulk_update() -> None:
        some = list(Ticket.objects.filter(pk__in=[k, k + 1]))
        for x in some:
            x.number = n
        Ticket.objects.bulk_update(some, ["number"])

    made: list[Evaluate] = [
        lambda: Ticket.objects.create(
            title="x", number=rnd.choice([n, str(n)]), state=s, team_id=team, owner_id=owner
        ),
        lambda: save(one, number=n, state=s, team_id=team, owner_id=owner),
        lambda: save(one, number=F("number") + 1),
        lambda: one and one.save(update_fields=["number"]),
        lambda: Ticket.objects.filter(number=n).update(state=s),
        lambda: Ticket.objects.filter(team=team).update(number=F("number") + 1),
        lambda: Ticket.objects.filter(state=s, number=n).update(number=n + 1, title="y"),
        lambda: Ticket.objects.filter(team__name=f"t{n}").update(number=n),
        lambda: Ticket.objects.filter(pk__in=[k, k + 2]).update(team_id=team),
        lambda: Ticket.objects.exclude(state=s).filter(number=n).update(number=0),
        lambda: one and one.delete(),
        lambda: Ticket.objects.filter(state=s, number=n).delete(),
        lambda: Ticket.objects.bulk_create(
            [Ticket(title="b", number=n + i, state=s, team_id=team) for i in range(2)]
        ),
        lambda: Ticket.objects.bulk_create(
            [Ticket(title="b", number=n, state=s, owner_id=i % 3 + 1) for i in range(20)]
        ),
        bulk_update,
        lambda: one and Comment.objects.create(ticket=one, text=str(rnd.random())),
        lambda: Comment.objects.filter(ticket_id=k).update(text=str(rnd.random())),
        lambda: one and save(Comment.objects.first(), ticket=one),
        lambda: Comment.objects.filter(ticket_id=k).delete(),
        lambda: one and label and one.labels.add(label),
        lambda: one and label and one.labels.set([label]),
        lambda: one and one.labels.clear(),
        lambda: save(label, weight=n),
        lambda: save(label, name=str(rnd.random())),
        lambda: Team.objects.filter(pk=team).update(name=rnd.choice(["t1", "t2", "t3", "z"])),
        lambda: Person.objects.filter(pk=owner).update(username=str(rnd.random())),
        lambda: Person.objects.get(pk=owner or 1).friends.set([person or 2]),
        lambda: one and Fan.objects.create(person_id=person or 1, ticket=one),
        lambda: Fan.objects.filter(person_id=person).delete(),
        lambda: save(city, name=rnd.choice(["c1", "c2", "c3"])),
        lambda: save(city, twin=pick(rnd, City)),
        lambda: save(city, twin=None),
        lambda: City.objects.update(country=rnd.choice(["n1", "n2"])),
        lambda: City.objects.create(name="c1", country_id="n1"),
        lambda: save(pub, beers=n, name=f"p{n}"),
        lambda: Pub.objects.create(name=f"p{n}", beers=n),
        lambda: Pub.objects.filter(beers=n).update(name="p1"),
        lambda: pub and pub.delete(keep_parents=bool(n % 2)),
        lambda: Location.objects.create(name=f"p{n}"),
        lambda: Seat.objects.filter(pk=("a", n)).update(guest=str(rnd.random())),
        lambda: Seat.objects.filter(row="a", number=n).update(number=n + 4),
        lambda: Seat.objects.filter(number=n).delete(),
        lambda: Seat.objects.update_or_create(row="b", number=n, defaults={"guest": s}),
        lambda: Line.objects.update(price=n),
        lambda: Line.objects.create(price=n),
        lambda: place.execute("UPDATE live_ticket SET number = %s WHERE id = %s", [n, k]),
    ]
    with suppress(IntegrityError):
        rnd.choice(made)()


def refill() -> None:
    """Begin anew with a few rows of everything."""
    for model in (Comment, Fan, Ticket, Label, Team, City, Country, Pub, Location, Seat, Line):
        model.objects.all().delete()
    Person.objects.get_or_create(pk=3, defaults={"username": "u3"})
    Team.objects.bulk_create([Team(pk=i, name=f"t{i}") for i in (1, 2, 3)])
    labels = [Label.objects.create(name=f"l{i}", weight=i) for i in range(4)]
    for i in range(8):
        ticket = Ticket(
            pk=i + 1,
            title="t",
            number=i % 4,
            state=STATES[i % 3],
            team_id=[1, 2, 3, None][i % 4],
            owner_id=[1, 2, 3][i % 3],
        )
        ticket.save(force_insert=True)
        if i % 2:
            ticket.labels.add(labels[i % 4])
            Comment.objects.create(ticket=ticket, text="c")
            Fan.objects.create(ticket=ticket, person_id=i % 3 + 1)
    countries = [Country.objects.create(code=f"k{i}", name=f"n{i}") for i in (1, 2)]
    first = City.objects.create(name="c1", country=countries[0])
    City.objects.create(name="c2", country=countries[1], twin=first)
    for i in (1, 2):
        Pub.objects.create(name=f"p{i}", beers=i)
        Seat.objects.create(row="a", number=i)
        Line.objects.create(price=i)


@pytest.mark.parametrize("seed", range(6))
def test_no_change_is_overlooked(place: Place, seed: int) -> None:
    rnd, count = random.Random(seed), Counter[str]()
    if place.is_postgres:
        place.execute_past_django("SELECT setval(pg_get_serial_sequence('live_ticket', 'id'), 100)")
    for _ in range(5):
        refill()
        watches = [Watch(make_answer(rnd), f"{seed}") for _ in range(25)]
        for _ in range(8):
            changes: list[Change] = []
            with telling.heard_by(changes.extend):
                write(rnd, place)
            for watch in watches:
                before, reads = watch.answer, watch.reads
                is_concerned = any(watch.is_concerned_by(change) for change in changes)
                watch.evaluate()
                is_changed = before != watch.answer
                count["pairs"] += 1
                count["changed"] += is_changed
                count["concerned"] += is_concerned
                assert is_concerned or not is_changed, (reads, changes, before, watch.answer)
    assert count["changed"] > 10, count
    assert count["concerned"] < count["pairs"] * 0.5, count
