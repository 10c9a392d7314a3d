"""Which Arb operation encloses which SymPy function: one table, one entry per function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import sympy

from dipproofs.errors import InputError

Operation = Callable[..., Any]
arb = flint.arb


class Constant:
    """A number made afresh at the precision in force at the call (once per precision)."""

    def __init__(self, make: Callable[[], flint.arb]) -> None:
        self._make = make
        self._known: tuple[int, flint.arb] | None = None

    def __call__(self) -> flint.arb:
        bits = flint.ctx.prec
        known = self._known
        if known is None or known[0] != bits:
            known = self._known = (bits, self._make())
        return known[1]


def operation_of(node: Any) -> tuple[Operation, tuple[Any, ...]]:
    """The Arb operation for the head of a SymPy node, and the nodes it is applied to.

    Raises:
        InputError: Nothing in the table encloses this node.
    """
    constant = _constant(node)
    if constant is not None:
        return Constant(constant), ()
    for kind, rule in _RULES:
        if isinstance(node, kind):
            return rule(node)
    raise InputError(f"enclosure: found {type(node).__name__} in {node}, expected a function with an Arb enclosure")


def _constant(node: Any) -> Callable[[], flint.arb] | None:
    if isinstance(node, sympy.Float):
        raise InputError(f"enclosure: found the Float {node}, expected an exact number (sympy.Rational)")
    if isinstance(node, sympy.Rational):
        return lambda: arb(flint.fmpq(int(node.p), int(node.q)))
    named = {
        sympy.pi: arb.pi,
        sympy.E: arb.const_e,
        sympy.EulerGamma: arb.const_euler,
        sympy.oo: arb.pos_inf,
        -sympy.oo: arb.neg_inf,
        sympy.S.true: lambda: True,
        sympy.S.false: lambda: False,
    }
    return named.get(node)


# --- sums, products, powers ----------------------------------------------------------------------------
def _sum(*terms: flint.arb) -> flint.arb:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _product(*factors: flint.arb) -> flint.arb:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


def _fused_sum(node: sympy.Add) -> tuple[Operation, tuple[Any, ...]]:
    """exp(x) − 1 and 1 − exp(x) lose no digits near 0; other sums are plain."""
    if len(node.args) == 2 and node.args[0] in (1, -1):
        unit, other = node.args
        for sign in (1, -1):
            if unit == -sign and isinstance(sign * other, sympy.exp):
                argument = (sign * other).args[0]
                return (arb.expm1 if sign == 1 else lambda x: -x.expm1()), (argument,)
    return _sum, node.args


def _logarithm(node: sympy.log) -> tuple[Operation, tuple[Any, ...]]:
    """log(1 + x) as log1p(x)."""
    argument = node.args[0]
    if isinstance(argument, sympy.Add) and argument.args[0] == 1:
        return arb.log1p, (argument - 1,)
    return arb.log, (argument,)


def _power(node: sympy.Pow) -> tuple[Operation, tuple[Any, ...]]:
    base, exponent = node.args
    known_sign = bool(base.is_nonnegative)
    if isinstance(exponent, sympy.Integer):
        n = int(exponent)
        if n == -1:
            return (lambda x: 1 / x), (base,)
        if n < 0:
            return (lambda x: 1 / x), (base ** (-n),)
        if n % 2 == 0:
            return (lambda x: _whole_power(x, n).nonnegative_part()), (base,)
        if known_sign:
            return (lambda x: _whole_power(x.nonnegative_part(), n)), (base,)
        return (lambda x: _whole_power(x, n)), (base,)
    if isinstance(exponent, sympy.Rational):
        p, q = int(exponent.p), int(exponent.q)
        if p < 0:
            return (lambda x: 1 / x), (base ** (-exponent),)
        return (lambda x: _rational_power(x.nonnegative_part() if known_sign else x, p, q)), (base,)
    if base == sympy.E:
        return arb.exp, (exponent,)
    if known_sign:
        positive = bool(exponent.is_positive)
        return (lambda x, y: _real_power(x, y, positive)), (base, exponent)
    return (lambda x, y: (y * x.log()).exp()), (base, exponent)


def _whole_power(x: flint.arb, n: int) -> flint.arb:
    """xⁿ for n ≥ 1; python-flint's power is undefined on balls whose midpoint is exactly 0."""
    return _product(*[x] * n) if x.mid() == 0 else x**n


def _rational_power(x: flint.arb, p: int, q: int) -> flint.arb:
    if q == 2:
        root = x.sqrt()
    elif x > 0:
        root = x.root(q)
    elif x.lower() >= 0:  # a ball with 0 as its lower end
        top = x.upper()
        root = arb(0).union(top.root(q)) if top > 0 else arb(0)
    else:
        return arb.nan()
    return root**p


def _real_power(x: flint.arb, y: flint.arb, positive_exponent: bool) -> flint.arb:
    """x^y for x ≥ 0; when the ball of x reaches 0, monotonicity in x gives [0, upper^y] for y > 0."""
    if x > 0:
        return (y * x.log()).exp()
    if not positive_exponent or not y > 0:
        return arb.nan()
    top = x.nonnegative_part().upper()
    if not top > 0:
        return arb(0)
    return arb(0).union((y * top.log()).exp())


# --- piecewise ------------------------------------------------------------------------------------------
def _piecewise(node: sympy.Piecewise) -> tuple[Operation, tuple[Any, ...]]:
    arguments = [part for pair in node.args for part in pair.args]
    return _choose, tuple(arguments)


def _choose(*parts: Any) -> flint.arb:
    """Union of the branches that may apply, in order, until one certainly does; NaN if none need apply."""
    result: flint.arb | None = None
    for value, condition in zip(parts[::2], parts[1::2]):
        if condition is False:
            continue
        result = value if result is None else _union(result, value)
        if condition is True:
            return result
    return arb.nan()


def _union(x: flint.arb, y: flint.arb) -> flint.arb:
    return arb.nan() if x.is_nan() or y.is_nan() else x.union(y)


def _greater(x: flint.arb, y: flint.arb) -> bool | None:
    return True if x > y else False if x <= y else None


def _greater_equal(x: flint.arb, y: flint.arb) -> bool | None:
    return True if x >= y else False if x < y else None


def _equal(x: flint.arb, y: flint.arb) -> bool | None:
    return True if x == y else False if x != y else None


def _negate(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(*values: bool | None) -> bool | None:
    return False if False in values else None if None in values else True


def _any(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def _maximum(*values: flint.arb) -> flint.arb:
    best = values[0]
    for value in values[1:]:
        best = arb.nan() if best.is_nan() or value.is_nan() else best.max(value)
    return best


def _minimum(*values: flint.arb) -> flint.arb:
    return -_maximum(*[-value for value in values])


def _lambert(node: sympy.LambertW) -> tuple[Operation, tuple[Any, ...]]:
    branch = node.args[1] if len(node.args) > 1 else sympy.Integer(0)
    if branch not in (0, -1):
        raise InputError(f"enclosure: found branch {branch} of LambertW, expected the real branches 0 or -1")
    return (lambda x: x.lambertw(int(branch))), (node.args[0],)


def _plain(operation: Operation) -> Callable[[Any], tuple[Operation, tuple[Any, ...]]]:
    return lambda node: (operation, node.args)


_RULES: tuple[tuple[Any, Callable[[Any], tuple[Operation, tuple[Any, ...]]]], ...] = (
    (sympy.Add, _fused_sum),
    (sympy.Mul, _plain(_product)),
    (sympy.Pow, _power),
    (sympy.exp, _plain(arb.exp)),
    (sympy.log, _logarithm),
    (sympy.tanh, _plain(arb.tanh)),
    (sympy.sinh, _plain(arb.sinh)),
    (sympy.cosh, _plain(arb.cosh)),
    (sympy.coth, _plain(arb.coth)),
    (sympy.sech, _plain(arb.sech)),
    (sympy.asinh, _plain(arb.asinh)),
    (sympy.acosh, _plain(arb.acosh)),
    (sympy.atanh, _plain(arb.atanh)),
    (sympy.sin, _plain(arb.sin)),
    (sympy.cos, _plain(arb.cos)),
    (sympy.tan, _plain(arb.tan)),
    (sympy.asin, _plain(arb.asin)),
    (sympy.acos, _plain(arb.acos)),
    (sympy.atan, _plain(arb.atan)),
    (sympy.erf, _plain(arb.erf)),
    (sympy.erfc, _plain(arb.erfc)),
    (sympy.LambertW, _lambert),
    (sympy.Abs, _plain(abs)),
    (sympy.sign, _plain(arb.sgn)),
    (sympy.floor, _plain(arb.floor)),
    (sympy.ceiling, _plain(arb.ceil)),
    (sympy.Max, _plain(_maximum)),
    (sympy.Min, _plain(_minimum)),
    (sympy.Piecewise, _piecewise),
    (sympy.StrictGreaterThan, _plain(_greater)),
    (sympy.StrictLessThan, _plain(lambda x, y: _greater(y, x))),
    (sympy.GreaterThan, _plain(_greater_equal)),
    (sympy.LessThan, _plain(lambda x, y: _greater_equal(y, x))),
    (sympy.Equality, _plain(_equal)),
    (sympy.Unequality, _plain(lambda x, y: _negate(_equal(x, y)))),
    (sympy.And, _plain(_all)),
    (sympy.Or, _plain(_any)),
    (sympy.Not, _plain(_negate)),
)
