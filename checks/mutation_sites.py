"""Where a source file can be altered, and how: one change in the syntax tree at a time (see `checks.mutation`)."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

_ATTRIBUTES = {
    "lower": "upper",
    "upper": "lower",
    "Max": "Min",
    "Min": "Max",
    "maximum": "minimum",
    "minimum": "maximum",
}
_NAMES = {"max": "min", "min": "max", "up": "down", "down": "up"}
_OPERATORS: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_COMPARISONS: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_REVERSED: dict[type, type] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_CALLS = {"Le": "Lt", "Lt": "Le", "Gt": "Lt", "Ge": "Gt", "sqrt": None, "log": None, "exp": None}
#: Calls whose arguments are words for people.
_TALK = {"InputError", "ValueError", "TypeError", "quantity", "Parameter", "Symbol", "symbols", "ArithmeticError"}
#: Functions and variables that only compose messages, or tune speed and sharpness but not truth.
_SKIP_FUNCTIONS = {"__repr__", "__str__", "to_json", "latex", "_shorter", "_reason", "__format__", "_advice"}


@dataclass
class Mutant:
    """One change: file (relative to the package), its number among the file's changes, place and description."""

    file: str
    number: int
    line: int
    change: str
    outcome: str = ""
    noticed_by: str = ""
    seconds: float = 0.0


class Sites(ast.NodeVisitor):
    """Collects the changes that can be made to a tree; applying one is a closure on its node."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, Any]] = []

    def _add(self, node: ast.AST, change: str, apply: Any) -> None:
        self.found.append((getattr(node, "lineno", 0), change, apply))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in _SKIP_FUNCTIONS:
            return
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:  # not the decorators
            self.visit(statement)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # docstrings
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        return

    visit_ImportFrom = visit_Import  # type: ignore[assignment]

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node.func)
        if name in _TALK or name.endswith("errstate"):
            return
        if name in _CALLS and isinstance(node.func, ast.Attribute):
            other = _CALLS[name]
            if other is not None:
                self._add(node, f"{name} → {other}", lambda n=node, o=other: setattr(n.func, "attr", o))
            elif len(node.args) == 1:
                self._add(node, f"{name}(x) → x", lambda n=node: _unwrap(n))
        if name in ("nextafter",) and len(node.args) == 2:
            self._add(node, "rounding direction reversed", lambda n=node: n.args.__setitem__(1, _minus(n.args[1])))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _ATTRIBUTES:
            other = _ATTRIBUTES[node.attr]
            self._add(node, f".{node.attr} → .{other}", lambda n=node, o=other: setattr(n, "attr", o))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in _NAMES:
            other = _NAMES[node.id]
            self._add(node, f"{node.id} → {other}", lambda n=node, o=other: setattr(n, "id", o))

    def visit_BinOp(self, node: ast.BinOp) -> None:
        kind = type(node.op)
        if kind in _OPERATORS and not isinstance(node.left, ast.JoinedStr):
            change = f"{kind.__name__} → {_OPERATORS[kind].__name__}"
            self._add(node, change, lambda n=node, k=kind: setattr(n, "op", _OPERATORS[k]()))
        if kind is ast.Pow:
            grow = ast.BinOp(node.right, ast.Add(), ast.Constant(1))
            self._add(node, "exponent + 1", lambda n=node, g=grow: setattr(n, "right", g))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub):
            self._add(node, "−x → x", lambda n=node: setattr(n, "op", ast.UAdd()))
        elif isinstance(node.op, ast.Not):
            self._add(node, "not x → x", lambda n=node: setattr(n, "op", ast.UAdd()) or None)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        kind = type(node.ops[0])
        for table, word in ((_COMPARISONS, "boundary"), (_REVERSED, "reversed")):
            if kind in table:
                change = f"{kind.__name__} → {table[kind].__name__} ({word})"
                self._add(node, change, lambda n=node, t=table, k=kind: n.ops.__setitem__(0, t[k]()))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._add(node, f"{value} → {not value}", lambda n=node, v=value: setattr(n, "value", not v))
        elif isinstance(value, int):
            self._add(node, f"{value} → {value + 1}", lambda n=node, v=value: setattr(n, "value", v + 1))
        elif isinstance(value, float):
            other = 2 * value or 1.0  # twice 0 would be no change
            self._add(node, f"{value:g} → {other:g}", lambda n=node, o=other: setattr(n, "value", o))


def _called(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _unwrap(node: ast.Call) -> None:
    node.func = ast.Lambda(
        ast.arguments(posonlyargs=[], args=[ast.arg("x")], kwonlyargs=[], kw_defaults=[], defaults=[]),
        ast.Name("x", ast.Load()),
    )


def _minus(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def mutants_of(file: str) -> list[Mutant]:
    """List every change of a source file."""
    sites = Sites()
    sites.visit(ast.parse((ROOT / "dipproofs" / file).read_text(encoding="utf-8")))
    return [Mutant(file, number, line, change) for number, (line, change, _) in enumerate(sites.found)]


def mutated_code(mutant: Mutant) -> Any:
    """Compile the file with the one change."""
    path = ROOT / "dipproofs" / mutant.file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sites = Sites()
    sites.visit(tree)
    sites.found[mutant.number][2]()
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def source_line(mutant: Mutant) -> str:
    """The altered line, stripped."""
    return _lines(mutant.file)[mutant.line - 1].strip()


@cache
def _lines(file: str) -> list[str]:
    return (ROOT / "dipproofs" / file).read_text(encoding="utf-8").splitlines()
