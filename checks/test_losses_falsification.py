"""Losses under attack: ψ, G and Λ against predictions chosen to be hard, in exact arithmetic, with controls."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures import Bound, compile_arb
from dipproofs.losses import Loss, make_loss
from dipproofs.losses.falsification import adversarial_patterns
from dipproofs.theory.losses.base import m, r, resolve_scale, v, y
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


class Exact:
    """A loss evaluated in 400-bit arithmetic at exact floats."""

    def __init__(self, loss: Loss, data: np.ndarray) -> None:
        theory = loss.theory
        values = {q.symbol: sp.Rational(loss.parameters[q.name]) for q in theory.parameters}
        self.loss, self.data, self.radial = loss, data, theory.structure == "radial"
        factor = resolve_scale(loss.scale, data.size)
        self.c = flint.arb(flint.fmpq(factor.numerator, factor.denominator))
        entry = theory.entry.subs(values)
        if theory.structure == "entrywise":
            self.entry, self.slope = compile_arb((v, y), entry), compile_arb((v, y), sp.diff(entry, v))
        else:
            self.entry, self.slope = compile_arb((r,), entry), compile_arb((r,), sp.diff(entry, r))
        self.argmin = compile_arb((y,), theory.argmin.subs(values))

    def centre(self) -> list[flint.arb]:
        return [self.argmin(flint.arb(t)) for t in self.data.tolist()]

    def shape(self, prediction: list[flint.arb]) -> tuple[flint.arb, flint.arb, flint.arb]:
        """L, ‖∇L‖ and the distance to the minimiser."""
        pairs = list(zip(prediction, map(flint.arb, self.data.tolist()), self.centre()))
        distance = norm([a - c for a, _, c in pairs])
        if self.radial:
            return self.c * self.entry(distance), self.c * self.slope(distance), distance
        if self.loss.theory.structure == "separable":
            sizes = [abs(a - b) for a, b, _ in pairs if a != b]
            level = sum((self.entry(x) for x in sizes), flint.arb(0))
            return self.c * level, self.c * norm([self.slope(x) for x in sizes]), distance
        level = sum((self.entry(a, b) for a, b, _ in pairs), flint.arb(0))
        return self.c * level, self.c * norm([self.slope(a, b) for a, b, _ in pairs]), distance


def norm(terms: list[flint.arb]) -> flint.arb:
    return sum((x * x for x in terms), flint.arb(0)).nonnegative_part().sqrt()


def make(case: tuple[str, dict[str, float]], how: str = "sum") -> tuple[Loss, Exact]:
    rng = np.random.default_rng(7)
    data = np.sort(rng.uniform(0.15, 0.9, size=5))
    kind, options = case
    loss = make_loss(kind, scale=how, **options)
    return loss, Exact(loss, data)


def predictions(loss: Loss, exact: Exact) -> list[list[flint.arb]]:
    """Displacements from the minimiser: every pattern, tiny to huge, inside the domain."""
    low, high = (float(loss._with_parameters(end)) for end in loss.theory.domain)
    centre, found = exact.centre(), []
    for pattern in adversarial_patterns(exact.data.size, np.random.default_rng(3)):
        for size in (1e-12, 1e-6, 1e-2, 0.3, 1.0, 30.0):
            if np.isfinite(low) or np.isfinite(high):
                point = []
                for c, d in zip(centre, (size * pattern).tolist()):
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
                point = [c + flint.arb(d) for c, d in zip(centre, (size * pattern).tolist())]
            found.append(point)
    return found


@proves("losses.*.entry", "losses.*.psi", "losses.*.G")
@pytest.mark.parametrize(
    ("case", "how"),
    [(case, "sum") for case in CASES] + [(CASES[k], "mean") for k in (0, 5, 10)],
    ids=[f"{name}-sum" for name in IDS] + [f"{IDS[k]}-mean" for k in (0, 5, 10)],
)
def test_kl_error_bound_gradient_bound(case: tuple[str, dict[str, float]], how: str) -> None:
    """ψ'(L)‖∇L‖ ≥ 1, ‖v − argmin‖ ≤ ψ(L) and ‖∇L‖ ≤ G on the sublevel set, in exact arithmetic; 0.9ψ is caught."""
    loss, exact = make(case, how)
    slope = sp.diff(loss.psi, e)
    checked, tight, caught, gradient_share = 0, 0, 0, 0.0
    with flint.ctx.workprec(BITS):
        for prediction in predictions(loss, exact):
            level, gradient, distance = exact.shape(prediction)
            if not 0 < level < 1e3:
                continue
            known = loss.constants(exact.data, Bound.from_arb(level))
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
    loss, exact = make(case)
    level = 0.05
    known = loss.constants(exact.data, Bound.exact(level))
    limit = known[loss_curvature].upper
    largest, checked = 0.0, 0
    rng = np.random.default_rng(5)
    for center, data in zip([float(c.mid()) for c in exact.centre()], exact.data.tolist()):
        spread = rng.normal(size=(400, 2)) * np.exp(rng.uniform(-6, 1, size=(400, 1)))
        ends = _bracket_of(loss, data, level)
        for a, b in np.vstack([np.clip(center + spread, *ends), [(x, x + 1e-7 * (center - x)) for x in ends]]):
            if abs(a - b) < 1e-9:
                continue
            slopes = [_entry_slope(loss, x, data) for x in (a, b)]
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
    loss, exact = make(case)
    psi = separable(replace({"log-cosh": LOG_COSH, "huber": HUBER, "lp": LP}[kind], shape=wrong)).psi
    values = {q.symbol: sp.Rational(loss.parameters[q.name]) for q in loss.theory.parameters}
    slope = compile_arb((e,), sp.diff(psi, e).subs({m: exact.data.size, **values}))
    right = compile_arb((e,), sp.diff(loss.theory.psi, e).subs({m: exact.data.size, **values}))
    found = {"wrong": 0, "right": 0}
    with flint.ctx.workprec(BITS):
        for prediction in predictions(loss, exact):
            level, gradient, _ = exact.shape(prediction)
            if 0 < level < 1e3:
                found["wrong"] += bool(slope(level) * gradient < 1)
                found["right"] += bool(right(level) * gradient < 1 - flint.arb("1e-60"))
    assert found["wrong"] > 10 and found["right"] == 0
