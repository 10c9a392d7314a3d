"""Adam's horizon statement along real runs, and with δ₁ understated."""

from __future__ import annotations

from checks.adam_runs import falsify_adam
from checks.effort import TIMES


def test_horizons_hold_along_runs() -> None:
    found = falsify_adam(12 * TIMES, 3)
    assert found["violations"] == 0 and found["instances"] == 12 * TIMES
    assert found["largest path/S"] > 0.05, "the bound of the path is not vacuous"


def test_an_understated_change_of_the_metric_is_refused() -> None:
    found = falsify_adam(5, 4, understate=0.5)
    assert found["refused"] == found["instances"] == 5
