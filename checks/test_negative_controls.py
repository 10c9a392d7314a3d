"""Negative controls: break a hypothesis or a constant, and see a violation *found* by the same machinery.

Each control is a family of small instances with one thing wrong. The checks of `claims`, `balls` and `adversary` must
report at least one certain violation; if they cannot see these, their silence elsewhere means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import flint
import numpy as np
import pytest

from checks import balls
from checks.balls import Setting, exact
from checks.claims import at_most, examine, trace_of
from checks.test_ball import constant_facts, environment, gradient_facts, profile_facts
from dipproofs.certify.constants import Plan
from dipproofs.certify.search import Step
from dipproofs.descent import Constant
from dipproofs.enclosures import Bound
from dipproofs.losses import Loss, make_loss
from dipproofs.networks import TwoLayer
from dipproofs.operators.bounds import bound_operator
from dipproofs.problems import InverseProblem
from dipproofs.testing import Instance, Proof, certify_plan, place_data
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES

arb = flint.arb
STEPS = 25


def family(
    form: str = "residual", profile: str = "block", train: str = "both", loss: Loss | None = None, q: float = 1.0
) -> list[Instance]:
    """Certified instances, close to the edge of what is provable: seeds 0 … 7."""
    found = []
    loss = loss if loss is not None else make_loss("squared", scale="half")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        m, n = 1 + seed % 3, 3
        A = rng.standard_normal((m, n))
        network = TwoLayer.init(n, 16, 2, "tanh", train, seed)
        plan, step = Plan(form, profile, ARCHITECTURES[train]), Step(None, q)
        problem = place_data(A, network, loss, plan, step, rng.standard_normal(m), 0.99)
        if problem is None:
            continue
        proof = certify_plan(problem, network, loss, bound_operator(A), plan, step)
        if proof is not None:
            found.append(Instance(problem, network, loss, plan, Constant(), proof))
    assert len(found) >= 6, "the family itself must be certifiable"
    return found


def violated(instances: list[Instance], change: Callable[[Proof], Proof] | None = None) -> set[str]:
    """Names of the claims that are certainly false for some instance."""
    names: set[str] = set()
    for instance in instances:
        assert instance.proof is not None
        proof = instance.proof if change is None else change(instance.proof)
        names |= {name for name, verdict in examine(instance, STEPS, proof) if verdict is False}
    return names


def scaled(proof: Proof, symbol: Any, factor: float) -> Proof:
    """The proof with one derived quantity multiplied by a factor, its consequences left as they were."""
    value = proof.values[symbol]
    wrong = Bound(min(value.lower * factor, value.upper * factor), max(value.lower * factor, value.upper * factor))
    decision = replace(proof.decision, values={**proof.decision.values, symbol: wrong})
    return replace(proof, decision=decision)


def test_the_families_themselves_are_clean() -> None:
    assert violated(family()) == set()
    assert violated(family("concave", "observation")) == set()


# --- step size ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [2.5, 3.0])
def test_steps_beyond_two_over_L_diverge(factor: float) -> None:
    """γ = factor/‖M‖² on a linear problem (outer layer): the loss rises."""
    rises = 0
    for instance in family(train="outer", profile="observation"):
        assert instance.proof is not None
        gamma = factor / instance.proof.values[s.norm_AJ].lower ** 2
        with flint.ctx.workprec(balls.bits_for(STEPS)):
            _, trace = trace_of(instance, STEPS, gamma)
            rises += any(after > before for before, after in zip(trace.loss, trace.loss[1:]))
    assert rises > 0


def test_too_long_steps_break_the_rate_first() -> None:
    """The certificate's own claims fail when the descent uses five times its step."""
    broken: set[str] = set()
    for instance in family(train="outer", profile="observation"):
        assert instance.proof is not None
        wrong = replace(instance.proof.candidate, gamma=instance.proof.candidate.gamma * 5)
        broken |= violated([replace(instance, proof=replace(instance.proof, candidate=wrong))])
    assert {"loss falls", "rate"} & broken


# --- the ball condition ---------------------------------------------------------------------------------------
def test_start_outside_the_ball_condition() -> None:
    """Data ten times further away than the hypotheses allow, with the old certificate: the path leaves the ball."""
    broken: set[str] = set()
    for instance in family():
        start = instance.problem.operator.to_dense() @ instance.network.output()
        far = InverseProblem(instance.problem.operator.to_dense(), start + 10 * (instance.problem.y - start))
        broken |= violated([replace(instance, problem=far)])
    assert "path" in broken and "distance_to_limit" in broken


def test_desingularizing_function_too_small() -> None:
    """S computed from half of ψ(f_0): the path is longer."""
    assert "path" in violated(family(), lambda proof: scaled(proof, s.S, 0.5))
    assert "path" in violated(family("concave", "block"), lambda proof: scaled(proof, s.S, 0.25))


def test_injectivity_too_large() -> None:
    """F_∞ doubled: the promised rate is not met, nor is the distance to the limit."""
    assert "rate" in violated(family(), lambda proof: scaled(proof, s.F_inf, 2.0))
    assert {"rate", "distance to the limit"} & violated(
        family("concave", "block", q=0.1), lambda proof: scaled(proof, s.F_inf, 2.0)
    )


def test_step_factors_too_large() -> None:
    """κ̃ multiplied by 3 for a linear problem with q near 1."""
    found = violated(family("concave", "block", "outer"), lambda proof: scaled(proof, s.rate, 3.0))
    assert "rate" in found


# --- mean and sum ----------------------------------------------------------------------------------------------
def test_mean_and_sum_mixed_up() -> None:
    """ψ taken for the mean while the descent uses the sum, m ≥ 2: KL and the distance to the data fail."""
    broken: set[str] = set()
    for instance in family("concave", "block"):
        if instance.problem.y.size < 2:
            continue
        wrong = make_loss("squared", scale="sum")
        with_mean = make_loss("squared", scale="mean")
        broken |= violated([replace(instance, loss=_Mixed(wrong, with_mean))])  # type: ignore[arg-type]
    assert {"KL", "distance to the data", "loss falls"} & broken


class _Mixed:
    """A loss whose values are those of one loss and whose theory is that of another."""

    def __init__(self, true: Loss, believed: Loss) -> None:
        self.true, self.believed = true, believed

    def __getattr__(self, name: str) -> Any:
        source = self.believed if name in ("Psi", "Psi_inv") else self.true
        if name == "psi":
            return self.believed.psi.subs({x: 1 for x in self.believed.psi.free_symbols if x.name == "c"}) / 2
        return getattr(source, name)


# --- the operator norm -------------------------------------------------------------------------------------------
def test_operator_norm_from_few_power_iterations() -> None:
    """One power iteration from an unlucky start, taken as an upper bound: γ = 1/(‖A‖²‖φ‖²/k) then diverges."""
    rises = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        n = 4
        left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        A = (left * np.array([20.0, 1.0, 1.0, 1.0])) @ right
        x = right[1] + 1e-3 * right[0]
        estimate = float(np.linalg.norm(A @ x) / np.linalg.norm(x))
        assert estimate < float(np.linalg.norm(A, 2)) / 2
        network = TwoLayer.init(n, 16, 2, "tanh", "outer", seed)
        phi = np.tanh(network.W @ network.u)
        problem = InverseProblem(A, A @ (network.output() + rng.standard_normal(n)))
        loss = make_loss("squared", scale="half")
        gamma = 1 / (estimate**2 * float(phi @ phi) / 16)
        instance = Instance(
            problem, network, loss, Plan("residual", "observation", ARCHITECTURES["outer"]), Constant(), None
        )
        with flint.ctx.workprec(balls.bits_for(STEPS)):
            _, trace = trace_of(instance, STEPS, gamma)
            rises += any(after > before for before, after in zip(trace.loss, trace.loss[1:]))
    assert rises == 6


# --- constants on the ball ------------------------------------------------------------------------------------------
@dataclass
class Believed:
    """What an evaluator with wrong numbers would use."""

    start: dict
    env: dict


def shrunk(instance: Instance, *symbols: Any, factor: float) -> Instance:
    """The instance whose proof uses constants that are too small."""
    assert instance.proof is not None
    evaluator = instance.proof.evaluator
    start, env = (
        {**known, **{x: known[x] * factor for x in symbols if x in known}} for known in (evaluator.start, evaluator.env)
    )
    return replace(instance, proof=replace(instance.proof, evaluator=Believed(start, env)))  # type: ignore[arg-type]


def found_by(facts: Callable, instances: list[Instance], prefix: str) -> int:
    count = 0
    for instance in instances:
        rng = np.random.default_rng(1)
        with flint.ctx.workprec(160):
            count += any(name.startswith(prefix) and verdict is False for name, verdict in facts(instance, rng))
    return count


def test_lipschitz_constants_too_small() -> None:
    """B₁ and B₂ divided by 6: difference quotients exceed ℓ and ℓ_A."""
    wrong = [shrunk(i, s.B_1, s.B_2, factor=1 / 6) for i in family()]
    assert found_by(constant_facts, wrong, "ell") > 0


def test_norm_bound_too_small() -> None:
    wrong = [shrunk(i, s.norm_AJ, s.norm_V, s.norm_phi, factor=0.5) for i in family()]
    assert found_by(constant_facts, wrong, "M_rho") > 0


@pytest.mark.parametrize("profile", ["row-space", "observation", "block", "block-observation"])
def test_profile_with_a_lipschitz_constant_too_small(profile: str) -> None:
    """B₁ and B₂ divided by 20: the adversary finds a point of the ball where s_A is below F."""
    wrong = [shrunk(i, s.B_1, s.B_2, factor=1 / 20) for i in family("residual", profile)]
    wide = [replace(i, proof=_wider(i.proof, 4.0)) for i in wrong]
    assert found_by(profile_facts, wide, f"profile {profile}") > 0


def _wider(proof: Proof | None, factor: float) -> Proof:
    assert proof is not None
    return replace(proof, candidate=replace(proof.candidate, rho=proof.candidate.rho * factor))


@pytest.mark.parametrize("symbol", [s.sigma_AJ, s.sigma_in, s.norm_phi, s.sigma_A])
def test_injectivity_at_the_start_too_large(symbol: Any) -> None:
    wrong = [shrunk(i, symbol, factor=1.5) for i in family()]
    names = ("profile observation", "profile block", "profile row-space", "profile block-observation")
    assert sum(found_by(profile_facts, wrong, name) for name in names) > 0


def test_gradient_lipschitz_constant_too_small() -> None:
    wrong = [replace(i, proof=scaled(i.proof, s.lipschitz_grad, 0.3)) for i in family("concave", "block") if i.proof]
    assert found_by(gradient_facts, wrong, "L") > 0


def test_environment_is_the_one_that_certifies() -> None:
    for instance in family()[:2]:
        assert instance.proof is not None
        env = environment(instance.proof, "block")
        assert env[s.lipschitz_J].overlaps(instance.proof.evaluator.env[s.lipschitz_J])


# --- early stopping ------------------------------------------------------------------------------------------------
def test_early_stopping_too_early_is_noticed() -> None:
    """At iteration 0 the error is not yet 2‖ε‖ for small noise: the claim is not trivially true."""
    for instance in family():
        with flint.ctx.workprec(200):
            setting = Setting(instance.problem.operator.to_dense(), instance.network, instance.loss, instance.problem.y)
            _, v, _ = setting.loss_gradient(setting.start)
            assert setting.y is not None
            distance = balls.norm(v - setting.y)
            noise = distance * arb("0.1")
            clean = setting.y + exact(np.ones(instance.problem.y.size)) * (noise / arb(instance.problem.y.size).sqrt())
            assert at_most(balls.norm(v - clean), 2 * noise) is False
