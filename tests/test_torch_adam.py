"""2000 steps of torch's Adam: existence at their end, and a horizon that the run keeps (benchmarks/torch_adam.py)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def benchmark() -> Any:
    path = Path(__file__).resolve().parent.parent / "benchmarks" / "torch_adam.py"
    spec = importlib.util.spec_from_file_location("torch_adam", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    yield module
    torch.set_default_dtype(before)
    torch.set_num_threads(threads)


def test_two_layers(benchmark: Any) -> None:
    found = benchmark.two_layer(2000, 0)
    assert found["existence"] == found["horizon"] == "proved" and found["verified"]
    assert found["iterations"] == 200 and found["kept"]
    assert found["observed"] < found["residual factor promised"] < 0.5


def test_a_residual_of_zero_has_no_horizon(benchmark: Any) -> None:
    found = benchmark.two_layer(2000, 0, lr=2e-4)
    assert found["horizon"] == "undecided" and "exactly 0" in found["reason"] and found["verified"]


def test_convolutions(benchmark: Any) -> None:
    found = benchmark.convolutional(2000, 0)
    assert found["existence"] == "proved" and found["verified"]
