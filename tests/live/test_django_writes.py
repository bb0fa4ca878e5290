"""Every way to write by Django's ORM is told, with the keys of its rows, once it is committed."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.core import serializers
from django.db import IntegrityError, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.signals import pre_save

from django_vortex.live.changes import MAX_KEYS, Operation
from tests.live import django_models as m
from tests.live.django_models import (
    Asset,
    Bar,
    City,
    Comment,
    Country,
    Fan,
    Label,
    Line,
    Location,
    Mixed,
    OpenTicket,
    Order,
    Person,
    Rate,
    Seat,
    Team,
    Ticket,
)
from tests.live.django_place import Place

LABELS, FRIENDS = "live_ticket_labels", "live_person_friends"


class TestOneRow:
    def test_create(self, place: Place) -> None:
        with place.watched() as told:
            made = Team.objects.create(name="n")
        [change] = told.changes
        assert change.operation is Operation.INSERT
        assert change.keys == {(made.pk,)}
        assert dict(change.new) == {"id": made.pk, "name": "n"}
        assert change.rows == 1

    def test_create_with_a_key(self, place: Place) -> None:
        with place.watched():
            Team.objects.create(pk=900, name="n")

    def test_save(self, place: Place) -> None:
        team = Team.objects.get(name="a")
        team.name = "z"
        with place.watched() as told:
            team.save()
        [change] = told.changes
        assert change.operation is Operation.UPDATE
        assert change.columns == {"name"}
        assert dict(change.old) == {"id": team.pk}
        assert dict(change.new) == {"id": team.pk, "name": "z"}
        assert change.rows == 1

    def test_save_of_some_fields(self, place: Place) -> None:
        ticket = Ticket.objects.earliest("pk")
        ticket.number = 7
        with place.watched() as told:
            ticket.save(update_fields=["number"])
        assert told.changes[0].columns == {"number"}

    def test_save_of_an_expression(self, place: Place) -> None:
        ticket = Ticket.objects.earliest("pk")
        ticket.number = F("number") + 1
        with place.watched() as told:
            ticket.save()
        assert "number" not in told.changes[0].new

    def test_save_with_another_key(self, place: Place) -> None:
        team = Team.objects.get(name="a")
        team.pk, team.name = 900, "copy"
        with place.watched(extra="live_team"):  # an UPDATE of no rows comes first
            team.save()

    def test_copies_in_one_transaction(self, place: Place) -> None:
        with place.watched(), place.atomic():
            team = Team(name="c1")
            team.save()
            team.pk, team.name = None, "c2"
            team.save()
            team.pk = None

    def test_get_or_create(self, place: Place) -> None:
        with place.watched():
            Team.objects.get_or_create(name="new")
        with place.watched() as told:
            Team.objects.get_or_create(name="new")
        assert not told.changes

    def test_update_or_create(self, place: Place) -> None:
        with place.watched():
            Ticket.objects.update_or_create(title="t1", defaults={"number": 5})

    def test_delete(self, place: Place) -> None:
        with place.watched() as told:
            Comment.objects.earliest("pk").delete()
        [change] = told.changes
        assert change.operation is Operation.DELETE
        assert change.rows == 1

    def test_refresh_and_count_are_no_writes(self, place: Place) -> None:
        with place.watched() as told:
            Team.objects.earliest("pk").refresh_from_db()
            assert Team.objects.count() == 2
        assert not told.changes

    def test_proxy(self, place: Place) -> None:
        ticket = OpenTicket.objects.earliest("pk")
        ticket.number = 4
        with place.watched():
            ticket.save()
            OpenTicket.objects.create(title="p")

    def test_names_that_need_quotes(self, place: Place) -> None:
        with place.watched(whole="order"):
            Order.objects.update(live_team=3)
        mixed = Mixed.objects.get()
        mixed.name = "q"
        with place.watched():
            mixed.save()

    def test_unknown_key(self, place: Place) -> None:
        day = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
        with place.watched(whole="live_rate"):
            rate = Rate.objects.create(day=day, value=1)
            rate.value = 2
            rate.save()
            Rate.objects.filter(pk=day).delete()
            Rate.objects.create(day=day)


class TestKeys:
    def test_uuid(self, place: Place) -> None:
        asset = Asset.objects.get()
        asset.is_lent = True
        with place.watched() as told:
            asset.save()
            Asset.objects.create(name="saw", id="0123456789abcdef0123456789abcdef")
        assert {type(key[0]) for change in told.changes for key in change.keys or ()} == {UUID}
        assert told.changes[0].new["is_lent"] is True
        assert "price" not in told.changes[0].new

    def test_text(self, place: Place) -> None:
        with place.watched(is_simple=False):
            Country.objects.create(code="fr", name="France")
            Country.objects.filter(pk="fr").update(name="Gallia")

    def test_foreign_key_to_another_column(self, place: Place) -> None:
        france = Country.objects.create(code="fr", name="France")
        with place.watched(whole="live_city", is_simple=False) as told:
            City.objects.update_or_create(name="Bern", defaults={"country": france})
            City.objects.filter(pk=1).update(country=Country.objects.get(pk="ch"))
            City.objects.filter(country=france).update(name="x")
            City.objects.filter(pk=1).update(country=france)
        assert told.changes[-1].new["country_id"] == "France"

    def test_composite(self, place: Place) -> None:
        seat = Seat.objects.get(pk=("a", 1))
        seat.guest = "Ann"
        Seat.objects.create(row="b", number=1)
        with place.watched(is_simple=False) as told:
            seat.save()
            Seat.objects.create(row="b", number=2)
            Seat.objects.filter(pk__in=[("a", 2), ("a", 3)]).update(guest="Bob")
            Seat.objects.get(pk=("b", 1)).delete()
            Seat.objects.bulk_create([Seat(row="c", number=1), Seat(row="c", number=2)])
            Seat.objects.filter(row="c", number__in=[1, 2]).update(guest="Cid")
        assert told.changes[0].keys == {("a", 1)}
        assert told.changes[0].new == {"row": "a", "number": 1, "guest": "Ann"}

    def test_composite_in_bulk(self, place: Place) -> None:
        seats = list(Seat.objects.all())
        for seat in seats:
            seat.guest = "all"
        with place.watched():
            Seat.objects.bulk_update(seats, ["guest"])
        with place.watched(whole="live_seat"):
            Seat.objects.filter(row="a").delete()

    def test_key_that_is_changed(self, place: Place) -> None:
        with place.watched() as told:
            Label.objects.filter(pk=3).update(id=30)
        assert told.changes[0].keys == {(3,), (30,)}
        with place.watched(whole="live_label"):
            Label.objects.filter(pk=30).update(id=F("id") + 1)

    def test_part_of_a_key_that_is_changed(self, place: Place) -> None:
        with place.watched() as told:
            Seat.objects.filter(pk=("a", 3)).update(number=9)
        assert told.changes[0].keys == {("a", 3), ("a", 9)}

    def test_too_many_keys(self, place: Place) -> None:
        with place.watched(whole="live_team"):
            Team.objects.bulk_create([Team(name=f"n{i}") for i in range(MAX_KEYS + 1)])
        with place.watched(whole="live_team"), place.atomic():
            for team in Team.objects.all():
                Team.objects.filter(pk=team.pk).update(name=f"x{team.pk}")


class TestConditions:
    def test_of_a_delete(self, place: Place) -> None:
        with place.watched(whole=f"live_comment live_fan {LABELS}") as told:
            Ticket.objects.filter(number__lt=3).delete()
        assert told.find("live_ticket")[0].keys == {(1,), (2,), (3,)}

    def test_of_a_fast_delete(self, place: Place) -> None:
        with place.watched(whole="live_comment") as told:
            Comment.objects.filter(text="c").delete()
        [change] = told.changes
        assert dict(change.old) == {"text": "c"}
        assert change.rows == 5

    def test_of_a_raw_delete(self, place: Place) -> None:
        with place.watched(whole="live_comment"):
            rows = Comment.objects.all()
            rows._raw_delete(rows.db)

    def test_of_an_update(self, place: Place) -> None:
        with place.watched(whole="live_ticket") as told:
            Ticket.objects.filter(state="open", team=1).update(number=F("number") + 1)
        [change] = told.changes
        assert change.old == change.new == {"st": "open", "team_id": 1}
        assert change.columns == {"number"}
        assert change.rows == 2

    def test_that_is_overwritten(self, place: Place) -> None:
        with place.watched(whole="live_ticket") as told:
            Ticket.objects.filter(state="open").update(state="shut", number=F("number") + 1)
        [change] = told.changes
        assert (change.old, change.new) == ({"st": "open"}, {"st": "shut"})

    def test_by_a_related_table(self, place: Place) -> None:
        with place.watched(whole="live_ticket") as told:
            Ticket.objects.filter(team__name="a", state="open").update(number=77)
        [change] = told.changes
        assert (change.old, change.new) == ({"st": "open"}, {"st": "open", "number": 77})

    def test_that_say_nothing_for_certain(self, place: Place) -> None:
        rows = Ticket.objects.all()
        with place.watched(whole="live_ticket") as told:
            rows.filter(Q(number=1) | Q(state="shut")).update(number=10)
            rows.exclude(number=10).filter(number__gt=3).update(number=11)
            rows.filter(number__in=Ticket.objects.filter(title="t0").values("number")).update(
                number=12
            )
            rows.filter(title__iexact="T2").update(number=13)
            rows.filter(number=F("id")).update(number=14)
            rows.filter(~Q(pk=1)).update(number=15)
        assert [dict(change.old) for change in told.changes] == [{}] * len(told.changes)

    def test_of_no_rows(self, place: Place) -> None:
        with place.watched(whole="live_ticket", extra="live_ticket") as told:
            Ticket.objects.filter(number=99).update(state="x")
            Ticket.objects.filter(pk__in=[]).update(state="x")
            Ticket.objects.none().delete()
        [change] = told.changes
        assert change.rows == 0

    def test_null(self, place: Place) -> None:
        Ticket.objects.filter(pk=1).update(team=None)
        with place.watched(whole="live_ticket") as told:
            Ticket.objects.filter(team__isnull=True).update(team_id=2)
        [change] = told.changes
        assert (change.old, change.new) == ({"team_id": None}, {"team_id": 2})

    def test_values_of_other_classes(self, place: Place) -> None:
        class State(models.TextChoices):
            SHUT = "shut"

        with place.watched(whole="live_ticket") as told:
            Ticket.objects.filter(number="3").update(state=State.SHUT)
        [change] = told.changes
        assert change.old == {"number": 3}
        assert type(change.new["st"]) is str


class TestCascades:
    def test_of_django(self, place: Place) -> None:
        with place.watched(whole=f"live_comment live_fan {LABELS}") as told:
            Team.objects.get(name="a").delete()
        assert told.find("live_ticket")[0].keys == {(2,), (4,)}

    def test_set_null(self, place: Place) -> None:
        with place.watched(whole=f"live_fan live_ticket {FRIENDS}"):
            Person.objects.get(username="u1").delete()


if m.HAS_DATABASE_CASCADES:

    class TestCascadesOfTheDatabase:
        def test_of_the_database(self, place: Place) -> None:
            with place.watched(whole="live_folder live_page live_note", is_simple=False) as told:
                rows = m.Folder.objects.filter(parent=None)
                rows._raw_delete(rows.db)
            assert told.find("live_page")[0].operation is Operation.DELETE
            assert told.find("live_note")[0].columns == {"page_id"}

        def test_of_the_database_below_one_row(self, place: Place) -> None:
            with place.watched(whole="live_page live_note live_folder", extra="live_folder"):
                m.Page.objects.filter(pk=1).delete()
                m.Folder.objects.filter(name="inner").delete()

        def test_of_the_database_below_a_text(self, place: Place) -> None:
            with place.watched(whole="live_folder live_page live_note"):
                place.execute("DELETE FROM live_folder")


class TestManyToMany:
    def test_add(self, place: Place) -> None:
        ticket = Ticket.objects.earliest("pk")
        with place.watched(whole=LABELS) as told:
            ticket.labels.add(*Label.objects.filter(name__in=["l2", "l3"]))
        assert {change.new["ticket_id"] for change in told.changes} == {ticket.pk}

    def test_set(self, place: Place) -> None:
        with place.watched(whole=LABELS):
            Ticket.objects.earliest("pk").labels.set(Label.objects.filter(name="l3"))

    def test_remove(self, place: Place) -> None:
        with place.watched(whole=LABELS):
            Ticket.objects.earliest("pk").labels.remove(Label.objects.get(name="l1"))

    def test_clear_from_the_other_end(self, place: Place) -> None:
        with place.watched(whole=LABELS):
            Label.objects.get(name="l1").ticket_set.clear()

    def test_create(self, place: Place) -> None:
        with place.watched(whole=LABELS):
            Ticket.objects.earliest("pk").labels.create(name="l9")

    def test_through(self, place: Place) -> None:
        with place.watched():
            Ticket.objects.earliest("pk").fans.add(Person.objects.get(username="u2"))
        with place.watched():
            Fan.objects.create(ticket_id=2, person_id=2)

    def test_symmetrical(self, place: Place) -> None:
        with place.watched(whole=FRIENDS):
            Person.objects.create(username="u3").friends.add(1, 2)
        with place.watched(whole=FRIENDS):
            Person.objects.get(pk=1).friends.clear()

    def test_nothing_new(self, place: Place) -> None:
        with place.watched() as told:
            Ticket.objects.earliest("pk").labels.set(Label.objects.filter(name="l1"))
        assert not told.changes

    def test_foreign_keys_of_the_other_end(self, place: Place) -> None:
        with place.watched(whole="live_ticket"):
            Team.objects.get(name="a").tickets.update(number=50)
        with place.watched():
            Team.objects.get(name="b").tickets.set(Ticket.objects.filter(pk__lte=2))
        with place.watched(whole="live_ticket"):
            Team.objects.get(name="b").tickets.clear()


class TestBulk:
    def test_create(self, place: Place) -> None:
        with place.watched() as told:
            Team.objects.bulk_create([Team(name="b1"), Team(name="b2")])
        assert {change.new["name"] for change in told.changes} == {"b1", "b2"}

    def test_create_of_many(self, place: Place) -> None:
        with place.watched() as told:
            Ticket.objects.bulk_create(
                [Ticket(title=f"x{i}", number=i % 5, team_id=1) for i in range(200)]
            )
        assert dict(told.changes[0].new) == {"st": "open", "team_id": 1, "owner_id": None}
        assert sum(change.rows or 0 for change in told.changes) == 200

    def test_create_in_batches(self, place: Place) -> None:
        with place.watched():
            Team.objects.bulk_create([Team(name=f"b{i}") for i in range(50)], batch_size=7)

    def test_create_some_with_keys(self, place: Place) -> None:
        with place.watched():
            Team.objects.bulk_create([Team(name="b1"), Team(pk=800, name="b2")])

    def test_create_what_is_not_there(self, place: Place) -> None:
        with place.watched(whole="live_team"):
            Team.objects.bulk_create([Team(name="a"), Team(name="b9")], ignore_conflicts=True)

    def test_create_or_update(self, place: Place) -> None:
        with place.watched() as told:
            Label.objects.bulk_create(
                [Label(name="l1", weight=9), Label(name="x", weight=1)],
                update_conflicts=True,
                update_fields=["weight"],
                unique_fields=["name"],
            )
        assert told.changes[0].operation is Operation.ANY

    def test_create_or_update_with_other_keys(self, place: Place) -> None:
        with place.watched() as told:
            Label.objects.bulk_create(
                [Label(pk=70, name="l1", weight=9)],
                update_conflicts=True,
                update_fields=["weight"],
                unique_fields=["name"],
            )
        assert told.changes[0].keys == {(1,)}

    def test_update(self, place: Place) -> None:
        tickets = list(Ticket.objects.order_by("pk")[:3])
        for ticket in tickets:
            ticket.number += 100
        with place.watched() as told:
            Ticket.objects.bulk_update(tickets, ["number"])
        assert told.changes[0].keys == {(1,), (2,), (3,)}
        assert told.changes[0].columns == {"number"}

    def test_update_by_an_expression(self, place: Place) -> None:
        with place.watched(whole="live_ticket"):
            Ticket.objects.update(
                number=Case(When(number__lt=2, then=Value(20)), default=F("number") + 10)
            )

    def test_delete_of_many(self, place: Place) -> None:
        Comment.objects.bulk_create([Comment(ticket_id=1, text="x") for _ in range(300)])
        with place.watched(whole=f"live_comment live_fan {LABELS}"):
            Ticket.objects.all().delete()

    def test_in_bulk(self, place: Place) -> None:
        with place.watched():
            Ticket.objects.filter(pk__in=[1, 3]).update(number=30)


class TestParents:
    def test_create(self, place: Place) -> None:
        with place.watched():
            Bar.objects.create(name="pub", beers=3)

    def test_update_of_the_parent(self, place: Place) -> None:
        with place.watched():
            Bar.objects.update(name="renamed")

    def test_update_of_both(self, place: Place) -> None:
        with place.watched():
            Bar.objects.filter(beers=1).update(name="renamed", beers=2)

    def test_save(self, place: Place) -> None:
        bar = Bar.objects.get()
        bar.name = "x"
        with place.watched(extra="live_bar"):
            bar.save()

    def test_save_of_the_parent(self, place: Place) -> None:
        location = Location.objects.get()
        location.name = "y"
        with place.watched():
            location.save()

    def test_delete(self, place: Place) -> None:
        with place.watched():
            Bar.objects.get().delete()

    def test_delete_that_keeps_the_parent(self, place: Place) -> None:
        with place.watched():
            Bar.objects.get().delete(keep_parents=True)


class TestColumnsOfTheDatabase:
    def test_generated(self, place: Place) -> None:
        line = Line.objects.get()
        line.price = 10
        with place.watched() as told:
            line.save(update_fields=["price"])
            Line.objects.create(price=4)
        assert told.changes[0].columns == {"price", "total"}
        assert "total" not in told.changes[0].new

    def test_default(self, place: Place) -> None:
        with place.watched() as told:
            Line.objects.create(price=4)
            Line.objects.create(price=4, currency="CHF")
            Line.objects.bulk_create([Line(currency="USD"), Line()])
        assert "currency" not in told.changes[0].new or told.changes[0].new["currency"] == "EUR"
        assert told.changes[1].new["currency"] == "CHF"


class TestFailures:
    def test_of_a_save(self, place: Place) -> None:
        with place.watched(whole="live_team", extra="live_team"):
            with pytest.raises(IntegrityError):
                Team.objects.create(name="a")
            Team.objects.filter(name="b").update(name="bb")

    def test_in_a_savepoint(self, place: Place) -> None:
        with place.watched(whole="live_label") as told, place.atomic():
            with pytest.raises(IntegrityError), place.atomic():
                Team.objects.create(name="a")
            Label.objects.filter(name="l1").update(weight=3)
        assert not told.find("live_team")

    def test_statement_that_is_never_made(self, place: Place) -> None:
        with place.watched() as told, pytest.raises(ValueError, match="expected a number"):
            Ticket.objects.filter(pk=1).update(number="seven")
        assert not told.changes


class TestSignals:
    def test_that_write(self, place: Place) -> None:
        def also(sender: object, **_: object) -> None:
            Team.objects.filter(name="b").update(name="by signal")

        team = Team.objects.get(name="a")
        pre_save.connect(also, sender=Team)
        try:
            with place.watched(whole="live_team"):
                Ticket.objects.none().delete()
                pre_save.send(Team)
        finally:
            pre_save.disconnect(also, sender=Team)
        team.name = "aa"
        with place.watched():
            team.save()

    def test_none_is_used(self, place: Place) -> None:
        for signal in (models.signals.post_save, models.signals.pre_delete, pre_save):
            assert not signal.has_listeners(Comment)
        assert not models.signals.m2m_changed.has_listeners(Ticket.labels.through)


def test_rows_of_a_fixture(place: Place, tmp_path: object) -> None:
    from django.core import management

    text = serializers.serialize("json", [Team(pk=70, name="fix"), Ticket(pk=71, team_id=70)])
    path = tmp_path / "rows.json"  # type: ignore[operator]
    path.write_text(text)
    with place.watched(extra="live_team live_ticket"):
        management.call_command("loaddata", str(path), verbosity=0, database=place.alias)
