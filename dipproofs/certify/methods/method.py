"""A method with a state, as it goes on from an iterate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Methods with momentum and a theorem of their own about convergence.
MOMENTUM = ("heavy-ball", "nesterov")


@dataclass(frozen=True)
class Method:
    """A method as it goes on from an iterate.

    Args:
        kind: "heavy-ball", "nesterov" or "adam".
        step: γ (adam: lr) of the next iteration and all further ones.
        momentum: β (adam: β₁).
        state: arrays by their names in certificates.
        options: beta2, epsilon, claim_horizon (adam).
        point_only: its theorem is not asked for.
    """

    kind: str
    step: float
    momentum: float
    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    point_only: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return kind and options, as certificates have them."""
        kept = {key: value for key, value in self.options.items() if key != "claim_horizon"}
        found = {"kind": self.kind, "momentum": self.momentum, **kept}
        found |= {"step": self.step} if self.kind == "adam" else {}
        return found | ({"claims": "existence"} if self.point_only else {})

    def named(self, kind: str, names: Iterable[str]) -> dict[str, np.ndarray] | None:
        """The part of the state that belongs to parameters; None if some of it is missing."""
        found = {name: self.state.get(f"state/{kind}/{name}") for name in names}
        return None if any(a is None for a in found.values()) else found  # type: ignore[return-value]

    def velocity(self, names: Iterable[str]) -> dict[str, np.ndarray] | None:
        """D by parameter; a run that has not begun is at rest."""
        return {} if not self.state else self.named("velocity", names)
