"""SymPy expressions as functions of NumPy, JAX and plain numbers agree."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from dipproofs.theory.numeric import float_function

x = sp.Symbol("x", real=True)
EXPRESSIONS = (
    sp.Max(x, sp.Rational(1, 2), 0),
    sp.Min(1, x),
    sp.Piecewise((x**2, x < 0), (sp.sinh(x), x < 1), (sp.atan(x), True)),
    sp.erf(x) + sp.log(1 + sp.exp(x)),
    sp.tanh(x) * sp.sign(x) + sp.asinh(sp.Abs(x)) + sp.cosh(x),
    sp.Integer(3),
)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_every_library_gives_the_value(expression: sp.Expr) -> None:
    points = np.array([-1.5, -0.25, 0.75, 2.0])
    expected = np.array([float(expression.subs(x, sp.Rational(p))) for p in points])
    plain = float_function(x, expression, "math")
    assert [plain(p) for p in points.tolist()] == pytest.approx(expected, rel=1e-13)
    assert np.broadcast_to(float_function(x, expression)(points), (4,)) == pytest.approx(expected, rel=1e-13)
    found = jax.jit(lambda a: jnp.broadcast_to(float_function(x, expression, "jax")(a), a.shape))(jnp.asarray(points))
    assert np.asarray(found) == pytest.approx(expected, rel=1e-13)


def test_several_at_once() -> None:
    value, slope = float_function(x, [x**2, 2 * x])(np.array([3.0]))
    assert (value, slope) == (9.0, 6.0)
