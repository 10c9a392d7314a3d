"""Adam's metric where squares underflow: what is stated of a state and of columns holds in real arithmetic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest

from checks.known_balls import ConstantBall
from dipproofs.certify.methods.metric import AdamBall, AdamOptions, adam_setting
from dipproofs.enclosures import Bound, IntervalMatrix

BALL = ConstantBall(1.0, 1.0, 0.0)


@pytest.mark.parametrize("first", [1e-140, 1.3e-159, 1e-161, 1e-170, -1e-170])
def test_the_size_of_a_state_and_its_slope(first: float) -> None:
    n, gradient, second, rate = 3, 1e-150, 1e-284, 0.125
    linear: Any = SimpleNamespace(
        backward=lambda _: {"p": IntervalMatrix.from_exact(np.full(n, gradient))},
        column_norms=lambda: {"p": np.ones(n)},
        idle=lambda: {"p": np.zeros(n, bool)},
        ends_in_metric=lambda _: (Bound.exact(1), Bound.exact(1)),
    )
    moments = {"p": np.full(n, first)}, {"p": np.full(n, second)}
    options, one = AdamOptions(rate, 0.0, 0.5, 0.0, 0), Bound.exact(1)
    found = adam_setting(linear, IntervalMatrix.from_exact(np.ones(1)), one, BALL, options, one, moments)
    assert found is not None
    with mpmath.workprec(200):
        v, g, mu = (mpmath.mpf(x) for x in (second, gradient, first))
        P = 1 / mpmath.sqrt(v + g**2)
        size, slope = rate * mpmath.sqrt(n * mu**2 * P), -rate * n * g * P * mu
        for bound, exact in ((found.direction.norm, size), (found.direction.slope, slope)):
            assert bound.lower <= exact <= bound.upper


@pytest.mark.parametrize("column", [1e-3, 1e-150, 1.4e-162, 1e-170])
def test_the_share_of_a_column_in_its_second_moment(column: float) -> None:
    moment = 1e-289
    ball = AdamBall(BALL, 1.0, 1.0, 1.0, 1.0, np.array([column]), np.array([moment]))
    with mpmath.workprec(200):
        exact = mpmath.mpf(column) ** 2 / mpmath.mpf(moment)
        (ratio,) = ball.floats(np.array([0.0]))[3]
        assert exact <= ratio <= exact * (1 + 1e-12) + 1e-310
        assert exact <= float(ball.balls(0.0)[3].upper())
