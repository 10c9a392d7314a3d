"""Squared error c·‖v − y‖²; the default scale "half" gives ½‖v − y‖²."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..symbols import e, xi
from .base import LossNumerics, LossTheory, r, s
from .rules import ScalarProfile, separable

PROFILE = ScalarProfile(
    h=r**2, inverse=sp.sqrt(e), time=-sp.log(s) / 2, time_inverse=sp.exp(-2 * xi), shape="linear",
    loss_of_time=sp.exp(-4 * xi),
)  # fmt: skip
_derived = separable(PROFILE)


def _displacement(xp: Any, v: Any, y: Any, parameters: Any) -> Any:
    return v - y


def _entry(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return d * d


def _slope(xp: Any, d: Any, y: Any, parameters: Any) -> Any:
    return 2 * d


SQUARED = LossTheory(
    kind="squared",
    convention="‖v − y‖²",
    structure="separable",
    entry=PROFILE.h,
    rule=_derived.rule,
    psi=_derived.psi,
    Psi=_derived.Psi,
    Psi_inv=_derived.Psi_inv,
    gradient_bound=sp.simplify(_derived.gradient_bound),
    curvature=_derived.curvature,
    proof="P(e) = 4e is linear: ‖∇L‖² = 4L exactly",
    numerics=LossNumerics(_displacement, _entry, _slope),
    default_scale="half",
)
