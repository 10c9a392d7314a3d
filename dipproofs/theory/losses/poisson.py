"""Poisson likelihood, Σ y ln(y/w) − y + w with w = v + b: generalised Kullback–Leibler with a background b ≥ 0."""

from __future__ import annotations

from typing import Any

import sympy as sp

from dipproofs.theory.core import symbol
from dipproofs.theory.losses.base import DataConstant, LossNumerics, LossTheory, Parameter, curvature_max, s, v, v_lo, y
from dipproofs.theory.losses.numerics import x_minus_log1p
from dipproofs.theory.symbols import e, xi

background = symbol("b", "known background of the counts")
brightest = symbol("Y", "largest observation", positive=True)
slope_max = symbol(r"g_{\max}", "largest slope on the sublevel bracket")

ENTRY = y * sp.log(y / (v + background)) - y + v + background
_X = -sp.LambertW(-sp.exp(-1 - e / brightest), -1)  # w/Y on the upper branch at error e
_U = sp.LambertW(sp.exp(-xi / brightest))


def _displacement(xp: Any, v: Any, y: Any, parameters: Any) -> Any:
    return (v - y) + parameters["background"]


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return y * x_minus_log1p(xp, d / y)


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return d / (y + d)


def _branch(xp: Any, s: Any, y: Any, parameters: Any, side: int) -> Any:
    return y * xp.expm1(side * s)


POISSON = LossTheory(
    kind="poisson",
    convention="Σ y_i ln(y_i/w_i) − y_i + w_i, w = v + background",
    structure="entrywise",
    entry=ENTRY,
    rule="worst entry",
    psi=brightest * (_X - 1),
    Psi=-brightest * (_X - 1 + sp.log(_X - 1)),
    Psi_inv=brightest * (_U - sp.log(1 + _U)),
    gradient_bound=slope_max,
    curvature=curvature_max,
    proof="P is smallest on the branch w > y, where it is concave and decreases with y: all error in the "
    "brightest entry; on the branch w < y it is convex, so its largest value is one entry's",
    numerics=LossNumerics(_displacement, _entry, _slope, _branch),
    parameters=(Parameter("background", background, 0.0, True, "known background counts b", 0.0),),
    constants=(
        DataConstant(brightest, "max", y, "largest observation"),
        DataConstant(slope_max, "max", y / (v_lo + background) - 1, "largest |∂h/∂v| on the sublevel bracket"),
        DataConstant(curvature_max, "max", y / (v_lo + background) ** 2, "largest curvature: at the lower end"),
    ),
    argmin=y - background,
    domain=(-background, sp.oo),
    data_domain=(sp.Integer(0), sp.oo),
    branch_lower=y * sp.exp(-s) - background,
    branch_upper=y * sp.exp(s) - background,
    advice={
        "data": "for zero counts add a known background to the data and to the model (y + b with background = b), "
        "merge neighbouring bins, or use loss huber",
        "start": "shift the output into the domain (network.output_offset of the size of a typical y), start with "
        "smaller V, or use a background > 0",
    },
)
