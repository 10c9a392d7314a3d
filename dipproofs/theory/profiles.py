"""Injectivity profiles: lower bounds F(t) of s_A(θ) for ‖θ−θ_0‖ ≤ t (docs/theory.md §3.1).

Every profile is convex and non-increasing on [0, ρ]: it is the norm of a vector of positive parts of affine
functions of t. Hence the midpoint rule bounds ∫F from below, the trapezoidal rule from above, and the
slope that F surely has on [0, ρ] is the one at ρ.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.core import define
from dipproofs.theory.extremes import maximum
from dipproofs.theory.symbols import lipschitz_A_in, lipschitz_AJ, lipschitz_in, lipschitz_J, lipschitz_out, t


@dataclass(frozen=True)
class Profile:
    """An injectivity profile.

    Args:
        id: JSON name.
        F: the bound as an expression in t and the quantities at θ_0.
        slope: −F'(t) where F is differentiable, written so that it can be enclosed.
        architecture: "any", or the network family it needs.
        source: section with the proof.
    """

    id: str
    F: sp.Expr
    slope: sp.Expr
    architecture: str
    source: str


def _norm_profile(scale: sp.Expr, parts: list[tuple[sp.Expr, sp.Expr]]) -> tuple[sp.Expr, sp.Expr]:
    """Return scale·‖((a_i − b_i t)_+)_i‖ and minus its derivative."""
    positive = [(maximum(0, a - b * t) if b else a, b) for a, b in parts]
    if len(positive) == 1:
        ((p, b),) = positive
        return scale * p, scale * b
    norm = sp.sqrt(sum(p**2 for p, _ in positive))
    return scale * norm, scale * sum(b * p for p, b in positive) / norm


def _profile(
    id: str,
    scale: sp.Expr,
    parts: list[tuple[sp.Expr, sp.Expr]],
    architecture: str,
    source: str,
    meaning: str,
) -> Profile:
    F, slope = _norm_profile(scale, parts)
    define(f"profiles.{id}.F", F, meaning, source)
    define(f"profiles.{id}.slope", slope, f"−F'(t), profile {id}", source)
    return Profile(id, F, slope, architecture, source)


PAPER = _profile(
    "paper",
    s.sigma_A / 2,
    [(s.sigma_min_J, sp.Integer(0))],
    "any",
    "§2",
    "the paper's: half the injectivity at initialisation, valid up to t = R",
)
ROW_SPACE = _profile(
    "row-space",
    s.sigma_AJ / s.sigma_J,
    [(s.sigma_J, lipschitz_J)],
    "any",
    "§3.1",
    "perturbation of PJ, relative to s_A(θ_0)",
)
OBSERVATION = _profile(
    "observation", sp.Integer(1), [(s.sigma_AJ, lipschitz_AJ)], "any", "§3.1", "Weyl's inequality on M"
)
BLOCK = _profile(
    "block",
    s.sigma_A,
    [(s.sigma_in, lipschitz_in), (s.sigma_out, lipschitz_out)],
    "two-layer",
    "§3.1",
    "inner and outer block perturbed separately",
)
BLOCK_OBSERVATION = _profile(
    "block-observation",
    sp.Integer(1),
    [(s.sigma_A_in, lipschitz_A_in), (s.sigma_A * s.sigma_out, s.sigma_A * lipschitz_out)],
    "two-layer",
    "§3.1",
    "the block profile with the inner block measured in the observation space",
)

#: The injectivity profiles by name; a certificate takes the best of those that apply.
PROFILES: dict[str, Profile] = {p.id: p for p in (PAPER, ROW_SPACE, OBSERVATION, BLOCK, BLOCK_OBSERVATION)}
