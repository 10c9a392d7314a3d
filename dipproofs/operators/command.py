"""`dipproofs operator`: proved facts about the operator of a problem file, or of a file that holds a matrix."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path

from dipproofs.arguments.files import read_arrays, take
from dipproofs.enclosures import Bound
from dipproofs.errors import InputError
from dipproofs.operators.adapt import as_operator
from dipproofs.operators.facts import OperatorFacts, operator_facts
from dipproofs.operators.operator import Operator


def facts_of(path: str | Path, key: str = "A") -> OperatorFacts:
    """Give the facts about the operator that a file describes.

    Args:
        path: a problem file (TOML), or a matrix in an `.npz`, `.npy`, `.mat` or sparse `.npz` file.
        key: the matrix's name in a file of several arrays.

    Raises:
        InputError: no such file, or none of these.
    """
    return operator_facts(_operator(Path(path), key))


def _operator(path: Path, key: str) -> Operator:
    if path.suffix.lower() == ".toml":
        from dipproofs.problems.problem_file import load_problem

        return load_problem(path).build_operator()
    arrays = read_arrays(path)
    matrix = take(arrays, key, path.name, ndim=2, complex_allowed=True, sparse=True, option="--key {}")
    try:
        operator = as_operator(matrix)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None
    operator.kind = path.name
    return operator


def render(facts: OperatorFacts) -> str:
    """Give the facts as a short table.

    Example:
        >>> print(render(operator_facts([[3.0, 0.0], [0.0, 2.0]])))
        matrix, 2×2 (dense)
        norm                        in [2.9999999, 3.0000001]
        smallest singular value     in [1.9999999, 2.0000001]
        rank                        2 (full)
        condition number            in [1.4999999, 1.5000001]
        every number is proved, rounded outward
    """
    m, n = facts.shape
    full = facts.rank == min(m, n)
    rows = [("norm", _range(facts.norm)), ("smallest singular value", _range(facts.smallest))]
    if not full:
        rows.append(("smallest that is not 0", _range(facts.smallest_nonzero)))
    rank = "not decided" if facts.rank is None else f"{facts.rank} ({'full' if full else f'of {min(m, n)}'})"
    rows.append(("rank", rank))
    rows.append(("condition number" if full else "condition on the row space", _range(facts.condition)))
    lines = [f"{facts.name}, {m}×{n} ({facts.structure})"]
    lines += [f"{name:<28}{value}" for name, value in rows]
    return "\n".join([*lines, "every number is proved, rounded outward"])


def _range(bound: Bound) -> str:
    if math.isinf(bound.upper):
        return f"at least {_rounded(bound.lower, ROUND_FLOOR)}" if bound.lower > 0 else "not bounded"
    if bound.lower <= 0 < bound.upper:
        return f"at most {_rounded(bound.upper, ROUND_CEILING)}"
    return f"in [{_rounded(bound.lower, ROUND_FLOOR)}, {_rounded(bound.upper, ROUND_CEILING)}]"


def _rounded(value: float, direction: str) -> str:
    """A float with at most 8 digits, rounded in one direction."""
    if value in (0.0, math.inf):
        return "0" if value == 0 else "∞"
    return f"{float(Context(prec=8, rounding=direction).create_decimal(Decimal(value))):.8g}"
