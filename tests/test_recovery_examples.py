"""The examples on photographs end proved, with bounds near the true error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dipproofs.certify import Certificate, certify
from dipproofs.problems import load_problem
from dipproofs.problems.bases import make_basis
from dipproofs.recovery.tradeoff import atoms_tradeoff, best_point

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name: str) -> Certificate:
    built = load_problem(EXAMPLES / f"{name}.toml").build()
    return certify(
        built.problem, built.network, built.loss, max_iterations=2000, tolerance=built.descent.tolerance,
        stop=built.descent.stop, distance=built.certificate.distance,
    )  # fmt: skip


def test_inpainting_is_bounded_within_three_times_the_true_error() -> None:
    certificate = run("inpaint-dct")
    final = certificate.final
    assert certificate.proved and final is not None and final.proved
    error, true = final.guarantees.recovery_error, final.guarantees.extra["recovery"]["true_error"]
    assert error is not None and error.upper <= 3 * true.lower


@pytest.mark.parametrize(("name", "factor"), [("tomography-wavelet", 3.0), ("deblur-noisy", 1.1)])
def test_noisy_examples_stop_where_the_guarantee_is_proved(name: str, factor: float) -> None:
    certificate = run(name)
    final = certificate.final
    assert certificate.proved and certificate.run.stopped == "guaranteed" and final is not None and final.proved
    entry = final.guarantees.extra["recovery"]
    assert final.guarantees.early_stopping_iteration == 0
    assert entry["true_error"].upper <= entry["sharp"]["error"].upper <= factor * entry["true_error"].lower
    assert entry["sharp"]["error"].upper <= final.guarantees.recovery_error.upper < entry["signal_norm"].lower


def test_best_proved_number_of_atoms_is_in_between() -> None:
    problem = load_problem(EXAMPLES / "inpaint-dct.toml").build_problem()
    points = atoms_tradeoff(problem, make_basis("dct", (32, 32), 280), (4, 64, 280))
    best = best_point(points)
    assert best is not None and best.atoms == 64 and points[-1].vacuous and not best.vacuous
    errors = np.array([p.true_error.mid for p in points])
    assert errors[-1] < errors[0], "the true error still falls where the proved bound rises"
