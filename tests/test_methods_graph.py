"""Methods with a state on graph networks: M against automatic differentiation, certified, verified, followed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import kept_by_the_run
from verify_cases import set_at, tampered, times

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.enclosures import IntervalMatrix
from dipproofs.graph import evaluate
from dipproofs.networks.linearisation import as_vectors
from dipproofs.operators.bounds import bound_operator

SHAPE, ROWS = (4, 4), 5


@cache
def setting() -> tuple[dp.InverseProblem, Any]:
    rng = np.random.default_rng(0)
    network = dp.Convolutional.init(SHAPE, channels=6, depth=2, activation="tanh", seed=1)
    A = rng.normal(size=(ROWS, 16)) / 4
    return dp.InverseProblem(A, A @ network.output() + 0.003 * rng.normal(size=ROWS)), network


def jacobian() -> dict[str, np.ndarray]:
    """Central differences of A g, (m, entries) by parameter."""
    problem, network = setting()
    A, h, found = problem.operator.to_dense(), 1e-5, {}
    for name, array in network.parameters().items():
        columns = []
        for i in range(array.size):
            ends = [{**network.parameters(), name: _moved(array, i, step)} for step in (h, -h)]
            columns.append(A @ (evaluate(network.graph, ends[0]) - evaluate(network.graph, ends[1])).ravel() / (2 * h))
        found[name] = np.array(columns).T
    return found


def _moved(array: np.ndarray, entry: int, step: float) -> np.ndarray:
    other = array.copy()
    other.flat[entry] += step
    return other


def test_the_linearisation_is_the_derivative() -> None:
    problem, network = setting()
    M, rng = network.linearisation(bound_operator(problem.operator)), np.random.default_rng(1)
    blocks = jacobian()
    whole = np.hstack(list(blocks.values()))
    D = {name: rng.normal(size=array.shape) for name, array in network.parameters().items()}
    moved = M.forward({name: IntervalMatrix.from_exact(array) for name, array in as_vectors(D).items()})
    truth = sum(blocks[name] @ D[name].ravel() for name in blocks)
    assert (np.abs(moved.mid - truth) <= moved.radius() + 1e-8).all() and moved.radius().max() < 1e-10
    w = rng.normal(size=ROWS)
    for name, back in M.backward(IntervalMatrix.from_exact(w)).items():
        assert np.allclose(back.mid.ravel(), blocks[name].T @ w, atol=1e-8) and back.radius().max() < 1e-10
        assert (M.column_norms()[name].ravel() >= np.linalg.norm(blocks[name], axis=0) * (1 - 1e-6)).all()
        assert not M.idle()[name].any()
    gram = M.gram()
    assert gram is not None and (np.abs(gram.mid - whole @ whole.T) <= gram.radius() + 1e-8).all()
    P = {name: rng.uniform(0.1, 2, size=as_vectors({name: D[name]})[name].shape) for name in D}
    least, most = M.ends_in_metric({name: (p * 0.999, p * 1.001) for name, p in P.items()})
    values = np.linalg.svd(whole * np.sqrt(np.concatenate([p.ravel() for p in P.values()])), compute_uv=False)
    assert least.lower <= values[-1] <= least.upper and most.lower <= values[0] <= most.upper
    assert most.upper < 1.01 * values[0] and least.lower > 0.98 * values[-1]


@cache
def certified(method: str) -> Certificate:
    problem, network = setting()
    options = {} if method == "gradient-descent" else {"momentum": 0.45}
    return dp.certify(problem, network, step=0.2, method=method, tolerance=1e-18, max_iterations=4000, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(certified("heavy-ball"), tmp_path_factory.mktemp("graph")).parent


@pytest.mark.parametrize("method", ["heavy-ball", "nesterov", "gradient-descent"])
def test_convergence_is_proved_kept_and_verified(method: str) -> None:
    cert = certified(method)
    assert cert.proved and cert.claims.convergence.verdict == "proved" and cert.method["kind"] in (method, None)
    assert kept_by_the_run(cert)
    result = dp.verify(cert)
    assert result, str(result)
    if method == "gradient-descent":
        curve = cert.guarantees.extra["forecast"]
        R = np.sqrt(2 * cert.run.history.loss[cert.iteration :])
        assert all(R[i] <= b * (1 + 1e-9) for i, b in zip(curve["iterations"], curve["proved"]) if i < R.size)


CHANGES = {
    "momentum": set_at("method", "momentum", value=lambda b: b * 0.98),
    "eta": set_at("method", "parameters", "eta", value=lambda x: x * 0.98),
    "path": set_at("quantities", "S", value=lambda b: {**b, "upper": b["upper"] * 0.9}),
    "small ball": set_at(
        "quantities", "ball_radius", value=lambda b: {**b, "lower": b["lower"] / 1e3, "upper": b["upper"] / 1e3}
    ),
    "kind": set_at("method", "kind", value="nesterov"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_tampered_records_are_rejected(what: str, folder: Path, tmp_path: Path) -> None:
    assert not dp.verify(tampered(folder, tmp_path, CHANGES[what]))


def test_tampered_states_are_rejected(folder: Path, tmp_path: Path) -> None:
    name = next(key for key in np.load(folder / "arrays.npz") if key.startswith("state/velocity/"))
    assert not dp.verify(tampered(folder, tmp_path, arrays=times(name, 1.5)))
    assert dp.verify(tampered(folder, tmp_path, arrays=times(name, 1.0)))


def test_adam_has_a_horizon_on_a_ball_of_its_own(tmp_path: Path) -> None:
    problem, network = setting()
    run = dp.descend(problem, network, step=1e-3, method="adam", tolerance=0, max_iterations=170)
    known = {"method": "adam", "state": run.state, "step": 1e-3, "claim_horizon": 30}
    cert = dp.certify_point(problem, run.network, **known)
    assert cert.proved and cert.claims.existence.verdict == "proved" and cert.claims.convergence.verdict == "undecided"
    horizon = cert.claims.horizon
    assert horizon["verdict"] == "proved" and 10 <= horizon["iterations"] <= 30
    result = dp.verify(cert)
    assert result, str(result)
    after = dp.descend(
        problem, network, step=1e-3, method="adam", tolerance=0, max_iterations=170 + horizon["iterations"]
    )
    R = np.sqrt(after.history.loss)
    assert R[-1] <= horizon["residual_factor"]["upper"] * R[170] * (1 + 1e-9)
    save(cert, tmp_path / "it")
    larger = {"lower": 1e3, "upper": 1e3, "evidence": "proved"}  # then ℓ_A is not bounded, or not as stated
    (tmp_path / "other").mkdir()
    assert not dp.verify(
        tampered(tmp_path / "it", tmp_path / "other", set_at("quantities", "ball_radius", value=larger))
    )


@pytest.mark.parametrize(
    ("method", "expected"), [("heavy-ball", ("let the run go on", "injective")), ("adam", ("small gradients",))]
)
def test_far_from_a_fit_it_says_why_nothing_is_proved(method: str, expected: tuple[str, ...]) -> None:
    problem, network = setting()
    far = dp.InverseProblem(problem.operator.to_dense(), problem.y + 30.0)
    zero = {name: np.zeros_like(array) for name, array in network.parameters().items()}
    kinds = ("velocity",) if method == "heavy-ball" else ("m", "v")
    state: dict[str, Any] = {f"{kind}/{name}": array for kind in kinds for name, array in zero.items()}
    known = {"momentum": 0.5, "state": state} if method == "heavy-ball" else {"state": {**state, "t": 5}}
    cert = dp.certify_point(far, network, method=method, step=0.01, **known)
    said = str(cert.claims.horizon["reason"] if method == "adam" else cert.hypotheses[-1].reason)
    assert "momentum is 0" not in said and cert.claims.convergence.verdict == "undecided"
    assert any(words in said for words in expected)


def test_what_is_said_before_the_run_names_a_horizon_only_where_there_is_one() -> None:
    problem, network = setting()
    said: list[str] = []
    for loss in ("squared", "log-cosh"):
        dp.certify(problem, network, loss, method="adam", max_iterations=1, say=said.append)
    assert [line.endswith("horizon") for line in said if line.startswith("adam")] == [True, False]


def test_an_undecided_theorem_about_momentum_is_read() -> None:
    """Where the radius nearly fits, it is asked whether it would without curvature."""
    rng = np.random.default_rng(1)
    weights = {"b": rng.standard_normal((48, 4)) / 3}
    network = dp.from_jax(lambda p: jnp.tanh(p["b"].T @ jnp.tanh(p["b"] @ jnp.ones(4))), weights)
    for noise in (1e-6, 1e-5, 1e-4):
        data = np.asarray(network.output()) + noise * rng.standard_normal(4)
        found = dp.certify(dp.InverseProblem(np.eye(4), data), network, method="heavy-ball", max_iterations=0)
        assert found.proved == (noise < 1e-4) and dp.verify(found)
