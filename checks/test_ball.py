"""Constants on the ball against an adversary: profiles, ℓ, ℓ_A, M_ρ, L, at points chosen to violate them.

The adversary works in floats; the inequality at the point that it finds is decided in balls, without slack.
"""

from __future__ import annotations

from collections.abc import Iterator

import flint
import numpy as np
import pytest

from checks import balls
from checks.adversary import Floats, push
from checks.balls import Point, Setting, exact
from checks.claims import Fact, at_most, value_of
from checks.test_descent_theorem import run_property
from dipproofs.certify.constants import Plan, evaluate
from dipproofs.networks import TwoLayer
from dipproofs.testing import Instance, Proof, instances
from dipproofs.theory import ACTIVATIONS, PROFILES
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import CONSTANTS

arb = flint.arb
BITS = 160


def point_of(floats: Floats, setting: Setting, shift: np.ndarray) -> Point:
    V, b = floats.unpack(shift)
    return Point(exact(V), exact(b))


def environment(proof: Proof, profile: str) -> dict:
    """The constants at the proof's ρ, as another profile needs them (the residual chain has no q)."""
    plan = Plan("concave", profile, proof.plan.architecture)
    return evaluate(plan, proof.evaluator.start, arb(proof.candidate.rho), arb(proof.candidate.gamma))


def profile_facts(instance: Instance, rng: np.random.Generator) -> Iterator[Fact]:
    """‖M(θ)ᵀw‖ ≥ F(‖θ−θ_0‖)‖w‖ for every profile, at the w that makes the left side smallest."""
    proof = instance.proof
    assert proof is not None
    A = instance.problem.operator.to_dense()
    floats, setting = Floats(A, instance.network), Setting(A, instance.network)
    wanted = ["paper"] if proof.plan.form == "paper" else [name for name in PROFILES if name != "paper"]
    for share in (0.01, 0.3, 0.7, 1.0):
        shift = push(floats, rng, share * proof.candidate.rho * (1 - 1e-9), smallest=True)
        w = exact(floats.extreme(shift, smallest=True))
        if A.shape[0] > A.shape[1]:  # back into Im(A), exactly
            w = setting.A * (setting.At * setting.A).solve(setting.At * w)
        point = point_of(floats, setting, shift)
        reached = setting.pulled_back(point, setting.At * w)[2]
        at = setting.distance(point, setting.start).upper()
        if not at <= arb(proof.candidate.rho):
            continue
        for name in wanted:
            env = proof.evaluator.env if name == "paper" else environment(proof, name)
            bound = value_of(PROFILES[name].F, {**env, s.t: at})
            yield f"profile {name}", at_most(bound.lower() * balls.norm(w), reached)


def constant_facts(instance: Instance, rng: np.random.Generator) -> Iterator[Fact]:
    """ℓ, ℓ_A (difference quotients) and M_ρ between points of the ball."""
    proof = instance.proof
    assert proof is not None
    A, rho = instance.problem.operator.to_dense(), proof.candidate.rho
    floats, setting = Floats(A, instance.network), Setting(A, instance.network)
    env = environment(proof, "observation")
    if proof.plan.form == "paper":
        env = {**env, s.lipschitz_J: proof.evaluator.env[s.lipschitz_J]}
    for share, step in ((0.9, 0.05), (0.5, 0.4), (0.1, 1e-4)):
        one = push(floats, rng, share * rho, smallest=False)
        w = floats.extreme(one, smallest=False)
        other = one + step * rho * (push(floats, rng, 1.0, smallest=bool(rng.integers(2))))
        if np.linalg.norm(other) > rho * (1 - 1e-9):
            other *= rho * (1 - 1e-9) / np.linalg.norm(other)
        here, there = (point_of(floats, setting, shift) for shift in (one, other))
        z = setting.At * exact(w)
        first, second = setting.pulled_back(here, z), setting.pulled_back(there, z)
        moved = balls.square(second[0] - first[0]) + balls.square(second[1] - first[1]) * setting.norm_u2
        distance = setting.distance(here, there)
        yield "ell", at_most(moved, (env[s.lipschitz_J].upper() * distance * balls.norm(z)) ** 2)
        yield "ell_A", at_most(moved, (env[s.lipschitz_AJ].upper() * distance * balls.norm(exact(w))) ** 2)
        yield "M_rho", at_most(first[2], env[s.norm_AJ_ball].upper() * balls.norm(exact(w)))


def gradient_facts(instance: Instance, rng: np.random.Generator) -> Iterator[Fact]:
    """‖∇f(θ)−∇f(θ')‖ ≤ L‖θ−θ'‖ for near points with f < f_0 between them."""
    proof = instance.proof
    assert proof is not None
    A, rho = instance.problem.operator.to_dense(), proof.candidate.rho
    floats = Floats(A, instance.network)
    setting = Setting(A, instance.network, instance.loss, instance.problem.y)
    L, f_0 = arb(proof.values[s.lipschitz_grad].upper), proof.base.values[s.loss_0].lower
    slope = arb(proof.base.values[s.loss_gradient].upper) * proof.evaluator.env[s.norm_AJ_ball]
    for share in (1e-6, 0.01, 0.2):
        for _ in range(3):
            shift = descent_direction(floats, setting, rng) * share * rho
            # the direction of largest curvature, Mᵀw with w the top singular vector
            gradient = back(setting, exact(floats.extreme(shift, smallest=False)), floats)
            other = shift + 1e-7 * rho * gradient / np.linalg.norm(gradient)
            here, there = (point_of(floats, setting, x) for x in (shift, other))
            distance = setting.distance(here, there)
            value, _, outer = setting.loss_gradient(here)
            if not value + slope * distance < arb(f_0):
                continue
            one = setting.pulled_back(here, setting.At * outer)
            two = setting.pulled_back(there, setting.At * setting.loss_gradient(there)[2])
            change = balls.square(two[0] - one[0]) + balls.square(two[1] - one[1]) * setting.norm_u2
            yield "L", at_most(change, (L * distance) ** 2)


def descent_direction(floats: Floats, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """A unit vector along which f falls from θ_0, with some noise."""
    direction = -back(setting, setting.loss_gradient(setting.start)[2], floats)
    direction /= np.linalg.norm(direction)
    noise = rng.standard_normal(direction.size)
    direction = direction + 0.3 * noise / np.linalg.norm(noise)
    return np.asarray(direction / np.linalg.norm(direction))


def back(setting: Setting, w: flint.arb_mat, floats: Floats) -> np.ndarray:
    """M(θ_0)ᵀw in trained coordinates."""
    V_part, d, _ = setting.pulled_back(setting.start, setting.At * w)
    parts = []
    if setting.trains_V:
        parts.append(np.array([float(x.mid()) for x in V_part.entries()]))
    if setting.trains_W:
        parts.append(np.array([float(x.mid()) for x in d.entries()]) * floats.norm_u)
    return np.concatenate(parts)


def check(request: pytest.FixtureRequest, form: str | None, facts, name: str, kinds: tuple[str, ...] | None) -> None:
    def decided(instance: Instance) -> list[Fact]:
        with flint.ctx.workprec(BITS):
            found = list(facts(instance, np.random.default_rng(instance.network.width)))
        # equalities: a profile at t = 0; a constant Jacobian, whose differences are 0 = ℓ
        return [fact for fact in found if fact[1] is not None or not equality(instance, fact[0])]

    run_property(request, instances(form, kinds), decided, name)


def equality(instance: Instance, fact: str) -> bool:
    return fact.startswith("profile") or (fact.startswith("ell") and instance.network.train == "outer")


@pytest.mark.parametrize("form", ["residual", "paper"])
def test_profiles_survive_the_adversary(form: str, request: pytest.FixtureRequest) -> None:
    check(request, form, profile_facts, f"profiles on the ball, {form}", ("squared",))


@pytest.mark.parametrize("form", ["concave", "paper"])
def test_constants_dominate_difference_quotients(form: str, request: pytest.FixtureRequest) -> None:
    check(request, form, constant_facts, f"ell, ell_A, M_rho on the ball, {form}", ("squared",))


def test_gradient_is_lipschitz(request: pytest.FixtureRequest) -> None:
    check(request, "concave", gradient_facts, "L on the ball", None)


@pytest.mark.parametrize("train", ["both", "inner"])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_lipschitz_constant_is_nearly_attained(activation: str, train: str) -> None:
    """One hidden unit, a long column, a where |φ''| is largest: the quotient comes within 10 % of ℓ (never above)."""
    B_1, B_2 = (float(getattr(ACTIVATIONS[activation], key)) for key in ("B_1", "B_2"))
    grid = np.linspace(-4, 4, 8001)
    slopes = Floats(np.eye(1), TwoLayer(np.ones(1), np.ones((1, 1)), np.ones((1, 1)), activation)).function(grid)[1]
    a = float(grid[1:-1][np.argmax(np.abs(slopes[2:] - slopes[:-2]))])
    c = 20 * B_1 / B_2
    network = TwoLayer(np.ones(1), np.array([[a]]), np.array([[c]]), activation, train)
    floats, setting = Floats(np.eye(1), network), Setting(np.eye(1), network)
    slope = float(floats.function(np.array([a]))[1][0])
    second = float(np.diff(floats.function(np.array([a - 1e-5, a + 1e-5]))[1])[0] / 2e-5)
    form = np.array([[0.0, slope], [slope, second * c]]) if train == "both" else np.array([[second * c]])
    values, vectors = np.linalg.eigh(form)
    direction = vectors[:, int(np.argmax(np.abs(values)))]
    h = 1e-4
    with flint.ctx.workprec(BITS):
        ends = [point_of(floats, setting, sign * h * direction) for sign in (-1, 1)]
        parts = [setting.pulled_back(end, exact(np.ones(1))) for end in ends]
        change = balls.square(parts[1][0] - parts[0][0]) + balls.square(parts[1][1] - parts[0][1])
        quotient = change.sqrt() / setting.distance(*ends)
        values_at = {s.c_0: arb(c), s.rho: arb(h), s.norm_u: arb(1), s.width: arb(1), s.B_1: arb(B_1), s.B_2: arb(B_2)}
        ell = value_of(CONSTANTS[train].lipschitz_J, values_at)
        assert quotient <= ell
        assert quotient >= arb("0.9") * ell


@pytest.mark.parametrize("train", ["both", "outer"])
def test_outer_profile_is_nearly_attained(train: str) -> None:
    """Hidden units in the linear part of tanh, all turned down together: s_A falls as fast as the profile says."""
    k = 16
    network = TwoLayer(np.ones(1), np.full((k, 1), 0.01), np.full((1, k), 1e-6), "tanh", train)
    setting = Setting(np.eye(1), network)
    with flint.ctx.workprec(BITS):
        start = setting.pulled_back(setting.start, exact(np.ones(1)))[2]
        if train == "outer":
            V = exact(np.full((1, k), 5.0))
            same = setting.pulled_back(Point(V, setting.start.b), exact(np.ones(1)))[2]
            assert abs(same - start) < arb(2) ** -100  # V alone never changes its own block
            return
        t = 0.02
        b = exact(np.full(k, -t / np.sqrt(k)))
        after = setting.pulled_back(Point(setting.start.V, b), exact(np.ones(1)))[2]
        fall = (start - after) / (arb(t) / arb(k).sqrt())
        assert arb("0.99") < fall <= 1


def test_adversary_beats_random_points() -> None:
    """The adversary is worth its name: it reaches smaller s_A than random shifts of the same length do."""
    rng = np.random.default_rng(0)
    network = TwoLayer.init(n=4, width=12, input_dimension=3, seed=1)
    floats = Floats(rng.standard_normal((3, 4)), network)
    radius = 0.5
    found = np.linalg.eigvalsh(floats.gram(push(floats, rng, radius, smallest=True)))[0]
    random = [rng.standard_normal(floats.size) for _ in range(50)]
    typical = [np.linalg.eigvalsh(floats.gram(x * radius / np.linalg.norm(x)))[0] for x in random]
    assert found < min(typical)
