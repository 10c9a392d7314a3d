"""What runs are computed with, against what certificates are computed with: each loss's floats and its formulas.

The floats must be the registered entry and its derivative to their last digits, near the minimum (where naive
differences lose everything) and far from it; the branches must be the roots that the sublevel brackets are made of.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from dipproofs.theory import LOSSES
from dipproofs.theory.losses.base import m, r, s, v, y
from dipproofs.theory.losses.custom import profile_facts
from dipproofs.theory.losses.numerics import expm1_minus_x, log_cosh, x_minus_log1p
from dipproofs.theory.symbols import e
from dipproofs.theory.width.bounds import WIDTH_BOUNDS, NotApplicable, WidthCondition
from dipproofs.theory.width.levels import desingularized_requirement

DIGITS = 60
DISTANCES = [
    0.0,
    1e-300,
    1e-12,
    1e-5,
    0.003,
    0.1,
    0.24,
    0.26,
    0.49,
    0.51,
    0.75,
    0.99,
    1.0,
    1.01,
    2.5,
    29.0,
    31.0,
    200.0,
]
PARAMETERS = {
    "huber": [{"delta": 1.0}, {"delta": 0.25}],
    "lp": [{"p": 2.0}, {"p": 1.5}, {"p": 1.25}],
    "norm-power": [{"p": 2.0}, {"p": 1.5}, {"p": 3.0}],
    "poisson": [{"background": 0.0}, {"background": 0.5}],
}


def parameters_of(kind: str) -> list[dict[str, float]]:
    names = [p.name for p in LOSSES[kind].parameters]
    given = PARAMETERS.get(kind, [{}])
    assert all(set(choice) == set(names) for choice in given), (kind, names)
    return given


def data_of(kind: str) -> list[float]:
    low, high = LOSSES[kind].data_domain
    inside = low == 0 and high == 1
    return [0.25, 0.5, 0.999, 1e-4] if inside else [0.0, -3.5, 7.0] if low == -sp.oo else [0.5, 3.0, 40.0]


def number(expr: Any, values: dict[Any, Any]) -> Any:
    """An expression at exact values, in 60 digits."""
    return mp.mpf(str(sp.N(sp.sympify(expr).subs(exact(values)), DIGITS, maxn=4000)))


def exact(values: dict[Any, Any]) -> dict[Any, Any]:
    """Values as SymPy's numbers, floats as the fractions that they are."""
    return {symbol: sp.Rational(x) if isinstance(x, float) else x for symbol, x in values.items()}


def near(value: float, truth: Any, what: object) -> None:
    assert abs(mp.mpf(float(value)) - truth) <= abs(truth) * mp.mpf("4e-13") + mp.mpf("1e-305"), (what, value, truth)


@pytest.mark.parametrize("kind", LOSSES)
def test_floats_are_the_registered_formulas(kind: str) -> None:
    loss = LOSSES[kind]
    compared = 0
    with mp.workdps(DIGITS):
        for parameters, data in itertools.product(parameters_of(kind), data_of(kind)):
            fixed = {p.symbol: parameters[p.name] for p in loss.parameters}
            entrywise = loss.structure == "entrywise"
            known = exact({**fixed, y: data})
            centre, low, high = (sp.sympify(expr).subs(known) for expr in (loss.argmin, *loss.domain))
            for distance, side in itertools.product(DISTANCES, (-1, 1) if loss.structure != "radial" else (1,)):
                d = side * distance
                place = centre + sp.Rational(d)
                if not (low < place < high) or (entrywise and distance == 1e-300):
                    continue
                given = np.array([d]), np.array([data])
                with np.errstate(all="ignore"):
                    value = loss.numerics.entry(np, *given, parameters)[0]
                    slope = loss.numerics.slope(np, *given, parameters)[0]
                if entrywise:
                    truth, second = (
                        number(expr, {v: place, y: data, **fixed}) for expr in (loss.entry, sp.diff(loss.entry, v))
                    )
                else:
                    truth = number(loss.entry, {r: distance, **fixed})
                    second = number(sp.diff(loss.entry, r), {r: distance, **fixed}) if distance else mp.mpf(0)
                    if loss.structure == "radial":
                        if distance == 0:
                            continue
                        second = second / mp.mpf(distance)
                    else:
                        second = side * second
                near(value, truth, (kind, parameters, data, d))
                near(slope, second, (kind, parameters, data, d, "slope"))
                compared += 1
    assert compared >= 15


@pytest.mark.parametrize("kind", LOSSES)
def test_displacements_vanish_at_the_minimum(kind: str) -> None:
    """d = v − argmin, exactly 0 there where floats allow; v = y for all but the shifted and the logit loss."""
    loss = LOSSES[kind]
    for parameters, data in itertools.product(parameters_of(kind), data_of(kind)):
        exact = {p.symbol: parameters[p.name] for p in loss.parameters}
        least = float(sp.N(sp.sympify(loss.argmin).subs({y: sp.Float(data, 30), **exact}), 20))
        for step in (0.0, 0.25, -0.125):
            d = float(loss.numerics.displacement(np, np.array([least + step]), np.array([data]), parameters)[0])
            assert abs(d - step) <= 1e-13 * (1 + abs(least)), (kind, parameters, data, step, d)


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if LOSSES[kind].structure == "entrywise"])
def test_branches_run_from_the_minimum_to_the_end_of_the_domain(kind: str) -> None:
    """Along a branch h grows from 0; the floats' branch is the formula's, less the argmin; sides are as named."""
    loss = LOSSES[kind]
    for parameters, data in itertools.product(parameters_of(kind), data_of(kind)):
        point = exact({p.symbol: parameters[p.name] for p in loss.parameters} | {y: data})
        least = sp.sympify(loss.argmin).subs(point)
        for side, branch in ((-1, loss.branch_lower), (1, loss.branch_upper)):
            before = 0.0
            for at in (0.0, 1e-6, 0.1, 1.0, 3.0):
                place = sp.sympify(branch).subs({**point, s: sp.Rational(at)})
                gap = float(sp.N(place - least, 40))
                assert (gap == 0) == (at == 0) and gap * side >= 0, (kind, data, side, at)
                assert loss.numerics.branch is not None
                d = float(loss.numerics.branch(np, np.array([at]), np.array([data]), parameters, side)[0])
                assert abs(d - gap) <= 1e-12 * abs(gap) + 1e-300
                value = float(sp.N(loss.entry.subs({**point, v: place}), 30, maxn=3000)) if at else 0.0
                assert value > before or at == 0
                before = value


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if LOSSES[kind].structure == "entrywise"])
def test_domains_end_where_the_entry_does(kind: str) -> None:
    """Just inside, the entry is a real number; just outside, it is not."""
    loss = LOSSES[kind]
    for parameters, data in itertools.product(parameters_of(kind), data_of(kind)):
        point = exact({p.symbol: parameters[p.name] for p in loss.parameters} | {y: data})
        ends = [sp.sympify(end).subs(point) for end in loss.domain]
        for end, inward in zip(ends, (1, -1)):
            for step, real in ((sp.Rational(1, 1000), True), (-sp.Rational(1, 1000), False)):
                if end.is_finite:
                    value = sp.N(loss.entry.subs({**point, v: end + inward * step}))
                    assert bool(value.is_real) is real, (kind, parameters, data, end, step)
        assert ends[0] < sp.sympify(loss.argmin).subs(point) < ends[1]


def test_building_blocks_keep_their_digits() -> None:
    """x − ln(1+x), eˣ − 1 − x and ln cosh x, on both sides of every switch between a series and the library."""
    sizes = [1e-200, 1e-9, 0.01, 0.2, 0.24, 0.26, 0.34, 0.49, 0.51, 0.7, 0.99, 1.01, 2.0, 5.0]
    points = [0.0, *sizes, *[-size for size in sizes], 1.0, 30.0, 100.0]
    with mp.workdps(500):
        for x in points:
            at = np.array([x])
            with np.errstate(all="ignore"):
                if x > -1:
                    near(x_minus_log1p(np, at)[0], mp.mpf(x) - mp.log1p(mp.mpf(x)), ("x - log1p", x))
                else:
                    assert x_minus_log1p(np, at)[0] == math.inf
                near(expm1_minus_x(np, at)[0], mp.expm1(mp.mpf(x)) - mp.mpf(x), ("expm1 - x", x))
                near(log_cosh(np, at)[0], mp.log(mp.cosh(mp.mpf(x))), ("log cosh", x))


def test_shapes_of_profiles_that_users_write() -> None:
    """Whether h and its profile are convex, by the sign of derivatives; and the derivatives themselves."""
    for h, shape, convex in (
        (sp.sqrt(1 + r**2) - 1, "concave", True),
        (r**2, "linear", True),
        (r**2 + r**4, "convex", True),
        (r**2 / (1 + r**2), None, None),
    ):
        facts = profile_facts(h)
        assert (facts.convex, facts.h) == (convex, h) and (shape is None or facts.shape == shape)
        assert (
            sp.simplify(facts.slope - sp.diff(h, r)) == 0
            and sp.simplify(facts.second_derivative - sp.diff(h, r, 2)) == 0
        )


def test_required_psi_of_log_cosh_does_not_overflow() -> None:
    """ψ̄ has the value of ψ, from small losses to large ones, in a form without the sinh that a large loss overflows."""
    requirement = desingularized_requirement(LOSSES["log-cosh"])
    assert requirement is not None
    (level, _), (_, required) = requirement.steps
    assert not required.has(sp.asinh, sp.sinh)
    for at in (sp.Rational(1, 100), sp.Rational(3, 2), sp.Integer(40)):
        found, wanted = (sp.N(expr.subs({m: 3, level: at, e: at}), 40) for expr in (required, LOSSES["log-cosh"].psi))
        assert abs(found - wanted) < sp.Float("1e-35") * (1 + wanted)


def test_only_the_outer_layer_alone_demands_no_residual() -> None:
    """ψ̄ is compared with ω∫F unless the Jacobian is constant, when there is no integral to compare it with."""
    seen = 0
    for bound, train in itertools.product(WIDTH_BOUNDS.values(), ("both", "inner", "outer")):
        try:
            conditions = bound.conditions(train, "concave", "auto", "gaussian")
        except NotApplicable:
            continue
        for condition in conditions:
            assert isinstance(condition, WidthCondition)
            assert (condition.integral is None) is (train == "outer")
            seen += 1
    assert seen >= 6
