"""Mutants of formulas: one node of one SymPy expression changed, everywhere the expression is used.

`checks.mutation` runs these for the theory. A forked process puts the altered expression in place of the original in
the registry and in every object of `dipproofs.theory` that holds it, and calls the tests that claim to prove the
formula (`@proves`). Nothing is imported again, so a mutant costs what its tests cost.
"""

from __future__ import annotations

import importlib
import itertools
import signal
import sys
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import sympy as sp

from checks.registry import proofs_of
from dipproofs import theory

PATIENCE = 30  # seconds for one test of one altered formula


def alterations(expr: sp.Basic) -> Iterator[tuple[str, sp.Basic]]:
    """Yield (description, expression) for every change of one node."""
    for path, node in _nodes(expr):
        for change, other in _changes(node):
            altered = _rebuilt(expr, path, other)
            if altered is not None and altered != expr:
                yield change, altered


def _nodes(expr: sp.Basic, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], sp.Basic]]:
    yield path, expr
    for index, argument in enumerate(expr.args):
        if not isinstance(argument, sp.Tuple):
            yield from _nodes(argument, (*path, index))


def _changes(node: sp.Basic) -> Iterator[tuple[str, sp.Basic]]:
    if isinstance(node, (sp.Integer, sp.Rational)):
        yield f"{node} → {node + 1}", node + 1
        if node != 0:
            yield f"{node} → {-node}", -node
    elif isinstance(node, sp.Add):
        first = node.args[0]
        yield f"sign of {first}", node - 2 * first
    elif isinstance(node, sp.Mul):
        yield "factor 2", 2 * node
        yield f"1/({node.args[-1]})", node / node.args[-1] ** 2
    elif isinstance(node, sp.Pow):
        yield "exponent + 1", node.base ** (node.exp + 1)
    elif isinstance(node, sp.Max):
        yield "Max → Min", sp.Min(*node.args)
    elif isinstance(node, sp.Min):
        yield "Min → Max", sp.Max(*node.args)
    elif isinstance(node, sp.Symbol):
        yield f"{node} → 2·{node}", 2 * node
    elif isinstance(node, (sp.StrictGreaterThan, sp.StrictLessThan)):
        other = sp.Ge if isinstance(node, sp.StrictGreaterThan) else sp.Le
        yield "strict → not strict", other(*node.args)
    elif isinstance(node, (sp.GreaterThan, sp.LessThan)):
        yield "not strict → strict", (sp.Gt if isinstance(node, sp.GreaterThan) else sp.Lt)(*node.args)
    elif isinstance(node, sp.Function) and len(node.args) == 1 and not isinstance(node, sp.core.function.AppliedUndef):
        yield f"{node.func.__name__}(x) → x", node.args[0]


def _rebuilt(expr: sp.Basic, path: tuple[int, ...], other: sp.Basic) -> sp.Basic | None:
    if not path:
        return other
    arguments = list(expr.args)
    inner = _rebuilt(arguments[path[0]], path[1:], other)
    if inner is None:
        return None
    arguments[path[0]] = inner
    try:
        return expr.func(*arguments)
    except (TypeError, ValueError):
        return None


# --- putting it in place -----------------------------------------------------------------------------------
def install(id: str, altered: sp.Basic) -> None:
    """Replace the formula's expression wherever the theory and the checks hold it."""
    original = theory.formula(id).expr
    object.__setattr__(theory.formula(id), "expr", altered)
    seen: set[int] = set()
    for name, module in list(sys.modules.items()):
        if name.startswith(("dipproofs.theory", "checks.test_")) and module is not None:
            _replace(vars(module), original, altered, seen)


def _replace(holder: Any, original: sp.Basic, altered: sp.Basic, seen: set[int]) -> None:
    if id(holder) in seen:
        return
    seen.add(id(holder))
    if isinstance(holder, dict):
        for key, value in list(holder.items()):
            holder[key] = _substituted(value, original, altered, seen)
    elif isinstance(holder, list):
        holder[:] = [_substituted(value, original, altered, seen) for value in holder]
    elif is_dataclass(holder) and not isinstance(holder, type):
        if type(holder).__name__ == "Formula":
            return
        for item in fields(holder):
            value = getattr(holder, item.name, None)
            object.__setattr__(holder, item.name, _substituted(value, original, altered, seen))


def _substituted(value: Any, original: sp.Basic, altered: sp.Basic, seen: set[int]) -> Any:
    if isinstance(value, sp.Basic):
        # small expressions (a symbol, 0, 1) are shared by many formulas and left alone
        return altered if value == original and original.args else value
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(_substituted(item, original, altered, seen) for item in value)
    if isinstance(value, (dict, list)) or (is_dataclass(value) and not isinstance(value, type)):
        _replace(value, original, altered, seen)
    return value


# --- calling the tests ---------------------------------------------------------------------------------------
class Stalled(BaseException):
    """A test takes longer than `PATIENCE` seconds."""


def _stalled(*_: Any) -> None:
    raise Stalled


def first_failure(id: str) -> str:
    """Call the tests that prove a formula; return the first that fails, or ""."""
    signal.signal(signal.SIGALRM, _stalled)
    for test in proofs_of(id):
        file, name = test.split("::")
        function = getattr(importlib.import_module(f"checks.{file[:-3]}"), name)
        for arguments in _parameters(function, id):
            signal.alarm(PATIENCE)
            try:
                function(**arguments)
            except Stalled:  # SymPy may not come to an end with an altered formula: let another test decide
                continue
            except BaseException as error:  # a Failed of pytest is no Exception
                return f"{test}{list(arguments.values())}: {type(error).__name__}"
            finally:
                signal.alarm(0)
    return ""


def _parameters(function: types.FunctionType, id: str) -> list[dict[str, Any]]:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    choices = []
    for mark in marks:
        names = mark.args[0]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        values = [getattr(v, "values", v) if type(v).__name__ == "ParameterSet" else v for v in mark.args[1]]
        rows = []
        for value in values:
            row = value if len(names) > 1 else (value[0] if isinstance(value, tuple) and len(value) == 1 else value,)
            rows.append(dict(zip(names, row)))
        choices.append(rows)
    combined = [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*choices)]
    # the parameters that the formula's id names first: they are likely to notice
    return sorted(combined, key=lambda row: not any(str(v) in id.split(".") for v in row.values()))
