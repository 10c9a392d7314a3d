"""Gradient descent with a frozen Jacobian, computed in floats, against 40 digits and all members of the data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from flint import arb

from dipproofs.certify.methods.forecast import ResidualForecast, residual_forecast
from dipproofs.certify.methods.spectral import Forecast, Frozen, Recursion, frozen_curves
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.methods.forecast import Curve

DIGITS, COUNT = 40, 100


def exact_curves(K: mp.matrix, r: mp.matrix, gamma: mp.mpf) -> tuple[np.ndarray, ...]:
    """‖v‖, γ√⟨v, Kv⟩ and √⟨z, r − v⟩ = ‖M⁺(r − v)‖, z = γΣv, of v₊ = v − γKv."""
    v, z, found = r.copy(), mp.zeros(len(r), 1), []
    for _ in range(COUNT):
        moved = K * v
        found.append((mp.norm(v), gamma * mp.sqrt((v.T * moved)[0]), mp.sqrt(max(0, (z.T * (r - v))[0]))))
        z, v = z + gamma * v, v - gamma * moved
    return tuple(np.array(row) for row in zip(*found))


def members(x: IntervalMatrix, rng: np.random.Generator, symmetric: bool) -> mp.matrix:
    """A corner of the matrix of intervals."""
    sign = np.sign(rng.standard_normal(x.mid.shape)) * rng.integers(0, 2)
    sign = np.triu(sign) + np.triu(sign, 1).T if symmetric else sign
    corner = [[mp.mpf(float(a)) + mp.mpf(float(b)) for a, b in zip(*rows)]
              for rows in zip(np.atleast_2d(x.mid), np.atleast_2d(sign * x.radius()))]  # fmt: skip
    return mp.matrix(corner)


@pytest.mark.parametrize(("radius", "width"), [(0.0, 0.0), (1e-9, 0.0), (0.0, 1e-9), (1e-5, 1e-6)])
def test_frozen_curves_contain_every_member(radius: float, width: float) -> None:
    rng = np.random.default_rng(11)
    for trial in range(2):
        m = 3
        M = rng.standard_normal((m, m + 2)) * np.geomspace(1, 0.1, m)[:, None]
        mid = M @ M.T
        K = IntervalMatrix((mid + mid.T) / 2, radius * np.ones((m, m)) if radius else None)
        r = IntervalMatrix(rng.standard_normal(m), radius * np.ones(m) if radius else None)
        gamma = 0.9 / np.linalg.norm(mid, 2)
        step = Bound(gamma * (1 - width), gamma * (1 + width)) if width else Bound.exact(gamma)
        found = frozen_curves(K, r, step, COUNT)
        with mp.workdps(DIGITS):
            for end in (step.lower, step.upper):
                own = exact_curves(members(K, rng, True), members(r, rng, False).T, mp.mpf(end))
                for bound, true in zip((found.residual, found.step, found.distance), own):
                    assert (bound >= true).all()
                    if not radius and not width and not trial:  # and as near as the products allow
                        small = 1e-6 if bound is found.distance else 1e-12
                        assert (bound <= true * (1 + mp.mpf("1e-9")) + small).all()
        assert np.allclose(found.shown, np.array(own[0], float), rtol=1e-3, atol=1e-3 * found.residual[0])


@pytest.mark.parametrize(("unit", "made"), [(1.0, True), (1e-100, True), (1e-161, False), (1e-170, False)])
def test_no_curve_where_squares_underflow(unit: float, made: bool) -> None:
    gram, r = 0.25 * np.eye(2), unit * np.array([3.0, 4.0])
    known = {
        s.F_inf: 0.5, s.norm_AJ: 0.5, s.norm_AJ_ball: 0.5, s.sigma_AJ: 0.5, s.lipschitz_AJ: 0.0, s.S: 20 * unit,
        s.psi_0: 5 * unit,
    }  # fmt: skip
    linear: Any = SimpleNamespace(gram=lambda: IntervalMatrix.from_exact(gram))
    values = {symbol: Bound.exact(value) for symbol, value in known.items()}
    one = Bound.exact(1)
    found = residual_forecast(linear, IntervalMatrix.from_exact(r), values, 0.8, one, one)
    assert (found is not None) == made
    env = {**{symbol: bound.arb() for symbol, bound in values.items()}, s.gamma: arb(1)}
    if made:
        again = Curve(Matrix.of(gram), Matrix.of(r[:, None]), env, 64)
        assert found is not None and 0.75**9 * 5 * unit <= again.bounds[9] <= found.curve.proved[9] <= 4e-1 * unit
    else:
        with pytest.raises(ValueError, match="are no floats"):
            Curve(Matrix.of(gram), Matrix.of(r[:, None]), env, 64)


@pytest.mark.parametrize(("size", "unit"), [(1e-200, 1e-70), (1e-250, 1.0), (1e200, 1e-70), (1e10, 1e130)])
def test_no_curve_from_a_claimed_norm_where_the_squares_of_the_true_one_are_no_floats(size: float, unit: float) -> None:
    claimed = {s.F_inf: 1e-200, s.norm_AJ: 0.5, s.norm_AJ_ball: 0.5, s.sigma_AJ: 1e-200, s.lipschitz_AJ: 0, s.S: 1}
    env = {**{symbol: arb(value) for symbol, value in claimed.items()}, s.psi_0: arb(5 * unit), s.gamma: arb(1)}
    with pytest.raises(ValueError, match="are no floats"):
        Curve(Matrix.of(size * np.eye(2)), Matrix.of(unit * np.array([[3.0], [4.0]])), env, 64)


def recursion(last: float = 0.3, **changes: float) -> Recursion:
    curve = np.geomspace(1, last, 6)
    known = {
        "residual": 1.0, "lipschitz": 0.1, "norm_ball": 1.5, "sigma": 0.6, "norm": 1.4, "path": 1.4, "net": 0.7,
        "contraction": 0.95,
    }  # fmt: skip
    return Recursion(Frozen(curve, curve / 9, 1 - curve, curve), gamma=Bound.exact(0.25), **(known | changes))  # type: ignore[arg-type]


def test_every_bound_of_a_step_and_of_a_contraction_is_used_where_it_is_the_least() -> None:
    """The whole path; R/(F_∞ − x); γM_ρR; and of the contractions the local one, or the one of the whole path."""
    assert recursion(path=0.01).step[0] == 0.01 and recursion(path=0.01).d[-1] == 0.01
    assert recursion(net=50.0).step[0] == pytest.approx(1 / 50)
    assert recursion(norm_ball=0.2).step[0] == pytest.approx(0.25 * 0.2)
    assert recursion().step[0] == pytest.approx(1 / 9)  # the frozen one
    slow, local = 1 - 1e-3, 1 - 0.25 * 0.6**2 * (1 - 0.1 * 0.25 / 2)
    assert recursion(1.0, contraction=slow).b[1] == pytest.approx(local, rel=1e-9)
    assert recursion(1.0, contraction=0.8).b[1] == pytest.approx(0.8, rel=1e-9)
    # no local contraction where σ − ℓd is not positive, or a step is longer than σ/ℓ
    for blind in ({"sigma": 1e-9}, {"lipschitz": 8.0}):
        assert recursion(**blind).afterwards == pytest.approx(0.95, rel=1e-9)
    away = recursion(lipschitz=0.01, contraction=slow)
    left = away.b[-1] / 0.7
    sigma = 0.6 - 0.01 * (away.d[-1] + left)
    assert away.afterwards == pytest.approx(1 - 0.25 * sigma**2 * (1 - 0.01 * 0.25 * away.b[-1] / 2), rel=1e-9)


def test_counts_go_on_after_the_curve_at_its_contraction() -> None:
    """R ≤ 1, ½, ¼ and then ·0.9 each: the first iteration on the curve, and after it one more than 0.9^j needs."""
    curve = Forecast(np.array([1.0, 0.5, 0.25]), np.ones(3), 0.9)
    made = ResidualForecast(curve, Bound.exact(0.5))  # loss R²/2
    on_it = [made.iterations_to(R * R / 2) for R in (1.1, 1.0, 0.6, 0.5, 0.3, 0.25)]
    assert on_it == [0, 0, 1, 1, 2, 2]
    for R in (0.2, 1e-3, 1e-30):
        count = made.iterations_to(R * R / 2)
        assert count is not None and 0.25 * 0.9 ** (count - 2) <= R < 0.25 * 0.9 ** (count - 5)
    assert made.iterations_to(0.0) is None and made.iterations_to(-1.0) is None
    still = ResidualForecast(Forecast(curve.proved, curve.frozen, 1.0), Bound.exact(0.5))
    assert still.iterations_to(0.02) is None and still.iterations_to(0.5) == 0
