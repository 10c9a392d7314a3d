"""Operators for Cosmic Ray that change formulas: signs, exponents, factors, functions, relations.

Cosmic Ray's own operators change one token. These change what a formula says, as a slip of the pen would: a lost
factor, a wrong power, a bound without its square root.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parso.python.tree import Name

Position = tuple[tuple[int, int], tuple[int, int]]

#: Names of functions that may be taken for each other, in SymPy as well as in an adversary's mind.
SWAPPED = {
    "Max": "Min",
    "Min": "Max",
    "sinh": "cosh",
    "cosh": "sinh",
    "sin": "cos",
    "cos": "sin",
    "Le": "Lt",
    "Lt": "Le",
    "Ge": "Gt",
    "Gt": "Ge",
    "tanh": "sinh",
    "floor": "ceiling",
    "ceiling": "floor",
}
#: Functions that may be forgotten, their argument taken instead.
FORGOTTEN = ("sqrt", "log", "exp", "Abs", "erf", "log1p", "tanh")


class FormulaOperator:
    """Base of the operators: a subclass names the code that takes the place of a node, once for each mutation."""

    def replacements(self, node: Any) -> Iterator[str]:
        """Yield the codes that may stand for a node."""
        raise NotImplementedError

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Yield where the node can be mutated, once for each mutation."""
        if _in_formula(node):
            for _ in self.replacements(node):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return a leaf with the mutated code in place of the node."""
        return Name(list(self.replacements(node))[index], node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def arguments(cls) -> tuple[()]:
        """Take no options."""
        return ()

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return no examples: Cosmic Ray asks for them in its own tests alone."""
        return ()


class Factor(FormulaOperator):
    """a·b/c → 2·(a·b/c), and without one of its factors."""

    def replacements(self, node: Any) -> Iterator[str]:
        if node.type != "term" or {child.value for child in node.children[1::2]} - {"*", "/"}:
            return
        yield f"(2 * ({_code(node)}))"
        for place in range(0, len(node.children), 2):
            rest = node.children[: place - 1] + node.children[place + 1 :] if place else node.children[2:]
            lead = "1 / " if place == 0 and node.children[1].value == "/" else ""
            yield f"({lead}{_join(rest)})"


class Exponent(FormulaOperator):
    """a**b → a**(b + 1), and a."""

    def replacements(self, node: Any) -> Iterator[str]:
        if node.type != "power" or node.children[-2] != "**":
            return
        base, exponent = _join(node.children[:-2]), _code(node.children[-1])
        yield f"({base}) ** ({exponent} + 1)"
        yield f"({base})"


class Sign(FormulaOperator):
    """a + b − c with one sign turned, or without one of its terms; −a → a."""

    def replacements(self, node: Any) -> Iterator[str]:
        if node.type == "factor" and node.children[0] == "-":
            yield f"({_code(node.children[1])})"
        if node.type != "arith_expr":
            return
        for place in range(1, len(node.children), 2):
            turned = "-" if node.children[place] == "+" else "+"
            before, after = node.children[:place], node.children[place + 1 :]
            yield f"({_join(before)} {turned} {_join(after)})"
            yield f"({_join(before + after[1:])})"


class Function(FormulaOperator):
    """max for min, sinh for cosh, strict for not strict; a square root or a logarithm forgotten."""

    def replacements(self, node: Any) -> Iterator[str]:
        if node.type != "atom_expr" or node.children[-1].type != "trailer" or node.children[-1].children[0] != "(":
            return
        called, arguments = node.children[:-1], node.children[-1]
        name = called[-1].children[-1].value if called[-1].type == "trailer" else called[-1].value
        prefix = _code_of(called)[: -len(name)]
        if name in SWAPPED:
            yield f"{prefix}{SWAPPED[name]}{_code(arguments)}"
        if name in FORGOTTEN:
            yield _code(arguments)
        elif name in ("Max", "Min", "maximum", "minimum") and arguments.children[1].type == "arglist":
            for argument in arguments.children[1].children[::2]:
                yield f"({_code(argument)})"


class Rational(FormulaOperator):
    """The numbers of `sp.Rational(a, b)` and `sp.Integer(a)` turned over, or halved."""

    def replacements(self, node: Any) -> Iterator[str]:
        if node.type == "atom_expr" and _code(node).startswith(("sp.Rational(", "sp.Integer(")):
            yield f"({_code(node)} / 2)"
            yield f"({_code(node)} + 1)"


OPERATORS = {operator.__name__: operator for operator in (Factor, Exponent, Sign, Function, Rational)}


class FormulaOperators:
    """What the entry point `cosmic_ray.operator_providers` names."""

    def __iter__(self) -> Iterator[str]:
        return iter(OPERATORS)

    def __getitem__(self, name: str) -> type[FormulaOperator]:
        return OPERATORS[name]


def _in_formula(node: Any) -> bool:
    """Whether a node stands in an expression that is evaluated: in no import, signature, decorator or message."""
    while node is not None and node.type not in ("funcdef", "classdef", "file_input"):
        if node.type in ("import_from", "import_name", "param", "decorator", "fstring"):
            return False
        node = node.parent
    return True


def _code(node: Any) -> str:
    return str(node.get_code(include_prefix=False))


def _code_of(nodes: list[Any]) -> str:
    return _code(nodes[0]) + "".join(str(node.get_code()) for node in nodes[1:])


def _join(nodes: list[Any]) -> str:
    return " ".join(_code(node) for node in nodes)
