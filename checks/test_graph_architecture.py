"""What computation graphs bring to the theorem (docs/theory.md §10): M_ρ, the ball, one profile."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from checks.everywhere import same
from checks.registry import proves
from dipproofs.theory import FORMS, formula
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import ARCHITECTURES
from dipproofs.theory.theorem import theorem

GRAPH = ARCHITECTURES["graph"]


@proves("graph.norm_AJ_ball")
def test_norm_on_the_ball() -> None:
    """‖M(θ)‖ ≤ ‖M_0‖ + ‖M(θ) − M_0‖ ≤ ‖M_0‖ + ℓ_A‖θ − θ_0‖; attacked with M = M_0 + ℓ_A δ uvᵀ, where it is sharp."""
    stated = formula("graph.norm_AJ_ball").expr
    assert same(stated, s.norm_AJ + s.lipschitz_AJ * s.rho)
    rng, sharp = np.random.default_rng(0), 0
    for _ in range(200):
        M, rho, ell = rng.standard_normal((3, 5)), float(rng.uniform(0, 2)), float(rng.uniform(0, 3))
        left, _, right = np.linalg.svd(M)
        for direction in (np.outer(left[:, 0], right[0]), np.outer(left[:, 1], right[0])):
            found = np.linalg.norm(M + ell * rho * direction, 2)
            bound = float(stated.subs({s.norm_AJ: np.linalg.norm(M, 2), s.lipschitz_AJ: ell, s.rho: rho}))
            assert found <= bound * (1 + 1e-12)
            sharp += found > bound * (1 - 1e-9)
    assert sharp >= 200


@proves("graph.ball")
def test_the_ball_is_the_one_that_was_enclosed() -> None:
    """The constants are used on B(θ_0, ρ), so that they must hold at every point of it."""
    assert formula("graph.ball").expr == sp.Le(s.rho, s.ball_radius)
    for form in FORMS:
        if FORMS[form].own_profile is None:
            found = theorem(form, "observation", GRAPH)
            assert found.hypotheses["ball"].relation == formula("graph.ball").expr
            assert found.hypotheses["ball"].margin == 1 - s.rho / s.ball_radius


@pytest.mark.parametrize("profile", ["row-space", "block", "block-observation", "paper"])
def test_other_profiles_are_not_offered(profile: str) -> None:
    for form in ("residual", "integral", "concave", "paper"):
        with pytest.raises(ValueError, match="profile: found"):
            theorem(form, profile, GRAPH)


def test_every_constant_is_known_when_it_is_used() -> None:
    loss = {s.loss_0, s.psi_0, s.loss_gradient, s.loss_curvature, s.gamma, s.rho}
    for form in ("residual", "integral", "concave"):
        known = {*GRAPH.base, *loss}
        for symbol, expr in theorem(form, "observation", GRAPH).constants:
            assert expr.free_symbols <= known, (form, symbol)
            known.add(symbol)


def test_graphs_are_never_refuted() -> None:
    # ℓ_A is an upper bound for one ball: that (H) fails with it says nothing about smaller balls
    assert not GRAPH.refutable and all(a.refutable for a in ARCHITECTURES.values() if a is not GRAPH)
