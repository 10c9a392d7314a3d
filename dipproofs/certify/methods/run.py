"""How a run with a method is certified: by its own theorem, or, where there is none, as a point (existence)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from dipproofs.certificate.record import Certificate
from dipproofs.certify.methods.method import MOMENTUM, Method
from dipproofs.certify.quantities import Base, enclose_base
from dipproofs.enclosures import Verdict
from dipproofs.enclosures.threads import one_thread
from dipproofs.errors import InputError
from dipproofs.theory import symbols as s

Again = Callable[[float], Certificate]
GRADIENT_DESCENT, ADAM = "gradient-descent", "adam"
#: How many further iterations of Adam a statement is looked for.
HORIZON = 1000
#: Multiplications of a proof above which a graph's horizon is not looked for, which takes three more of them.
_COST = 3e9
_LONG = "it was not looked for: a proof for so large a network takes long; existence is proved without it"


class Methods:
    """What the certificates of one run say about its method.

    Args:
        method: of the run. problem, network, operator, loss: of the run.
        claim_horizon: N of the statement about Adam. constant: whether the step stays the same.

    Raises:
        InputError: a horizon that is no integer ≥ 1.
    """

    def __init__(
        self, method: Any, problem: Any, network: Any, operator: Any, loss: Any, claim_horizon: int, *, constant: bool
    ) -> None:
        if isinstance(claim_horizon, bool) or not isinstance(claim_horizon, int) or claim_horizon < 1:
            raise InputError(f"descent.claim_horizon: found {claim_horizon!r}, expected an integer ≥ 1")
        self.method, self.problem, self.operator, self.loss = method, problem, operator, loss
        self.claim_horizon, self.constant = claim_horizon, constant
        self.differentiates = hasattr(network, "linearisation")
        self.on_a_ball = on_a_ball(network)

    @property
    def decided(self) -> bool:
        """Whether the method has a theorem of its own for this loss and schedule."""
        return self.method.kind in MOMENTUM and self._applies and self._has_momentum

    @property
    def _applies(self) -> bool:
        return bool(self.loss.projects_data and self.constant and self.differentiates)

    @property
    def _has_momentum(self) -> bool:
        return bool(self.method.momentum != 0.0)

    @property
    def point_only(self) -> bool:
        """Whether only the existence of an exact fit near the iterate can be proved."""
        return (
            self.method.kind != GRADIENT_DESCENT
            and not self.decided
            and (self.method.kind not in MOMENTUM or self._has_momentum)
        )

    @property
    def tested(self) -> bool:
        """Whether `promising` decides what is worth a proof, and not the search for a gradient descent."""
        return self.decided or (self._horizon and not self.on_a_ball)

    @property
    def announcement(self) -> str:
        """One line before the run where there is no theorem about convergence; "" otherwise."""
        if not self.point_only:
            return ""
        if self.method.kind == ADAM:
            more = ", and a horizon" if self._horizon else ""
            return f"adam: no theorem about its convergence; certified is the existence of an exact fit{more}"
        why = "this kind of network" if self.constant else "a step that changes"
        why = why if self.loss.projects_data else f"the loss {self.loss.kind}"
        return f"{self.method.kind}: no theorem for {why}; certified is the existence of an exact fit"

    def at(self, iterate: Any) -> Method | None:
        """The method as it goes on from an iterate; None where it is gradient descent."""
        if self.method.kind == GRADIENT_DESCENT or (self.method.kind in MOMENTUM and not self._has_momentum):
            return None
        momentum = iterate.momentum
        if momentum is None:
            momentum = self.method.momentum
        options = asdict(self.method) | {"claim_horizon": self.claim_horizon}
        options.pop("momentum")
        return Method(
            self.method.kind, float(iterate.step), float(momentum), dict(iterate.state), options, self.point_only
        )

    def promising(self, base: Base, iterate: Any) -> bool:
        """Whether floats find parameters of the theorem at an iterate."""
        method = self.at(iterate)
        if method is None:
            return False
        if self.on_a_ball and not _near(base):
            return False  # enclosing M of a graph takes as long as many iterations
        from dipproofs.certify.methods import adam, at_iterate  # large theorems

        if self._horizon:
            asked = at_iterate.adam_setting_of(base, method)
            return not isinstance(asked, str) and adam.promises(asked, self.claim_horizon)
        told = at_iterate.setting(base, method)
        return not isinstance(told, str) and bool(at_iterate.PRODUCERS[method.kind].propose(told).feasible)

    def with_horizon(self, found: Certificate, iterate: Any, again: Again) -> Certificate:
        """Add the statement about Adam's next iterations to a certificate of its iterate; ``again`` as below."""
        method = self.at(iterate)
        if not self._horizon or method is None or found.arithmetic != "proved":
            return found
        return with_horizon(found, self.problem, iterate.network, self.operator, self.loss, method, again)

    @property
    def _horizon(self) -> bool:
        return bool(self.method.kind == ADAM and self._applies)


def on_a_ball(network: Any) -> bool:
    """Whether constants of a network are enclosed for a ball of given radius."""
    return s.ball_radius in network.architecture.base


def _near(base: Base) -> bool:
    """Whether ℓ_A ψ_0/s_A² is small enough; with momentum nothing was ever certified above a quarter."""
    size = base.values[s.lipschitz_AJ].upper * base.values[s.psi_0].upper
    return bool(size <= base.values[s.sigma_AJ].upper ** 2)


def with_horizon(
    found: Certificate, problem: Any, network: Any, operator: Any, loss: Any, method: Method, again: Again
) -> Certificate:
    """Add the statement about Adam's next iterations to a certificate of a point.

    Args:
        found: of the point. problem, network, operator, loss: of it. method: Adam with its state there.
        again: certifies the point on a ball of another radius.

    Notes:
        A ball in Adam's metric lies in a Euclidean one that is far larger than what the point asks for.
    """
    if operator.rank is None:
        return found
    from dipproofs.certify.methods.at_iterate import horizon, larger_ball, no_horizon

    cost = network.proof_cost(operator)
    if on_a_ball(network) and cost > _COST:
        asked = {"asked": method.options["claim_horizon"], **no_horizon(_LONG).to_json()}
        return replace(found, method={**found.method, "horizon": asked})
    with one_thread(cost):
        base = enclose_base(operator, problem.y, network, loss, unprojected=False)
        claim = horizon(base, method)
        radius = larger_ball(base, method) if on_a_ball(network) else None
        if claim.verdict is not Verdict.PROVED and radius is not None and found.verdict is Verdict.PROVED:
            wider = again(radius)
            base = enclose_base(operator, problem.y, network, loss, unprojected=False, radius=radius)
            other = horizon(base, method)
            if wider.verdict is Verdict.PROVED and other.verdict is Verdict.PROVED:
                found, claim = wider, other
    asked = {"asked": method.options["claim_horizon"], **claim.to_json()}
    return replace(found, method={**found.method, **claim.record, "horizon": asked})
