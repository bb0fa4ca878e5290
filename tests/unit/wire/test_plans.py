from django_vortex.tuples import Tuple, TupleRegistry, TupleType
from django_vortex.wire.plans import Plans


class Made:
    """Counts what is compiled."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, tuple_type: TupleType) -> str | None:
        self.names.append(tuple_type.name)
        return None if tuple_type.name == "test.Unplanned" else f"plan of {tuple_type.name}"


def add(registry: TupleRegistry, name: str) -> type:
    cls = type("Row", (Tuple,), {"__annotations__": {"number": int}, "__module__": __name__})
    registry.add(name, cls)
    return cls


def test_plan_is_made_when_it_is_first_asked_for() -> None:
    registry, made = TupleRegistry(), Made()
    plans = Plans(registry.get_by_name, made)
    add(registry, "test.Row")
    assert made.names == []
    assert plans.get("test.Row") == plans.get("test.Row") == "plan of test.Row"
    assert made.names == ["test.Row"]


def test_type_without_a_plan_is_not_compiled_again_and_again() -> None:
    registry, made = TupleRegistry(), Made()
    plans = Plans(registry.get_by_class, made)
    cls = add(registry, "test.Unplanned")
    assert plans.get(cls) is plans.get(cls) is None
    assert made.names == ["test.Unplanned"]


def test_unknown_type_has_no_plan_and_leaves_nothing_behind() -> None:
    plans = Plans(TupleRegistry().get_by_name, Made())
    assert plans.get("test.Stranger") is None
    assert plans._known == {}
