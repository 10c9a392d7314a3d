"""What a certificate is about is owned: arrays of a caller are copied, and never written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import dipproofs as dp
from dipproofs.certify import bound_operator
from dipproofs.losses import Loss, make_loss
from dipproofs.networks.two_layer.kernel import State

RNG = np.random.default_rng(0)


def _network(arrays: dict[str, np.ndarray]) -> dp.TwoLayer:
    return dp.TwoLayer(arrays["u"], arrays["W"], arrays["V"], basis=arrays["basis"])


def _moved(arrays: dict[str, np.ndarray]) -> dp.TwoLayer:
    """The state of a loop of the user's own, in views of a buffer that the loop goes on to use."""
    start = dp.TwoLayer.init(n=2, width=4, input_dimension=2)
    return start.at(State(arrays["V"][:], arrays["b"][:]))


def _problem(arrays: dict[str, Any]) -> dp.InverseProblem:
    return dp.InverseProblem(arrays["A"], arrays["y"], x_true=arrays["x"])


def _unit(size: int) -> np.ndarray:
    return np.eye(size)[0].copy()


CASES: dict[str, tuple[Callable[[Any], Any], dict[str, Any], Callable[[Any], list[np.ndarray]]]] = {
    "network": (
        _network,
        {
            "u": _unit(2),
            "W": RNG.standard_normal((4, 2)),
            "V": RNG.standard_normal((2, 4)),
            "basis": np.eye(3)[:, :2].copy(),
        },
        lambda made: [*made.arrays().values(), made.output()],
    ),
    "state": (
        _moved,
        {"V": RNG.standard_normal((2, 4)), "b": RNG.standard_normal(4)},
        lambda made: [*made.arrays().values(), made.output()],
    ),
    "problem": (
        _problem,
        {"A": RNG.standard_normal((2, 3)), "y": RNG.standard_normal(2), "x": RNG.standard_normal(3)},
        lambda made: [made.operator.to_dense(), made.y, made.x_true],
    ),
    "float32": (
        _problem,
        {"A": RNG.standard_normal((2, 3)).astype("f"), "y": RNG.standard_normal(2).astype("f"), "x": np.ones(3, "f")},
        lambda made: [made.operator.to_dense(), made.y, made.x_true],
    ),
    "bounds": (
        lambda arrays: bound_operator(arrays["A"], arrays["B"]),
        {"A": np.eye(3), "B": np.eye(3)[:, :2].copy()},
        lambda made: [made.matrix.mid, made.exact.mid],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_callers_array_may_change_afterwards(case: str) -> None:
    make, arrays, look = CASES[case]
    given = {name: array.copy() for name, array in arrays.items()}
    made = make(given)
    before = [np.array(array) for array in look(made)]
    for name, array in given.items():
        assert np.array_equal(array, arrays[name]) and array.flags.writeable  # the caller's stay the caller's
        array *= 3.0
        array += 1.0
    assert all(np.array_equal(now, then) for now, then in zip(look(made), before, strict=True))


def test_a_sparse_matrix_is_neither_shared_nor_changed() -> None:
    """The matrix is made when it is first needed; entries stored twice are not summed in the caller's."""
    size = 40
    data, rows, columns = np.ones(size + 1), np.append(np.arange(size), 0), np.append(np.arange(size), 0)
    given = sp.csr_array((data, (rows, columns)), shape=(size, size))
    twice = sp.csr_array((size, size))
    twice.indptr, twice.indices, twice.data = (
        np.arange(0, 2 * size + 1, 2),
        np.repeat(np.arange(size), 2),
        np.ones(2 * size),
    )
    for matrix in (given, twice):
        kept = matrix.data.size
        problem = dp.InverseProblem(matrix, np.ones(size))
        assert matrix.data.size == kept
        expected = matrix.toarray()
        matrix.data *= 5.0
        matrix.indices[:] = 0
        assert np.array_equal(problem.operator.to_dense(), expected)


def test_what_was_enclosed_is_what_is_certified() -> None:
    """The numbers of a certificate are those of its arrays, also after the caller's loop went on in its buffer."""
    start = dp.TwoLayer.init(n=2, width=64, input_dimension=2)
    buffer = np.array(start.V)
    net = start.at(State(buffer, np.zeros(64)))
    problem = dp.InverseProblem(np.eye(2), net.output() + 1e-3)
    buffer *= 3.0
    found = dp.check(problem, net, widths=False).forms["residual"]
    assert found.quantities["loss_0"].upper == pytest.approx(1e-6) and np.array_equal(found.arrays["V"], start.V)


def test_a_loss_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        make_loss("huber", delta=0.5).parameters["delta"] = 2.0  # type: ignore[index]


def _square(v: Any, y: Any) -> Any:
    return ((v - y) ** 2).sum() / 2


@pytest.mark.parametrize(
    "other",
    [
        {"gradient_bound": 3},
        {"argmin": np.negative},
        {"convex": True},
        {"level": 2.0},
        {"scale": 2.0},
        {"name": "other"},
    ],
)
def test_asserted_losses_that_differ_are_different(other: dict[str, Any]) -> None:
    """Equality decides what is compiled and cached, so it must see everything that was asserted."""
    plain = {"value": _square, "psi": "sqrt(2*e)", "curvature": 1}
    assert Loss.custom(**plain) == Loss.custom(**plain) != Loss.custom(**plain, **other)
