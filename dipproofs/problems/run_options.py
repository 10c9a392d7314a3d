"""Keys of `[loss]`, `[descent]` and `[certificate]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dipproofs.arguments.schema import Options, choice, integer, number, number_or_word, text
from dipproofs.errors import InputError
from dipproofs.problems.method_options import METHOD_KEYS, fraction, refuse_beta2, refuse_foreign
from dipproofs.theory.forms import FORM_IDS
from dipproofs.theory.losses.base import SCALES
from dipproofs.theory.schedules import SCHEDULES

FORMS = ("best", *FORM_IDS)


@dataclass(frozen=True)
class LossOptions(Options):
    """Keys of `[loss]`; ranges are checked by the loss itself.

    Args:
        kind: the loss's name.
        scale: how the sum is scaled: "sum", "half" (½), "mean" (1/m), "half-mean", or a number > 0.
        delta: where the Huber loss becomes linear.
        p: the exponent of ℓ_p and norm^p.
        background: known background counts of the Poisson loss, added to the model.
        profile: formula h(r) of the loss custom, such as "sqrt(1 + r**2) - 1".
        radius: residual size up to which the profile is checked.
    """

    section: ClassVar[str] = "loss"

    kind: str = text("squared", expected="the name of a loss")
    scale: float | str | None = number_or_word(None, words=tuple(SCALES), above=0.0)
    delta: float | None = number(None)
    p: float | None = number(None)
    background: float | None = number(None)
    profile: str | None = text(None, expected="a formula h(r) such as sqrt(1 + r**2) - 1")
    radius: float | None = number(None, above=0.0)

    @property
    def parameters(self) -> dict[str, Any]:
        """The keys that are set, apart from the kind."""
        return {key: value for key, value in self.to_json().items() if key != "kind"}


@dataclass(frozen=True)
class DescentOptions(Options):
    """Keys of `[descent]`.

    Args:
        method: gradient-descent, heavy-ball, nesterov or adam, with the updates of torch and Optax.
        momentum: β of heavy-ball and nesterov, "auto" (also if left out) for one from the spectrum; β₁ of adam, 0.9.
        beta2: β₂ of adam, 0.999 if left out; above momentum².
        epsilon: ε of adam, outside the root; 1e-8 if left out.
        claim_horizon: over how many further iterations of adam a statement is looked for; 1000 if left out.
        step: γ > 0, or "auto": from the curvature of the loss at the iterates (adam: 1e-3).
        schedule: constant; polynomial, γ/(1+τ)^power; cosine, from γ to 0 over `horizon`; backtracking, for
            gradient-descent.
        max_iterations: the run never takes more.
        tolerance: stop when the loss is at most this (absolute); 1e-12, or 0 with a relative_tolerance alone.
        relative_tolerance: stop when the loss is at most this multiple of the loss at the start, too.
        power: the exponent of the polynomial schedule.
        horizon: the length of the cosine schedule, `max_iterations` if left out.
        stop: "tolerance", or "guaranteed": at the first iterate for which the early-stopping bound is proved;
            "certified": there, or at the tolerance where the noise is not known, but not before one is certified.
        polish: "none", or "gauss-newton": after the run, a record of its own.
        dtype: precision of the descent.
    """

    section: ClassVar[str] = "descent"

    method: str = choice("gradient-descent", options=tuple(METHOD_KEYS))
    momentum: float | str | None = number_or_word(None, words=("auto",), minimum=0.0, below=1.0)
    beta2: float | None = number(None, minimum=0.0, below=1.0)
    epsilon: float | None = number(None, above=0.0)
    claim_horizon: int | None = integer(None, minimum=1)
    step: float | str = number_or_word("auto", words=("auto",), above=0.0)
    schedule: str = choice("constant", options=tuple(SCHEDULES))
    max_iterations: int = integer(20000, minimum=0)
    tolerance: float = number(None, minimum=0.0)
    relative_tolerance: float | None = number(None, minimum=0.0)
    power: float = number(0.5, minimum=0.0)
    horizon: int | None = integer(None, minimum=1)
    stop: str = choice("tolerance", options=("tolerance", "guaranteed", "certified"))
    polish: str = choice("none", options=("none", "gauss-newton"))
    dtype: str = choice("float64", options=("float64", "float32"))

    def check(self) -> None:
        """Refuse options of other methods, and what does not go together; give the tolerance its default."""
        if self.tolerance is None:
            object.__setattr__(self, "tolerance", 1e-12 if self.relative_tolerance is None else 0.0)
        given = [key for key in METHOD_KEYS["adam"] if getattr(self, key) is not None]
        refuse_foreign(self.method, given)
        if self.method == "adam":
            momentum = 0.9 if self.momentum is None else fraction(self.momentum, "momentum")
            refuse_beta2(momentum, 0.999 if self.beta2 is None else self.beta2)
        if self.schedule == "backtracking" and self.method != "gradient-descent":
            raise InputError(f"descent.schedule: found backtracking with {self.method}, expected gradient-descent")

    @property
    def schedule_options(self) -> dict[str, Any]:
        """The parameters of the chosen schedule."""
        horizon = self.horizon or self.max_iterations
        given: dict[str, dict[str, Any]] = {"polynomial": {"power": self.power}, "cosine": {"horizon": horizon}}
        return given.get(self.schedule, {})

    @property
    def method_options(self) -> dict[str, Any]:
        """Method and its options, as `certify` and `descend` take them."""
        return {key: getattr(self, key) for key in ("method", "momentum", "beta2", "epsilon")}


@dataclass(frozen=True)
class CertificateOptions(Options):
    """Keys of `[certificate]`.

    Args:
        form: the descent form, or the best of them.
        arithmetic: "proved" for enclosures, "estimated" for plain floats.
        distance: dist(x̄, Im B), stated by the user when x̄ is not known.
    """

    section: ClassVar[str] = "certificate"

    form: str = choice("best", options=FORMS)
    arithmetic: str = choice("proved", options=("proved", "estimated"))
    distance: float | None = number(None, minimum=0.0)
