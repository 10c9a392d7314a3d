"""Networks: exact arrays, reproducible draws, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import network

import dipproofs as dp
from dipproofs.networks.two_layer.enclosure import enclose_hidden


def test_init_is_reproducible_and_normalised() -> None:
    a, b = network(), network()
    for name in ("u", "W", "V"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert np.linalg.norm(a.u) == pytest.approx(1)
    assert a.parameter_count == 64 * 5 + 10 * 64


@pytest.mark.parametrize("law", ["uniform", "rademacher", "gaussian"])
def test_outer_laws_have_unit_variance(law: str) -> None:
    V = network(n=200, width=500, outer_law=law).V
    # 100 000 entries with fourth moment at most 3: the sample variance is within 5 standard errors of 1
    assert abs(V.var() - 1) < 5 * np.sqrt(2 / V.size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "relu"}, "not Lipschitz"),
        ({"activation": "tanhh"}, "expected one of"),
        ({"train": "all"}, "expected one of"),
        ({"width": 0}, "integer ≥ 1"),
        ({"width": 2.5}, "integer ≥ 1"),
        ({"n": 0}, "integer ≥ 1"),
        ({"outer_law": "cauchy"}, "expected one of"),
        ({"dtype": "float16"}, "expected one of"),
        ({"output_offset": float("nan")}, "finite"),
        ({"output_offset": "a"}, "output_offset: found .a., expected a finite number"),
        ({"output_scale": "a"}, "output_scale: found .a., expected a finite number > 0"),
        ({"output_scale": 1e300, "dtype": "float32"}, "network V: found a NaN or infinite"),
        ({"seed": -1}, "seed: found -1, expected an integer ≥ 0"),
        ({"seed": "a"}, "seed: found 'a', expected an integer ≥ 0"),
        ({"seed": None}, "seed: found None, expected an integer ≥ 0"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_bad_sizes_and_names_are_one_line(change: dict, message: str) -> None:
    with pytest.raises(dp.InputError, match=message) as caught:
        network(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("u", np.ones(5), "‖u‖"),
        ("u", np.ones(4) / 2, "expected"),
        ("V", np.ones((10, 63)), "expected"),
        ("V", np.full((10, 64), np.nan), "NaN"),
        ("W", np.ones((64, 5)) * 1j, "dtype"),
        ("W", np.ones(5), "dimension"),
        ("W", np.full((64, 5), np.inf), "NaN or infinite"),
    ],
)
def test_bad_arrays_are_one_line(name: str, value: np.ndarray, message: str) -> None:
    net = network()
    arrays = {"u": net.u, "W": net.W, "V": net.V, name: value}
    with pytest.raises(dp.InputError, match=message) as caught:
        dp.TwoLayer(**arrays)
    assert "\n" not in str(caught.value)


def test_stored_arrays_cannot_change() -> None:
    with pytest.raises(ValueError, match="read-only"):
        network().V[0, 0] = 1.0


def test_hidden_layer_is_enclosed() -> None:
    net = network(dtype="float32")
    hidden = enclose_hidden(net)
    phi = np.tanh(net.W.astype(float) @ net.u.astype(float))
    slack = 1e-12  # of the NumPy value, not of the enclosure
    assert hidden.norm_phi.lower <= np.linalg.norm(phi) + slack
    assert hidden.norm_phi.upper >= np.linalg.norm(phi) - slack
    assert hidden.norm_phi.relative_width < 1e-12
