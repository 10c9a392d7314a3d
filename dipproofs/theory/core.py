"""What a claim looks like: quantities with a name and a meaning, formulas with a source.

Every formula of the package is one `Formula` object; modules register theirs at import, and the checks
discover them through `formulas`, so that a formula without a check cannot slip in.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import sympy as sp


@dataclass(frozen=True)
class Quantity:
    """A number that certificates speak of.

    Args:
        name: JSON and Python name.
        symbol: the SymPy symbol.
        meaning: one line, in words.
        source: where it is defined, e.g. ``docs/theory.md §1``.
        hint: which side makes a claim weaker: "lower" (a lower bound is what theorems use) or "upper".
    """

    name: str
    symbol: sp.Symbol
    meaning: str
    source: str
    hint: str = "upper"


@dataclass(frozen=True)
class Formula:
    """A formula with its source; everything numerical is derived from ``expr``.

    Args:
        id: unique name, e.g. ``forms.concave.omega``.
        expr: SymPy expression, or relational for a hypothesis.
        meaning: one line, in words.
        source: section of ``docs/theory.md`` (and the paper, where it is the paper's).
        defines: symbol on the left-hand side, where there is one.
    """

    id: str
    expr: sp.Basic
    meaning: str
    source: str
    defines: sp.Symbol | None = None
    tags: tuple[str, ...] = field(default=())

    def latex(self) -> str:
        """Return the formula as LaTeX, with its left-hand side if it has one."""
        body = sp.latex(self.expr)
        return body if self.defines is None else f"{sp.latex(self.defines)} = {body}"


_FORMULAS: dict[str, Formula] = {}
_QUANTITIES: dict[str, Quantity] = {}
_MEANINGS: dict[sp.Symbol, str] = {}
#: Modules with large formulas, by the prefix of their ids: imported when one of them is asked for.
_LATER: dict[str, str] = {}


def later(prefix: str, module: str) -> None:
    """Name the module that registers the formulas of a prefix, to be imported when they are asked for."""
    _LATER[prefix] = module


def _import(prefix: str) -> None:
    for known, module in _LATER.items():
        if known.startswith(prefix) or prefix.startswith(known):
            importlib.import_module(module)


def _place(id: str) -> int:
    return next((i for i, prefix in enumerate(_LATER) if id.startswith(prefix)), -1)


def register(formula: Formula) -> Formula:
    """Add a formula to the registry and return it; a second formula of the same id is an error."""
    if formula.id in _FORMULAS and _FORMULAS[formula.id] != formula:
        raise ValueError(f"formula {formula.id!r} is registered twice")
    _FORMULAS[formula.id] = formula
    return formula


def define(
    id: str, expr: sp.Basic, meaning: str, source: str, defines: sp.Symbol | None = None, *tags: str
) -> sp.Basic:
    """Register a formula and return its expression."""
    register(Formula(id, expr, meaning, source, defines, tags))
    return expr


@dataclass(frozen=True)
class Section:
    """A section of the theory: what the ids of its formulas begin with, and their source."""

    prefix: str
    source: str

    def define(self, name: str, expr: sp.Basic, meaning: str, defines: sp.Symbol | None = None) -> sp.Basic:
        """Register a formula and return its expression."""
        return define(f"{self.prefix}.{name}", expr, meaning, self.source, defines)

    def constant(self, name: str, expr: sp.Expr, meaning: str, symbol: sp.Symbol) -> tuple[sp.Symbol, sp.Expr]:
        """Register what a symbol stands for and return both, as a step of an evaluation in order."""
        return symbol, self.define(name, expr, meaning, symbol)


def symbol(latex: str, meaning: str, **assumptions: bool) -> sp.Symbol:
    r"""Declare a symbol and return it; without assumptions it is non-negative.

    Raises:
        ValueError: the symbol stands for something else already; in a formula the two could not be told apart.

    Example:
        >>> from dipproofs.theory.symbols import rho
        >>> symbol(r"\rho", "density")
        Traceback (most recent call last):
        ...
        ValueError: the symbol \rho means 'radius of the ball on which the constants hold', not also 'density'
    """
    declared = sp.Symbol(latex, **(assumptions or {"nonnegative": True}))
    known = _MEANINGS.setdefault(declared, meaning)
    if known != meaning:
        raise ValueError(f"the symbol {latex} means {known!r}, not also {meaning!r}")
    return declared


def symbols(latex: str, meaning: str, **assumptions: bool) -> tuple[sp.Symbol, ...]:
    """Declare several symbols, set apart by blanks, that one line explains."""
    return tuple(symbol(one, meaning, **assumptions) for one in latex.split())


def quantity(name: str, latex: str, meaning: str, source: str, hint: str = "upper") -> sp.Symbol:
    """Register a non-negative quantity and return its symbol, which stands for nothing else."""
    declared = symbol(latex, meaning)
    _QUANTITIES[name] = Quantity(name, declared, meaning, source, hint)
    return declared


def formulas(prefix: str = "") -> Iterator[Formula]:
    """Yield the registered formulas whose id starts with ``prefix``, in order of registration; those of `later` last.

    Example:
        >>> from dipproofs import theory
        >>> next(theory.formulas("forms.concave.omega")).expr
        1 - q/2
    """
    _import(prefix)
    return (_FORMULAS[name] for name in sorted(_FORMULAS, key=_place) if name.startswith(prefix))


def formula(id: str) -> Formula:
    """Return the formula of that id.

    Raises:
        KeyError: no such formula.
    """
    _import(id)
    return _FORMULAS[id]


def meanings() -> dict[sp.Symbol, str]:
    """Return what each declared symbol stands for, those of quantities among them."""
    return dict(_MEANINGS)


def quantities() -> dict[str, Quantity]:
    """Return all quantities by JSON name."""
    return dict(_QUANTITIES)
