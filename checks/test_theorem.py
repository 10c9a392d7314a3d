"""The theorem as data (theory/theorem.py) against the theorem as it is written (docs/theory.md §2, §3, §3.2).

Everything is written out here once more, in plain Python on exact rationals or mpmath numbers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import mpmath as mp
import pytest
import sympy as sp

from checks.criteria import Truth
from dipproofs.theory import FORM_IDS, LOSSES, PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES, CONSTANTS, TRAIN_MODES
from dipproofs.theory.theorem import INJECTIVE_AT_START, Theorem, applies, area, theorem

CASES = [
    (form, profile, train)
    for form in FORM_IDS
    for profile in PROFILES
    for train in TRAIN_MODES
    if (form == "paper") == (profile == "paper")
]
#: Given at an iterate, with γ and ρ chosen; everything else the theorem defines.
GIVEN = (
    s.sigma_A, s.norm_A, s.sigma_J, s.sigma_AJ, s.sigma_min_J, s.norm_AJ, s.loss_0, s.psi_0, s.loss_gradient,
    s.loss_curvature, s.width, s.norm_u, s.B_1, s.B_2, s.c_0, s.c_A0, s.c_full, s.norm_V, s.norm_phi, s.sigma_in,
    s.sigma_A_in, s.gamma, s.rho,
)  # fmt: skip


@cache
def _compiled(expr: sp.Expr) -> tuple[list[sp.Symbol], Callable[..., Any]]:
    symbols = sorted(expr.free_symbols, key=str)
    return symbols, sp.lambdify(symbols, expr, "mpmath")


def _number(expr: Any, env: dict[Any, Any]) -> Any:
    symbols, function = _compiled(expr)
    return function(*(env[symbol] for symbol in symbols))


def _points(found: Theorem, count: int, seed: int) -> Iterator[dict[Any, Any]]:
    """Numbers for everything: the given ones at random, the others by the theorem's own chain."""
    rng, done = random.Random(seed), 0
    while done < count:
        env = {symbol: mp.mpf(rng.randint(1, 400)) / 100 for symbol in GIVEN}
        env[s.gamma] /= 10 ** rng.randint(0, 4)
        env[s.rho] /= 10 ** rng.randint(0, 3)
        try:
            for symbol, expr in found.constants + found.reported:
                env[symbol] = _number(expr, env)
        except ZeroDivisionError:  # F vanishes: no slope
            continue
        done += 1
        env[area] = mp.mpf(rng.randint(0, 400)) / 100
        env[s.F_inf] = env.get(s.curvature_correction, mp.mpf(0)) + mp.mpf(rng.randint(1, 100)) / 100
        yield env


@pytest.mark.parametrize(("form", "profile", "train"), CASES)
def test_hypotheses(form: str, profile: str, train: str) -> None:
    """Each relation holds exactly where the written hypothesis does, and its margin has the sign of that."""
    found, seen = theorem(form, profile, ARCHITECTURES[train]), {True: 0, False: 0}
    names = ["start", "step", "injective", "H", *(["radius"] if form == "paper" else [])]
    assert list(found.hypotheses) == names
    with mp.workdps(30):
        for env in _points(found, 60, len(form + profile + train)):
            F = _number(PROFILES[profile].F.subs(s.t, s.rho), env)
            gamma, rho, psi, L, M = (env.get(x) for x in (s.gamma, s.rho, s.psi_0, s.lipschitz_grad, s.norm_AJ_ball))
            x, omega = env.get(s.curvature_correction, 0), env[s.omega]
            F = F * env.get(s.step_weakening, 1)
            size = gamma * M * M if form == "residual" else gamma * L
            step = size < 2 if form in ("concave", "residual") else size <= 1
            written = {"start": True, "step": step, "injective": x < F, "H": omega * env[area] > psi}
            if form == "paper":
                written["radius"] = 2 * rho * env[s.lipschitz_J] <= env[s.sigma_min_J]
            for name, truth in written.items():
                hypothesis = found.hypotheses[name]
                relation = hypothesis.relation
                left, right = (_number(sp.sympify(side), env) for side in relation.args)
                stated = {sp.Gt: left > right, sp.Lt: left < right, sp.Le: left <= right}[relation.func]
                assert stated == truth, (name, env)
                margin, scale = _number(hypothesis.margin, env), _number(sp.sympify(hypothesis.scale), env)
                assert mp.almosteq(margin * scale, abs(left - right) * (1 if truth else -1), 1e-20, 1e-25)
                seen[truth] += 1
    assert min(seen.values()) > 20


def test_scales_of_margins() -> None:
    """What a margin is relative to: the limit of the step, ψ(f_0), σ_min(J_0)."""
    limits = {"paper": 1, "integral": 1, "concave": 2, "residual": 2}
    for form, profile, train in CASES:
        hypotheses = theorem(form, profile, ARCHITECTURES[train]).hypotheses
        scales = {name: hypothesis.scale for name, hypothesis in hypotheses.items()}
        expected = {"start": 1, "step": limits[form], "injective": 1, "H": s.psi_0}
        assert scales == (expected | {"radius": s.sigma_min_J} if form == "paper" else expected)
        closed = hypotheses["step"].relation.func == sp.Le
        assert closed == (form not in ("concave", "residual"))  # q = 2 is no descent
        assert form != "paper" or hypotheses["radius"].relation.func == sp.Le  # at R itself F is σ_Aσ_min/2
    assert INJECTIVE_AT_START.relation == sp.Gt(s.sigma_AJ, 0) and INJECTIVE_AT_START.scale == 1


@pytest.mark.parametrize(("form", "profile", "train"), CASES)
def test_the_chain(form: str, profile: str, train: str) -> None:
    """Every constant is the one of its train mode, and is defined before it is used."""
    found, c = theorem(form, profile, ARCHITECTURES[train]), CONSTANTS[train]
    known, chain = set(GIVEN), dict(found.constants)
    for symbol, expr in found.constants + found.reported:
        assert expr.free_symbols <= known, symbol
        assert symbol not in known
        known.add(symbol)
    assert chain[s.lipschitz_J] == (c.lipschitz_J_full if form == "paper" else c.lipschitz_J)
    for symbol, expr in (
        (s.sigma_out, c.sigma_out), (s.lipschitz_AJ, c.lipschitz_AJ), (s.lipschitz_in, c.lipschitz_in),
        (s.lipschitz_A_in, c.lipschitz_A_in), (s.lipschitz_out, c.lipschitz_out), (s.norm_AJ_ball, c.norm_AJ_ball),
    ):  # fmt: skip
        assert chain[symbol] == expr
    assert PROFILES[profile].F == found.F and found.integrand.free_symbols <= known | {s.t}
    assert found.integrand == (s.step_weakening * found.F - s.curvature_correction if form == "residual" else found.F)
    for hypothesis in found.hypotheses.values():
        assert hypothesis.relation.free_symbols <= known | {area}
    assert {symbol for symbol, _ in found.reported} == ({s.nu_1, s.nu_2, s.R_prime} if form == "paper" else set())


@pytest.mark.parametrize(("form", "profile", "train"), CASES)
def test_the_constants_at_numbers(form: str, profile: str, train: str) -> None:
    """Everything that the theorem defines, as docs/theory.md writes it."""
    found = theorem(form, profile, ARCHITECTURES[train])
    with mp.workdps(40):
        for env in _points(found, 20, 5):
            truth = Truth(env, form, profile, train, env[s.rho], env[s.gamma])
            for symbol, value in truth.values().items():
                slope = symbol in (s.profile_slope, s.curvature_correction)
                assert mp.almosteq(env[symbol], value, 1e-15, 1e-18) or (slope and _at_a_kink(found, env)), symbol


def _at_a_kink(found: Theorem, env: dict[Any, Any]) -> bool:
    """Whether a positive part of F ends near ρ, where a difference quotient says nothing."""
    parts = [sum(part.args) for part in found.F.atoms(sp.Max)]
    return any(abs(_number(part, {**env, s.t: env[s.rho]})) < 1e-3 for part in parts)


@pytest.mark.parametrize(("form", "profile", "train"), CASES)
def test_conclusions(form: str, profile: str, train: str) -> None:
    """At numbers, as written; and monotone in F_∞ > x, which the verifier uses."""
    found = theorem(form, profile, ARCHITECTURES[train])
    residual = form == "residual"
    other = "log_contraction_per_step" if residual else "rate_exponent"
    assert set(found.conclusions) == {"distance_to_limit", other}
    rng = random.Random(3)
    with mp.workdps(30):
        for env in _points(found, 30, 9):
            c = env.get(s.step_weakening, mp.mpf(1))
            if mp.im(c) != 0 or not c > 0:
                continue  # the step is not admissible
            env[s.F_inf] /= c
            x, gamma, F = env.get(s.curvature_correction, mp.mpf(0)), env[s.gamma], env[s.F_inf]
            distance = env[s.psi_0] / ((c * F - x) if residual else env[s.omega] * F)
            if residual:
                env[s.gamma] = gamma = min(gamma, 1 / F**2)  # γM² ≤ 1 and F ≤ M
            value = mp.log(1 - gamma * F * (c * F - x)) if residual else F**2 * gamma * env[s.rate]
            assert mp.almosteq(_number(found.conclusions["distance_to_limit"], env), distance, 1e-15)
            if not residual or x > 0:
                assert mp.almosteq(_number(found.conclusions[other], env), value, 1e-15)
            if env[s.omega] <= 0 or env.get(s.rate, 1) <= 0:
                continue  # the step is not admissible
            nearer = {**env, s.F_inf: (x + (c * F - x) * mp.mpf(rng.randint(1, 99)) / 100) / c}
            assert _number(found.conclusions["distance_to_limit"], nearer) > distance
            if residual:
                assert _number(found.conclusions[other], nearer) > value or x == 0
            else:
                assert _number(found.conclusions[other], nearer) < value


def test_what_is_no_theorem_is_refused() -> None:
    for form, profile in (("paper", "block"), ("integral", "paper"), ("residual", "paper")):
        with pytest.raises(ValueError, match="profile: found"):
            theorem(form, profile, ARCHITECTURES["both"])


def test_where_forms_apply() -> None:
    for kind, loss in LOSSES.items():
        assert applies("residual", loss) == (kind == "squared")
        assert applies("paper", loss) and applies("integral", loss)
    r = sp.Symbol("r", positive=True)
    wavy = replace(LOSSES["huber"], entry=sp.sin(r) ** 2, kind="wavy", registered=False)  # ψ inverts no convex h
    assert not applies("concave", wavy) and applies("paper", wavy) and applies("concave", LOSSES["lp"])
