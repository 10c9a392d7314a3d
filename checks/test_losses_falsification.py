"""Losses under attack: ψ, G and Λ against predictions chosen to be hard, in exact arithmetic, with controls."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest
import sympy as sp

from checks.balls import column, exact, loss_and_gradient, norm
from checks.registry import proves
from dipproofs.enclosures import Bound, compile_arb
from dipproofs.losses import Loss, make_loss
from dipproofs.losses.falsification import adversarial_patterns
from dipproofs.theory.losses.base import m, y
from dipproofs.theory.losses.huber import POTENTIAL as HUBER
from dipproofs.theory.losses.log_cosh import POTENTIAL as LOG_COSH
from dipproofs.theory.losses.lp import POTENTIAL as LP
from dipproofs.theory.losses.rules import separable
from dipproofs.theory.symbols import e, loss_curvature, loss_gradient

CASES: list[tuple[str, dict[str, float]]] = [
    ("squared", {}),
    ("log-cosh", {}),
    ("huber", {"delta": 0.25}),
    ("huber", {"delta": 3.0}),
    ("lp", {"p": 2.5}),
    ("lp", {"p": 4.0}),
    ("norm-power", {"p": 2.0}),
    ("norm-power", {"p": 3.5}),
    ("cross-entropy", {}),
    ("poisson", {}),
    ("poisson", {"background": 0.5}),
    ("logit-cross-entropy", {}),
]
IDS = [kind + "".join(f"-{value:g}" for value in options.values()) for kind, options in CASES]
BITS = 400


def parameters(loss: Loss) -> dict[sp.Symbol, sp.Expr]:
    return {q.symbol: sp.Rational(loss.parameters[q.name]) for q in loss.theory.parameters}


def centre(loss: Loss, data: np.ndarray) -> list[flint.arb]:
    """The minimiser."""
    argmin = compile_arb((y,), loss.theory.argmin.subs(parameters(loss)))
    return [argmin(flint.arb(t)) for t in data.tolist()]


def shape(loss: Loss, data: np.ndarray, prediction: list[flint.arb]) -> tuple[flint.arb, flint.arb, flint.arb]:
    """L, ‖∇L‖ and the distance to the minimiser."""
    level, gradient = loss_and_gradient(loss, column(prediction), exact(data))
    return level, norm(gradient), norm(column(prediction) - column(centre(loss, data)))


def make(case: tuple[str, dict[str, float]], how: str = "sum") -> tuple[Loss, np.ndarray]:
    rng = np.random.default_rng(7)
    data = np.sort(rng.uniform(0.15, 0.9, size=5))
    kind, options = case
    loss = make_loss(kind, scale=how, **options)
    return loss, data


def predictions(loss: Loss, data: np.ndarray) -> list[list[flint.arb]]:
    """Displacements from the minimiser: every pattern, tiny to huge, inside the domain."""
    low, high = (float(loss._with_parameters(end)) for end in loss.theory.domain)
    middle, found = centre(loss, data), []
    for pattern in adversarial_patterns(data.size, np.random.default_rng(3)):
        for size in (1e-12, 1e-6, 1e-2, 0.3, 1.0, 30.0):
            if np.isfinite(low) or np.isfinite(high):
                point = []
                for c, d in zip(middle, (size * pattern).tolist()):
                    slack = (
                        (flint.arb(high) - c if d > 0 else c - flint.arb(low)) if np.isfinite(high) or d < 0 else None
                    )
                    move = (
                        flint.arb(d)
                        if slack is None
                        else slack * -((-abs(flint.arb(d)) / slack).expm1()) * (1 if d > 0 else -1)
                    )
                    point.append(c + move)
            else:
                point = [c + flint.arb(d) for c, d in zip(middle, (size * pattern).tolist())]
            found.append(point)
    return found


@proves("losses.*.psi", "losses.*.G")
@pytest.mark.parametrize(
    ("case", "how"),
    [(case, "sum") for case in CASES] + [(CASES[k], "mean") for k in (0, 5, 10)],
    ids=[f"{name}-sum" for name in IDS] + [f"{IDS[k]}-mean" for k in (0, 5, 10)],
)
def test_kl_error_bound_gradient_bound(case: tuple[str, dict[str, float]], how: str) -> None:
    """ψ'(L)‖∇L‖ ≥ 1, ‖v − argmin‖ ≤ ψ(L) and ‖∇L‖ ≤ G on the sublevel set, in exact arithmetic; 0.9ψ is caught."""
    loss, data = make(case, how)
    slope = sp.diff(loss.psi, e)
    checked, tight, caught, gradient_share = 0, 0, 0, 0.0
    with flint.ctx.workprec(BITS):
        for prediction in predictions(loss, data):
            level, gradient, distance = shape(loss, data, prediction)
            if not 0 < level < 1e3:
                continue
            known = loss.constants(data, Bound.from_arb(level))
            symbols = tuple(known)
            values = [known[symbol].arb() for symbol in symbols]
            product = compile_arb((e, *symbols), slope)(level, *values) * gradient
            assert not product < 1
            assert product > 1 - flint.arb("1e-9")
            bound = compile_arb((e, *symbols), loss.psi)(level, *values)
            assert not distance > bound
            assert distance < bound * (1 + flint.arb("1e-9"))
            top = known[loss_gradient].upper
            assert not gradient > top
            checked += 1
            tight += bool(product < 1.001)
            caught += bool(product * 0.9 < 1)
            gradient_share = max(gradient_share, float((gradient / top).mid()))
    assert checked >= 80
    assert caught > 0, "0.9ψ was not caught"
    if loss.theory.rule != "strongly convex":
        assert tight > 0 and gradient_share > 0.999, "the bounds are attained"


@proves("losses.*.Lambda")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_curvature_bound(case: tuple[str, dict[str, float]]) -> None:
    """Difference quotients of ∇L inside the sublevel set are at most Λ; 0.9Λ is caught."""
    loss, data = make(case)
    level = 0.05
    known = loss.constants(data, Bound.exact(level))
    limit = known[loss_curvature].upper
    largest, checked = 0.0, 0
    rng = np.random.default_rng(5)
    for center, datum in zip([float(c.mid()) for c in centre(loss, data)], data.tolist()):
        spread = rng.normal(size=(400, 2)) * np.exp(rng.uniform(-6, 1, size=(400, 1)))
        ends = _bracket_of(loss, datum, level)
        for a, b in np.vstack([np.clip(center + spread, *ends), [(x, x + 1e-7 * (center - x)) for x in ends]]):
            if abs(a - b) < 1e-9:
                continue
            slopes = [_entry_slope(loss, x, datum) for x in (a, b)]
            largest, checked = max(largest, abs(slopes[0] - slopes[1]) / abs(a - b)), checked + 1
    assert checked > 500
    assert largest <= limit * (1 + 1e-6)
    if loss.kind != "logit-cross-entropy":  # ¼ is attained only where σ(v) = ½
        assert largest > 0.9 * limit, "0.9Λ was not caught"


def _bracket_of(loss: Loss, data: float, level: float) -> tuple[float, float]:
    """Floats just inside {h(·, y) ≤ level}."""
    y_array = np.array([data])
    inside = [
        float(loss.theory.argmin.subs({y: data, **{q.symbol: loss.parameters[q.name] for q in loss.theory.parameters}}))
    ] * 2
    for side in (0, 1):
        step = 0.5
        for _ in range(200):
            trial = inside[side] + (step if side else -step)
            low, high = (float(loss._with_parameters(end)) for end in loss.theory.domain)
            if low < trial < high and float(loss.value(np, np.array([trial]), y_array)) <= level:
                inside[side] = trial
            else:
                step /= 2
    return inside[0], inside[1]


def _entry_slope(loss: Loss, at: float, data: float) -> float:
    return float(loss.gradient(np, np.array([at]), np.array([data]))[0])


@pytest.mark.parametrize(("kind", "wrong"), [("log-cosh", "convex"), ("huber", "convex"), ("lp", "concave")])
def test_the_wrong_rule_is_caught(kind: str, wrong: str) -> None:
    """ψ by the rule for the other shape violates the KL inequality at one coordinate, or at equal errors."""
    case = {"log-cosh": CASES[1], "huber": CASES[2], "lp": CASES[5]}[kind]
    loss, data = make(case)
    psi = separable(replace({"log-cosh": LOG_COSH, "huber": HUBER, "lp": LP}[kind], shape=wrong)).psi
    values = parameters(loss)
    slope = compile_arb((e,), sp.diff(psi, e).subs({m: data.size, **values}))
    right = compile_arb((e,), sp.diff(loss.theory.psi, e).subs({m: data.size, **values}))
    found = {"wrong": 0, "right": 0}
    with flint.ctx.workprec(BITS):
        for prediction in predictions(loss, data):
            level, gradient, _ = shape(loss, data, prediction)
            if 0 < level < 1e3:
                found["wrong"] += bool(slope(level) * gradient < 1)
                found["right"] += bool(right(level) * gradient < 1 - flint.arb("1e-60"))
    assert found["wrong"] > 10 and found["right"] == 0
