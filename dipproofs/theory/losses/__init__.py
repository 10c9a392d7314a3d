"""The losses of docs/theory.md §5; a new one is one new file and one line here."""

from __future__ import annotations

from dipproofs.theory.losses.base import SCALES, SMALLEST_LEVEL, DataConstant, LossTheory, Parameter, resolve_scale
from dipproofs.theory.losses.cross_entropy import CROSS_ENTROPY
from dipproofs.theory.losses.huber import HUBER
from dipproofs.theory.losses.log_cosh import LOG_COSH
from dipproofs.theory.losses.logit_cross_entropy import LOGIT_CROSS_ENTROPY
from dipproofs.theory.losses.lp import LP
from dipproofs.theory.losses.norm_power import NORM_POWER
from dipproofs.theory.losses.poisson import POISSON
from dipproofs.theory.losses.rules import ScalarPotential
from dipproofs.theory.losses.squared import SQUARED

#: The losses with a proved desingularizing function, by name.
LOSSES: dict[str, LossTheory] = {
    loss.kind: loss
    for loss in (
        SQUARED,
        LOG_COSH,
        HUBER,
        LP,
        NORM_POWER,
        CROSS_ENTROPY,
        POISSON,
        LOGIT_CROSS_ENTROPY,
    )
}

__all__ = [
    "LOSSES",
    "SCALES",
    "SMALLEST_LEVEL",
    "DataConstant",
    "LossTheory",
    "Parameter",
    "ScalarPotential",
    "resolve_scale",
]
