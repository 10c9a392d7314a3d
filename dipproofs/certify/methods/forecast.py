"""`guarantees.forecast`: a proved curve of the residual beside that of a frozen Jacobian (theory of methods §7)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.certify.methods.ball import FORM
from dipproofs.certify.methods.floats import exactly
from dipproofs.certify.methods.spectral import Forecast, forecast, frozen_curves, squares_are_floats
from dipproofs.certify.quantities import Base, loss_scale
from dipproofs.enclosures import Bound, IntervalMatrix, IntervalVector
from dipproofs.networks.linearisation import Linearisation
from dipproofs.theory import symbols as s
from dipproofs.theory.core import quantities

#: Largest number of iterations and of rows; points that a certificate shows.
LONGEST, ROWS, POINTS = 4000, 1024, 80
#: What is stated has this slack, relative and as a share of the first residual, for another arithmetic to confirm it.
MARGIN, TINY = 1e-6, 1e-12


@dataclass(frozen=True)
class ResidualForecast:
    """The curve of a certificate of gradient descent.

    Args:
        curve: bounds of the residual norm. scale: c of the loss c‖r‖².
    """

    curve: Forecast
    scale: Bound

    def iterations_to(self, loss: float) -> int | None:
        """Return after how many iterations the loss is surely at most that."""
        if not loss > 0:
            return None
        with np.errstate(all="ignore"):
            residual = float((Bound.exact(loss) / self.scale).sqrt().lower)
        found = self.curve.first_below(residual)
        if found is not None:
            return found
        q = self.curve.contraction * (1 + MARGIN * (1 - self.curve.contraction))  # the verifier's is another float
        if not (residual > 0 and 0 < q < 1):
            return None
        # a few roundings in either logarithm, and a step for them
        more = math.log(self.curve.proved[-1] / residual) / -math.log(q)
        return len(self.curve.proved) - 1 + math.ceil(more * (1 + 1e-12)) + 1 if more < 1e15 else None

    def to_json(self) -> dict[str, Any]:
        """Return iterations with the two curves at some of them."""
        last = len(self.curve.proved) - 1
        at = np.unique(np.concatenate([[0], np.geomspace(1, max(last, 1), POINTS)]).astype(int))
        return {
            "iterations": [int(i) for i in at],
            "proved": [float(self.curve.proved[i]) for i in at],
            "frozen": [float(self.curve.frozen[i]) for i in at],
            "length": last,
        }


def with_forecast(found: Certificate, base: Base, targets: Iterable[float]) -> Certificate:
    """Add ``guarantees.forecast`` to a proved certificate of gradient descent, and the counts where it is better.

    Args:
        found: the certificate. base: its quantities.
        targets: losses to count iterations to.
    """
    facts = found.guarantees
    fits = found.proved and found.form == FORM and found.schedule.get("kind") == "constant"
    if not fits or facts.log_contraction_per_step is None or not hasattr(base.network, "linearisation"):
        return found
    if base.residual_scale is None or not base.operator.columns.identity:
        return found
    symbols = {name: quantity.symbol for name, quantity in quantities().items()}
    values = {symbols[name]: bound for name, bound in found.quantities.items() if bound is not None}
    contraction = math.nextafter(math.exp(facts.log_contraction_per_step.upper) * (1 + 1e-12), math.inf)
    residual = base.prediction - IntervalMatrix.from_exact(base.y)
    gamma = values[s.gamma] * base.residual_scale
    linearisation, scale = base.network.linearisation(base.operator), loss_scale(base.loss, base.y.size)
    made = residual_forecast(linearisation, residual, values, contraction, gamma, scale)
    if made is None:
        return found
    counts = dict(facts.iterations_to_loss)
    for target in targets:
        count, better = counts.get(exactly(target)), made.iterations_to(target)
        if better is not None and (count is None or better < count):
            counts[exactly(target)] = better
    extra = {**facts.extra, "forecast": made.to_json()}
    return replace(found, guarantees=replace(facts, iterations_to_loss=counts, extra=extra))


def residual_forecast(
    linearisation: Linearisation,
    residual: IntervalVector,
    values: Mapping[Any, Bound],
    contraction: float,
    gamma: Bound,
    scale: Bound,
) -> ResidualForecast | None:
    """Make the curve, or None where it does not apply: γM_ρ² > 1, a projected, very long or very small data vector.

    Args:
        linearisation: M at the iterate. residual: r, (m,).
        values: of a certificate in form `residual`: S, F_∞, x, ℓ_A, M_ρ, s_A, ‖M‖, ψ_0.
        contraction: upper bound of 1 − γF_∞(F_∞ − x). gamma: 2c·step. scale: c.
    """
    correction = values.get(s.curvature_correction, Bound.exact(0))
    net = values[s.F_inf] - correction
    fits = (
        gamma.upper * values[s.norm_AJ_ball].upper ** 2 <= 1 - 1e-12 and gamma.upper * values[s.norm_AJ].upper ** 2 <= 1
    )
    if not (fits and residual.shape[0] <= ROWS and 0 < contraction < 1 and net.lower > 0 and values[s.S].is_finite):
        return None
    if not squares_are_floats(float(residual.column_norms()[1]), values[s.norm_AJ].upper):
        return None
    gram = linearisation.gram()
    if gram is None or not np.isfinite(gram.mid).all():
        return None
    count = min(LONGEST, max(64, math.ceil(math.log(1e3) / -math.log(contraction)))) + 1
    curve = forecast(
        frozen_curves(gram, residual, gamma, count),
        residual=values[s.psi_0].upper,
        gamma=gamma,
        lipschitz=values[s.lipschitz_AJ].upper,
        norm_ball=values[s.norm_AJ_ball].upper,
        sigma=max(values[s.sigma_AJ].lower, 0.0),
        norm=values[s.norm_AJ].upper,
        path=values[s.S].upper,
        net=net.lower,
        contraction=contraction,
    )
    roomy = curve.proved * (1 + MARGIN) + TINY * curve.proved[0]
    return ResidualForecast(replace(curve, proved=roomy), scale)
