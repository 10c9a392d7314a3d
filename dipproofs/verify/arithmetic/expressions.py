"""Expressions of the theory as functions of Arb balls (docs/theory.md §8)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import sympy as sp
from flint import acb, arb
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.function import AppliedUndef

from dipproofs.verify.arithmetic.saturating import without_difference

Env = Mapping[Any, Any]
_METHODS: dict[Any, str] = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh",
    sp.asinh: "asinh", sp.acosh: "acosh", sp.atan: "atan", sp.erf: "erf", sp.erfc: "erfc", sp.Abs: "__abs__",
    sp.sign: "sgn", expm1: "expm1", log1p: "log1p",
}  # fmt: skip
_RELATIONS: dict[Any, tuple[Any, Any]] = {  # surely true, surely false
    sp.Gt: (operator.gt, operator.le), sp.Ge: (operator.ge, operator.lt), sp.Lt: (operator.lt, operator.ge),
    sp.Le: (operator.le, operator.gt), sp.Eq: (operator.eq, operator.ne),
}  # fmt: skip


def exact(value: Any) -> arb:
    """A float, integer or fraction as a ball: a point unless it is a fraction that is not dyadic."""
    top, bottom = value.as_integer_ratio()
    return arb(top) / bottom


def upper(x: arb) -> arb:
    """The upper end of a ball, as a point."""
    return arb(x.upper())


def between(low: arb, high: arb) -> arb:
    """The ball around two ends."""
    return arb(low.lower()).union(arb(high.upper()))


def root(ball: arb) -> arb:
    """Square root of a number known to be ≥ 0, whatever the ball around it; NaN if it is negative."""
    if not ball.is_finite() or ball < 0:
        return arb.nan()
    return between(arb(ball.lower()).max(arb(0)).sqrt(), upper(ball).sqrt())


def norm(entries: list[arb]) -> arb:
    """Euclidean norm."""
    return root(sum((x * x for x in entries), arb(0)))


def max_of(entries: list[arb]) -> arb:
    """Enclose the largest of some balls."""
    return reduce(arb.max, entries)


def _piecewise(expr: sp.Piecewise) -> Callable[[Env], Any]:
    branches = [(compiled(value), condition) for value, condition in expr.args]

    def union(env: Env) -> arb:
        found: list[arb] = []
        for value, condition in branches:
            truth = decide(condition, env)
            found += [value(env)] if truth is not False else []
            if truth:
                return reduce(arb.union, found)
        return arb.nan()

    return union


def _power(x: Any, exponent: Any, env: Env) -> Any:
    """x to a power that is no integer."""
    if isinstance(x, acb):  # inside an integral: sqrt and powers off their cuts
        return acb.pow(x, arb(0.5) if exponent is None else exponent, analytic=env["analytic"])
    return root(x) if exponent is None else x**exponent


def _even(power: Any) -> Any:
    """An even power without what the product of a ball with itself has below 0; 1/eˣ² would be huge there."""
    return power if isinstance(power, acb) else power.nonnegative_part()


def _called(name: str, x: Any, env: Env) -> Any:
    """A function of Arb; on complex balls (for integrals) NaN where it is asked to be analytic and may not be."""
    if not isinstance(x, acb):
        return getattr(x, name)()
    if name in ("__abs__", "acosh", "log1p", "sgn"):
        raise NotImplementedError(f"the verifier cannot integrate {name}")
    if name in ("asinh", "atan") and env["analytic"] and x.real.contains(0) and not abs(x.imag) < 1:
        return acb(arb.nan())  # their cuts: the imaginary axis from ±i on
    return x.log(analytic=env["analytic"]) if name == "log" else getattr(x, name)()


_NAMES: dict[str, Any] = {
    "acb": acb, "pi": arb.pi, "E": arb.const_e, "Max": arb.max, "Min": arb.min, "reduce": reduce, "mul": operator.mul,
    "power": _power, "called": _called, "even": _even,
}  # fmt: skip


class _Writer:
    """Writes an expression as a Python function, an assignment for each distinct part; first what does not vary."""

    def __init__(self, variable: sp.Symbol | None = None, plain: sp.Expr | None = None) -> None:
        self.names: dict[Any, str] = {}
        self.space: dict[str, Any] = dict(_NAMES)
        self.lines: list[str] = []
        self.varying: dict[str, str] = {}
        self.variable, self.plain = variable, plain
        if variable is not None:
            self.names[variable], self.varying["x"] = "x", ""

    def function(self, expr: sp.Expr) -> Callable[[Env], Any]:
        """Return env ↦ value or, with a variable, env ↦ (value of the variable ↦ value)."""
        result = self.visit(expr)
        inner = [f"{name} = {code}" for name, code in self.varying.items() if code]
        if self.variable is None:
            body = [*self.lines, f"return {result}"]
        else:
            body = [*self.lines, "def along(x):", *(f"    {line}" for line in inner), f"    return {result}"]
            body.append("return along")
        exec("\n    ".join(["def function(env):", *body]), self.space)
        return self.space["function"]  # type: ignore[no-any-return]

    def visit(self, expr: Any) -> str:
        """Return the name of the value of a part."""
        if expr not in self.names:
            self.names[expr] = self.kept(expr) if expr.is_Integer else self._assigned(*self._code(expr))
        return self.names[expr]

    def kept(self, value: Any) -> str:
        """Name something that is no part of the expression (an integer as a ball)."""
        self.space[name := f"k{len(self.space)}"] = arb(int(value)) if isinstance(value, sp.Integer) else value
        return name

    def _assigned(self, code: str, parts: list[str]) -> str:
        name = f"v{len(self.lines) + len(self.varying)}"
        if any(part in self.varying for part in parts):
            self.varying[name] = code
        else:
            self.lines.append(f"{name} = {code}")
        return name

    def _code(self, expr: Any) -> tuple[str, list[str]]:
        """What to assign, and the parts that it is made of."""
        if expr.is_Symbol:
            return f"env[{self.kept(expr)}]", []
        if expr.is_Rational:
            return f"{self.visit(sp.Integer(expr.p))} / {int(expr.q)}", []
        if expr in (sp.pi, sp.E):
            return f"{expr}()", []
        if isinstance(expr, sp.Piecewise):
            return self._called_with_env(_piecewise(expr), expr)
        if expr is not self.plain and (stable := without_difference(expr)) is not None:
            parts = [self.visit(stable[0]), self.visit(stable[2])]
            plain, _ = self._called_with_env(_plain(expr), expr)
            return f"{plain} if isinstance({parts[0]}, acb) else {self.kept(stable[1])}({parts[0]}) + {parts[1]}", parts
        if isinstance(expr, sp.Mul):  # reciprocals as divisions, which are exact where the quotient is: x/x = 1
            below = [part for part in expr.args if part.is_Pow and part.exp.is_Integer and part.exp < 0]
            above = [self.visit(part) for part in expr.args if part not in below] or [self.visit(sp.Integer(1))]
            parts = above + [self.visit(1 / part) for part in below]
            return " / ".join([" * ".join(above), *parts[len(above) :]]), parts
        if expr.is_Pow:
            return self._power(self.visit(expr.base), expr.exp)
        parts = [self.visit(part) for part in expr.args]
        if isinstance(expr, AppliedUndef):  # what stands for it is given as a function
            return f"env[{self.kept(expr.func)}]({parts[0]})", parts
        if expr.is_Add:
            return " + ".join(parts), parts
        if expr.func in (sp.Max, sp.Min):
            return reduce(lambda a, b: f"{expr.func.__name__}({a}, {b})", parts), parts
        if isinstance(expr, sp.LambertW):
            return f"{parts[0]}.lambertw({int(expr.args[1]) if len(expr.args) == 2 else 0})", parts
        if expr.func not in _METHODS:
            raise NotImplementedError(f"the verifier cannot evaluate {expr.func}")
        return f"called({_METHODS[expr.func]!r}, {parts[0]}, env)", parts

    def _power(self, base: str, exponent: sp.Expr) -> tuple[str, list[str]]:
        """x to a power; Arb's own takes logarithms of a ball that contains 0."""
        if exponent.is_Integer:
            times = abs(int(exponent))
            product = " * ".join([base] * times) if times < 9 else f"reduce(mul, [{base}] * {times})"
            product = product if times % 2 else f"even({product})"
            return (product if exponent > 0 else f"1 / ({product})"), [base]
        parts = [base] + ([] if exponent == sp.Rational(1, 2) else [self.visit(exponent)])
        return f"power({base}, {'None' if len(parts) == 1 else parts[1]}, env)", parts

    def _called_with_env(self, function: Callable[[Env], Any], expr: sp.Expr) -> tuple[str, list[str]]:
        name = self.kept(function)
        if self.variable is None or self.variable not in expr.free_symbols:
            return f"{name}(env)", []
        return f"{name}({{**env, {self.kept(self.variable)}: x}})", ["x"]


@cache
def compiled(expr: sp.Expr) -> Callable[[Env], Any]:
    """Turn an expression into a function of a dictionary symbol → ball.

    Raises:
        NotImplementedError: the expression holds something that the verifier cannot evaluate.
    """
    return _Writer().function(expr)


@cache
def _plain(expr: sp.Expr) -> Callable[[Env], Any]:
    return _Writer(plain=expr).function(expr)


@cache
def _along(expr: sp.Expr, variable: sp.Symbol) -> Callable[[Env], Callable[[arb], arb]]:
    return _Writer(variable).function(expr)


@cache
def _symbols(expr: sp.Expr) -> set[sp.Symbol]:
    return expr.free_symbols  # type: ignore[no-any-return]


def evaluate(expr: Any, env: Env) -> arb:
    """Enclose an expression on balls; NaN where a symbol is not known.

    Raises:
        NotImplementedError: the expression holds something that the verifier cannot evaluate.

    Example:
        >>> x = sp.Symbol("x")
        >>> float(evaluate(sp.sqrt(x) / 3, {x: arb(4)}).mid())
        0.6666666666666666
        >>> evaluate(1 - sp.Symbol("y") / x, {x: arb(1e-12), sp.Symbol("y"): arb(1e-12)}).is_zero()
        True
    """
    expr = sp.sympify(expr)
    return compiled(expr)(env) if expr is not sp.nan and _symbols(expr) <= env.keys() else arb.nan()


def decide(relation: sp.Basic, env: Env) -> bool | None:
    """True or False where a relation is decided on balls, None where it is not, or a symbol is not known.

    Example:
        >>> x = sp.Symbol("x")
        >>> [decide(x > 1, {x: ball}) for ball in (arb(2), arb(0), arb(1, 0.5))]
        [True, False, None]
    """
    if relation in (sp.true, sp.false):
        return bool(relation)
    (yes, no), (left, right) = _RELATIONS[relation.func], (evaluate(side, env) for side in relation.args)
    return True if yes(left, right) else False if no(left, right) else None


def area(expr: sp.Expr, variable: sp.Symbol, end: arb, env: Env, panels: int) -> tuple[arb, arb]:
    """Bound ∫₀^end of a convex expression: midpoint rule from below, trapezoidal rule from above; NaN if not known.

    Example:
        >>> x = sp.Symbol("x")
        >>> [float(bound.mid()) for bound in area(x**2, x, arb(1), {}, 4)]  # around 1/3
        [0.328125, 0.34375]
    """
    if not expr.free_symbols <= {*env, variable}:
        return arb.nan(), arb.nan()
    f, h = _along(expr, variable)(env), end / panels
    values = [f(h * i / 2) for i in range(2 * panels + 1)]
    ends = (values[0] + values[-1]) / 2
    return h * sum(values[1::2], arb(0)), h * (ends + sum(values[2:-1:2], arb(0)))


def bisect(below: Callable[[float], bool | None], low: float, high: float) -> tuple[float, float]:
    """Narrow [low, high] around the point where ``below`` turns false; stop where it does not know (None).

    Example:
        >>> bisect(lambda x: x < 1, 0.0, 4.0)
        (0.9999999999999999, 1.0)
    """
    for _ in range(72):
        middle = (low + high) / 2
        answer = below(middle)
        if answer is None:
            break
        low, high = (middle, high) if answer else (low, middle)
    return low, high
