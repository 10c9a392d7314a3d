"""B₁, B₂ of every registered activation, its moments and its oscillation, proved again."""

from __future__ import annotations

import flint
import pytest
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures import compile_arb
from dipproofs.tables.moments import BITS, activation_constants, enclose_moment
from dipproofs.theory import formula
from dipproofs.theory.activations import ACTIVATIONS
from dipproofs.theory.activations.base import x
from dipproofs.theory.gaussian_moments import MOMENTS
from dipproofs.theory.width import oscillation_of

NAMES = sorted(ACTIVATIONS)
_y = sp.Symbol("y", real=True)


def in_tanh(expr: sp.Expr) -> sp.Expr | None:
    """The expression as a polynomial in y = tanh(cx) ∈ ]−1,1[, if it is one."""
    (argument,) = {t.args[0] for t in expr.atoms(sp.tanh)} or {None}
    if argument is None:
        return None
    result = expr.subs(sp.tanh(argument), _y)
    return None if result.has(x) else sp.expand(result)


def supremum(expr: sp.Expr) -> sp.Expr | None:
    """sup |expr| over the line by SymPy, for the closed forms."""
    polynomial = in_tanh(expr) if expr.has(sp.tanh) else None
    if polynomial is not None:
        points = list(sp.solveset(sp.diff(polynomial, _y), _y, sp.Interval(-1, 1)))
        values = [sp.Abs(polynomial.subs(_y, p)) for p in (*points, -1, 1)]
        return max(values, key=lambda v: sp.N(v, 30))
    if expr.has(sp.sin, sp.cos):
        return sp.Integer(1) if sp.simplify(expr**2 + sp.diff(expr, x) ** 2) == 1 else None
    return None


def subdivided_bound(expr: sp.Expr, bound: flint.arb, pieces: list[tuple[flint.arb, flint.arb]]) -> bool:
    """Whether |expr| ≤ bound on all pieces: bisection with the mean-value form, in Arb."""
    value, slope = compile_arb((x,), expr), compile_arb((x,), sp.diff(expr, x))
    for _ in range(60):
        rest = []
        for low, high in pieces:
            middle, whole = (low + high) / 2, low.union(high)
            ball = value(middle) + slope(whole) * (whole - middle)
            if not (abs(ball) <= bound or abs(value(whole)) <= bound):
                rest += [(low, middle), (middle, high)]
        if not rest:
            return True
        if len(rest) > 20000:
            return False
        pieces = rest
    return False


def largest_at_zero(expr: sp.Expr, bound: flint.arb) -> bool:
    """Whether |expr| ≤ bound on [−¼, ¼], attained at 0: by the sign of the slope."""
    value, slope, curve = (compile_arb((x,), sp.diff(expr, x, order)) for order in range(3))
    box, zero = flint.arb(-0.25).union(flint.arb(0.25)), flint.arb(0)
    return bool(curve(box) < 0 and slope(zero).contains(0) and value(zero) <= bound and value(box) >= -bound)


def tail_bound(name: str, order: int, cut: int) -> flint.arb:
    """Upper bound of sup|φ'| (order 1) or sup|φ''| (order 2) for |x| ≥ cut, from the decay of the pieces."""
    decay = 2 * (-flint.arb(cut)).exp()  # 1−tanh²(x/2) ≤ 4e^{−|x|}, 1−|tanh(x/2)| ≤ 2e^{−|x|}
    gauss = (-(flint.arb(cut) ** 2) / 2).exp() * (cut**2 + 2)
    tails = {
        ("silu", 1): 1 + (2 + cut) * decay,
        ("silu", 2): (2 + cut) * decay,
        ("gelu", 1): 1 + gauss,
        ("gelu", 2): gauss,
    }
    return tails[name, order]


@proves("activations.*.B_1", "activations.*.B_2", "activations.*.dphi", "activations.*.phi")
@pytest.mark.parametrize("name", NAMES)
def test_bounds_of_the_derivatives(name: str) -> None:
    activation = ACTIVATIONS[name]
    assert sp.simplify(sp.diff(activation.phi, x) - activation.dphi) == 0 or _same_numerically(
        sp.diff(activation.phi, x), activation.dphi
    )
    for constant in ("B_1", "B_2"):
        assert formula(f"activations.{name}.{constant}").expr == getattr(activation, constant)
    for order, expr, bound in ((1, activation.dphi, activation.B_1), (2, activation.ddphi, activation.B_2)):
        closed = supremum(expr)
        if closed is not None:
            assert sp.simplify(closed - bound) == 0, f"sup is {closed}"
            continue
        if name == "erf":
            assert _erf_supremum(expr, bound)
            continue
        with flint.ctx.workprec(128):
            ball, cut = compile_arb((), sp.sympify(bound))(), 12
            if name == "gelu":
                cut = 6
                assert _attained_at_critical_points(expr, bound)
            else:
                slack = ball if sp.sympify(bound).is_Rational else ball * (1 + flint.arb(2) ** -100)
                near = () if order == 1 else (-1, 0)  # quarters beside the maximum
                assert not near or largest_at_zero(expr, slack)
                quarters = [(flint.arb(i) / 4, flint.arb(i + 1) / 4) for i in range(-4 * cut, 4 * cut) if i not in near]
                assert subdivided_bound(expr, slack, quarters)
            assert tail_bound(name, order, cut) < ball


def _same_numerically(a: sp.Expr, b: sp.Expr) -> bool:
    return all(abs(sp.N((a - b).subs(x, sp.Rational(p, 7)), 40)) < 1e-30 for p in range(-40, 41, 3))


def _erf_supremum(expr: sp.Expr, bound: sp.Expr) -> bool:
    """c·x^j e^{−x²} (j = 0, 1) has its extrema where j = 2x²."""
    z = sp.Symbol("z", real=True)
    critical = [0, 1 / sp.sqrt(2), -1 / sp.sqrt(2)]
    slope = sp.simplify(sp.diff(expr, x) * sp.exp(x**2))
    assert all(root in critical for root in sp.solve(slope.subs(x, z), z))
    return sp.simplify(max((sp.Abs(expr.subs(x, c)) for c in critical), key=sp.N) - bound) == 0


def _attained_at_critical_points(expr: sp.Expr, bound: sp.Expr) -> bool:
    """GELU: φ'' = (2−x²)p vanishes at ±√2, φ''' = (x³−4x)p at 0, ±2; the values there are at most the bound."""
    polynomial = sp.simplify(sp.diff(expr, x) * sp.sqrt(2 * sp.pi) * sp.exp(x**2 / 2))
    points = [p for p in sp.solve(polynomial, x) if p.is_real]
    assert points
    return max(sp.N(sp.Abs(expr.subs(x, p)), 40) for p in points) <= sp.N(bound, 40) + sp.Float("1e-38", 40)


@pytest.mark.parametrize("name", NAMES)
def test_smaller_bounds_are_refuted(name: str) -> None:
    """Negative control: 99 % of each bound is exceeded somewhere."""
    activation = ACTIVATIONS[name]
    points = [i / 64 for i in range(-640, 641)]
    for expr, bound in ((activation.dphi, activation.B_1), (activation.ddphi, activation.B_2)):
        value, limit = compile_arb((x,), expr), compile_arb((), sp.sympify(bound))() * flint.arb("0.99")
        assert any(abs(value(flint.arb(p))) > limit for p in points)


@pytest.mark.parametrize("name", NAMES)
def test_oscillation(name: str) -> None:
    activation = ACTIVATIONS[name]
    claimed = compile_arb((), sp.sympify(oscillation_of(activation)))()
    value = compile_arb((x,), activation.dphi)
    values = [value(flint.arb(i) / 64) for i in range(-1280, 1281)]
    span = max(values, key=lambda v: float(v.mid())) - min(values, key=lambda v: float(v.mid()))
    assert span <= claimed * (1 + flint.arb(2) ** -40)
    assert span > claimed * flint.arb("0.99")
    if claimed < 2 * compile_arb((), sp.sympify(activation.B_1))():
        nonnegative = all(v > -(flint.arb(2) ** -40) for v in values)
        symmetric = sp.simplify(activation.dphi + activation.dphi.subs(x, -x)) == 1
        assert nonnegative or symmetric


@proves("moments.*")
@pytest.mark.parametrize("name", NAMES)
def test_moments(name: str) -> None:
    """Closed forms, and mpmath's quadrature (another implementation) to 25 digits."""
    import mpmath

    for moment in MOMENTS[name]:
        with flint.ctx.workprec(BITS):
            ball = enclose_moment(ACTIVATIONS[name], moment.function, moment.power)
            assert float(ball.rad()) < 1e-60
            if moment.closed_form is not None:
                assert ball.overlaps(compile_arb((), moment.closed_form)())
        function = sp.lambdify(x, moment.integral.function, modules="mpmath")
        with mpmath.workdps(30):
            value = mpmath.quad(function, [-20, -8, -4, -2, 0, 2, 4, 8, 20])
            digits = mpmath.mpf(ball.mid().str(40, radius=False))
            assert abs(value - digits) < mpmath.mpf(10) ** -20


@pytest.mark.parametrize("name", NAMES)
def test_moment_inequalities(name: str) -> None:
    """(Eφ²)² ≤ Eφ⁴ and C_φ' ≤ B₁, decided."""
    c = activation_constants(name)
    assert c.C_phi**4 < c.fourth_phi and c.C_dphi**4 < c.fourth_dphi and c.C_dphi < c.B_1
