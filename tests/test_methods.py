"""Theorems about methods, from a network's arrays to the verifier: states, decisions, tampering."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp
from flint import arb

from checks.known_balls import ConstantBall
from dipproofs import TwoLayer
from dipproofs.certify.methods import heavy_ball, nesterov
from dipproofs.certify.methods.decide import matrix_holds
from dipproofs.certify.methods.polynomial import is_nonnegative
from dipproofs.certify.methods.setting import Direction, Setting
from dipproofs.certify.methods.state import direction, gradient_norm
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.networks.two_layer.linearisation import TwoLayerLinearisation
from dipproofs.theory import symbols as s
from dipproofs.theory.methods import symbols as m
from dipproofs.theory.methods.base import MatrixCondition
from dipproofs.verify.methods.inequalities import failing, nowhere_negative
from dipproofs.verify.methods.momentum import Momentum

PRODUCERS: dict[str, Any] = {"heavy-ball": heavy_ball, "nesterov": nesterov}


@dataclass(frozen=True)
class Case:
    """A network, an operator and M written out."""

    network: TwoLayer
    A: np.ndarray
    M: np.ndarray
    names: tuple[str, ...]


def case(rows: int, columns: int, train: str = "both", basis: int | None = None) -> Case:
    rng = np.random.default_rng(rows + columns)
    A = rng.normal(size=(rows, columns))
    B = None if basis is None else rng.normal(size=(columns, basis))
    network = TwoLayer.init(columns if B is None else basis, 16, 3, seed=1, basis=B, train=train)
    a, k = network.W @ network.u, network.width
    X = A if B is None else A @ B
    inner = np.einsum("mk,j->mkj", X @ (network.V / np.cosh(a) ** 2), network.u).reshape(rows, -1)
    outer = np.einsum("mi,k->mik", X, np.tanh(a)).reshape(rows, -1)
    blocks = {"W": inner, "V": outer}
    names = {"both": ("W", "V"), "inner": ("W",), "outer": ("V",)}[train]
    return Case(network, A, np.hstack([blocks[name] for name in names]) / math.sqrt(k), names)


CASES = [case(4, 6), case(5, 5, "inner"), case(7, 4, "outer"), case(5, 5, "both", 3)]


def bounds(found: Case) -> Any:
    from dipproofs.certify.api import bound_operator

    B = found.network.basis
    return bound_operator(found.A, B)


@pytest.mark.parametrize("found", CASES)
def test_linearisation_is_the_jacobian(found: Case) -> None:
    rng = np.random.default_rng(0)
    M = TwoLayerLinearisation(found.network, bounds(found))
    D = {name: rng.normal(size=getattr(found.network, name).shape) for name in found.names}
    flat = np.concatenate([D[name].ravel() for name in found.names])
    moved = M.forward({name: IntervalMatrix.from_exact(a) for name, a in D.items()})
    assert np.allclose(moved.mid, found.M @ flat, atol=1e-12) and moved.radius().max() < 1e-10
    w = rng.normal(size=found.A.shape[0])
    back = M.backward(IntervalMatrix.from_exact(w))
    assert np.allclose(np.concatenate([back[name].mid.ravel() for name in found.names]), found.M.T @ w)
    gram = M.gram()
    assert (gram is None) == (found.A.shape[0] > np.linalg.matrix_rank(found.M))
    if gram is not None:
        assert np.allclose(gram.mid, found.M @ found.M.T)
    P = {name: np.exp(rng.normal(size=a.shape)) for name, a in D.items()}
    scaled = found.M * np.sqrt(np.concatenate([P[name].ravel() for name in found.names]))
    values = np.linalg.svd(scaled, compute_uv=False)
    least, most = M.ends_in_metric({name: (a, a) for name, a in P.items()})
    rank = np.linalg.matrix_rank(found.M)
    assert least.contains(values[rank - 1]) and most.contains(values[0]) and least.relative_width < 1e-4
    norms = np.concatenate([np.broadcast_to(M.column_norms()[n], D[n].shape).ravel() for n in found.names])
    truth = np.linalg.norm(found.M, axis=0)
    assert (norms >= truth * (1 - 1e-14)).all() and (norms <= truth * (1 + 1e-9) + 1e-300).all()


@pytest.mark.parametrize("found", CASES[:2])
def test_scalars_of_a_state(found: Case) -> None:
    rng = np.random.default_rng(1)
    M = TwoLayerLinearisation(found.network, bounds(found))
    D = {name: rng.normal(size=getattr(found.network, name).shape) for name in found.names}
    flat = np.concatenate([D[name].ravel() for name in found.names])
    r = rng.normal(size=found.A.shape[0])
    sigma = float(np.linalg.svd(found.M, compute_uv=False)[found.A.shape[0] - 1])
    norm = Bound.exact(float(np.linalg.norm(r))) * Bound(1 - 1e-15, 1 + 1e-15)
    told = direction(M, IntervalMatrix.from_exact(r), norm, Bound(sigma * (1 - 1e-9), sigma), D)
    assert told.norm.contains(float(np.linalg.norm(flat)))
    assert abs(told.slope.mid - r @ found.M @ flat) < 1e-9
    exact = (np.linalg.pinv(found.M) @ r) @ flat
    assert abs(told.newton.mid - exact) < 1e-6 * (1 + abs(exact)) and told.newton.width < 1e-5
    assert abs(gradient_norm(M, IntervalMatrix.from_exact(r)).mid - np.linalg.norm(found.M.T @ r)) < 1e-9


def test_a_state_at_rest_needs_no_network() -> None:
    nothing = np.zeros((16, 3))
    M = TwoLayerLinearisation(CASES[1].network, bounds(CASES[1]))
    told = direction(M, IntervalMatrix.from_exact(np.ones(5)), Bound.exact(3), Bound.exact(1), {"W": nothing})
    assert told == Direction.zero()


@cache
def proved(kind: str) -> tuple[Setting, Any, dict[str, Any], dict[Any, Any]]:
    """A setting with its decision, and what a certificate would store of it."""
    D = Direction(Bound.exact(0.001), Bound.exact(-2e-6), Bound(-1e-6, 1e-6))
    told = Setting(Bound.exact(0.01), Bound.exact(0.02), ConstantBall(1.0, 8.0, 1.0), D, (0.8 / 8) ** 2, 0.8)
    decision = PRODUCERS[kind].prove(told)
    assert decision is not None and decision.verdict.value == "proved"
    with flint.ctx.workprec(256):
        known = heavy_ball.given(told, decision.parameters[s.rho]) | {s.rho: arb(decision.parameters[s.rho])}
    return told, decision, decision.recorded, known


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_two_arithmetics_agree(kind: str) -> None:
    _, decision, record, known = proved(kind)
    with flint.ctx.workprec(256):
        other = Momentum(kind, record, known)
        assert other.failing == []
        assert float(other.path) <= decision.bound(m.path).upper * (1 + 1e-12)
        goal = flint.arb("1e-10")
        weight = decision.env[m.d_R] / (known[m.beta] if kind == "heavy-ball" else 1)
        count = PRODUCERS[kind].levels(decision).iterations_to(goal**2 * flint.arb(weight.lower()))
        assert count is not None and other.reaches(count, goal) and not other.reaches(int(0.9 * count), goal)
        # R falls by √β asymptotically at best
        assert count > math.log(1e-8) / math.log(0.8) * 0.9


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_verifier_refuses_other_numbers(kind: str) -> None:
    _, _, record, known = proved(kind)
    with flint.ctx.workprec(256):
        for change in (
            {m.beta: arb(0.9)},  # momentum
            {m.state_norm: arb(0.2), m.state_slope: arb(0, 0.1), m.state_newton: arb(0, 0.1)},  # state
            {s.psi_0: arb(0.3)},
            {s.gamma: arb(0.1)},
            {m.injectivity: arb("nan")},
        ):
            assert Momentum(kind, record, known | change).failing
        for name in record:
            with pytest.raises(ValueError, match=f"parameters.{name}"):
                Momentum(kind, record | {name: "2-beta"}, known)
        assert Momentum(kind, record | {"zeta": 2 * record["zeta"]}, known).failing
        assert Momentum(kind, record | {"eta": 0.97 * record["eta"]}, known).failing


@pytest.mark.parametrize("decide", [is_nonnegative, nowhere_negative])
def test_polynomials_on_an_interval(decide: Any) -> None:
    rng, agreed = np.random.default_rng(0), 0
    for _ in range(60):
        p = rng.normal(size=int(rng.integers(1, 7)))
        low, high = np.sort(rng.uniform(0, 2, 2))
        grid = np.polynomial.polynomial.polyval(np.linspace(low, high, 2001), p)
        if abs(grid.min()) < 1e-6:
            continue
        agreed += 1
        assert decide([arb(float(c)) for c in p], arb(float(low)), arb(float(high))) == (grid.min() > 0)
    assert agreed > 40


@pytest.mark.parametrize("entries", [(-1, 0, 0), (0, 0, -1), (-1, 0, -1), (1, 2, 1), (0, 0, 0), (1, 1, 1), (2, -1, 1)])
def test_matrices_without_negative_eigenvalues(entries: tuple[int, int, int]) -> None:
    X = sp.Symbol("X")
    numbers = tuple(sp.Integer(x) for x in entries)
    condition: Any = MatrixCondition("x", numbers, X, (sp.Integer(0), sp.Integer(1)), "", "")  # type: ignore[arg-type]
    a, b, c = entries
    semidefinite = bool(np.linalg.eigvalsh([[a, b], [b, c]])[0] > -1e-12)
    assert matrix_holds(condition, {}) == semidefinite
    theorem: Any = SimpleNamespace(conditions=(), matrices=(condition,))
    assert failing(theorem, {}) == ([] if semidefinite else ["x"])
