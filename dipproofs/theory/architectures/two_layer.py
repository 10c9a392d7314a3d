"""Constants of the two-layer network g(u,θ) = k^{-1/2} V φ(W u) (docs/theory.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.activations import ACTIVATIONS
from dipproofs.theory.architectures.base import Architecture, NetworkFormat
from dipproofs.theory.core import define
from dipproofs.theory.extremes import minimum
from dipproofs.theory.profiles import BLOCK, BLOCK_OBSERVATION, OBSERVATION, PAPER, ROW_SPACE

TRAIN_MODES = ("both", "inner", "outer")
_SOURCE = "§4"
_B1u, _B2u, _root = s.B_1 * s.norm_u, s.B_2 * s.norm_u**2, sp.sqrt(s.width)


def _bilinear(c: sp.Expr, b: sp.Expr) -> sp.Expr:
    """Norm of the 2×2 form [[B₂c, b], [b, 0]]: the larger root of λ² − B₂cλ − b² = 0."""
    return (_B2u * c + sp.sqrt((_B2u * c) ** 2 + 4 * b**2)) / (2 * _root)


def _lipschitz(train: str, c: sp.Expr, scale: sp.Expr) -> sp.Expr:
    """Lipschitz constant of the Jacobian followed by a map of norm ``scale``; c bounds the columns of V."""
    if train == "both":
        return _bilinear(c + scale * s.rho, scale * _B1u)
    return _B2u * c / _root if train == "inner" else sp.Integer(0)


def _lipschitz_inner(train: str, c: sp.Expr, scale: sp.Expr) -> sp.Expr:
    """Lipschitz constant of the inner block alone."""
    if train == "both":
        return sp.sqrt((scale * _B1u) ** 2 + (_B2u * (c + scale * s.rho)) ** 2) / _root
    return _B2u * c / _root if train == "inner" else sp.Integer(0)


def _norm_ball(train: str, lipschitz: sp.Expr) -> sp.Expr:
    """Upper bound of ‖M(θ)‖ on the ball: the better of perturbing M and of bounding both blocks."""
    inner = (_B1u * (s.norm_V + (s.norm_A * s.rho if train == "both" else 0))) ** 2
    outer = (s.norm_A * (s.norm_phi + (_B1u * s.rho if train == "both" else 0))) ** 2
    blocks = {"both": inner + outer, "inner": inner, "outer": outer}[train]
    return minimum(s.norm_AJ + lipschitz * s.rho, sp.sqrt(blocks) / _root)


@dataclass(frozen=True)
class TwoLayerConstants:
    """The ρ-dependent constants for one ``train`` mode, as expressions in the quantities at θ_0.

    Args:
        train: "both", "inner" or "outer".
        lipschitz_J: ℓ(ρ), of PJ.
        lipschitz_AJ: ℓ_A(ρ), of M = AJ.
        lipschitz_J_full: ℓ(ρ) of J itself (the paper's), with unprojected columns.
        lipschitz_in: ℓ_in(ρ) of the inner block; lipschitz_A_in of A times it.
        lipschitz_out: slope of s_out.
        sigma_out: s_out at θ_0 (0 when V is not trained).
        norm_AJ_ball: M_ρ.
    """

    train: str
    lipschitz_J: sp.Expr
    lipschitz_AJ: sp.Expr
    lipschitz_J_full: sp.Expr
    lipschitz_in: sp.Expr
    lipschitz_A_in: sp.Expr
    lipschitz_out: sp.Expr
    sigma_out: sp.Expr
    norm_AJ_ball: sp.Expr


def _constants(train: str) -> TwoLayerConstants:
    def formula(name: str, expr: sp.Expr, meaning: str, symbol: sp.Symbol) -> sp.Expr:
        return define(f"twolayer.{train}.{name}", expr, f"{meaning}, train = {train}", _SOURCE, symbol)

    one = sp.Integer(1)
    return TwoLayerConstants(
        train,
        formula("lipschitz_J", _lipschitz(train, s.c_0, one), "ℓ(ρ)", s.lipschitz_J),
        formula("lipschitz_AJ", _lipschitz(train, s.c_A0, s.norm_A), "ℓ_A(ρ)", s.lipschitz_AJ),
        formula("lipschitz_J_full", _lipschitz(train, s.c_full, one), "ℓ(ρ), unprojected", s.lipschitz_J),
        formula("lipschitz_in", _lipschitz_inner(train, s.c_0, one), "ℓ_in(ρ)", s.lipschitz_in),
        formula("lipschitz_A_in", _lipschitz_inner(train, s.c_A0, s.norm_A), "ℓ_{A,in}(ρ)", s.lipschitz_A_in),
        formula(
            "lipschitz_out",
            _B1u / _root if train == "both" else sp.Integer(0),
            "slope of s_out",
            s.lipschitz_out,
        ),
        formula("sigma_out", sp.Integer(0) if train == "inner" else s.norm_phi / _root, "outer block", s.sigma_out),
        formula("norm_AJ_ball", _norm_ball(train, s.lipschitz_AJ), "M_ρ", s.norm_AJ_ball),
    )


CONSTANTS: dict[str, TwoLayerConstants] = {train: _constants(train) for train in TRAIN_MODES}

_BASE = (
    s.norm_u, s.norm_phi, s.norm_A, s.sigma_A, s.norm_V, s.sigma_AJ, s.norm_AJ, s.sigma_A_in, s.c_A0, s.sigma_J,
    s.sigma_in, s.c_0, s.width, s.B_1, s.B_2,
)  # fmt: skip


def _architecture(c: TwoLayerConstants) -> Architecture:
    constants = (
        (s.sigma_out, c.sigma_out),
        (s.lipschitz_J, c.lipschitz_J),
        (s.lipschitz_AJ, c.lipschitz_AJ),
        (s.lipschitz_in, c.lipschitz_in),
        (s.lipschitz_A_in, c.lipschitz_A_in),
        (s.lipschitz_out, c.lipschitz_out),
        (s.norm_AJ_ball, c.norm_AJ_ball),
    )
    whole = (ROW_SPACE.id, OBSERVATION.id)
    blocks = (BLOCK.id, BLOCK_OBSERVATION.id)
    return Architecture(
        id=f"two-layer/{c.train}",
        base=_BASE,
        constants=constants,
        unprojected={s.lipschitz_J: c.lipschitz_J_full},
        profiles=(PAPER.id, *whole, *blocks),
        # with one layer trained the block profiles are never better than the others
        promising=(*whole, *blocks) if c.train == "both" else whole,
        # with V trained the outer block alone is ‖φ(a)‖/√k times the identity
        onto=() if c.train == "inner" else (s.sigma_out - s.lipschitz_out * s.S,),
        cure="increase the width" if c.train == "both" else "increase the width, or train the outer layer",
    )


#: The three architectures by what is trained.
ARCHITECTURES: dict[str, Architecture] = {train: _architecture(CONSTANTS[train]) for train in TRAIN_MODES}


_MEANINGS = {
    "width": "number of hidden units k.",
    "activation": "the function φ of the hidden units.",
    "train": "which layers are trained: both, inner or outer.",
    "input_dimension": "length d of the fixed input u.",
    "output_offset": "a constant o that is added to every output.",
}


def _format(basis: str) -> NetworkFormat:
    outer = {"V": ("n", "k")} if not basis else {"V": ("r", "k"), basis: ("n", "r")}
    return NetworkFormat(
        arrays={"u": ("d",), "W": ("k", "d"), **outer},
        options={"activation": tuple(ACTIVATIONS), "train": TRAIN_MODES},
        sizes={"width": "k", "input_dimension": "d"},
        numbers=("output_offset",),
        meanings=_MEANINGS,
        untrained=("u", basis) if basis else ("u",),
        basis=basis,
    )


#: What certificates store, by kind.
FORMATS: dict[str, NetworkFormat] = {"two-layer": _format(""), "two-layer-synthesis": _format("B")}

#: Quantities that proofs about these networks state beside those of every network.
STATED = ("c_0",)
