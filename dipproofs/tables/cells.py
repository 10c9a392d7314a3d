"""A cell of the width table, and the numbers that its bound is evaluated on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import prod

import flint
import sympy as sp

from dipproofs.enclosures import compile_arb
from dipproofs.losses.evaluation import exact_arb
from dipproofs.tables.losses import NamedLoss, named_loss
from dipproofs.tables.moments import BITS, activation_constants
from dipproofs.theory.activations import ACTIVATIONS
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.symbols import q as q_symbol
from dipproofs.theory.width import spectrum, symbols
from dipproofs.theory.width.sparse import oscillation_of

#: Variance 1: bound of the entries (squared, None: unbounded) and the sub-Gaussian proxy, by law of V.
LAW_CONSTANTS: dict[str, tuple[int | None, int]] = {
    "rademacher": (1, 1),
    "uniform": (3, 1),
    "gaussian": (None, 1),
}


@dataclass(frozen=True)
class WidthCell:
    """One cell: the problem's sizes, the network, the loss, the form and the bound.

    Args:
        n, m, d: lengths of signal, observation and network input.
        kappa: κ(A); the singular values are linear from 1 to 1/κ, min(n, m) of them.
        y_norm: ‖ȳ‖, norm of the noiseless observation; None for ‖A‖_F.
        noise: ‖ε‖/‖ȳ‖.
        loss: name with parameters.
        form: paper, integral, concave, flow or residual.
        q: γL(ρ); for form residual γM_ρ²; 0 for flow.
        delta: allowed probability of failure.
        train, activation, law, profile, bound: names.
    """

    n: int
    m: int
    d: int
    kappa: Fraction
    y_norm: Fraction | None
    noise: Fraction
    loss: str
    form: str
    q: Fraction
    delta: Fraction
    train: str
    activation: str
    law: str
    profile: str
    bound: str

    @property
    def rank(self) -> int:
        """Rank of A."""
        return min(self.n, self.m)

    def as_flow(self) -> WidthCell:
        """The same cell for gradient flow."""
        return replace(self, form="flow", q=Fraction(0))


#: Inputs of every program, in order; the loss's parameters and k follow.
INPUTS: tuple[sp.Symbol, ...] = (
    symbols.n,
    observations,
    symbols.rank,
    symbols.sigma_A,
    symbols.norm_A,
    symbols.frobenius2,
    symbols.schatten4,
    symbols.y_norm2,
    symbols.delta,
    q_symbol,
    symbols.proxy,
    symbols.entry_bound,
    symbols.oscillation,
    symbols.B_1,
    symbols.B_2,
    symbols.C_phi,
    symbols.C_dphi,
    symbols.fourth_phi,
    symbols.fourth_dphi,
)


def exact_inputs(cell: WidthCell, loss: NamedLoss) -> list[Fraction]:
    """Return the values of the first ten inputs, exactly, and of the loss's parameters after them."""
    frobenius2, schatten4 = spectrum_sums(cell.rank, cell.kappa)
    clean2 = frobenius2 if cell.y_norm is None else cell.y_norm**2
    from_zero = loss.required is not None and loss.required.from_zero
    values = [
        Fraction(cell.n),
        Fraction(cell.m),
        Fraction(cell.rank),
        1 / cell.kappa,
        Fraction(1),
        frobenius2,
        schatten4,
        Fraction(0) if from_zero else clean2 * (1 + cell.noise) ** 2,
        cell.delta,
        cell.q,
    ]
    return values + [value for _, value in loss.parameters]


@lru_cache(maxsize=4096)
def spectrum_sums(rank: int, kappa: Fraction) -> tuple[Fraction, Fraction]:
    """Return Σs² and Σs⁴ exactly (1 and 1 for rank one).

    Example:
        >>> spectrum_sums(2, Fraction(2))
        (Fraction(5, 4), Fraction(17, 16))
    """
    if rank == 1:
        return Fraction(1), Fraction(1)
    values = {spectrum.rank: Fraction(rank), spectrum.kappa: kappa}
    return exact_value(spectrum.FROBENIUS2, values), exact_value(spectrum.SCHATTEN4, values)


def exact_value(expr: sp.Expr, values: Mapping[sp.Symbol, Fraction]) -> Fraction:
    """Evaluate a rational expression exactly.

    Example:
        >>> x = sp.Symbol("x")
        >>> exact_value((x + 1) ** -2 / 3, {x: Fraction(1)})
        Fraction(1, 12)
    """
    if expr.is_Rational:
        return Fraction(int(expr.p), int(expr.q))
    if expr.is_Symbol:
        return values[expr]
    parts = [exact_value(part, values) for part in expr.args]
    if expr.is_Add:
        return sum(parts[1:], parts[0])
    if expr.is_Mul:
        return prod(parts[1:], start=parts[0])
    if expr.is_Pow and expr.exp.is_Integer:
        return parts[0] ** int(expr.exp)
    raise TypeError(f"{expr} is not a rational expression")


def float_inputs(exact: list[Fraction], cell: WidthCell) -> list[float]:
    """Return all inputs as floats (inf where they overflow)."""
    constants = _float_constants(cell.activation, cell.law)
    numbers = [_to_float(value) for value in exact]
    return [*numbers[:10], *constants, *numbers[10:]]


def ball_inputs(exact: list[Fraction], cell: WidthCell) -> list[flint.arb]:
    """Return all inputs as Arb balls at the precision in force."""
    balls = [exact_arb(value) for value in exact]
    return [*balls[:10], *_ball_constants(cell.activation, cell.law), *balls[10:]]


@lru_cache(maxsize=64)
def _ball_constants(activation: str, law: str) -> tuple[flint.arb, ...]:
    with flint.ctx.workprec(BITS):
        square, proxy = LAW_CONSTANTS[law]
        return (
            flint.arb(proxy),
            flint.arb.pos_inf() if square is None else flint.arb(square).sqrt(),
            compile_arb((), sp.sympify(oscillation_of(ACTIVATIONS[activation])))(),
            *vars(activation_constants(activation)).values(),
        )


@lru_cache(maxsize=64)
def _float_constants(activation: str, law: str) -> tuple[float, ...]:
    return tuple(float(value) for value in _ball_constants(activation, law))


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def reason_without_evaluation(cell: WidthCell) -> str | None:
    """Say why a cell has no width, where the sizes alone tell."""
    loss = named_loss(cell.loss)
    if loss.reason:
        return loss.reason
    if cell.rank == 1 and cell.kappa != 1:
        return "rank one: kappa(A) is 1"
    if cell.m > cell.n and loss.theory.kind != "squared":
        return f"not applicable: rank {cell.rank} < m = {cell.m} and loss {loss.theory.kind} is not squared (A4)"
    if cell.form == "residual" and loss.theory.kind != "squared":
        return f"form residual is for the squared loss, not {loss.theory.kind}"
    return None
