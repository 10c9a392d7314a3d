"""How often do the hypotheses hold over random initialisations? Frequencies against 1−δ, with exact intervals.

The width comes from `dipproofs.tables` (the explicit bounds of docs/theory.md §6), the networks from
`TwoLayer.init`, the verdict from `certify_at` in proved arithmetic: the whole chain, not one event of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from checks.width_draws import cell
from dipproofs import InverseProblem, SquaredError, TwoLayer, certify
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.search import Step
from dipproofs.experiments.statistics import clopper_pearson
from dipproofs.operators.bounds import bound_operator
from dipproofs.tables.width import smallest_widths

N, M, KAPPA, DELTA = 4, 3, Fraction(2), Fraction(1, 10)
CONFIDENCE = 0.999
TOO_NARROW = 8  # hidden units at which no form holds at initialisation


@dataclass(frozen=True)
class Frequency:
    """Successes in independent trials, with the exact (Clopper–Pearson) interval of the probability."""

    good: int
    trials: int

    def interval(self) -> tuple[float, float]:
        """Two-sided interval: it contains the probability with at least this confidence."""
        return clopper_pearson(self.good, self.trials, CONFIDENCE)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.good} of {self.trials}: probability in [{low:.3f}, {high:.3f}] with confidence {CONFIDENCE}"


def setting(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An operator with singular values linear from 1 to 1/κ, and a noiseless observation of norm ‖A‖_F."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for size in (M, N))
    A = (left * np.linspace(1, 1 / float(KAPPA), M)) @ right[:M]
    y = A @ rng.standard_normal(N)
    return A, y * np.linalg.norm(A) / np.linalg.norm(y) * (1 - 1e-12)


def width_of(form: str, train: str) -> int:
    where = cell(
        n=N, m=M, d=3, kappa=KAPPA, form=form, q=Fraction(1, 2), delta=DELTA, train=train, law="uniform",
        bound="rank" if train == "inner" else "block",
    )  # fmt: skip
    width = smallest_widths([where])[where].k
    assert width is not None
    return width


def frequency(form: str, train: str, width: int, trials: int) -> Frequency:
    """At how many of the initialisations is the form proved?"""
    A, y = setting(5)
    operator, problem, good = bound_operator(A), InverseProblem(A, y), 0
    for seed in range(trials):
        network = TwoLayer.init(N, width, 3, "tanh", train, seed)
        good += certify_at(problem, network, SquaredError(), operator, Step(None, 0.5), form=form).proved
    return Frequency(good, trials)


@pytest.mark.parametrize("form", ["concave", "integral", "residual"])
def test_hypotheses_hold_with_the_promised_probability(form: str, record_property) -> None:
    train, trials = "both", 10 if form == "residual" else 40  # its bound asks for ten times the width
    width = width_of(form, train)
    found = frequency(form, train, width, trials)
    record_property("dipproofs_vacuity", f"initialisation, form {form}, width {width}: {found}; promised ≥ {1 - DELTA}")
    assert found.interval()[1] >= 1 - DELTA
    # the check can fail: far fewer hidden units do not keep the promise
    narrow = frequency(form, train, TOO_NARROW, 40)
    assert narrow.interval()[1] < 1 - DELTA


def test_anytime_certificates_over_random_initialisations(record_property) -> None:
    """Eight hidden units, where no form holds at initialisation: the run is certified all the same."""
    A, y = setting(5)
    problem, first, trials = InverseProblem(A, y), 0, 20
    certified, converged, later = 0, 0, 0
    for seed in range(trials):
        network = TwoLayer.init(N, 8, 3, "tanh", "both", seed)
        certificate = certify(problem, network, max_iterations=2000, tolerance=1e-8)
        converged += certificate.run.converged
        certified += certificate.proved and certificate.run.converged
        later += certificate.proved and certificate.iteration > 0
        first += certificate.proved and certificate.iteration == 0
    found = Frequency(certified, max(converged, 1))
    record_property("dipproofs_vacuity", f"anytime, width 8, {later} after the start: {found} of the converged runs")
    assert converged >= 0.9 * trials
    assert found.interval()[0] >= 0.6
    assert first < trials
