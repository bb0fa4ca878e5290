import math
import random

import pytest

from benchmarks.against_base import _to_result, lower_bound


def test_fourth_smallest_of_fifteen_bounds_their_median() -> None:
    assert lower_bound(range(15)) == 3  # P(at most 3 of 15 coins) is 0.018, of 4 it is 0.059


def test_few_values_have_no_bound() -> None:
    assert lower_bound([1.0, 2.0, 3.0, 4.0]) == -math.inf
    assert lower_bound([1.0, 2.0, 3.0, 4.0, 5.0]) == 1.0


def test_bound_holds_as_often_as_it_says() -> None:
    rng = random.Random(1)
    samples = [[rng.lognormvariate(0, 0.3) for _ in range(15)] for _ in range(4000)]
    held = sum(lower_bound(sample) <= 1.0 for sample in samples)  # the median of these is 1
    assert held / len(samples) == pytest.approx(1 - 0.0176, abs=0.01)


@pytest.mark.parametrize(("factor", "is_met"), [(1.0, True), (1.04, True), (1.1, False)])
def test_slower_by_more_than_a_twentieth_is_a_regression(factor: float, is_met: bool) -> None:
    rng = random.Random(2)
    noisy = [rng.uniform(0.98, 1.02) for _ in range(15)]
    result = _to_result("encode", [(2e-6 * factor * noise, 2e-6) for noise in noisy])
    assert result["met"] is is_met
    assert result["ratio"] == pytest.approx(1 / factor, rel=0.02)


def test_one_slow_pair_is_no_regression() -> None:
    assert _to_result("encode", [(1e-6, 1e-6)] * 14 + [(9e-6, 1e-6)])["met"] is True
