"""What a proof claims about the exact descent, decided on enclosures of that descent.

`examine` returns (name, verdict) pairs: True when the inequality holds for certain, False when it is violated for
certain, None when the balls overlap (equality within 2⁻⁶⁰, or a bound that is attained).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import flint
import numpy as np
import sympy as sp

from checks import balls
from checks.balls import Setting, Trace
from dipproofs.certify.guarantees import guarantee
from dipproofs.descent import Backtracking
from dipproofs.enclosures import Bound, compile_arb
from dipproofs.testing import Instance, Proof
from dipproofs.theory import PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.losses.base import scale as scale_symbol

arb = flint.arb
Fact = tuple[str, bool | None]

#: Facts that hold with equality for some instances (KL for the squared loss, a path that is one straight line, …).
MAY_BE_EQUAL = frozenset({"KL", "path", "early stopping", "profile", "M", "sigma_A", "distance to the data"})


def at_most(left: arb, right: arb) -> bool | None:
    """Verdict of left ≤ right."""
    return True if left <= right else False if left > right else None


def trace_of(instance: Instance, steps: int, gamma: float | None = None) -> tuple[Setting, Trace]:
    """Follow the exact descent of an instance for some steps, at the precision in force."""
    setting = Setting(instance.problem.operator.to_dense(), instance.network, instance.loss, instance.problem.y)
    assert instance.proof is not None or gamma is not None
    first = arb(instance.proof.candidate.gamma if gamma is None else gamma)  # type: ignore[union-attr]

    def step(tau: int, trace: Trace) -> arb:
        if isinstance(instance.schedule, Backtracking):
            return balls.backtracked(setting, trace, first)
        return first * balls.schedule_factor(instance.schedule, tau)

    return setting, balls.descend(setting, step, steps)


def examine(instance: Instance, steps: int, proof: Proof | None = None) -> list[Fact]:
    """Decide every claim of the instance's proof along the exact descent.

    Args:
        instance: with a proof. steps: of the descent. proof: claim this instead (for negative controls).
    """
    proof = proof if proof is not None else instance.proof
    assert proof is not None
    with flint.ctx.workprec(balls.bits_for(steps)):
        setting, trace = trace_of(instance, steps)
        facts = [*_descent(trace), *_path(proof, trace), *_constants(instance, proof, setting, trace)]
        facts += [*_rate(instance, proof, trace), *_limit(instance, proof, trace), *_profile(proof, setting, trace)]
        facts += [*_counts(instance, proof, trace)]
        return facts


def violations(facts: list[Fact]) -> list[str]:
    """Names of violated facts, and of undecided ones that cannot be equalities."""
    return [name for name, verdict in facts if verdict is False or (verdict is None and name not in MAY_BE_EQUAL)]


# --- the claims -------------------------------------------------------------------------------------------
def _descent(trace: Trace) -> Iterator[Fact]:
    for before, after in zip(trace.loss, trace.loss[1:]):
        yield "loss falls", (True if after < before else False if after >= before else None)


def _path(proof: Proof, trace: Trace) -> Iterator[Fact]:
    S, rho = proof.values[s.S], proof.candidate.rho
    yield "S < rho", S.upper <= rho
    for length in trace.path[1:]:
        yield "path", at_most(length, arb(S.upper))


def _constants(instance: Instance, proof: Proof, setting: Setting, trace: Trace) -> Iterator[Fact]:
    values = proof.values
    L = values.get(s.lipschitz_grad)
    gradients = trace.gradients
    for tau, gamma in enumerate(trace.gammas[: len(trace.points) - 1]):
        here, there = gradients[tau], gradients[tau + 1]
        change = balls.square(there[0] - here[0]) + balls.square(there[1] - here[1]) * setting.norm_u2
        if L is not None:
            yield "L", at_most(change, (arb(L.upper) * gamma * here[2]) ** 2)
        if s.loss_gradient in proof.base.values:
            yield "G", at_most(balls.norm(trace.outer[tau]), arb(proof.base.values[s.loss_gradient].upper))
        yield "M", at_most(here[2], arb(values[s.norm_AJ_ball].upper) * balls.norm(trace.outer[tau]))


def _profile(proof: Proof, setting: Setting, trace: Trace) -> Iterator[Fact]:
    """‖Mᵀw‖ ≥ F(‖θ−θ_0‖)‖w‖ for the w that the descent itself meets: w = ∇L(v) ∈ Im(A)."""
    F = PROFILES[proof.plan.profile].F
    for tau, point in enumerate(trace.points):
        at = float(setting.distance(point, setting.start).upper())
        least = value_of(F, {**proof.evaluator.env, s.t: arb(at)})
        yield "profile", at_most(least.lower() * balls.norm(trace.outer[tau]), trace.gradients[tau][2])


def value_of(expr: sp.Expr, env: Mapping[Any, arb]) -> arb:
    """An expression at enclosed constants, at the precision in force."""
    symbols = symbols_of(expr)
    return compile_arb(symbols, expr)(*[env[x] for x in symbols])


@cache
def symbols_of(expr: sp.Expr) -> tuple[sp.Symbol, ...]:
    """The free symbols in a fixed order."""
    return tuple(sorted(expr.free_symbols, key=str))


def of_loss(instance: Instance, proof: Proof, expr: sp.Expr, variable: sp.Symbol, at: arb) -> arb:
    """ψ, ψ' or Ψ of the loss at a ball."""
    raw = instance.loss.scale
    scale = balls.SCALES[raw](instance.problem.y.size) if isinstance(raw, str) else arb(raw)
    symbols, constants = symbols_of(expr), proof.base.loss_parameters
    values = {scale_symbol: scale, variable: at}
    return compile_arb(symbols, expr)(*[values[x] if x in values else constants[x].arb() for x in symbols])


def _rate(instance: Instance, proof: Proof, trace: Trace) -> Iterator[Fact]:
    """f_τ ≤ Ψ⁻¹(Ψ(f_0) + Σγ_iκ̃F_∞²), resp. R_{τ+1} ≤ (1−γ_iF_∞(c_eF_∞−x))R_τ."""
    F_inf = arb(proof.values[s.F_inf].lower)
    largest = proof.candidate.gamma
    if proof.plan.form == "residual":
        x, c = proof.values[s.curvature_correction].arb(), proof.values[s.step_weakening].arb()
        assert proof.base.residual_scale is not None
        factor = proof.base.residual_scale.arb()
        for tau, (before, after) in enumerate(zip(trace.loss, trace.loss[1:])):
            contraction = 1 - trace.gammas[tau] * factor * F_inf * (c * F_inf - x)
            yield "rate", at_most((after / before).sqrt(), contraction.upper())
        if proof.guarantees.log_contraction_per_step is not None:
            top = arb(proof.guarantees.log_contraction_per_step.upper)
            for tau, f in enumerate(trace.loss[1:], start=1):
                yield "log contraction", at_most((f / trace.loss[0]).log() / 2, top * tau)
        return
    Psi = instance.loss.Psi
    start = of_loss(instance, proof, Psi, s.e, trace.loss[0])
    rise = arb(0)
    for tau, f in enumerate(trace.loss[1:]):
        # κ̃ at the largest step is the smallest of the schedule
        rise += trace.gammas[tau] * F_inf**2 * arb(proof.values[s.rate].lower)
        yield "rate", at_most(rise, (of_loss(instance, proof, Psi, s.e, f) - start).upper())
    if proof.guarantees.rate_exponent is not None and isinstance(largest, float):
        exponent, total = arb(proof.guarantees.rate_exponent.lower), arb(0)
        constant = instance.schedule.kind == "constant"
        for f in trace.loss[1:] if constant else []:
            total += exponent
            yield "rate exponent", at_most(total, (of_loss(instance, proof, Psi, s.e, f) - start).upper())


def _limit(instance: Instance, proof: Proof, trace: Trace) -> Iterator[Fact]:
    """Remaining path ≤ ψ(f_τ)/(ωF_∞) (so the distance to the limit is), ‖y_τ−y‖ ≤ ψ(f_τ), and KL itself."""
    psi, slope = instance.loss.psi, sp.diff(instance.loss.psi, s.e)
    values = proof.values
    divisor = arb(values[s.F_inf].lower) * arb(values[s.omega].lower)
    if proof.plan.form == "residual":
        divisor = values[s.step_weakening].arb() * arb(values[s.F_inf].lower) - values[s.curvature_correction].arb()
    total, setting_y = trace.path[-1], None
    if instance.loss.argmin_is_y or instance.loss.kind == "poisson":
        background = arb(instance.loss.parameters.get("background", 0.0))
        A, y = instance.problem.operator.to_dense(), instance.problem.y
        setting_y = Setting(A, instance.network, instance.loss, y).y
        assert setting_y is not None
        setting_y = balls.column([entry - background for entry in setting_y.entries()])
    for tau, f in enumerate(trace.loss):
        desingularized = of_loss(instance, proof, psi, s.e, f)
        yield "distance to the limit", at_most(total - trace.path[tau], (desingularized / divisor).upper())
        steepness = of_loss(instance, proof, slope, s.e, f)
        yield "KL", at_most(arb(1), (steepness * balls.norm(trace.outer[tau])).upper())
        if setting_y is not None:
            off = balls.norm(trace.prediction[tau] - setting_y)
            yield "distance to the data", at_most(off, desingularized.upper())
    bound = proof.guarantees.distance_to_limit
    if bound is not None:
        yield "distance_to_limit", at_most(total, arb(bound.upper))


def _counts(instance: Instance, proof: Proof, trace: Trace) -> Iterator[Fact]:
    """Iterations to a target, for targets that the followed part of the descent can reach."""
    f_0 = float(trace.loss[0].mid())
    targets = tuple(f_0 * share for share in (0.9, 0.5, 0.1, 1e-3))
    made = guarantee(proof.evaluator, proof.decision, instance.loss, instance.schedule, 0, targets)
    for key, count in made.iterations_to_loss.items():
        target = float(key)  # the number that the certificate's reader takes it for
        if count is not None and count < len(trace.loss):
            yield "iterations", at_most(trace.loss[count], arb(target))


# --- noise and recovery --------------------------------------------------------------------------------------
def early_stopping(
    instance: Instance, proof: Proof, trace: Trace, share: float, direction: np.ndarray
) -> Iterator[Fact]:
    """‖y_τ−ȳ‖ ≤ 2‖ε‖ from τ* = (Ψ(ψ⁻¹(‖ε‖))−Ψ(f_0))/(F_∞²γκ̃) on, for y = ȳ + ε with ‖ε‖ a share of ψ(f_0); r = m."""
    y = balls.exact(instance.problem.y)
    noise = balls.exact(direction)
    start = of_loss(instance, proof, instance.loss.psi, s.e, trace.loss[0])
    size = (start * arb(share)).mid()
    noise = noise * (size / balls.norm(noise))
    clean, level = y - noise, balls.norm(noise)
    target = inverse_psi(instance, proof, level)
    if proof.plan.form == "residual":
        contraction = arb(proof.guarantees.log_contraction_per_step.upper)  # type: ignore[union-attr]
        needed = (trace.loss[0] / target).log() / (-2 * contraction)
    else:
        Psi = instance.loss.Psi
        gap = of_loss(instance, proof, Psi, s.e, target) - of_loss(instance, proof, Psi, s.e, trace.loss[0])
        needed = gap / arb(proof.guarantees.rate_exponent.lower)  # type: ignore[union-attr]
    first = max(0, math.ceil(float(needed.upper())))
    for tau in range(first, len(trace.loss)):
        yield "early stopping", at_most(balls.norm(trace.prediction[tau] - clean), 2 * level)


def inverse_psi(instance: Instance, proof: Proof, level: arb) -> arb:
    """A lower bound of ψ⁻¹(level), by bisection; ψ increases."""
    low, high = arb(0), arb(1)
    while not of_loss(instance, proof, instance.loss.psi, s.e, high) >= level:
        high = high * 4
    for _ in range(80):
        middle = ((low + high) / 2).mid()
        if middle > 0 and of_loss(instance, proof, instance.loss.psi, s.e, middle) <= level:
            low = middle
        else:
            high = middle
    return low


def recovery(instance: Instance, proof: Proof, setting: Setting, trace: Trace, x_true: np.ndarray) -> Iterator[Fact]:
    """A injective: ‖x_τ−x̄‖ ≤ (ψ(f_τ)+‖Πε‖)/σ_A with ε = y − Ax̄."""
    sigma = arb(proof.base.values[s.sigma_A].lower)
    x = balls.exact(x_true)
    assert setting.y is not None
    noise = balls.norm(setting.y - setting.A * x)
    for tau, point in enumerate(trace.points):
        error = balls.norm(setting.signal(point) - x)
        psi = of_loss(instance, proof, instance.loss.psi, s.e, trace.loss[tau])
        yield "recovery", at_most(error, ((psi + noise) / sigma).upper())


__all__ = ["MAY_BE_EQUAL", "Bound", "early_stopping", "examine", "recovery", "trace_of", "value_of", "violations"]
