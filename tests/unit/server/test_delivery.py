import pytest

from django_vortex.server.delivery import FORMS, MAX_TEXTS, Delivery, form_index
from django_vortex.server.texts import NumberedText, measure, reframe
from django_vortex.tuples import TupleSelector
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from tests.unit.server.fakes import CODEC, FakeStream, note

FRAMED = form_index(Dialect.D2, True)
RAW = form_index(Dialect.D2, False)


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("framed", [False, True])
def test_every_form_has_its_place(dialect, framed):
    form = FORMS[form_index(dialect, framed)]
    assert (form.dialect, form.framed) == (dialect, framed)


def test_peer_that_has_not_spoken_is_written_to_as_a_browser():
    assert FORMS[form_index(None, True)].dialect is Dialect.D1


def test_text_is_made_once_for_each_form():
    delivery = Delivery(note("x"), 1000)
    assert delivery.text(RAW, 1000, CODEC) is delivery.text(RAW, 1000, CODEC)
    assert delivery.text(FRAMED, 1000, CODEC) != delivery.text(RAW, 1000, CODEC)


@pytest.mark.parametrize("rows", [1, 20, 3000])
@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2, Dialect.NATIVE_1, Dialect.NATIVE])
def test_what_waits_weighs_what_its_peer_gets(dialect, rows):
    tuples = [TupleSelector("lorem ipsum dolor sit amet", {"number": row}) for row in range(rows)]
    delivery = Delivery(PayloadEnvelope({"key": "x"}, Payload(tuples=tuples)), 1000)
    delivery.envelope.encode_for_all(CODEC, None)
    form = form_index(dialect, False)
    weight = measure(delivery.text(form, 1000, CODEC))
    assert weight <= delivery.size(form, 1000, CODEC) <= 3 * weight + 1000
    delivery.forget_texts()
    assert weight <= delivery.size(form, 1000, CODEC) <= 3 * weight + 1000


def test_another_date_is_another_text_that_all_who_need_it_share():
    delivery = Delivery(note("x"), 1000)
    later = delivery.text(RAW, 1001, CODEC)
    assert later is delivery.text(RAW, 1001, CODEC)
    assert later != delivery.text(RAW, 1000, CODEC)


def test_texts_of_few_dates_are_kept():
    delivery = Delivery(note("x"), 1000)
    texts = [delivery.text(RAW, date, CODEC) for date in range(1000, 2000)]
    assert len(set(texts)) == 1000
    assert len(delivery._texts) <= MAX_TEXTS


def test_forgotten_text_is_made_again():
    delivery = Delivery(note("x"), 1000)
    text = delivery.text(RAW, 1000, CODEC)
    delivery.forget_texts()
    assert delivery.text(RAW, 1000, CODEC) == text


def test_delivery_crosses_processes():
    delivery = Delivery(note("x", id=3), 1000, "A", 7, "same")
    other = Delivery.from_record(delivery.to_record(CODEC), CODEC)
    assert other.text(RAW, 1000, CODEC) == delivery.text(RAW, 1000, CODEC)
    assert (other.date, other.source, other.sequence, other.coalesce) == (1000, "A", 7, "same")


@pytest.mark.parametrize("written", [RAW, FRAMED])
@pytest.mark.parametrize("read", [RAW, FRAMED])
def test_ready_text_can_be_read_on_the_other_transport(written, read):
    delivery = Delivery(note("x"), 1000)
    stream = FakeStream(framed=FORMS[read].framed)
    stream.received.append(turn(delivery.text(written, 1000, CODEC), read))
    assert stream.values() == ["x"]


def turn(text, form):
    return reframe(text, framed=FORMS[form].framed, has_pieces=FORMS[form].dialect.has_pieces)


def test_text_that_a_stream_gives_back_knows_the_number_of_its_push():
    for form in range(len(FORMS)):
        text = Delivery(note("x"), 5, "A", 7).text(form, 5, CODEC)
        for kept in (
            text,
            turn(text, form_index(Dialect.D2, True)),
            turn(text, form_index(Dialect.NATIVE, False)),
            NumberedText(*text.to_record()),
        ):
            assert (kept.source, kept.sequence) == ("A", 7)
    assert type(Delivery(note("x"), 5).text(0, 5, CODEC)) is str
