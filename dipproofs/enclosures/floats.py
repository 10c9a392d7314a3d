"""From SymPy expressions to one NumPy function: for the search, which needs no guarantee but many evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

_UNARY: dict[Any, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.tanh: "tanh",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.Abs: "absolute",
}
_FOLDED: dict[Any, str] = {sympy.Max: "maximum", sympy.Min: "minimum"}
_NAMES = {name: getattr(np, name) for name in (*_UNARY.values(), *_FOLDED.values(), "sqrt", "where", "nan")}


def compile_floats(
    symbols: Sequence[sympy.Symbol], chain: Sequence[tuple[sympy.Symbol | None, sympy.Expr]]
) -> Callable[..., tuple[Any, ...]]:
    """Compile expressions that build on each other; equal parts are computed once. Evidence: estimated.

    Args:
        symbols: the arguments, in order; arrays or NumPy numbers at a call.
        chain: (symbol, expression): the symbol may occur in later expressions; None if none needs it.

    Returns:
        A function of the symbols that gives the values of the chain as a tuple.

    Notes:
        Much faster to make than `sympy.lambdify`, which builds every expression anew. A function without a
        short translation is left to it.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> f = compile_floats((x,), [(y, sympy.sqrt(x) / 2), (None, sympy.Max(0, y - 1))])
        >>> [float(value) for value in f(np.float64(16.0))]
        [2.0, 1.0]
    """
    writer = _Writer(symbols)
    results = []
    for symbol, expression in chain:
        name = writer.visit(sympy.sympify(expression))
        results.append(name)
        if symbol is not None:
            writer.names[symbol] = name
    arguments = ", ".join(writer.names[symbol] for symbol in symbols)
    lines = [f"def function({arguments}):", *(f"    {line}" for line in writer.lines)]
    lines.append(f"    return ({''.join(f'{name}, ' for name in results)})")
    space: dict[str, Any] = {**_NAMES, **writer.others}
    exec("\n".join(lines), space)
    return space["function"]  # type: ignore[no-any-return]


class _Writer:
    """Writes one assignment for every distinct part of the expressions."""

    def __init__(self, symbols: Sequence[sympy.Symbol]) -> None:
        self.names: dict[Any, str] = {symbol: f"a{i}" for i, symbol in enumerate(symbols)}
        self.lines: list[str] = []
        self.others: dict[str, Callable[..., Any]] = {}

    def visit(self, node: Any) -> str:
        """Return the name (or literal) of the value of a node."""
        known = self.names.get(node)
        if known is None:
            code = self._code(node)
            known = code if node.is_Atom else f"v{len(self.lines)}"
            if not node.is_Atom:
                self.lines.append(f"{known} = {code}")
            self.names[node] = known
        return known

    def _code(self, node: Any) -> str:
        if node.is_Rational:
            return f"({int(node.p)}.0 / {int(node.q)}.0)" if node.q != 1 else f"({int(node.p)}.0)"
        if node.is_NumberSymbol:
            return repr(float(node))
        if isinstance(node, sympy.Add):
            return " + ".join(self.visit(term) for term in node.args)
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            exponent = node.exp
            if exponent.is_Rational and exponent.is_negative:
                return f"1.0 / {self._power(node.base, -exponent)}"
            return self._power(node.base, exponent)
        if type(node) in _FOLDED:
            parts = [self.visit(part) for part in sorted(node.args, key=str)]
            code = parts[0]
            for part in parts[1:]:
                code = f"{_FOLDED[type(node)]}({code}, {part})"
            return code
        if type(node) in _UNARY:
            return f"{_UNARY[type(node)]}({self.visit(node.args[0])})"
        if isinstance(node, sympy.core.relational.Relational):
            left, right = (self.visit(side) for side in node.args)
            return f"({left} {node.rel_op} {right})"
        if isinstance(node, sympy.Piecewise):
            return self._piecewise(node)
        return self._foreign(node)

    def _piecewise(self, node: sympy.Piecewise) -> str:
        code = "nan"
        for value, condition in reversed(node.args):
            branch = self.visit(value)
            code = branch if condition == sympy.true else f"where({self.visit(condition)}, {branch}, {code})"
        return code

    def _product(self, node: Any) -> str:
        above, below = [], []
        for factor in node.args:
            exponent = factor.exp if isinstance(factor, sympy.Pow) else None
            if exponent is not None and exponent.is_Rational and exponent.is_negative:
                below.append(self._power(factor.base, -exponent))
            else:
                above.append(self.visit(factor))
        code = " * ".join(above) or "1.0"
        return f"{code} / ({' * '.join(below)})" if below else code

    def _power(self, base: Any, exponent: Any) -> str:
        name = self.visit(base)
        if exponent == 1:
            return name
        if exponent == 2:
            return f"({name} * {name})"
        if exponent == sympy.S.Half:
            return f"sqrt({name})"
        if base is sympy.E:
            return f"exp({self.visit(exponent)})"
        return f"({name} ** {self.visit(exponent)})"

    def _foreign(self, node: Any) -> str:
        """A call of what `sympy.lambdify` makes of the function."""
        parts = [sympy.Dummy() for _ in node.args]
        name = f"f{len(self.others)}"
        self.others[name] = sympy.lambdify(parts, node.func(*parts), modules=["scipy", "numpy"])
        return f"{name}({', '.join(self.visit(part) for part in node.args)})"
