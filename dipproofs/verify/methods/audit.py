"""Check a certificate of heavy ball or Nesterov's method: the audit of a certificate with another theorem inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from flint import arb

from dipproofs.certificate.read import Claim, is_number
from dipproofs.theory import symbols as s
from dipproofs.theory.hypothesis import Hypothesis
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import evaluate, exact, upper
from dipproofs.verify.audit import Audit, method_kind
from dipproofs.verify.methods.momentum import THEOREMS, Momentum
from dipproofs.verify.methods.state import State, gradient_norm, scalars

_unknown = sp.Symbol("unknown")


class MomentumAudit(Audit):
    """The examination of a certificate whose ``method.kind`` is a method with momentum."""

    METHODS: ClassVar[tuple[str, ...]] = tuple(THEOREMS)
    FALLS: ClassVar[bool] = False
    AT_A_BOUND: ClassVar[bool] = False
    METHOD_KEYS: ClassVar[tuple[str, ...]] = ("momentum", "parameters", "state", "lyapunov", "contraction", "exchanges")

    def _well_formed(self) -> bool:
        fine = super()._well_formed()
        method = self.record["method"]
        if not is_number(beta := method.get("momentum")) or not 0 <= beta < 1:
            raise ValueError(f"method.momentum: found {beta!r}, expected a number in [0, 1[")
        if self.form != "residual":
            self.find(f"form: found {self.form!r}, expected 'residual' with method {method['kind']}")
        if self.record["schedule"].get("kind") != "constant":
            self.find("schedule: found one that changes the step, expected 'constant' with momentum")
        ran = self.run.get("method") if isinstance(self.run, dict) else None
        if isinstance(ran, dict) and (ran.get("kind"), ran.get("momentum")) != (method["kind"], beta):
            self.find(f"method: found {method['kind']} with momentum {beta}, expected the run's {ran}")
        return fine and self.form == "residual"

    @cached_property
    def momentum(self) -> Momentum | None:
        """The theorem at the recorded parameters, or None where the record has none."""
        method = self.record["method"]
        if method.get("parameters") is None or s.rho not in self.env:
            return None
        env, state = self.env, self.instance.state()
        sigma, beta = self.known(s.sigma_AJ), exact(method["momentum"])
        size, slope, newton = scalars(state, self._velocity(state), self.known(s.psi_0), sigma)
        self._compare_state(method.get("state"), size, slope)
        given = {
            m.beta: beta, s.gamma: env[s.gamma], s.rho: env[s.rho], s.psi_0: upper(env[s.psi_0]),
            s.lipschitz_AJ: self._lipschitz, s.norm_AJ_ball: upper(env[s.norm_AJ_ball]),
            m.injectivity: arb(evaluate(self.theorem.F, {**env, s.t: env[s.rho]}).lower()),
            m.state_norm: upper(size), m.state_slope: slope, m.state_newton: newton,
            m.gradient_norm: arb(gradient_norm(state).lower()),
        }  # fmt: skip
        return Momentum(method["kind"], method["parameters"], given, method.get("exchanges"))

    def _method(self) -> None:
        super()._method()
        for key, symbol in (("lyapunov", m.W_0), ("contraction", m.contraction)):
            if (stated := self.record["method"].get(key)) is not None:
                truth = arb.nan() if self.momentum is None else self.momentum.env[symbol]
                _at_least(self, f"method.{key}", stated, truth)

    @property
    def _lipschitz(self) -> arb:
        """ℓ_A on the ball; NaN where its bound is not for so large a one."""
        inside = s.ball_radius not in self.env or self.env[s.rho] <= self.env[s.ball_radius]
        return upper(self.env[s.lipschitz_AJ]) if inside else arb.nan()

    def _velocity(self, state: State) -> dict[str, np.ndarray]:
        found = {}
        for name in state.trained:
            array = self.arrays.get(f"state/velocity/{name}")
            shape = state.parameter(name).shape
            if array is None or array.shape != shape:
                raise ValueError(f"arrays.state/velocity/{name}: expected an array of shape {shape}")
            found[name] = array
        return found

    def _compare_state(self, stated: Any, size: arb, slope: arb) -> None:
        if not isinstance(stated, dict):
            raise ValueError("method.state: expected enclosures of norm and slope")
        for key, truth in (("norm", size), ("slope", slope)):
            self.compare(f"method.state.{key}", Claim.parse(stated.get(key), f"method.state.{key}: "), truth)

    def _is_path_length(self, claim: Claim) -> bool:
        found = self.momentum
        return found is not None and bool(found.path <= claim.upper) and bool(claim.upper <= self.known(s.rho))

    def _hypotheses(self) -> None:
        before, found = self.theorem, self.momentum
        one = sp.Integer(1)
        known: dict[str, Any] = {"start": before.hypotheses["start"]}
        if found is not None:
            known["injective"] = Hypothesis(sp.Gt(m.injectivity, 0), one)
            known |= {c.id: _Relation(c.relation) for c in found.theorem.conditions}
            known |= {
                c.id: _Relation(sp.Gt(_unknown, 0) if c.id in found.failing else sp.true)
                for c in found.theorem.matrices
            }
            self.env.update(found.env)
        else:
            known["method"] = _Relation(sp.Gt(_unknown, 0))
        self.least = None
        self.theorem = replace(before, hypotheses=known)
        super()._hypotheses()
        self.theorem = before

    def reached(self, count: int, target: arb) -> bool:
        """Whether the loss is surely at most ``target`` after that many further iterations."""
        if self.momentum is None:
            return False
        return self.momentum.reaches(count, (target / exact(self.loss.c)).sqrt())

    @property
    def guarantee_checks(self) -> dict[str, Any]:
        """Checks by name of a guarantee."""
        own = {
            "distance_to_limit": _bounded_by(lambda found: found.path),
            "log_contraction_per_step": _bounded_by(Momentum.per_step),
            "residual_envelope": _bounded_by(Momentum.residual_at_start),
            "limit_has_zero_loss": _zero_loss,
        }
        return {**super().guarantee_checks, **own}


class _Relation:
    """A relation without a stated margin."""

    margin = sp.nan

    def __init__(self, relation: sp.Basic) -> None:
        self.relation = relation


def _at_least(audit: MomentumAudit, name: str, value: Any, truth: arb) -> None:
    claim = Claim.parse(value)
    shown = truth.str(10)
    ok = claim.evidence == "proved" and bool(truth <= claim.upper)
    audit.row(name, claim, shown, ok, f"at least {shown}, proved")


def _bounded_by(truth: Callable[[Momentum], arb]) -> Callable[[MomentumAudit, str, Any], None]:
    def check(audit: MomentumAudit, name: str, value: Any) -> None:
        assert audit.momentum is not None
        _at_least(audit, name, value, truth(audit.momentum))

    return check


def _zero_loss(audit: MomentumAudit, name: str, value: Any) -> None:
    if value is not True:
        raise ValueError(f"found {value!r}, expected true: the step stays the same")


def is_momentum(record: Any) -> bool:
    """Whether a certificate is about a method with momentum."""
    return method_kind(record) in THEOREMS
