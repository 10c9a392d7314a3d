"""Width tables: the smallest verified width of every cell (docs/theory.md §6).

Floats propose, cell by cell in one vectorised bisection per program; Arb verifies the answer k and that k−1 is not
verified. Numbers of the user are taken as the decimals they are written as.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import numpy as np
import sympy as sp

from dipproofs.tables.cells import INPUTS, WidthCell, ball_inputs, exact_inputs, float_inputs, reason_without_evaluation
from dipproofs.tables.losses import named_loss, parameter_symbols, requirement_of
from dipproofs.tables.paper_order import paper_order
from dipproofs.tables.program import Program
from dipproofs.tables.smallest import propose, smallest_verified
from dipproofs.theory.losses import LOSSES
from dipproofs.theory.width import WIDTH_BOUNDS, NotApplicable, WidthCondition, paper_bound
from dipproofs.theory.width.symbols import k, required

LARGEST = 10**300
BEST = "best"
PAPER_ORDER = "paper-order"
BOUND_IDS = (PAPER_ORDER, *WIDTH_BOUNDS, BEST)
_MAX_BITS = 4096
_margin = sp.Symbol("margin", real=True)


@dataclass(frozen=True)
class WidthResult:
    """The width of a cell.

    Args:
        k: smallest verified integer, or None.
        reason: why there is none, or what holds instead; "" otherwise.
        chosen: the bound that gave k (for ``best``).
        order, expression: of ``paper-order``: its value at C = C' = 1, and the paper's bound as LaTeX.
    """

    k: int | None
    reason: str = ""
    chosen: str = ""
    order: float | str | None = None
    expression: str = ""


def smallest_widths(cells: Iterable[WidthCell]) -> dict[WidthCell, WidthResult]:
    """Return the smallest verified width of each cell.

    Notes:
        Evidence: proved. k satisfies (H) with probability ≥ 1−δ; k−1 fails the bound's condition or is not verified
        at 4096 bits. Widths beyond 1e300 are not searched.
    """
    results: dict[WidthCell, WidthResult] = {}
    groups: dict[tuple[str, str, str, str, bool, str], list[WidthCell]] = defaultdict(list)
    wanted = list(dict.fromkeys(part for cell in cells for part in _explicit(cell)))
    for cell in wanted:
        if cell.bound == PAPER_ORDER:
            results[cell] = paper_result(cell)
            continue
        reason = reason_without_evaluation(cell)
        if reason is not None:
            results[cell] = WidthResult(None, reason)
            continue
        groups[_names_of_program(cell)].append(cell)
    for key, members in groups.items():
        try:
            programs = _programs(*key)
        except NotApplicable as error:
            results.update((cell, WidthResult(None, str(error))) for cell in members)
            continue
        exact = [exact_inputs(cell, named_loss(cell.loss)) for cell in members]
        results.update(_solve(programs, members, exact))
    return _Results(results)


class _Results(dict[WidthCell, WidthResult]):
    """Results by cell; ``best`` is looked up among the explicit bounds."""

    def __missing__(self, cell: WidthCell) -> WidthResult:
        if cell.bound != BEST:
            raise KeyError(cell)
        found = [(name, self[replace(cell, bound=name)]) for name in WIDTH_BOUNDS]
        known = [(result.k, name) for name, result in found if result.k is not None]
        if known:
            width, name = min(known, key=lambda pair: pair[0] or 0)
            return WidthResult(width, "", name)
        reasons = [result.reason for _, result in found]
        return WidthResult(None, next((r for r in reasons if r.startswith(">")), reasons[0]))


def paper_result(cell: WidthCell) -> WidthResult:
    """Return the paper's bound: no width, but its expression and order."""
    reason, order = paper_order(cell)
    expression = "" if cell.train == "outer" else sp.latex(paper_bound(cell.train))
    return WidthResult(None, reason, "", order, expression)


def _explicit(cell: WidthCell) -> list[WidthCell]:
    return [replace(cell, bound=name) for name in WIDTH_BOUNDS] if cell.bound == BEST else [cell]


def _names_of_program(cell: WidthCell) -> tuple[str, str, str, str, bool, str]:
    """Return the arguments of `_programs` for a cell."""
    return cell.bound, cell.train, cell.form, cell.profile, cell.law == "gaussian", named_loss(cell.loss).theory.kind


@lru_cache(maxsize=1024)
def _programs(bound: str, train: str, form: str, profile: str, gaussian: bool, kind: str) -> tuple[Program, ...]:
    """Compile the conditions of a bound; each program's value is ω∫F − ψ̄ (or b_lo for the outer layer alone)."""
    law = "gaussian" if gaussian else "rademacher"
    return tuple(_program(c, kind) for c in WIDTH_BOUNDS[bound].conditions(train, form, profile, law))


def _program(condition: WidthCondition, kind: str) -> Program:
    ask: Any = requirement_of(kind)
    inputs = (*INPUTS, *parameter_symbols(LOSSES[kind], ask), k)
    if condition.integral is None:
        return Program(inputs, [*condition.steps, (_margin, condition.steps[-1][0])])
    return Program(inputs, [*condition.steps, *ask.steps, (_margin, condition.integral - required)])


def _solve(
    programs: Sequence[Program], cells: Sequence[WidthCell], exact: Sequence[list[Fraction]]
) -> dict[WidthCell, WidthResult]:
    columns = [np.array(column) for column in zip(*map(float_inputs, exact, cells))]
    proposals = [propose(_along(program, columns), len(cells)) for program in programs]
    results = {}
    for i, cell in enumerate(cells):
        guesses = [float(proposal[i]) for proposal in proposals]
        near = min(guesses) * (1 + 1e-9) + 1
        found: int | None = None
        for program, guess in zip(programs, guesses):
            if guess <= near:
                verified = _verifier(program, exact[i], cell)
                limit = LARGEST if found is None else found
                width = smallest_verified(verified, min(guess, float(limit)), limit)
                found = width if found is None or (width is not None and width < found) else found
        results[cell] = WidthResult(found) if found is not None else WidthResult(None, "> 1e300")
    return results


def _along(program: Program, columns: Sequence[np.ndarray]) -> Callable[[Any], Any]:
    return lambda width: program.floats(*columns, width)


def _verifier(program: Program, exact: list[Any], cell: WidthCell) -> Callable[[int], bool]:
    """Return k -> whether Arb proves margin > 0; the precision doubles until the sign is decided."""
    inputs: dict[int, list[flint.arb]] = {}

    def verified(width: int) -> bool:
        bits = 96 + width.bit_length()
        while bits <= _MAX_BITS:
            with flint.ctx.workprec(bits):
                if bits not in inputs:
                    inputs[bits] = ball_inputs(exact, cell)
                margin = program.balls([*inputs[bits], flint.arb(width)])
                if margin > 0:
                    return True
                if margin <= 0:
                    return False
            bits *= 2
        return False

    return verified


def smallest_width(cell: WidthCell, exact: list[Fraction]) -> int | None:
    """Return the smallest width that the cell's bound verifies for these numbers; None where there is none to 1e300.

    Args:
        cell: its names choose the programs. exact: the numbers, as `exact_inputs` orders them.

    Raises:
        NotApplicable: the bound says nothing about this cell.
    """
    return _solve(_programs(*_names_of_program(cell)), [cell], [exact])[cell].k


def verify_width(cell: WidthCell, width: int) -> bool:
    """Return whether Arb proves that this width satisfies the cell's bound (not ``best`` or ``paper-order``).

    Raises:
        NotApplicable: the bound says nothing about this cell.
    """
    exact = exact_inputs(cell, named_loss(cell.loss))
    return any(_verifier(program, exact, cell)(width) for program in _programs(*_names_of_program(cell)))
