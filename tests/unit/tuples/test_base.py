"""What a `Tuple` is: keyword construction, defaults, equality, text."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest

from django_vortex.exceptions import DefinitionError, UnknownField
from django_vortex.tuples import Tuple, TupleField


class Person(Tuple):
    name: str
    age: int = 3
    tags: list[str] = TupleField(default_factory=list)
    note = TupleField(str, default="-")
    _secret: str = "not a field"
    count: ClassVar[int] = 0


class Student(Person):
    school: str
    age: int = 18


def test_fields_that_are_not_given_have_their_defaults() -> None:
    person = Person(name="Ann")
    assert (person.name, person.age, person.tags, person.note) == ("Ann", 3, [], "-")
    assert Person().name is None


def test_every_instance_gets_a_default_of_its_own_from_a_factory() -> None:
    first, second = Person(), Person()
    first.tags.append("x")
    assert second.tags == []


def test_private_names_and_class_variables_are_no_fields() -> None:
    assert list(Person.__tuple_fields__) == ["name", "age", "tags", "note"]
    assert Person._secret == "not a field"


def test_subclass_inherits_fields_and_may_replace_a_default() -> None:
    student = Student(name="Bo", school="MIT")
    assert (student.name, student.age, student.school) == ("Bo", 18, "MIT")
    assert Person().age == 3


def test_two_bases_bring_their_fields_together() -> None:
    class Located(Tuple):
        place: str

    class Both(Student, Located):
        pass

    assert set(Both.__tuple_fields__) == {"name", "age", "tags", "note", "school", "place"}


def test_unknown_keyword_is_an_error_that_knows_what_was_meant() -> None:
    with pytest.raises(UnknownField, match=r"Person has no field 'nmae'\. Did you mean 'name'\?"):
        Person(nmae="Ann")
    with pytest.raises(TypeError, match=r"Person has no field 'zzz'$"):
        Person(zzz=1)
    assert issubclass(UnknownField, DefinitionError)


def test_equal_means_same_class_and_same_fields() -> None:
    assert Person(name="Ann") == Person(name="Ann", age=3)
    assert Person(name="Ann") != Person(name="Bo")
    assert Person(name="Ann") != Student(name="Ann", age=3)
    assert Person() != "Person"


def test_tuples_are_mutable_and_therefore_no_keys() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Person())


def test_text_shows_the_fields() -> None:
    assert repr(Person(name="Ann")) == "Person(name='Ann', age=3, tags=[], note='-')"


def test_copies_and_pickles_are_equal() -> None:
    person = Person(name="Ann", tags=["x"])
    assert copy.deepcopy(person) == person
    assert pickle.loads(pickle.dumps(person)) == person
