"""Hypothesis strategies for inverse problems, networks, losses, and instances whose hypotheses are proved.

Test your own operator, loss or network with the strategies that test this package:

    from hypothesis import given
    from dipproofs.testing import certified_instances

    @given(certified_instances())
    def test_my_solver(instance): ...

Every strategy says what it shrinks to. Needs Hypothesis.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis  # noqa: F401 - only to give a clear message
except ImportError:  # pragma: no cover - depends on the environment
    raise ImportError(
        "dipproofs.testing: hypothesis is not installed, which the strategies need; pip install hypothesis"
    ) from None

from dipproofs.testing.losses import losses
from dipproofs.testing.operators import injective_operators, operators, spectra
from dipproofs.testing.steps import forms, normalised_steps, schedules
from dipproofs.testing.two_layer.certified import Proof, certify_plan, place_data
from dipproofs.testing.two_layer.instances import Instance, certified_instances, certified_runs, instances
from dipproofs.testing.two_layer.networks import activations, input_vectors, networks, train_modes, widths
from dipproofs.testing.two_layer.reference import ReferenceRun, reference_descent

__all__ = [
    "Instance",
    "Proof",
    "ReferenceRun",
    "activations",
    "certified_instances",
    "certified_runs",
    "certify_plan",
    "forms",
    "injective_operators",
    "input_vectors",
    "instances",
    "losses",
    "networks",
    "normalised_steps",
    "operators",
    "place_data",
    "reference_descent",
    "schedules",
    "spectra",
    "train_modes",
    "widths",
]
