"""One meaning for each symbol of the theory, and a meaning for each."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import pytest
import sympy as sp

from dipproofs import theory
from dipproofs.theory.core import Formula, meanings, symbol

ROOT = Path(theory.__file__).parent
for module in pkgutil.walk_packages(theory.__path__, "dipproofs.theory."):
    importlib.import_module(module.name)
FORMULAS = list(theory.formulas())


def made_by_hand(source: str) -> list[str]:
    """Calls that make a symbol that others could make again."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = (call.func.attr for call in calls if isinstance(call.func, ast.Attribute))
    return [name for name in names if name in ("Symbol", "symbols")]


def alike(formula: Formula) -> list[str]:
    """Names that two symbols of a formula share."""
    found = formula.expr.atoms(sp.Symbol) | ({formula.defines} if formula.defines else set())
    return [name for name, count in Counter(sp.latex(one) for one in found).items() if count > 1]


def test_symbols_are_declared_with_their_meaning() -> None:
    for path in ROOT.rglob("*.py"):
        if path != ROOT / "core.py":
            assert not made_by_hand(path.read_text(encoding="utf-8")), f"{path.name}: declare it by theory.core.symbol"
    assert made_by_hand("import sympy as sp\nx, y = sp.symbols('x y')\nz = sp.Symbol('z')") == ["symbols", "Symbol"]


def test_every_symbol_of_a_formula_has_a_meaning() -> None:
    known = meanings()
    assert len(FORMULAS) > 300 and len(known) > 250 and all(known.values())
    for formula in FORMULAS:
        assert formula.expr.free_symbols <= set(known), formula.id
        assert formula.defines is None or formula.defines in known, formula.id


def test_no_two_symbols_of_a_formula_print_alike() -> None:
    assert [formula.id for formula in FORMULAS if alike(formula)] == []
    twins = sp.Symbol("t", positive=True) + sp.Symbol("t", negative=True)
    assert alike(Formula("twins", twins, "", "")) == ["t"]


def test_a_second_meaning_is_refused() -> None:
    assert symbol(r"\rho", meanings()[theory.symbols.rho]) == theory.symbols.rho
    with pytest.raises(ValueError, match="not also 'density'"):
        symbol(r"\rho", "density")
