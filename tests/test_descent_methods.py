"""Every method does what its formulas say: against recursions written out in NumPy, and against Optax and torch."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.descent import METHODS, automatic_momentum, make_method
from dipproofs.networks.two_layer.kernel import FullForward

STEPS = 25
CASES = [
    ("gradient-descent", {}, 0.2),
    ("heavy-ball", {"momentum": 0.85}, 0.2),
    ("heavy-ball", {"momentum": 0.0}, 0.2),
    ("nesterov", {"momentum": 0.7}, 0.2),
    ("adam", {}, 0.01),
    ("adam", {"momentum": 0.8, "beta2": 0.99, "epsilon": 1e-4}, 0.02),
]
TRAIN = ("both", "inner", "outer")


def gradients(problem: dp.InverseProblem, theta: dict[str, np.ndarray], u: np.ndarray) -> tuple[float, dict]:
    """f = ½‖A k^{-1/2} V tanh(W u) − y‖² and ∇f, by hand."""
    A, y = problem.operator.to_dense(), problem.y
    phi, root = np.tanh(theta["W"] @ u), np.sqrt(theta["V"].shape[1])
    r = A @ (theta["V"] @ phi) / root - y
    z = A.T @ r / root
    return r @ r / 2, {"V": np.outer(z, phi), "W": np.outer((1 - phi**2) * (theta["V"].T @ z), u)}


def buffers(kind: str, lr: float, first: dict, second: dict, steps: int) -> dict[str, np.ndarray]:
    """The state of a method by its names, from the averages or velocities that others keep."""
    if kind == "adam":
        state = {f"state/m/{n}": b for n, b in first.items()} | {f"state/v/{n}": b for n, b in second.items()}
        return state | {"state/t": np.asarray(steps)}
    return {f"state/velocity/{n}": -lr * np.asarray(b) for n, b in first.items()}


def near(found: dp.descent.Run, theta: dict, state: dict) -> None:
    """The run ends at these parameters, with this state."""
    for name, array in theta.items():
        np.testing.assert_allclose(getattr(found.network, name), array, rtol=0, atol=1e-11)
    for name, array in state.items():
        np.testing.assert_allclose(found.state[name], array, rtol=1e-8, atol=1e-13)


def by_hand(kind: str, options: dict[str, float], lr: float, problem: Any, net: Any, steps: int = STEPS) -> tuple:
    """The recursions as torch's and Optax's documentation have them: losses, θ, and the state by its names."""
    theta, trained = {"W": net.W.copy(), "V": net.V.copy()}, {"both": "WV", "inner": "W", "outer": "V"}[net.train]
    buffer, second = ({name: np.zeros_like(theta[name]) for name in trained} for _ in range(2))
    beta = options.get("momentum", 0.9 if kind == "adam" else 0.0)
    beta2, epsilon, losses = options.get("beta2", 0.999), options.get("epsilon", 1e-8), []
    for t in range(1, steps + 1):
        loss, g = gradients(problem, theta, net.u)
        losses.append(loss)
        for name in trained:
            if kind == "adam":
                buffer[name] = beta * buffer[name] + (1 - beta) * g[name]
                second[name] = beta2 * second[name] + (1 - beta2) * g[name] ** 2
                root = np.sqrt(second[name] / (1 - beta2**t))
                theta[name] -= lr * buffer[name] / (1 - beta**t) / (root + epsilon)
            else:
                buffer[name] = beta * buffer[name] + g[name]
                theta[name] -= lr * (g[name] + beta * buffer[name] if kind == "nesterov" else buffer[name])
    return losses, theta, buffers(kind, lr, {} if kind == "gradient-descent" else buffer, second, steps)


def run(kind: str, options: dict[str, float], lr: float, problem: Any, net: Any) -> dp.descent.Run:
    return dp.descend(problem, net, step=lr, max_iterations=STEPS, tolerance=0.0, method=kind, **options)


@pytest.mark.parametrize(
    ("kind", "options", "lr", "train"),
    [(*case, train) for case in CASES for train in (("both",) if case[0] == "nesterov" else TRAIN)],
)
def test_methods_equal_the_recursions_written_out(kind: str, options: dict, lr: float, train: str) -> None:
    problem, net = gaussian_problem(), network(width=16, train=train)
    found = run(kind, options, lr, problem, net)
    losses, theta, state = by_hand(kind, options, lr, problem, net)
    near(found, theta, state)
    np.testing.assert_allclose(found.history.loss[:STEPS], losses, rtol=1e-10)
    assert set(found.state) == set(state)
    assert found.method.to_json()["kind"] == kind
    moved = np.sqrt(sum(np.sum((theta[name] - getattr(net, name)) ** 2) for name in theta))
    assert found.history.distance[-1] == pytest.approx(moved, rel=1e-9)
    assert found.history.path_length[-1] >= moved * (1 - 1e-12) and (found.history.step == lr).all()


@pytest.mark.parametrize(("kind", "options", "lr"), CASES)
def test_methods_equal_optax(kind: str, options: dict, lr: float) -> None:
    optax = pytest.importorskip("optax")
    problem, net = gaussian_problem(), network(width=16)
    beta = options.get("momentum", 0.9 if kind == "adam" else None)
    if kind == "adam":
        extra = {"b2": options.get("beta2", 0.999), "eps": options.get("epsilon", 1e-8)}
        optimiser = optax.adam(lr, b1=beta, **extra)
    else:
        optimiser = optax.sgd(lr, momentum=beta, nesterov=kind == "nesterov")
    A = problem.operator.to_dense()
    fixed = {"u": net.u, "offset": 0.0, "basis": None}

    @jax.jit
    def update(theta: Any, state: Any) -> Any:
        grad = jax.grad(lambda at: ((A @ FullForward("tanh")(fixed, at) - problem.y) ** 2).sum() / 2)(theta)
        change, state = optimiser.update(grad, state, theta)
        return optax.apply_updates(theta, change), state

    theta = {"W": jax.numpy.asarray(net.W), "V": jax.numpy.asarray(net.V)}
    state = optimiser.init(theta)
    for _ in range(STEPS):
        theta, state = update(theta, state)
    found = run(kind, options, lr, problem, net)
    if kind == "adam":
        kept = buffers(kind, lr, state[0].mu, state[0].nu, state[0].count)
    else:
        kept = buffers(kind, lr, {} if beta is None else state[0].trace, {}, STEPS)
    near(found, theta, kept)


@pytest.mark.parametrize(("kind", "options", "lr"), CASES)
def test_methods_equal_torch(kind: str, options: dict, lr: float) -> None:
    torch = pytest.importorskip("torch")
    problem, net = gaussian_problem(), network(width=16)
    W, V = (torch.tensor(np.array(a), requires_grad=True) for a in (net.W, net.V))
    A, y, u = (torch.tensor(np.array(a)) for a in (problem.operator.to_dense(), problem.y, net.u))
    beta = options.get("momentum", 0.9 if kind == "adam" else 0.0)
    if kind == "adam":
        betas = (beta, options.get("beta2", 0.999))
        optimiser = torch.optim.Adam([W, V], lr=lr, betas=betas, eps=options.get("epsilon", 1e-8))
    else:
        optimiser = torch.optim.SGD([W, V], lr=lr, momentum=beta, nesterov=kind == "nesterov")
    for _ in range(STEPS):
        optimiser.zero_grad()
        (((A @ (V @ torch.tanh(W @ u))) / net.width**0.5 - y) ** 2).sum().mul(0.5).backward()
        optimiser.step()
    found = run(kind, options, lr, problem, net)
    tensors = {"W": W, "V": V}
    first, second = (
        {name: optimiser.state[tensor][key] for name, tensor in tensors.items() if key in optimiser.state[tensor]}
        for key in ("exp_avg" if kind == "adam" else "momentum_buffer", "exp_avg_sq")
    )
    assert bool(first) == bool(beta)
    theta = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
    near(found, theta, buffers(kind, lr, first, second, STEPS))


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov", "adam"])
def test_the_offered_state_continues_the_run(kind: str) -> None:
    """One iteration from an offered iterate and its state, by hand, is the iterate offered next."""
    problem, net = gaussian_problem(), network(width=16)
    seen: list[Any] = []
    options = {} if kind == "adam" else {"momentum": 0.8}
    dp.descend(
        problem, net, step=0.05, max_iterations=8, tolerance=0.0, method=kind, **options, schedule="polynomial",
        watcher=lambda tau, here, value: seen.append(here()),
    )  # fmt: skip
    here, there = seen[5], seen[6]
    assert (here.iteration, there.iteration) == (5, 6) and here.step == pytest.approx(0.05 / 6**0.5)
    _, g = gradients(problem, {"W": here.network.W, "V": here.network.V}, net.u)
    for name in ("W", "V"):
        theta, lr = getattr(here.network, name), here.step
        if kind == "adam":
            m = 0.9 * here.state[f"state/m/{name}"] + 0.1 * g[name]
            v = 0.999 * here.state[f"state/v/{name}"] + 0.001 * g[name] ** 2
            t = int(here.state["state/t"]) + 1
            new = theta - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        else:
            velocity = 0.8 * here.state[f"state/velocity/{name}"] - lr * g[name]
            new = theta + (velocity if kind == "heavy-ball" else 0.8 * velocity - lr * g[name])
        np.testing.assert_allclose(getattr(there.network, name), new, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", ["heavy-ball", "nesterov"])
def test_momentum_needs_a_fraction_of_the_iterations(kind: str) -> None:
    problem, net = gaussian_problem(kappa=10.0), network(width=32)
    plain = dp.descend(problem, net)
    found = dp.descend(problem, net, method=kind)
    assert found.converged and found.iterations < plain.iterations / 4
    assert 0.3 < found.momentum < 1 and found.momenta[-1][1] == found.momentum
    assert found.to_json()["method"] == {"kind": kind, "momentum": found.momentum}


def test_the_automatic_momentum_is_nearly_critical() -> None:
    """Of the modes of the frozen problem all are underdamped, the slowest only just."""
    for product in (1e-4, 0.01, 0.3, 0.9):
        root = automatic_momentum(product) ** 0.5
        assert 0.7 * product**0.5 < 1 - root < product**0.5
    assert automatic_momentum(1e-9) == 0.998 and automatic_momentum(float("nan")) == 0.0


@pytest.mark.parametrize("m", [5, 300])
def test_automatic_momentum_from_both_ways_to_the_spectrum(m: int) -> None:
    problem, net = gaussian_problem(m=m, n=m + 3, kappa=4.0), network(n=m + 3, width=2 * m)
    found = dp.descend(problem, net, method="heavy-ball", max_iterations=3, tolerance=0.0)
    A = problem.operator.to_dense()
    phi = np.tanh(net.W @ net.u)
    B = A @ net.V * (1 - phi**2)
    K = (B @ B.T * float(net.u @ net.u) + float(phi @ phi) * A @ A.T) / net.width
    least, largest = np.linalg.eigvalsh(K)[[0, -1]]
    exact = automatic_momentum(0.9 * least / largest)
    assert found.momenta[0][0] == 0 and abs(found.momenta[0][1] - exact) < (1e-6 if m == 5 else 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "momentum"}, "descent.method: found .* expected one of gradient-descent, heavy-ball"),
        ({"method": "heavy-bal"}, "did you mean heavy-ball"),
        ({"method": "heavy-ball", "momentum": 1.0}, r"descent.momentum: found 1.0, expected a number in \[0, 1\["),
        ({"method": "nesterov", "momentum": -0.1}, "descent.momentum"),
        ({"method": "nesterov", "momentum": "fast"}, 'or "auto"'),
        ({"method": "adam", "momentum": "auto"}, "descent.momentum"),
        ({"method": "adam", "momentum": 0.9, "beta2": 0.81}, r"descent.beta2: found 0.81, expected more than momentum"),
        ({"method": "adam", "beta2": 1.0}, "descent.beta2"),
        ({"method": "adam", "epsilon": 0.0}, "descent.epsilon: found 0.0, expected a finite number > 0"),
        ({"momentum": 0.9}, "gradient-descent has none; it belongs to heavy-ball, nesterov, adam"),
        ({"method": "heavy-ball", "beta2": 0.9}, "heavy-ball has none; it belongs to adam"),
        ({"method": "adam", "schedule": "backtracking"}, "descent.schedule: found backtracking with method adam"),
        ({"method": make_method("adam"), "beta2": 0.9}, "set it there"),
        ({"relative_tolerance": -1.0}, "relative_tolerance: found -1.0, expected a number ≥ 0"),
    ],
)
def test_bad_methods_are_one_line(options: dict, message: str) -> None:
    with pytest.raises(dp.InputError, match=message) as caught:
        dp.descend(gaussian_problem(), network(), **options)
    assert "\n" not in str(caught.value)


def test_every_method_is_tested_here_and_in_the_problem_file() -> None:
    assert {kind for kind, _, _ in CASES} == set(METHODS)


@pytest.mark.parametrize("options", [{"method": "heavy-ball"}, {"method": "nesterov", "step": 0.02, "momentum": 0.8}])
def test_iterates_between_marks_are_those_of_the_run(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 6))
    network = dp.TwoLayer.init(n=6, width=32, input_dimension=3, seed=0)
    problem = dp.InverseProblem(A, A @ rng.normal(size=6))
    seen: dict[int, Any] = {}

    def watch(tau: int, offered: Any, value: float) -> None:
        for middle in range(offered.since, tau):
            seen.setdefault(middle, offered.earlier(middle))

    dp.descend(problem, network, max_iterations=40, tolerance=0.0, watcher=watch, **options)
    assert len(seen) > 20
    for tau in (12, 17, 29):
        run = dp.descend(problem, network, max_iterations=tau, tolerance=0.0, watcher=lambda *_: None, **options)
        there = seen[tau]
        assert there.iteration == tau and there.step == run.gamma
        assert all(np.array_equal(there.network.parameters()[name], array)
                   for name, array in run.network.parameters().items())  # fmt: skip
        assert all(np.array_equal(there.state[name], array) for name, array in run.state.items())
