"""Certified graph networks keep what is promised; the many are `benchmarks/graphs.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.graph_runs import Certified, broken_promises, certified


@pytest.fixture(scope="module")
def few() -> list[Certified]:
    return list(certified(range(4)))


def test_certified_networks_keep_path_rate_and_limit(few: list[Certified]) -> None:
    """Gradient descent from the certified point, in extended precision."""
    assert len(few) == 4
    assert [broken_promises(found, 150) for found in few] == [[]] * len(few)


def test_false_promises_are_noticed(few: list[Certified]) -> None:
    """Negative control: half the path, or twice the rate, is not kept."""
    certificate = few[0].certificate
    S, rate = certificate.quantities["S"], certificate.guarantees.log_contraction_per_step
    assert S is not None and rate is not None
    shorter = replace(certificate, quantities={**certificate.quantities, "S": S * 0.1})
    faster = replace(certificate, guarantees=replace(certificate.guarantees, log_contraction_per_step=rate * 20.0))
    assert broken_promises(replace(few[0], certificate=shorter), 150)
    assert broken_promises(replace(few[0], certificate=faster), 150)
