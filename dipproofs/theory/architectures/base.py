"""What the theorem needs of a family of networks, as data (docs/theory.md §4, §10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from dipproofs.theory.hypothesis import Hypothesis


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkFormat:
    """What a certificate stores of a kind of network, besides A, y and x_true.

    Args:
        arrays: names of the dimensions by array; m and n are those of A, equal names are equal sizes.
        prefixes: of further arrays, of any shape; ``integers``: those that may hold integers.
        options: valid values by key of the network's description; sizes: dimension by key; numbers: keys of numbers.
        meanings: of the keys of the description, in a sentence.
        untrained: arrays and prefixes that training does not change.
        basis: the array that holds B of a synthesis generator g = B h, or "".
    """

    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    untrained: tuple[str, ...] = ()
    basis: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Architecture:
    """A family of networks: constants on the ball, hypotheses and profiles that they bring to the theorem.

    Args:
        id: unique name, e.g. "two-layer/both" or "graph".
        base: what is enclosed at an iterate, for every network of the family; optional: for some, else stated as null.
        constants: (symbol, expression) in the order of evaluation, from ρ, the base and what stands before.
        unprojected: expressions that take the place of such constants in forms about J itself.
        profiles: injectivity profiles that are valid. promising: those that a search tries.
        hypotheses: further hypotheses of the theorem by id.
        onto: expressions in S; J is onto along the path if one of them is positive.
        refutable: the constants at ρ are functions of ρ, so that (H) can be refuted for every radius.
        cure: what to do where injectivity is not enough.

    Example:
        >>> from dipproofs.theory.architectures import ARCHITECTURES
        >>> sorted(ARCHITECTURES)
        ['graph', 'two-layer/both', 'two-layer/inner', 'two-layer/outer']
    """

    id: str
    base: tuple[sp.Symbol, ...]
    optional: tuple[sp.Symbol, ...] = ()
    constants: tuple[tuple[sp.Symbol, sp.Expr], ...]
    unprojected: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    profiles: tuple[str, ...]
    promising: tuple[str, ...]
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)
    onto: tuple[sp.Expr, ...] = ()
    refutable: bool = True
    cure: str = "increase the width"

    def __repr__(self) -> str:
        return f"Architecture({self.id!r})"

    def chain(self, *, unprojected: bool = False) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
        """Return the constants in order; ``unprojected``: for a form about J itself."""
        other = self.unprojected if unprojected else {}
        return tuple((symbol, other.get(symbol, expr)) for symbol, expr in self.constants)
