"""The paper's width expression at C = C' = 1: an order of magnitude, not a bound."""

from __future__ import annotations

from functools import lru_cache

import flint
import sympy as sp

from dipproofs.enclosures import ArbFunction, compile_arb
from dipproofs.losses.evaluation import exact_arb
from dipproofs.tables.cells import WidthCell, reason_without_evaluation, spectrum_sums
from dipproofs.tables.losses import named_loss
from dipproofs.theory.losses.base import m as observations
from dipproofs.theory.symbols import e, norm_A, sigma_A
from dipproofs.theory.width import symbols
from dipproofs.theory.width.paper import (
    INITIAL_DISTANCE,
    C,
    C_prime,
    lipschitz_loss,
    noise_max,
    paper_bound,
    y_clean_max,
)

_y_norm = sp.Symbol("Y", positive=True)
REASON = "order only: the paper's constants C and C' are unnamed"


def paper_order(cell: WidthCell) -> tuple[str, float | str | None]:
    """Return (reason, value at C = C' = 1 with √m‖·‖_∞ replaced by the smaller ‖·‖)."""
    if cell.train == "outer":
        return "the paper trains both layers or the inner one", None
    reason = reason_without_evaluation(cell)
    if reason is not None:
        return reason, None
    loss = named_loss(cell.loss)
    known = {e, observations, *(symbol for symbol, _ in loss.parameters)}
    if not loss.theory.curvature.is_number or not loss.theory.psi.free_symbols <= known:
        return REASON, None
    function = _compiled(cell.train, cell.loss)
    frobenius2, _ = spectrum_sums(cell.rank, cell.kappa)
    with flint.ctx.workprec(128):
        clean = exact_arb(frobenius2).sqrt() if cell.y_norm is None else exact_arb(cell.y_norm)
        norm = clean * exact_arb(1 + cell.noise)
        value = function(flint.arb(cell.n), flint.arb(cell.d), 1 / exact_arb(cell.kappa), norm, flint.arb(cell.m))
        if value > flint.arb(10) ** 300:
            return REASON, "> 1e300"
        return REASON, float(value.mid())


@lru_cache(maxsize=256)
def _compiled(train: str, name: str) -> ArbFunction:
    loss = named_loss(name)
    values = {symbol: sp.Rational(value.numerator, value.denominator) for symbol, value in loss.parameters}
    psi, curvature = loss.theory.psi.subs(values), loss.theory.curvature.subs(values)
    bound = paper_bound(train).replace(sp.Function("psi"), lambda level: psi.subs(e, level))
    distance = sp.sqrt(symbols.m) * (y_clean_max + noise_max)
    bound = bound.subs(INITIAL_DISTANCE, INITIAL_DISTANCE.subs(distance, _y_norm))
    bound = bound.subs({lipschitz_loss: curvature, C: 1, C_prime: 1, norm_A: 1})
    return compile_arb((symbols.n, symbols.d, sigma_A, _y_norm, observations), bound)
