"""Formulas written as text by users: read without evaluating code, printed so that they read back the same."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

FUNCTIONS: dict[str, sp.Expr] = {
    f.__name__: f
    for f in (sp.exp, sp.log, sp.sqrt, sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.atan, sp.sin, sp.cos, sp.erf)
}
_OPERATORS: dict[type[ast.operator], Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
_LONGEST = 2000
#: Numbers as written, and the bits of what is computed from them: an exact number takes as much memory as it says.
_SMALLEST, _LARGEST, _BITS = 1e-300, 1e300, 10_000


def read_formula(text: str, symbols: Mapping[str, sp.Symbol]) -> sp.Expr:
    """Read a formula in the given symbols; decimal numbers are taken as the exact decimals they show.

    Args:
        text: e.g. ``"sqrt(1 + r**2) - 1"``; functions are those of `FUNCTIONS`, constants ``pi`` and ``E``.
        symbols: symbol by name.

    Raises:
        ValueError: what cannot be read, and what is allowed.

    Example:
        >>> read_formula("r**2/2 + 0.1*r**4", {"r": sp.Symbol("r")})
        r**4/10 + r**2/2
        >>> read_formula("__import__('os')", {})
        Traceback (most recent call last):
        ...
        ValueError: found the function '__import__', expected one of exp, log, ...
    """
    if len(text) > _LONGEST:
        raise ValueError(f"found {len(text)} characters, expected at most {_LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"found {text!r}, expected a formula such as sqrt(1 + r**2) - 1") from None
    return _read(tree.body, {"pi": sp.pi, "E": sp.E, **symbols}, text)


def _read(node: ast.expr, names: Mapping[str, sp.Expr], text: str) -> sp.Expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value is not True:
        shown = ast.get_source_segment(text.strip(), node) or repr(node.value)
        return _number(shown.replace("_", ""), node.value)
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise ValueError(f"found the name {node.id!r}, expected one of {', '.join(names)}")
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _read(node.left, names, text), _read(node.right, names, text)
        if isinstance(node.op, ast.Pow) and right.is_number and not abs(right) <= 64:
            raise ValueError(f"found the exponent {right}, expected a number of size at most 64")
        result = _OPERATORS[type(node.op)](left, right)
        if result.is_Rational and max(abs(result.p), result.q).bit_length() > _BITS:
            raise ValueError(f"found {ast.unparse(node)!r}, a number of over {_BITS} bits; expected a shorter one")
        return result
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _read(node.operand, names, text)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Piecewise":
        return sp.Piecewise(*(_pair(argument, names, text) for argument in node.args))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id not in FUNCTIONS:
            raise ValueError(f"found the function {node.func.id!r}, expected one of {', '.join(FUNCTIONS)}")
        return FUNCTIONS[node.func.id](*(_read(argument, names, text) for argument in node.args))
    raise ValueError(f"found {ast.unparse(node)!r}, expected numbers, + - * / ** and functions")


def _number(shown: str, value: float) -> sp.Rational:
    is_zero = value == 0 and not shown.lower().partition("e")[0].strip("0.")
    if not (is_zero or _SMALLEST <= abs(value) <= _LARGEST):
        raise ValueError(f"found the number {shown[:20]}, expected 0 or one from {_SMALLEST:g} to {_LARGEST:g}")
    return sp.Rational(Fraction(shown))


def _pair(node: ast.expr, names: Mapping[str, sp.Expr], text: str) -> tuple[sp.Expr, sp.Basic]:
    """A pair (formula, r < a) or (formula, True) of a Piecewise."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        value, condition = _read(node.elts[0], names, text), node.elts[1]
        if isinstance(condition, ast.Constant) and condition.value is True:
            return value, sp.true
        if isinstance(condition, ast.Compare) and [type(op) for op in condition.ops] in ([ast.Lt], [ast.LtE]):
            left, right = _read(condition.left, names, text), _read(condition.comparators[0], names, text)
            return value, (left < right) if isinstance(condition.ops[0], ast.Lt) else (left <= right)
    raise ValueError(f"found {ast.unparse(node)!r}, expected pairs such as (r**2/2, r < 1) and (r - 1/2, True)")


def exact(expr: sp.Expr) -> sp.Expr:
    """Replace floating-point literals by the exact numbers they are."""
    return expr.xreplace({x: sp.Rational(Fraction(float(x))) for x in expr.atoms(sp.Float)})
