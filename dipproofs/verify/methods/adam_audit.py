"""Check a certificate of a point that Adam reached: the point as any other, and the statement about the horizon."""

from __future__ import annotations

from typing import Any, ClassVar

from flint import arb

from dipproofs.certificate.read import Claim
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import evaluate, exact
from dipproofs.verify.audit import Audit
from dipproofs.verify.guarantees import steps_left
from dipproofs.verify.methods.adam import Horizon
from dipproofs.verify.methods.momentum import THEOREMS


class PointAudit(Audit):
    """The examination of a certificate of a point that a method without a theorem reached."""

    METHODS: ClassVar[tuple[str, ...]] = tuple(THEOREMS)
    WITHOUT_THEOREM: ClassVar[tuple[str, ...]] = METHODS
    METHOD_KEYS: ClassVar[tuple[str, ...]] = ("momentum",)

    def _step(self) -> None:
        """γ is that of a gradient descent which only serves the proof that a point exists."""

    def _guarantees(self) -> None:
        for name, value in self.record["guarantees"].items():
            known = ("distance_to_limit", "recovery", "recovery_error")
            now = name == "early_stopping_iteration" and value == 0
            if name not in known and not now and value not in (None, {}):
                self.find(f"guarantees.{name}: found one, expected none: there is no theorem about convergence")
        super()._guarantees()


class AdamAudit(PointAudit):
    """The examination of a certificate of a point that Adam reached, and of the statement about its horizon."""

    METHODS: ClassVar[tuple[str, ...]] = ("adam",)
    WITHOUT_THEOREM: ClassVar[tuple[str, ...]] = METHODS
    METHOD_KEYS: ClassVar[tuple[str, ...]] = ("momentum", "beta2", "epsilon", "step", "parameters", "state", "horizon")

    def _guarantees(self) -> None:
        super()._guarantees()
        stated = self.record["method"].get("horizon")
        if stated is None:
            return
        if not isinstance(stated, dict):
            raise ValueError(f"method.horizon: found {type(stated).__name__}, expected an object")
        if stated.get("verdict") == "undecided":
            if stated.get("residual_factor") is not None:
                self.find("method.horizon.residual_factor: found one, expected null where nothing is proved")
            return
        if stated.get("verdict") != "proved":
            raise ValueError(f"method.horizon.verdict: found {stated.get('verdict')!r}, expected proved or undecided")
        if not self.loss.squared:
            raise ValueError("method.horizon: found one, expected none with another loss than the squared")
        if self.vanishing is not None:
            raise ValueError("method.horizon: found one, expected none where the loss may be 0")
        if self.record["schedule"].get("kind") != "constant":
            raise ValueError("method.horizon: found one, expected none with a learning rate that changes")
        self._horizon(stated)

    def _horizon(self, stated: Any) -> None:
        method = self.record["method"]
        ran = self.run.get("method") if isinstance(self.run, dict) else None
        if isinstance(ran, dict):
            for key in ("kind", "momentum", "beta2", "epsilon"):
                if ran.get(key) != method.get(key):
                    self.find(f"method.{key}: found {method.get(key)!r}, expected the run's {ran.get(key)!r}")
        largest, smallest, _ = steps_left(self)
        if largest is not None and not (largest == smallest == exact(method["step"])):
            self.find(f"method.step: found {method['step']!r}, expected the learning rate of the run")
        found = Horizon(
            method, stated.get("iterations"), self.arrays, self.instance.state(), self.known(s.psi_0),
            2 * exact(self.loss.c), self._lipschitz,
        )  # fmt: skip
        claim = Claim.parse(stated.get("residual_factor"), "method.horizon.residual_factor: ")
        shown = found.factor.str(10)
        ok = not found.failing and claim.evidence == "proved" and bool(found.factor <= claim.upper)
        expected = f"at least {shown}" if not found.failing else f"none: {', '.join(found.failing)} not proved"
        self.row("method.horizon.residual_factor", claim, shown, ok, expected)
        sizes = method.get("state") if isinstance(method.get("state"), dict) else {}
        for key, truth in (("norm", found.env[m.state_norm]), ("slope", found.env[m.state_slope])):
            self.compare(f"method.state.{key}", Claim.parse(sizes.get(key), f"method.state.{key}: "), truth)

    def _lipschitz(self, radius: arb) -> arb:
        """ℓ_A on the Euclidean ball; NaN where its bound is not for so large a one."""
        if s.ball_radius in self.env and not radius <= self.env[s.ball_radius]:
            return arb.nan()
        env = {**self.env, s.rho: radius}
        for symbol, expr in self.theorem.architecture.constants:
            env[symbol] = evaluate(expr, env)
        return env[s.lipschitz_AJ]
