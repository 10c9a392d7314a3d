"""Gradient descent in ball arithmetic: every number encloses that of the exact descent from the stored floats.

So a check needs no slack: an inequality of the theorem is violated if and only if the balls say so *for certain*, and
a violation is a theorem too. This is also the second implementation of network, losses and descent: nothing is shared
with `dipproofs.networks`, `.descent` or `.problems.losses`, not even SymPy expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from dipproofs.networks import TwoLayer

arb, arb_mat = flint.arb, flint.arb_mat
Pair = tuple[arb, arb]


def exact(array: Any) -> arb_mat:
    """The stored floats, exactly; vectors become columns."""
    rows = np.atleast_2d(np.asarray(array, dtype=np.float64))
    if np.ndim(array) == 1:
        rows = rows.T
    return arb_mat([[arb(x) for x in row] for row in rows.tolist()])


def norm(matrix: arb_mat) -> arb:
    """Euclidean norm of all entries."""
    return square(matrix).nonnegative_part().sqrt()


def square(matrix: arb_mat) -> arb:
    """Sum of the squared entries."""
    return sum((x * x for x in matrix.entries()), arb(0))


def column(entries: list[arb]) -> arb_mat:
    """A column vector."""
    return arb_mat([[x] for x in entries])


# --- activations: (φ, φ') --------------------------------------------------------------------------------
def _tanh(x: arb) -> Pair:
    y = x.tanh()
    return y, 1 - y * y


def _sigmoid(x: arb) -> Pair:
    y = 1 / (1 + (-x).exp())
    return y, y * (1 - y)


def _softplus(x: arb) -> Pair:
    return x.exp().log1p(), 1 / (1 + (-x).exp())


def _erf(x: arb) -> Pair:
    return x.erf(), 2 / arb.pi().sqrt() * (-x * x).exp()


def _gelu(x: arb) -> Pair:
    cdf = (1 + (x / arb(2).sqrt()).erf()) / 2
    return x * cdf, cdf + x * (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _silu(x: arb) -> Pair:
    y = 1 / (1 + (-x).exp())
    return x * y, y + x * y * (1 - y)


ACTIVATIONS: dict[str, Callable[[arb], Pair]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "sin": lambda x: (x.sin(), x.cos()),
    "erf": _erf,
    "gelu": _gelu,
    "silu": _silu,
}


# --- losses at scale 1: (h, h') of one residual or one entry -----------------------------------------------
def _sign(x: arb) -> int:
    return 1 if x > 0 else -1 if x < 0 else 0


def _huber(v: arb, y: arb, p: dict[str, float]) -> Pair:
    r, corner = v - y, arb(p["delta"])
    size = abs(r)
    if size <= corner:
        return r * r / 2, r
    if size > corner:
        return corner * size - corner * corner / 2, corner * _sign(r)
    return arb.nan(), arb.nan()


def _lp(v: arb, y: arb, p: dict[str, float]) -> Pair:
    r, power = v - y, arb(p["p"])
    size = abs(r)
    if not size > 0:
        return (size, size) if size == 0 else (arb.nan(), arb.nan())
    return (power * size.log()).exp() / power, _sign(r) * ((power - 1) * size.log()).exp()


def _log_cosh(v: arb, y: arb, p: dict[str, float]) -> Pair:
    r = v - y
    return r.cosh().log(), r.tanh()


def _cross_entropy(v: arb, y: arb, p: dict[str, float]) -> Pair:
    return y * (y / v).log() + (1 - y) * ((1 - y) / (1 - v)).log(), (v - y) / (v * (1 - v))


def _poisson(v: arb, y: arb, p: dict[str, float]) -> Pair:
    w = v + arb(p["background"])
    return y * (y / w).log() - y + w, 1 - y / w


def _logit(v: arb, y: arb, p: dict[str, float]) -> Pair:
    entropy = -y * y.log() - (1 - y) * (1 - y).log()
    return v.exp().log1p() - y * v - entropy, 1 / (1 + (-v).exp()) - y


ENTRIES: dict[str, Callable[[arb, arb, dict[str, float]], Pair]] = {
    "squared": lambda v, y, p: ((v - y) ** 2, 2 * (v - y)),
    "log-cosh": _log_cosh,
    "huber": _huber,
    "lp": _lp,
    "cross-entropy": _cross_entropy,
    "poisson": _poisson,
    "logit-cross-entropy": _logit,
}
SCALES: dict[str, Callable[[int], arb]] = {
    "sum": lambda m: arb(1),
    "half": lambda m: arb(1) / 2,
    "mean": lambda m: arb(1) / m,
    "half-mean": lambda m: arb(1) / (2 * m),
}


def loss_and_gradient(loss: Any, v: arb_mat, y: arb_mat) -> tuple[arb, arb_mat]:
    """L(v) and ∇L(v), from the definitions in docs/theory.md §5."""
    m = v.nrows()
    c = SCALES[loss.scale](m) if isinstance(loss.scale, str) else arb(loss.scale)
    if loss.kind == "norm-power":
        r, power = v - y, arb(loss.parameters["p"])
        size = norm(r)
        return c * (power * size.log()).exp() / power, r * (c * ((power - 2) * size.log()).exp())
    entry = ENTRIES[loss.kind]
    pairs = [entry(a, b, loss.parameters) for a, b in zip(v.entries(), y.entries())]
    return c * sum((h for h, _ in pairs), arb(0)), column([c * slope for _, slope in pairs])


# --- the network -------------------------------------------------------------------------------------------
@dataclass
class Point:
    """Parameters: V and the shift b of W along u, so that a = a_0 + b‖u‖²."""

    V: arb_mat
    b: arb_mat


class Setting:
    """A g(u,θ), its derivatives and the loss, for one instance.

    Args:
        A: (m, n). network: where the descent starts. loss, y: the data fit; None when only the Jacobian matters.
    """

    def __init__(self, A: np.ndarray, network: TwoLayer, loss: Any = None, y: np.ndarray | None = None) -> None:
        self.A, self.network, self.loss = exact(A), network, loss
        self.At = self.A.transpose()
        u = exact(network.u)
        self.norm_u2 = square(u)
        self.a_0 = exact(network.W) * u
        self.start = Point(exact(network.V), column([arb(0)] * network.width))
        self.root_k = arb(network.width).sqrt()
        self.trains_V, self.trains_W = network.train != "inner", network.train != "outer"
        self.offset = column([arb(network.output_offset)] * network.n)
        self.y = None if y is None else exact(y)
        if loss is not None and loss.kind == "squared" and A.shape[0] > A.shape[1]:
            # same descent, loss shifted by a constant: y is replaced by its projection on Im(A)
            self.y = self.A * (self.At * self.A).solve(self.At * self.y)

    def hidden(self, point: Point) -> tuple[arb_mat, arb_mat]:
        """φ(a), φ'(a)."""
        function = ACTIVATIONS[self.network.activation]
        a = self.a_0 + point.b * self.norm_u2 if self.trains_W else self.a_0
        pairs = [function(x) for x in a.entries()]
        return column([p for p, _ in pairs]), column([d for _, d in pairs])

    def signal(self, point: Point) -> arb_mat:
        """g(u,θ)."""
        return point.V * self.hidden(point)[0] * (1 / self.root_k) + self.offset

    def loss_gradient(self, point: Point) -> tuple[arb, arb_mat, arb_mat]:
        """f(θ), the prediction v, ∇L(v)."""
        v = self.A * self.signal(point)
        value, slope = loss_and_gradient(self.loss, v, self.y)
        return value, v, slope

    def pulled_back(self, point: Point, z: arb_mat) -> tuple[arb_mat, arb_mat, arb]:
        """J(θ)ᵀz: the factors of its V-part zφᵀ/√k and of its W-part d uᵀ, and its norm."""
        phi, dphi = self.hidden(point)
        scaled = z * (1 / self.root_k)
        V_part = scaled * phi.transpose() if self.trains_V else arb_mat(*_shape(point.V))
        back = point.V.transpose() * scaled
        d = column([x * s for x, s in zip(dphi.entries(), back.entries())]) if self.trains_W else point.b * 0
        return V_part, d, (square(V_part) + square(d) * self.norm_u2).nonnegative_part().sqrt()

    def distance(self, one: Point, other: Point) -> arb:
        """‖θ − θ'‖."""
        return (square(one.V - other.V) + square(one.b - other.b) * self.norm_u2).nonnegative_part().sqrt()

    def step(self, point: Point, gradient: tuple[arb_mat, arb_mat, arb], gamma: arb) -> Point:
        """θ − γ∇f(θ)."""
        return Point(point.V - gradient[0] * gamma, point.b - gradient[1] * gamma)

    def at(self, network: TwoLayer) -> Point:
        """The stored parameters of another network with the same u, W possibly moved in any direction.

        Only a = Wu matters for g; the shift along u that gives this a is returned, which is the closest W.
        """
        a = exact(network.W) * exact(network.u)
        return Point(exact(network.V), (a - self.a_0) * (1 / self.norm_u2))


def _shape(matrix: arb_mat) -> tuple[int, int]:
    return matrix.nrows(), matrix.ncols()


@dataclass
class Trace:
    """The exact descent: enclosures along it.

    Args:
        points: θ_0 … θ_T. loss, gradient_norm: f, ‖∇f‖ there. prediction: A g. path: length up to there.
        gammas: the steps.
    """

    points: list[Point] = field(default_factory=list)
    loss: list[arb] = field(default_factory=list)
    gradients: list[Any] = field(default_factory=list)
    outer: list[arb_mat] = field(default_factory=list)
    prediction: list[arb_mat] = field(default_factory=list)
    path: list[arb] = field(default_factory=list)
    gammas: list[arb] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Number of steps done."""
        return len(self.gammas)


def descend(setting: Setting, gammas: Callable[[int, Trace], arb], steps: int, accuracy: float = 2.0**-60) -> Trace:
    """Descend in balls at the precision in force, as long as the balls stay small and the loss positive."""
    trace, point, length = Trace(), setting.start, arb(0)
    for tau in range(steps + 1):
        value, v, outer = setting.loss_gradient(point)
        if not value > 0 or not value.rad() <= accuracy * value.mid():  # as balls: floats end at 1e-308
            break
        gradient = setting.pulled_back(point, setting.At * outer)
        trace.points.append(point)
        trace.loss.append(value)
        trace.prediction.append(v)
        trace.outer.append(outer)
        trace.gradients.append(gradient)
        trace.path.append(length)
        if tau == steps:
            break
        gamma = gammas(tau, trace)
        point = setting.step(point, gradient, gamma)
        length = length + gamma * gradient[2]
        trace.gammas.append(gamma)
    del trace.gammas[max(len(trace.points) - 1, 0) :]
    return trace


def bits_for(steps: int) -> int:
    """Enough precision for this many steps: balls grow by a small factor per step."""
    return 128 + 6 * steps


def schedule_factor(schedule: Any, tau: int) -> arb:
    """γ_τ/γ_0 of a schedule, from its definition."""
    if schedule.kind == "polynomial":
        return (-arb(schedule.power) * arb(1 + tau).log()).exp()
    if schedule.kind == "cosine":
        inside = tau < schedule.horizon
        return (1 + (arb.pi() * tau / schedule.horizon).cos()) / 2 if inside else arb(0)
    return arb(1)


def backtracked(setting: Setting, trace: Trace, gamma: arb) -> arb:
    """Halve until f(θ−γg) ≤ f − γ‖g‖²/2."""
    norm2 = trace.gradients[-1][2] ** 2
    for _ in range(60):
        trial = setting.step(trace.points[-1], trace.gradients[-1], gamma)
        if setting.loss_gradient(trial)[0] <= trace.loss[-1] - gamma * norm2 / 2:
            return gamma
        gamma = gamma / 2
    return gamma
