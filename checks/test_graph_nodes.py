"""The formulas of graph nodes against dense tensors (docs/theory-graphs.md §3).

A node's inputs move as x(θ) = x₀ + Dθ + ½T[θ,θ] over two blocks, so that d, r, E on the ball are known; the Jacobian
and the Hessian of the operation are taken by differences. Every bound is tried at the centre, where it should nearly be
attained, and at points of the ball.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
import pytest
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures.upward import upward
from dipproofs.theory import core, formula
from dipproofs.theory.architectures import graph_nodes as t

BLOCKS = (slice(0, 3), slice(3, 5))
P, M = 5, 4
Values = dict[sp.Symbol, np.ndarray | float]


def op(a: np.ndarray) -> float:
    """Operator norm."""
    return float(np.linalg.norm(a, 2)) if a.size else 0.0


def trilinear(T: np.ndarray, rng: np.random.Generator) -> float:
    """Lower estimate of the norm of a trilinear form (m, p, q) by alternating maximisation."""
    best = 0.0
    for _ in range(3):
        w = rng.standard_normal(T.shape[2])
        for _ in range(15):
            u, s, v = np.linalg.svd(T @ (w / (np.linalg.norm(w) + 1e-300)), full_matrices=False)
            best = max(best, float(s[0]))
            w = np.einsum("mjk,m,j->k", T, u[:, 0], v[0])
    return best


@dataclass
class Moving:
    """An input of a node that moves with θ, and its bounds on the ball of radius ρ."""

    x: np.ndarray
    D: np.ndarray
    T: np.ndarray
    rho: float

    @classmethod
    def draw(cls, size: int, rho: float, rng: np.random.Generator) -> Moving:
        """A random input; T is symmetric."""
        T = 0.3 * rng.standard_normal((size, P, P))
        return cls(rng.standard_normal(size), rng.standard_normal((size, P)), (T + T.swapaxes(1, 2)) / 2, rho)

    def at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Value and Jacobian."""
        return self.x + self.D @ theta + 0.5 * (self.T @ theta) @ theta, self.D + self.T @ theta

    @property
    def E(self) -> np.ndarray:
        """Upper bounds by blocks: norms of unfoldings."""
        return np.array([[op(self.T[:, j, k].reshape(len(self.x), -1)) for k in BLOCKS] for j in BLOCKS])

    @property
    def d(self) -> np.ndarray:
        """‖D_j‖ on the ball."""
        return np.array([op(self.D[:, j]) for j in BLOCKS]) + self.rho * np.linalg.norm(self.E, axis=1)

    @property
    def r(self) -> np.ndarray:
        """Largest row of D_j on the ball."""
        rows = np.array([np.linalg.norm(self.D[:, j], axis=1).max() for j in BLOCKS])
        return np.minimum(rows + self.rho * np.linalg.norm(self.E, axis=1), self.d)

    @property
    def radius(self) -> float:
        """How far an entry moves."""
        return self.rho * min(float(np.linalg.norm(self.r)), float(np.linalg.norm(self.d)))


def values_of(x: Moving, w: Moving | None = None) -> Values:
    """Symbols of the inputs."""
    values: Values = {t.rho: x.rho, t.length_x: float(np.linalg.norm(x.d)), t.row_length_x: float(np.linalg.norm(x.r))}
    values |= {t.d_xj: x.d[:, None], t.d_xk: x.d[None], t.r_xj: x.r[:, None], t.r_xk: x.r[None], t.E_x: x.E}
    values |= {t.radius_x: x.radius}
    if w is not None:
        values |= {t.d_wj: w.d[:, None], t.d_wk: w.d[None], t.r_wj: w.r[:, None], t.r_wk: w.r[None], t.E_w: w.E}
        values |= {t.length_w: float(np.linalg.norm(w.d)), t.radius_w: w.radius}
    return values


Operation = Callable[..., np.ndarray]


def derivatives(f: Operation, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Jacobian and Hessian of f of the joined inputs, by central differences."""
    sizes = np.cumsum([len(z) for z in inputs])[:-1]
    joined, h = np.concatenate(inputs), 1e-3
    eye = np.eye(len(joined))

    def value(z: np.ndarray) -> np.ndarray:
        return f(*np.split(z, sizes))

    def richardson(difference: Callable[[float], np.ndarray]) -> np.ndarray:
        return (4 * difference(h / 2) - difference(h)) / 3

    def slope(e: np.ndarray, h: float) -> np.ndarray:
        return (value(joined + h * e) - value(joined - h * e)) / (2 * h)

    def curvature(a: np.ndarray, b: np.ndarray, h: float) -> np.ndarray:
        ends = [value(joined + h * (p * a + q * b)) for p, q in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        return (ends[0] - ends[1] - ends[2] + ends[3]) / (4 * h**2)

    J = np.stack([richardson(partial(slope, e)) for e in eye], axis=1)
    H = np.empty((*J.shape, len(joined)))
    for i, j in combinations_with_replacement(range(len(joined)), 2):
        H[:, i, j] = H[:, j, i] = richardson(partial(curvature, eye[i], eye[j]))
    return J, H


def falsify(
    f: Operation, inputs: list[Moving], values: Values, B: np.ndarray, name: str, rng: np.random.Generator
) -> dict[str, float]:
    """Largest ratio of the true number to the formula, by formula; at the centre and in the ball."""
    worst: dict[str, float] = {}
    bound = {
        key: np.broadcast_to(upward(formula(f"graph.node.{name}.{key}").expr, values), shape)
        for key, shape in (("d", (2, 1)), ("r", (2, 1)), ("E", (2, 2)), ("N", (2, 2)))
        if f"graph.node.{name}.{key}" in KNOWN
    }

    def record(key: str, found: float, limit: float) -> None:
        if limit > 0 or found > 1e-6:  # below, the differences are noise
            worst[key] = max(worst.get(key, 0.0), found / (limit + 1e-7))

    start, _ = derivatives(f, [z.x for z in inputs])
    rho = inputs[0].rho
    for trial in range(3 if rho else 1):
        theta = rng.standard_normal(P)
        theta *= (rho if trial else 0.0) / np.linalg.norm(theta)
        moved = [z.at(theta) for z in inputs]
        J, H = derivatives(f, [z for z, _ in moved])
        D = np.concatenate([D for _, D in moved])
        T = np.concatenate([z.T for z in inputs])
        Dy = J @ D
        curved = np.einsum("nab,aj,bk->njk", H, D, D)
        second = curved + np.einsum("na,ajk->njk", J, T)
        for j, block in enumerate(BLOCKS):
            record("d", op(Dy[:, block]), bound["d"][j, 0])
            if "r" in bound:
                record("r", float(np.linalg.norm(Dy[:, block], axis=1).max()), bound["r"][j, 0])
            for k, other in enumerate(BLOCKS):
                record("E", trilinear(second[:, block, other], rng), bound["E"][j, k])
                if "N" in bound:
                    record("N", trilinear(np.einsum("mn,njk->mjk", B, curved[:, block, other]), rng), bound["N"][j, k])
        change = B @ (J - start)
        ends = np.cumsum([0, *(len(z.x) for z in inputs)])
        for i, key in enumerate(("J", "J_w")[: len(inputs)]):
            if key in values:
                record("J", op(change[:, ends[i] : ends[i + 1]]), float(values[key]))  # type: ignore[index]
    return worst


NODES = ("entrywise", "product", "affine", "normalise", "softmax", "bilinear")
KNOWN = {f"graph.node.{node}.{key}" for node in NODES for key in "drEN"} - {"graph.node.affine.r"}
TOLERANCE = 1 + 1e-5


def settle(worst: dict[str, float], attained: dict[str, float]) -> None:
    """No bound is exceeded; `attained` collects how near they came."""
    for key, ratio in worst.items():
        assert ratio <= TOLERANCE, (key, ratio)
        attained[key] = max(attained.get(key, 0.0), ratio)


RADII = (0.0, 0.05, 0.3)


@proves("graph.node.entrywise.*", "graph.node.radius")
def test_entrywise() -> None:
    attained: dict[str, float] = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = Moving.draw(4, RADII[seed % 3], rng)
        B = rng.standard_normal((M, 4))
        values = values_of(x)
        radius = float(upward(t.RADIUS, values))
        assert x.radius <= radius <= x.radius * (1 + 1e-14)
        box = x.x + np.linspace(-radius, radius, 201)[:, None]
        curvatures = np.abs(np.sin(box)).max(axis=0) * (1 + 1e-4)
        values |= {t.P_2: curvatures.max(), t.slope: np.abs(np.cos(x.x)).max()}
        values |= {t.b_second: op(B * curvatures), t.column_second: (np.linalg.norm(B, axis=0) * curvatures).max()}
        slope = float(upward(t.ENTRYWISE_SLOPE, values))
        assert slope >= np.abs(np.cos(box)).max() - 1e-9
        values |= {t.P_1: slope, "J": upward(t.ENTRYWISE_J, values)}  # type: ignore[dict-item]
        settle(falsify(np.sin, [x], values, B, "entrywise", rng), attained)
    assert min(attained.values()) > 0.3, attained


@proves("graph.node.product.*")
def test_product() -> None:
    attained: dict[str, float] = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, w = (Moving.draw(3, RADII[seed % 3], rng) for _ in range(2))
        B = rng.standard_normal((M, 3))
        values = values_of(x, w) | {t.b: op(B), t.column: np.linalg.norm(B, axis=0).max()}
        values |= {t.value_x: np.abs(x.x).max() + x.radius, t.value_w: np.abs(w.x).max() + w.radius}
        values |= {"J": upward(t.PRODUCT_J, values), "J_w": upward(t.PRODUCT_J, values | {t.radius_w: x.radius})}  # type: ignore[dict-item]
        settle(falsify(lambda a, b: a * b, [x, w], values, B, "product", rng), attained)
    assert min(attained.values()) > 0.25, attained


@proves("graph.node.affine.*")
def test_affine() -> None:
    """w repeated over groups of different sizes."""
    groups = np.array([0, 0, 0, 1, 1])
    attained: dict[str, float] = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, w = Moving.draw(5, RADII[seed % 3], rng), Moving.draw(2, RADII[seed % 3], rng)
        B = rng.standard_normal((M, 5))
        parts = [groups == g for g in range(2)]
        values = values_of(x, w) | {t.value_w: np.abs(w.x).max() + w.radius, t.b_group: max(op(B[:, g]) for g in parts)}
        values |= {t.group_x: max(np.linalg.norm(x.x[g]) for g in parts) + x.rho * np.linalg.norm(x.d)}
        settle(falsify(lambda a, b: a * b[groups], [x, w], values, B, "affine", rng), attained)
    assert min(attained.values()) > 0.25, attained


@proves("graph.node.softmax.*")
def test_softmax() -> None:
    def softmax(a: np.ndarray) -> np.ndarray:
        e = np.exp(a - a.max())
        return e / e.sum()

    attained: dict[str, float] = {}
    for seed in range(9):
        rng = np.random.default_rng(seed)
        x = Moving.draw(2 + seed % 2, RADII[seed % 3], rng)
        x.x[:] = 0.8 * (seed % 3) * np.arange(len(x.x))
        B = rng.standard_normal((M, len(x.x)))
        values = values_of(x) | {t.b: op(B)}
        values |= {"J": upward(t.SOFTMAX_J, values)}  # type: ignore[dict-item]
        settle(falsify(softmax, [x], values, B, "softmax", rng), attained)
    assert min(attained.values()) > 0.08 and attained["d"] > 0.9, attained


def bilinear_map(w: np.ndarray, index: np.ndarray, outputs: int) -> np.ndarray:
    """The matrix of x ↦ w∗x for a kernel (O, taps) and an index map."""
    taps = index.shape[1]
    size = int(index.max()) + 1
    matrix = np.zeros((outputs, len(index), size))
    for o in range(outputs):
        for p, row in enumerate(index):
            for tap, source in enumerate(row):
                if source >= 0:
                    matrix[o, p, source] += w[o * taps + tap]
    return matrix.reshape(-1, size)


@proves("graph.node.bilinear.*")
@pytest.mark.parametrize("kind", ["zero", "circular", "reflect", "strided", "dense"])
def test_bilinear(kind: str) -> None:
    """Convolutions in one dimension by their index maps; κ² counts the reads of an entry."""
    line = np.arange(5)
    maps = {
        "zero": np.stack([line - 1, line, np.where(line < 4, line + 1, -1)], axis=1),
        "circular": np.stack([(line - 1) % 5, line, (line + 1) % 5], axis=1),
        "reflect": np.abs(np.stack([line - 1, line, 4 - np.abs(4 - (line + 1))], axis=1)),
        "strided": np.array([[-1, 0, 1], [1, 2, 3]]),
        "dense": line[None, :4],
    }
    index, outputs = maps[kind], 2
    taps, size = index.shape[1], int(index.max()) + 1
    kappa = np.sqrt(max(np.bincount(index[index >= 0])))
    basis = np.stack([bilinear_map(e, index, outputs) for e in np.eye(outputs * taps)])
    attained: dict[str, float] = {}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rho = RADII[seed % 3]
        x, w = Moving.draw(size, rho, rng), Moving.draw(outputs * taps, rho, rng)
        if seed < 3:  # a leaf, where κ is nearly attained: D is the identity on its block
            w.D[:], w.T[:] = 0.0, 0.0
            w.D[: min(3, len(w.x)), :3] = np.eye(min(3, len(w.x)), 3)
        B = rng.standard_normal((M, outputs * len(index)))
        values = values_of(x, w) | {t.b: op(B), t.kappa: kappa}
        as_x = (basis @ x.x).T
        patches = np.where(index >= 0, x.x[index], 0.0)
        coefficients = np.abs(w.x.reshape(outputs, taps))
        twice = np.sqrt(max(np.bincount(row[row >= 0]).max() for row in index))  # an entry read twice by one output
        for side, start, rows, symbols in (
            (w, op(bilinear_map(w.x, index, outputs)), coefficients, (t.norm_w, t.two_w, t.one_w)),
            (x, op(as_x), np.abs(patches), (t.norm_p, t.two_p, t.one_p)),
        ):
            own = values | {t.length_w: float(np.linalg.norm(side.d)), t.radius_w: side.radius, t.row_size: float(taps)}
            values[symbols[0]] = upward(t.BILINEAR_NORM, own | {t.start: start})
            factor = twice if side is w else 1.0
            two = upward(t.BILINEAR_TWO, own | {t.start: np.linalg.norm(rows, axis=1).max()})
            values[symbols[1]] = factor * two
            values[symbols[2]] = upward(t.BILINEAR_ONE, own | {t.start: rows.sum(axis=1).max()})
        change_x = upward(t.BILINEAR_J, values)
        change_w = upward(t.BILINEAR_J, values | {t.length_w: float(np.linalg.norm(x.d))})
        values |= {"J": change_x, "J_w": change_w}  # type: ignore[dict-item]
        settle(falsify(lambda a, b: np.tensordot(b, basis, 1) @ a, [x, w], values, B, "bilinear", rng), attained)
    assert min(attained.values()) > 0.2, attained


def normalised(epsilon: float, centre: bool) -> Operation:
    """n(x) of one group."""

    def value(a: np.ndarray) -> np.ndarray:
        c = a - a.mean() if centre else a
        return c / np.sqrt((c**2).mean() + epsilon)

    return value


@proves("graph.node.normalise.*")
@pytest.mark.parametrize("centre", [True, False])
def test_normalise(centre: bool) -> None:
    """Both curvature terms; with two groups in the structured one."""
    attained: dict[str, float] = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rho, size, epsilon = (0.0, 0.02, 0.05)[seed % 3], 4, (0.3, 0.05)[seed % 2]
        x = Moving.draw(2 * size, rho, rng)
        x.x[:] *= 2.0
        single = normalised(epsilon, centre)
        B = rng.standard_normal((M, 2 * size))
        cuts = (slice(0, size), slice(size, 2 * size))
        middle = [x.x[c] - x.x[c].mean() if centre else x.x[c] for c in cuts]
        length = np.array([np.linalg.norm(c) for c in middle])
        dx = float(np.linalg.norm(x.d))
        s = np.maximum(np.sqrt(length**2 / size + epsilon) - dx * rho / np.sqrt(size), np.sqrt(epsilon))
        least = length - dx * rho
        values = values_of(x) | {t.deviation: s.min(), t.count: float(size), t.b: op(B)}
        values[t.start] = max(np.abs(single(x.x[c])).max() for c in cuts)
        values[t.greatest] = upward(t.NORMALISE_VALUE, values)
        curvature = upward(t.NORMALISE_CURVATURE, values | {t.deviation: s})
        norms = np.array([op(B[:, c]) for c in cuts])
        values |= {t.curvature: curvature.max(), t.b_curvature: (curvature * norms).max()}
        values |= {"J": upward(t.NORMALISE_J, values)}  # type: ignore[dict-item]

        def both(a: np.ndarray, single: Operation = single, size: int = size) -> np.ndarray:
            return np.concatenate([single(a[:size]), single(a[size:])])

        worst = falsify(both, [x], values, B, "normalise", rng)
        settle(worst, attained)
        if (least > 0).all():
            weight = upward(t.NORMALISE_WEIGHT, {t.count: float(size), t.deviation: s})
            hats = [c / n for c, n in zip(middle, length)]
            start = np.array([[np.linalg.norm(h @ x.D[c][:, j]) for j in BLOCKS] for h, c in zip(hats, cuts)])
            own = {t.rho: rho, t.row_E: np.linalg.norm(x.E, axis=1)[None], t.length_x: dx, t.d_xj: x.d[None]}
            f = upward(t.NORMALISE_FUNCTIONAL, own | {t.functional: start, t.least_centred: least[:, None]})
            along = np.array([np.linalg.norm(B[:, c] @ h) for h, c in zip(hats, cuts)])
            turned = {t.rho: rho, t.length_x: dx, t.least_centred: least, t.b: norms, t.direction: along}
            direction = (weight * upward(t.NORMALISE_DIRECTION, turned)).max()
            second = np.array([op(B * np.repeat(weight * f[:, j], size)) for j in range(2)])
            structured = values | {t.b_left: second[:, None], t.b_right: second[None], t.b_direction: direction}
            values[t.b_curvature] = np.inf
            limit = upward(t.NORMALISE_STRUCTURED, structured)
            for theta in (np.zeros(P), *(rho * v / np.linalg.norm(v) for v in rng.standard_normal((2, P)))):
                z, D = x.at(theta)
                H = derivatives(both, [z])[1]
                term = np.einsum("mn,nab,aj,bk->mjk", B, H, D, D)
                for j, block in enumerate(BLOCKS):
                    for k, other in enumerate(BLOCKS):
                        ratio = trilinear(term[:, block, other], rng) / limit[j, k]
                        settle({"structured": ratio}, attained)
    assert min(attained.values()) > 0.08 and attained["d"] > 0.6, attained


def test_the_constant_of_normalisation_is_sharp() -> None:
    """‖D²n‖√P s² attains 2/√3 at τ² ≥ 1/3, u = w = αx̂ + βe with α² = 1/(3τ²)."""
    size, epsilon = 6, 0.05
    rng = np.random.default_rng(1)
    x = rng.standard_normal(size)
    c = x - x.mean()
    s = np.sqrt((c**2).mean() + epsilon)
    tau = np.linalg.norm(c) / (np.sqrt(size) * s)
    hat = c / np.linalg.norm(c)
    e = rng.standard_normal(size)
    e -= e.mean() + (e @ hat) * hat
    e /= np.linalg.norm(e)
    alpha = 1 / np.sqrt(3 * tau**2)
    u = alpha * hat + np.sqrt(1 - alpha**2) * e
    H = derivatives(normalised(epsilon, True), [x])[1]
    found = np.linalg.norm((H @ u) @ u) * np.sqrt(size) * s**2
    assert found == pytest.approx(2 / np.sqrt(3), rel=1e-5)


@proves("graph.node.linear.*", "graph.node.stacked", "graph.node.restart", "graph.node.defect.*")
def test_linear_restart_and_defects() -> None:
    """U x, two nodes stacked, the Jacobian at θ_0 moved by ρ|E_j|, and Theorem T for one perturbed adjoint."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = Moving.draw(4, 0.4, rng)
        U = rng.standard_normal((3, 4))
        values = values_of(x) | {t.norm_U: op(U), t.row_one: np.abs(U).sum(axis=1).max()}
        values |= {t.row_two: np.linalg.norm(U, axis=1).max()}
        theta = rng.standard_normal(P)
        _, D = x.at(0.4 * theta / np.linalg.norm(theta))
        still = {t.exact: np.array([op(x.D[:, j]) for j in BLOCKS]), t.error: 0.0, t.rho: 0.4}
        restart = upward(t.RESTART, still | {t.row_E: np.linalg.norm(x.E, axis=1)})
        for j, block in enumerate(BLOCKS):
            assert op(U @ D[:, block]) <= upward(t.LINEAR_D, values)[j, 0]
            assert np.linalg.norm(U @ D[:, block], axis=1).max() <= upward(t.LINEAR_R, values)[j, 0]
            assert (
                trilinear((U @ x.T.reshape(4, -1)).reshape(3, P, P)[:, block, block], rng)
                <= upward(t.LINEAR_E, values)[j, j]
            )
            assert op(D[:, block]) <= restart[j] <= x.d[j] * (1 + 1e-12)
            a, b = op(x.D[:2, block]), op(x.D[2:, block])
            assert op(x.D[:, block]) <= upward(t.STACKED, {t.stacked_a: a, t.stacked_b: b})
        # F = A x(θ): with B̃ in place of A at the output the error is (A − B̃)D, and (A − B̃)T in the curvature
        A, away = rng.standard_normal((M, 4)), 1e-3 * rng.standard_normal((M, 4))
        error = upward(t.DEFECT_D, {t.defect: op(away), t.d_xj: x.d})
        second = upward(t.DEFECT_N, {t.defect: op(away), t.change: 0.0, t.own_E: x.E})
        for j, block in enumerate(BLOCKS):
            assert op(A @ x.D[:, block] - (A + away) @ x.D[:, block]) <= error[j]
            assert trilinear(np.einsum("mn,njk->mjk", away, x.T[:, block, block]), rng) <= second[j, j]


def test_theorem_t_for_any_adjoints() -> None:
    """M = Σ_l B̃_l ∂_θ op_l + Σ_x R_x D_x for random B̃: z₁ = Wu, z₂ = tanh z₁, z₃ = W z₂ (tied), F = A(z₃ + z₁)."""
    rng = np.random.default_rng(5)
    n = 3
    u, A, W = rng.standard_normal(n), rng.standard_normal((2, n)), rng.standard_normal((n, n))
    z1 = W @ u
    slope = np.diag(1 - np.tanh(z1) ** 2)
    D1 = np.kron(np.eye(n), u[None])
    D2 = slope @ D1
    D3 = W @ D2 + np.kron(np.eye(n), np.tanh(z1)[None])
    B1, B2, B3, B4 = (rng.standard_normal((2, n)) for _ in range(4))
    R = {1: B4 + B2 @ slope - B1, 2: B3 @ W - B2, 3: B4 - B3, 4: A - B4}
    own = B1 @ np.kron(np.eye(n), u[None]) + B3 @ np.kron(np.eye(n), np.tanh(z1)[None])
    total = own + R[1] @ D1 + R[2] @ D2 + R[3] @ D3 + R[4] @ (D3 + D1)
    assert np.abs(total - A @ (D3 + D1)).max() < 1e-13


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("bilinear.E", t.BILINEAR_E.subs(t.kappa, t.kappa / 2)),
        ("bilinear.d", t.norm_w * t.d_xj),
        ("normalise.curvature", t.NORMALISE_CURVATURE / 2),
        ("entrywise.E", t.P_1 * t.E_x),
        ("softmax.E", t.E_x / 2 + t.d_xj * t.d_xk / 8),
    ],
)
def test_broken_formulas_are_caught(name: str, wrong: sp.Expr, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack sees a missing term and a constant that is too small."""
    old = formula(f"graph.node.{name}")
    monkeypatch.setitem(core._FORMULAS, old.id, type(old)(old.id, wrong, old.meaning, old.source))
    attribute = next(key for key, value in vars(t).items() if value is old.expr)
    monkeypatch.setattr(t, attribute, wrong)
    check = {
        "bilinear": lambda: test_bilinear("circular"),
        "normalise": lambda: test_normalise(True),
        "entrywise": test_entrywise,
        "softmax": test_softmax,
    }
    with pytest.raises(AssertionError):
        check[name.split(".")[0]]()
