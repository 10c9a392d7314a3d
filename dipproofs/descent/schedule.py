"""Step-size schedules: γ_τ = γ_0 · factor(τ), with the facts a certificate needs (docs/theory.md §3 remark d)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from dipproofs.arguments.schema import finite, show
from dipproofs.errors import InputError

#: Relative slack for the rounding of a float factor: every bound below is pushed outward by this much.
_MARGIN = 1e-12
#: Longest horizon: beyond it the floats are no longer the integers.
_LONGEST = 10**15


@dataclass(frozen=True)
class Schedule(ABC):
    """A non-increasing factor of the step size (Backtracking: a range of factors)."""

    kind: ClassVar[str]
    #: Whether each step is searched for, instead of known beforehand.
    searches: ClassVar[bool] = False

    def factor(self, tau: Any) -> Any:
        """Give factor(τ) for a JAX or Python number τ (evidence: estimated); 1 where the step stays, or is searched."""
        return 1.0

    def supremum(self, t: int) -> float:
        """Give an upper bound of factor(τ) over τ ≥ t."""
        return 1.0

    @abstractmethod
    def sum_lower(self, t: int, count: int) -> float:
        """Give a lower bound of the sum of factor(τ) over t ≤ τ < t + count."""

    @property
    def diverges(self) -> bool:
        """Whether the factors sum to infinity, so that the loss surely tends to 0."""
        return True

    def to_json(self) -> dict[str, Any]:
        """Return kind and parameters."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Constant(Schedule):
    """γ_τ = γ_0.

    Example:
        >>> Constant().sum_lower(5, 100)
        100.0
    """

    kind: ClassVar[str] = "constant"

    def sum_lower(self, t: int, count: int) -> float:
        return float(count)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """γ_τ = γ_0/(1+τ)^power, power ≥ 0; the sum diverges for power ≤ 1.

    Raises:
        InputError: a power that is negative or not finite.
    """

    power: float = 0.5
    kind: ClassVar[str] = "polynomial"

    def __post_init__(self) -> None:
        if finite(self.power, minimum=0.0) is None:
            raise InputError(f"descent.power: found {show(self.power)}, expected a finite number ≥ 0")

    def factor(self, tau: Any) -> Any:
        return (1.0 + tau) ** (-self.power)

    def supremum(self, t: int) -> float:
        return min(1.0, math.nextafter((1.0 + t) ** (-self.power) * (1 + _MARGIN), 1.0))  # also where that underflows

    def sum_lower(self, t: int, count: int) -> float:
        # Σ_{τ=t}^{t+N−1} (1+τ)^{−a} ≥ ∫_{t+1}^{t+N+1} x^{−a} dx
        start, end, a = t + 1.0, t + 1.0 + count, self.power
        if a == 1:
            return math.log1p(count / start) * (1 - _MARGIN)
        integral = (end ** (1 - a) - start ** (1 - a)) / (1 - a)
        # the difference loses digits when count is small against t; fall back on the smallest term
        rounding = 8 * 2.0**-53 * max(end ** (1 - a), start ** (1 - a)) / abs(1 - a)
        return float(max(integral - rounding, count * end ** (-a)) * (1 - _MARGIN))

    @property
    def diverges(self) -> bool:
        return self.power <= 1


@dataclass(frozen=True)
class Cosine(Schedule):
    """γ_τ = γ_0 (1+cos(πτ/horizon))/2 up to the horizon, 0 from there on.

    Raises:
        InputError: a horizon below 1 or above 1e15.
    """

    horizon: int = 20000
    kind: ClassVar[str] = "cosine"

    def __post_init__(self) -> None:
        if finite(self.horizon, minimum=1.0) is None or self.horizon > _LONGEST:
            raise InputError(f"descent.horizon: found {show(self.horizon)}, expected an integer from 1 to {_LONGEST}")

    def factor(self, tau: Any) -> Any:
        if isinstance(tau, int):
            return (1 + math.cos(math.pi * tau / self.horizon)) / 2 if tau < self.horizon else 0.0
        import jax.numpy as jnp

        horizon = float(self.horizon)  # an integer may be too large for JAX
        return jnp.where(tau < horizon, (1 + jnp.cos(jnp.pi * tau / horizon)) / 2, 0.0)

    def supremum(self, t: int) -> float:
        return float(min(1.0, self.factor(t) + _MARGIN))

    def sum_lower(self, t: int, count: int) -> float:
        # the factor decreases, so the sum is at least the integral from t to t+N
        a, b, T = min(t, self.horizon), min(t + count, self.horizon), self.horizon
        sines = math.sin(math.pi * b / T) - math.sin(math.pi * a / T)
        return max(0.0, ((b - a) / 2 + T / (2 * math.pi) * sines) - _MARGIN * T)

    @property
    def diverges(self) -> bool:
        return False


@dataclass(frozen=True)
class Backtracking(Schedule):
    """From γ_0 on, shorten by ``shrink`` until f decreases by ``decrease``·γ‖∇f‖².

    Args:
        decrease: c in ]0, ½], the sufficient decrease of an accepted step.
        shrink: β in ]0, 1[, the factor between one trial and the next.

    Raises:
        InputError: a number out of range.

    Notes:
        Steps with γL ≤ 1 are accepted for every c ≤ ½, so that γ_τ is in [min(γ_0, β/L), γ_0]. What is proved of such a
        run needs the decrease only, not the lengths (docs/theory-methods.md §9).
    """

    decrease: float = 0.5
    shrink: float = 0.5
    kind: ClassVar[str] = "backtracking"
    searches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for key, largest, wanted in (("decrease", 0.5, "]0, 0.5]"), ("shrink", math.nextafter(1, 0), "]0, 1[")):
            value = finite(getattr(self, key), above=0.0)
            if value is None or value > largest:
                raise InputError(f"backtracking {key}: found {show(getattr(self, key))}, expected a number in {wanted}")
            object.__setattr__(self, key, value)

    def sum_lower(self, t: int, count: int) -> float:
        raise InputError("backtracking: the sum of the steps depends on L; use `smallest_step`")

    def smallest_step(self, gamma_0: float, lipschitz_grad_upper: float) -> float:
        """Give a lower bound of every accepted step.

        Example:
            >>> Backtracking().smallest_step(0.25, 1.0)
            0.25
        """
        return min(gamma_0, self.shrink / lipschitz_grad_upper * (1 - _MARGIN))


#: The schedules by name.
SCHEDULES: dict[str, type[Schedule]] = {c.kind: c for c in (Constant, Polynomial, Cosine, Backtracking)}


def make_schedule(kind: str | Schedule, **options: Any) -> Schedule:
    """Return a schedule by name.

    Raises:
        InputError: an unknown name or option.

    Example:
        >>> make_schedule("polynomial", power=0.6)
        Polynomial(power=0.6)
    """
    if isinstance(kind, Schedule):
        return kind
    if not isinstance(kind, str) or kind not in SCHEDULES:
        raise InputError(f"descent.schedule: found {kind!r}, expected one of {', '.join(SCHEDULES)}")
    options = {key: value for key, value in options.items() if value is not None}
    try:
        return SCHEDULES[kind](**options)
    except TypeError:
        own = sorted(item.name for item in fields(SCHEDULES[kind]))
        expected = f"a subset of {own}" if own else "none"
        raise InputError(f"descent.schedule {kind}: found options {sorted(options)}, expected {expected}") from None
