"""The memory of certificates is said before the run, and refused where the machine has less."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.networks.two_layer import memory
from dipproofs.networks.two_layer.memory import Sizes
from dipproofs.operators.structure import Selection


def problem() -> tuple[dp.InverseProblem, dp.TwoLayer]:
    rng = np.random.default_rng(0)
    network = dp.TwoLayer.init(n=6, width=64, input_dimension=2, seed=0)
    return dp.InverseProblem(rng.standard_normal((3, 6)), rng.standard_normal(3)), network


@pytest.mark.parametrize("call", [dp.certify, dp.check, dp.certify_point])
def test_what_does_not_fit_is_refused_with_a_cure(call: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2.0**20)
    with pytest.raises(dp.InputError, match=r"memory: 3 data, 6 unknowns and width 64 need about .* smaller width"):
        call(*problem())  # type: ignore[operator]


def test_much_memory_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_WORTH", 0.0)
    said: list[str] = []
    dp.certify(*problem(), max_iterations=2, say=said.append)
    assert [line for line in said if "may take about 0.4 GiB" in line]


def test_every_size_counts_and_a_mask_takes_less() -> None:
    base = Sizes(100, 300, 200, False)
    more = [Sizes(200, 300, 200, False), Sizes(100, 600, 200, False), Sizes(100, 300, 400, False)]
    assert all(other.bytes > base.bytes for other in more)
    assert Sizes(100, 300, 200, True).bytes < base.bytes


def test_a_mask_is_known_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    network = dp.TwoLayer.init(n=600, width=4, input_dimension=2, seed=0)
    between = (Sizes(300, 600, 4, True).bytes + Sizes(300, 600, 4, False).bytes) / 2
    monkeypatch.setattr(memory, "available", lambda: between)
    network.require_memory(SimpleNamespace(structure=Selection(np.arange(300), 600), shape=(300, 600)))
    with pytest.raises(dp.InputError, match="fewer observations"):
        network.require_memory(SimpleNamespace(structure=Selection(np.arange(300) // 2, 600), shape=(300, 600)))
