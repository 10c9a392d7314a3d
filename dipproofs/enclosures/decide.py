"""Decisions: a verdict with its margin and its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import flint
import sympy

from dipproofs.enclosures.bound import Bound
from dipproofs.enclosures.evaluate import _used, compile_arb, radius_of
from dipproofs.enclosures.evidence import Evidence, Verdict
from dipproofs.errors import InputError


@dataclass(frozen=True)
class Decision:
    """A verdict on "margin > 0", with the enclosed margin and the reason in words.

    Args:
        verdict: Proved, refuted or undecided.
        margin: Enclosure of the quantity whose sign decides, if there is one.
        reason: One line; for an undecided statement, what stands in the way and what to try.

    Raises:
        InputError: The verdict is not undecided although the margin is less than proved.

    Example:
        >>> Decision(Verdict.PROVED, Bound.estimated(1.0), "")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: decision: found 'proved' from an estimated margin, expected a proved one
    """

    verdict: Verdict
    margin: Bound | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict is Verdict.UNDECIDED or self.margin is None:
            return
        if self.margin.evidence > Evidence.PROVED:
            kind = f"an {self.margin.evidence}" if self.margin.evidence != Evidence.SAMPLED else "a sampled"
            raise InputError(f"decision: found '{self.verdict}' from {kind} margin, expected a proved one")

    @property
    def proved(self) -> bool:
        """Whether the verdict is `Verdict.PROVED`."""
        return self.verdict is Verdict.PROVED

    @property
    def likely(self) -> bool | None:
        """What the margin suggests, whatever its evidence: positive, not positive, or unclear."""
        if self.margin is None:
            return None
        return True if self.margin.lower > 0 else False if self.margin.upper <= 0 else None

    def __str__(self) -> str:
        parts = [str(self.verdict)]
        if self.margin is not None:
            parts.append(f"margin {self.margin}")
        return ": ".join([", ".join(parts), self.reason]) if self.reason else ", ".join(parts)


def decide_positive(
    expression: sympy.Expr,
    values: Mapping[sympy.Symbol, Bound] | None = None,
    max_bits: int = 4096,
) -> Decision:
    """Decide whether an expression is positive on all of its input intervals.

    Args:
        expression: SymPy expression without Float.
        values: A `Bound` for every free symbol.
        max_bits: Precision at which to give up.

    Returns:
        A Decision: proved (positive everywhere on the inputs), refuted (nowhere positive), or undecided with
        the limit that was met: the width of the inputs, the precision, the domain, or the evidence.

    Raises:
        InputError: As `enclose`.

    Notes:
        Precision doubles from 64 bits until the sign is decided or the ball stops shrinking.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x", real=True)
        >>> str(decide_positive(sympy.exp(x) - 1 - x, {x: Bound.exact(2.0**-40)}).verdict)
        'proved'
        >>> decide_positive(x, {x: Bound(-1e-9, 3e-8)}).reason
        'the enclosure [-1e-09, 3e-08] contains 0: the inputs are too wide; enclose them more tightly'
    """
    expression = sympy.sympify(expression)
    values = values or {}
    symbols, evidence = _used(expression, values)
    function = compile_arb(symbols, expression)
    inputs_exact = all(values[symbol].is_point for symbol in symbols)
    bits, before = 64, math.inf
    while True:
        with flint.ctx.workprec(bits):
            value = function(*[values[symbol].arb() for symbol in symbols])
            sign = 1 if value > 0 else -1 if value <= 0 else 0
        margin = Bound.from_arb(value, evidence)
        if sign and evidence > Evidence.PROVED:
            return Decision(Verdict.UNDECIDED, margin, f"rests on {evidence} values, which prove nothing")
        if sign:
            return Decision(Verdict.PROVED if sign > 0 else Verdict.REFUTED, margin)
        radius = radius_of(value)
        stalled = not inputs_exact and radius > before / 2
        if stalled or 2 * bits > max_bits:
            return Decision(Verdict.UNDECIDED, margin, _reason(value, margin, stalled, bits))
        if bits >= 256:
            before = radius
        bits *= 2


def _reason(value: flint.arb, margin: Bound, stalled: bool, bits: int) -> str:
    if value.is_nan():
        return "the expression is not defined on all of the input intervals; enclose the inputs more tightly"
    interval = f"[{margin.lower:.3g}, {margin.upper:.3g}]"
    if stalled:
        return f"the enclosure {interval} contains 0: the inputs are too wide; enclose them more tightly"
    return f"the enclosure {interval} contains 0 at {bits} bits: perhaps exactly 0; try more bits (max_bits)"
