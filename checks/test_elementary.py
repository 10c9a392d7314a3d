"""The entrywise functions of graphs: φ against another definition, φ' and φ'' against differences, at many points."""

from __future__ import annotations

from collections.abc import Callable

import flint
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures import compile_arb
from dipproofs.graph.functions import numpy_function
from dipproofs.theory.activations import x
from dipproofs.theory.elementary import ALIASES, ELEMENTARY, PIECEWISE

DEFINITIONS: dict[str, Callable[[mp.mpf], mp.mpf]] = {
    "tanh": mp.tanh,
    "sigmoid": lambda t: 1 / (1 + mp.exp(-t)),
    "softplus": lambda t: mp.log1p(mp.exp(t)),
    "sin": mp.sin,
    "erf": mp.erf,
    "gelu": lambda t: t * mp.ncdf(t),
    "silu": lambda t: t / (1 + mp.exp(-t)),
    "cos": mp.cos,
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "rsqrt": lambda t: t ** mp.mpf("-0.5"),
    "reciprocal": lambda t: 1 / t,
    "square": lambda t: t * t,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "asinh": mp.asinh,
    "atan": mp.atan,
    "elu": lambda t: t if t > 0 else mp.expm1(t),
    "softsign": lambda t: t / (1 + abs(t)),
    "mish": lambda t: t * mp.tanh(mp.log1p(mp.exp(t))),
    "gelu-tanh": lambda t: t / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (t + mp.mpf("0.044715") * t**3))),
}
POINTS = {"real": (-7.5, -2.0, -0.625, -0.03125, 0.0625, 1.5, 6.0), "positive": (0.03125, 0.75, 5.0)}
POINTS["nonzero"] = (-3.0, *POINTS["positive"])

BOXES = {"real": ((0.25, 0.375), (-0.0625, 0.03125)), "positive": ((0.25, 0.375),), "nonzero": ((-0.5, -0.375),)}


@proves("elementary.*")
@pytest.mark.parametrize("name", ELEMENTARY)
def test_the_three_forms_of_a_function_fit_together(name: str) -> None:
    function, definition = ELEMENTARY[name], DEFINITIONS[name]
    with mp.workdps(40):
        for point in POINTS[function.domain]:
            for order in range(3):
                expected = definition(mp.mpf(point)) if order == 0 else mp.diff(definition, mp.mpf(point), order)
                exact = sp.N(function.derivative(order).subs(x, sp.Rational(point)), 40)
                scale = 1 + abs(expected)
                assert abs(mp.mpf(str(exact)) - expected) < scale * mp.mpf(10) ** -12, (order, point)
                with flint.ctx.workprec(128):
                    ball = compile_arb((x,), function.derivative(order))(flint.arb(point))
                assert abs(ball - float(exact)) < 1e-13 * float(scale)
                value = numpy_function(name, order)(np.array([point]))[0]
                assert abs(value - float(exact)) < 1e-12 * float(scale)


@pytest.mark.parametrize("name", ELEMENTARY)
def test_enclosures_hold_on_intervals_and_floats_far_away(name: str) -> None:
    function = ELEMENTARY[name]
    for order in range(3):
        compiled = compile_arb((x,), function.derivative(order))
        for low, high in BOXES[function.domain]:
            box = compiled(flint.arb(low).union(flint.arb(high)))
            inside = numpy_function(name, order)(np.linspace(low, high, 17))
            assert all(box.lower() <= v + 1e-12 and box.upper() >= v - 1e-12 for v in inside)
            assert float(box.rad()) < 40
        if function.domain == "real" and name not in ("exp", "sinh", "cosh", "square", "gelu-tanh"):
            assert np.isfinite(numpy_function(name, order)(np.array([-800.0, 800.0]))).all()


def test_a_wrong_derivative_is_noticed() -> None:
    exact = sp.N(ELEMENTARY["mish"].dphi.subs(x, sp.Rational(3, 2)), 30)
    assert abs(float(exact) - float(mp.diff(DEFINITIONS["silu"], 1.5))) > 1e-3


def test_names_do_not_clash() -> None:
    assert not set(ELEMENTARY) & set(PIECEWISE) and not set(ALIASES) & (set(ELEMENTARY) | set(PIECEWISE))
    assert set(ALIASES.values()) <= set(ELEMENTARY) | set(PIECEWISE)
