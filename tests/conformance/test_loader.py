"""The scenarios as data: complete, playable, and spread over all combinations."""

from collections import Counter

from tests.conformance.loader import ALL, Scenario, load
from tests.conformance.python_actor import PythonActor
from tests.conformance.stage import Scene


def find_verbs(scenario: Scenario) -> set[str]:
    return {step["do"] for step in scenario.steps}


def test_names_of_scenarios_are_unique() -> None:
    counts = Counter(one.name for one in load())
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_combination_is_used_where_each_scenario_is_played_once() -> None:
    used = {one.choose() for one in load() if not one.feature}
    assert used == set(ALL)


def test_choice_of_a_scenario_is_always_the_same_and_possible() -> None:
    for one, other in zip(load(), load(), strict=True):
        assert one.choose() == other.choose()
        assert one.choose() in one.find_combinations()


def test_every_verb_and_order_is_known() -> None:
    for scenario in load():
        for verb in find_verbs(scenario) - {"expect_pushes"}:
            owners = [one for one in (Scene, PythonActor) if hasattr(one, f"do_{verb}")]
            assert len(owners) == 1, f"{verb} of {scenario.name}"
        for step in scenario.steps:
            if step["do"] == "proxy":
                assert hasattr(Scene, f"_order_{step['order']}"), f"{step} of {scenario.name}"


def test_every_verb_and_order_is_used() -> None:
    verbs = set().union(*map(find_verbs, load()))
    owned = [name for owner in (Scene, PythonActor) for name in vars(owner)]
    assert verbs >= {name.removeprefix("do_") for name in owned if name.startswith("do_")}
    used = {one["order"] for all in load() for one in all.steps if one["do"] == "proxy"}
    assert used == {name.removeprefix("_order_") for name in owned if name.startswith("_order_")}


def test_requests_of_scenarios_are_told_apart() -> None:
    for scenario in load():
        labels = Counter(step["as"] for step in scenario.steps if step["do"] in ("call", "send"))
        assert [one for one, count in labels.items() if count > 1] == [], scenario.name
