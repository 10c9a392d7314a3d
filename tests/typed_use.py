"""Code of a user, as a type checker sees it (run by mypy with the package): right calls pass, wrong ones are seen.

A wrong call that were not seen would leave an unused "type: ignore", which the settings make an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np

import dipproofs as dp


def right(A: np.ndarray, y: np.ndarray) -> None:
    problem = dp.InverseProblem(A, y, image_shape=(4, 4), name="mine")
    network = dp.TwoLayer.init(n=16, width=64, input_dimension=4, seed=0)
    certificate = dp.certify(problem, network, loss="log-cosh", method="gradient-descent", step="auto", polish="none")
    assert_type(certificate, dp.Certificate)
    assert_type(certificate.verdict, dp.Verdict)
    assert_type(certificate.claims.convergence.verdict, str)
    assert_type(certificate.save("out", report=True), Path)
    assert_type(certificate.reconstruction, np.ndarray)
    assert_type(dp.operator_norm(A), dp.Bound)
    assert_type(dp.check(problem, network).proved, bool)
    assert_type(dp.verify(certificate).valid, bool)
    dp.certify_point(problem, dp.Skip.init((4, 4), scales=1, channels=4), method="heavy-ball", step=0.1, momentum=0.9)


def wrong(problem: dp.InverseProblem, network: dp.TwoLayer) -> None:
    dp.certify(problem, network, stepp=0.1)  # type: ignore[call-arg]
    dp.certify(network, problem)  # type: ignore[arg-type]
    dp.certify(problem, network, max_iterations="many")  # type: ignore[arg-type]
    dp.certify(problem)  # type: ignore[call-arg]
    dp.verify(3)  # type: ignore[arg-type]
    dp.certified(problem, network)  # type: ignore[attr-defined]
    dp.TwoLayer.init(n="16", width=64, input_dimension=4)  # type: ignore[arg-type]
