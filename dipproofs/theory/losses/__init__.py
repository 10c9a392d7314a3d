"""The losses of docs/theory.md §5; a new one is one new file and one line here."""

from __future__ import annotations

from .base import SCALES, SMALLEST_LEVEL, DataConstant, LossTheory, Parameter, resolve_scale
from .cross_entropy import CROSS_ENTROPY
from .huber import HUBER
from .log_cosh import LOG_COSH
from .logit_cross_entropy import LOGIT_CROSS_ENTROPY
from .lp import LP
from .norm_power import NORM_POWER
from .poisson import POISSON
from .rules import ScalarProfile
from .squared import SQUARED

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
    "ScalarProfile",
    "resolve_scale",
]
