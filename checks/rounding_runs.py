"""Steps and runs of the real program beside 200-bit arithmetic (docs/theory-methods.md §4, §4.1)."""

from __future__ import annotations

import math
from typing import Any

import flint
import numpy as np

import dipproofs as dp
from checks import balls
from checks.balls import exact
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.methods.floating_point import RoundingError
from dipproofs.certify.quantities import enclose_base
from dipproofs.certify.search import Step
from dipproofs.descent import Constant
from dipproofs.descent.engine import Engine, Setting
from dipproofs.descent.methods import GradientDescent
from dipproofs.enclosures import Bound
from dipproofs.losses import SquaredError
from dipproofs.operators.bounds import bound_operator
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import two_layer_rounding as theory
from dipproofs.theory.methods import inexact_gradient as inexact

BITS = 200


class Exact:
    """Gradients at W_0 + b uᵀ, V in 200 bits."""

    def __init__(self, problem: Any, network: Any) -> None:
        self.setting = balls.Setting(problem.operator.to_dense(), network, y=problem.y)
        self.norm_u = float(self.setting.norm_u2.sqrt().upper())

    def at(self, b: np.ndarray, V: np.ndarray) -> tuple[float, flint.arb_mat, flint.arb_mat]:
        """‖r‖, and the gradient Mᵀr in (b, V)."""
        point = balls.Point(exact(V), exact(b))
        r = self.setting.A * self.setting.signal(point) - self.setting.y
        outer, inner, _ = self.setting.pulled_back(point, self.setting.At * r)
        return _norm(r), inner, outer


def _norm(matrix: flint.arb_mat) -> float:
    return float(balls.norm(matrix).upper())


#: Few shapes, since each compiles anew: (m, n, d, k), activation, loss, whether A is a mask.
CASES: tuple[tuple[tuple[int, int, int, int], str, str, bool], ...] = (
    ((3, 5, 3, 12), "tanh", "half", False),
    ((6, 6, 2, 27), "silu", "mean", False),
    ((2, 9, 5, 20), "softplus", "sum", True),
    ((4, 4, 4, 8), "gelu", "half", False),
)


def draw(rng: np.random.Generator) -> tuple[Any, ...]:
    """Problem, network, loss, operator, base quantities and a step below 2/(2c‖M‖²)."""
    (m, n, d, k), activation, scale, mask = CASES[rng.integers(len(CASES))]
    A = rng.normal(size=(m, n)) * 10 ** rng.uniform(-2, 2)
    if mask:
        A = np.eye(n)[rng.permutation(n)[:m]]
    network = dp.TwoLayer.init(
        n=n, width=k, input_dimension=d, seed=int(rng.integers(1 << 30)),
        activation=activation, output_scale=float(10 ** rng.uniform(-1, 1)),
        output_offset=float(rng.choice([0.0, rng.normal()])),
    )  # fmt: skip
    near = A @ network.output()
    y = near + rng.normal(size=m) * np.linalg.norm(near) * 10 ** rng.uniform(-13, 1)
    problem, loss = dp.InverseProblem(A, y), SquaredError(scale)
    operator = bound_operator(problem.operator)
    base = enclose_base(operator, y, network, loss, unprojected=False)
    step = rng.uniform(0.05, 0.9) / (base.values[s.norm_AJ].upper ** 2 * base.residual_scale.upper)
    return problem, network, loss, operator, base, step


def steps(rng: np.random.Generator, count: int, single: bool = False) -> list[tuple[float, float]]:
    """(‖e‖, a + b‖∇f‖) of some steps of one run of the program, on the ball that they need."""
    problem, network, loss, operator, base, step = draw(rng)
    c2 = base.residual_scale
    engine = Engine(problem, network, loss, GradientDescent(), Constant())
    truth, carry, found = Exact(problem, network), engine.start, []
    for _ in range(count):
        b, V = np.asarray(carry.theta.b), np.asarray(carry.theta.V)
        away, travelled = _away(network, b, V)
        carry, _ = engine.chunk(carry, Setting(step, (), False), 1, 0.0)
        if single:
            carry = carry._replace(theta=type(carry.theta)(*(part.astype("f4").astype("f8") for part in carry.theta)))
        with flint.ctx.workprec(BITS):
            gamma = c2.arb() * flint.arb(step)
            _, inner, outer = truth.at(b, V)
            moved = [(exact(old) - exact(new)) / gamma for old, new in
                     ((b, carry.theta.b), (V, carry.theta.V))]  # fmt: skip
            U = truth.norm_u
            error = math.hypot(U * _norm(moved[0] - inner), _norm(moved[1] - outer))
            gradient = math.hypot(U * _norm(inner), _norm(outer))
        told = RoundingError(
            base, network.rounding_sizes(operator), Bound.exact(step) * c2, c2, theory.ASSUMED, travelled
        )
        with flint.ctx.workprec(BITS):
            known = told.balls(away)
            a, rel = (float(known[symbol].upper()) for symbol in (inexact.error_absolute, inexact.error_relative))
        found.append((error, a + max(rel, 0.0) * gradient if math.isfinite(rel) and rel > 0 else math.inf))
    return found


def _away(network: Any, b: np.ndarray, V: np.ndarray) -> tuple[float, float]:
    travelled = float(np.linalg.norm(b) * np.linalg.norm(network.u)) * (1 + 1e-12)
    return math.hypot(travelled, float(np.linalg.norm(V - network.V))) * (1 + 1e-12), travelled


def floor_run(rng: np.random.Generator, extra: int = 300) -> dict[str, float] | None:
    """Follow a run of the program from a certified point to its floor and on; None without a statement or a short one.

    Returns:
        Violations, the floor over the largest residual seen after it, observed iterations over promised ones.
    """
    problem, network, loss, operator, _, step = draw(rng)
    cert = certify_at(problem, network, loss, operator, Step(step))
    entry = cert.guarantees.extra.get("floating_point")
    if entry is None or entry["iterations"] > 4000:
        return None
    engine = Engine(problem, network, loss, GradientDescent(), Constant())
    truth, carry, setting = Exact(problem, network), engine.start, Setting(step, (), False)
    floor, path = entry["residual"]["upper"], entry["path"]["upper"]
    reached, largest, bad = None, 0.0, 0
    count, chunk = 0, max(1, entry["iterations"] // 40)
    while count < entry["iterations"] + min(entry["kept"], extra):
        b, V = np.asarray(carry.theta.b), np.asarray(carry.theta.V)
        with flint.ctx.workprec(BITS):
            R = truth.at(b, V)[0]
        if reached is None and floor >= R:
            reached = count
        if reached is None:
            bad += _away(network, b, V)[0] > path * (1 + 1e-9) or count >= entry["iterations"]
        elif count <= reached + entry["kept"]:
            largest = max(largest, R)
            bad += floor < R
        carry, _ = engine.chunk(carry, setting, chunk, 0.0)
        count += chunk
    shown = floor / largest if largest else math.nan
    return {"bad": float(bad), "floor over seen": shown, "share": (reached or count) / max(entry["iterations"], 1)}
