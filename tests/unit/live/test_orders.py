"""Commit, telling, evaluation, subscription and move in every order: nothing stays stale."""

import random

import pytest

from tests.unit.live.world import every_choice, run

EVALUATE = ["begin:A", "read:A", "end:A"]

CASES = {
    "two writers": (
        [["commit:tickets", "tell:Atickets"], ["commit:teams", "tell:Ateams"], EVALUATE * 2],
        "A",
        ["join:Ap"],
    ),
    "two reads in one evaluation": (
        [
            ["commit:tickets", "tell:Atickets"],
            ["commit:tickets", "tell:Atickets"],
            ["begin:A", "read:A", "read:A", "end:A", *EVALUATE],
        ],
        "A",
        ["join:Ap"],
    ),
    "somebody joins": (
        [["commit:tickets", "tell:Atickets"], ["join:Aq"], ["join:Ar"], EVALUATE * 2],
        "A",
        ["join:Ap"],
    ),
    "somebody leaves and comes again": (
        [["commit:tickets", "tell:Atickets"], ["leave:p", "join:Ap", "leave:p"], EVALUATE * 2],
        "A",
        ["join:Ap"],
    ),
    "somebody comes to what nobody watched": (
        [["commit:tickets", "tell:Atickets"], ["join:Ap", "leave:p", "join:Ap"], EVALUATE * 2],
        "A",
        [],
    ),
    "somebody moves": (
        [
            ["commit:tickets", "tell:Atickets"],
            ["tell:Btickets"],
            ["leave:p", "join:Bp"],
            EVALUATE,
            ["begin:B", "read:B", "end:B"],
        ],
        "AB",
        ["join:Ap", "begin:A", "end:A", "join:Bq", "begin:B", "end:B"],
    ),
    "somebody moves, and back": (
        [
            ["commit:tickets", "tell:Btickets", "tell:Atickets"],
            ["leave:p", "join:Bp", "leave:p", "join:Ap"],
            ["begin:A", "end:A"],
            ["evaluate:B"],
        ],
        "AB",
        ["join:Ap", "begin:A", "end:A", "join:Bq", "begin:B", "end:B", "join:Ar"],
    ),
    "somebody comes with what it was before and is again": (
        [["leave:p", "join:Bp"], ["end:B"], ["tell:Bteams"], ["commit:tickets", "tell:Btickets"]],
        "AB",
        [
            *["commit:tickets", "join:Ap", "begin:A", "end:A", "join:Bq", "begin:B", "end:B"],
            *["commit:teams", "tell:Bteams", "begin:B", "read:B"],
            *["commit:teams", "tell:Ateams", "begin:A", "end:A"],
        ],
    ),
    "changes are lost": (
        [["commit:tickets", "lose:A"], ["commit:teams", "tell:Ateams"], ["join:Aq"], EVALUATE],
        "A",
        ["join:Ap", "begin:A", "end:A"],
    ),
    "an evaluation fails": (
        [
            ["commit:tickets", "tell:Atickets"],
            ["join:Aq"],
            ["begin:A", "fail:A", "begin:A", "busy:A", *EVALUATE],
        ],
        "A",
        ["join:Ap"],
    ),
    "an evaluation hangs": (
        [
            ["commit:tickets", "tell:Atickets"],
            ["join:Aq", "leave:q"],
            ["begin:A", "read:A", "hang:A", "resume:A", *EVALUATE],
        ],
        "A",
        ["join:Ap"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_order_leaves_an_answer_stale(case):
    scripts, processes, before = CASES[case]
    for choose in every_choice():
        run(scripts, choose, processes, before)


def make_script(randomly, kind):
    """Return what a writer, a peer or an evaluator does in a long run."""
    if kind == "writer":
        table = randomly.choice(["tickets", "teams"])
        told = [f"tell:{name}{table}" for name in randomly.sample("ABC", 3)]
        lost = randomly.random() < 0.1
        return (
            [f"commit:{table}", *told]
            if not lost
            else ["commit:teams", *map("lose:{}".format, "ABC")]
        )
    if kind == "peer":
        name = randomly.choice("pqrs")
        where = randomly.choices("ABC", k=3)
        return [step for at in where for step in (f"join:{at}{name}", f"leave:{name}")][:-1]
    at = randomly.choice("ABC")
    end = randomly.choices(["end", "fail", "busy", "hang"], [8, 1, 1, 1])[0]
    after = [f"resume:{at}"] if end == "hang" else []
    return [f"begin:{at}", *[f"read:{at}"] * randomly.randint(0, 2), f"{end}:{at}", *after]


@pytest.mark.parametrize("seed", range(20))
def test_no_random_order_leaves_an_answer_stale(seed):
    randomly = random.Random(seed)
    for _ in range(100):
        kinds = randomly.choices(["writer", "peer", "evaluator"], [2, 1, 4], k=30)
        scripts = [make_script(randomly, kind) for kind in kinds]
        run(scripts, randomly.choice, "ABC")
