"""Losses with drawn parameters and scales."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from hypothesis import strategies as st

from dipproofs.losses import Loss, make_loss
from dipproofs.theory.losses import LOSSES

#: Values drawn for each parameter.
PARAMETERS: dict[str, dict[str, tuple[float, ...]]] = {
    "huber": {"delta": (1.0, 0.125, 4.0)},
    "lp": {"p": (3.0, 2.5, 4.0)},
    "norm-power": {"p": (2.0, 3.0, 2.5)},
    "poisson": {"background": (0.0, 0.5)},
}
#: Losses that live on an interval, so that the prediction has to start inside.
LIMITED = ("cross-entropy", "poisson")


@st.composite
def losses(draw: st.DrawFn, kinds: Iterable[str] | None = None) -> Loss:
    """Runtime losses with parameters and a scale ("half", "mean", a number, …).

    Args:
        kinds: names to draw from; by default all that need no formula of yours.

    Returns:
        Strategy of `Loss`; shrinks to ½‖·‖².
    """
    names = tuple(kinds) if kinds is not None else tuple(LOSSES)
    kind = draw(st.sampled_from(sorted(names, key=lambda name: name != "squared")))
    parameters = {key: draw(st.sampled_from(values)) for key, values in PARAMETERS.get(kind, {}).items()}
    default = "half" if kind == "squared" else "sum"
    scale = draw(st.sampled_from((default, "mean", "half-mean", 3.0, 0.125)))
    return _made(kind, scale, tuple(parameters.items()))


@cache
def _made(kind: str, scale: str | float, parameters: tuple[tuple[str, float], ...]) -> Loss:
    # one object per loss, which remembers what it has decided about itself
    return make_loss(kind, scale=scale, **dict(parameters))
