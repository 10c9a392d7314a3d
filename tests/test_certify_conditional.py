"""What holds only if the descent converges is no better known than that it does; the rest needs no descent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import changed

import dipproofs as dp
from dipproofs.certificate.conditional import IF_CONVERGENT, ONCE_STOPPED
from dipproofs.certificate.record import Hypothesis
from dipproofs.certificate.write import certificate_json, save
from dipproofs.enclosures import Verdict
from dipproofs.losses import Loss
from dipproofs.verify import verify


def _posed(offset: float = 0.2, noise: float = 0.01, width: int = 256) -> tuple[dp.InverseProblem, dp.TwoLayer]:
    net = dp.TwoLayer.init(n=2, width=width, input_dimension=2)
    data = net.output() + offset
    return dp.InverseProblem(np.eye(2), data, x_true=data + noise), net


def _evidence(record: dict[str, Any], path: str) -> str | None:
    value: Any = record["guarantees"]
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value["evidence"] if isinstance(value, dict) else value


def _half(v: Any, y: Any) -> Any:
    return ((v - y) ** 2).sum() / 2


def _asserted() -> Loss:
    return Loss.custom(value=_half, psi="sqrt(2*e)", curvature=1)


@pytest.mark.parametrize("case", ["estimated", "asserted"])
def test_conditional_statements_are_no_better_than_the_verdict(case: str) -> None:
    problem, net = _posed()
    options: dict[str, Any] = {"arithmetic": "estimated"} if case == "estimated" else {"loss": _asserted()}
    certificate = dp.certify(problem, net, **options)
    assert str(certificate.verdict) == "undecided" and certificate.guarantees.distance_to_limit is not None
    stated = 0
    for record in (certificate.to_json(), certificate.final.to_json()):
        for path in (*IF_CONVERGENT, *(ONCE_STOPPED if record["guarantees"]["early_stopping_iteration"] else ())):
            if (found := _evidence(record, path)) is not None:
                stated += 1
                assert found in ("assumed", "estimated"), path
        assert record["guarantees"]["recovery"]["limit"].startswith("if the hypotheses hold")
    assert stated >= 12
    # what needs no condition keeps its evidence
    assert certificate.to_json()["guarantees"]["recovery"]["true_error"]["evidence"] == "proved"


def test_a_verdict_weakened_by_hand_weakens_its_statements() -> None:
    certificate = dp.certify(*_posed())
    assert certificate.proved and _evidence(certificate.to_json(), "recovery.at_limit") == "proved"
    doubt = Hypothesis("H", "", Verdict.UNDECIDED)
    other = replace(certificate, verdict=Verdict.UNDECIDED, hypotheses=(*certificate.hypotheses, doubt))
    assert _evidence(other.to_json(), "recovery.at_limit") == "assumed"
    with pytest.raises(ValueError, match="proved"):
        replace(certificate, hypotheses=(*certificate.hypotheses, doubt))


@pytest.mark.parametrize("path", ["recovery.at_limit", "recovery.early_stopping.evidence", "distance_to_limit"])
def test_the_verifier_refuses_better_evidence(path: str, tmp_path: Path) -> None:
    certificate = dp.certify(*_posed(), arithmetic="estimated")
    saved = save(certificate, tmp_path)
    assert verify(saved).valid
    *above, key = path.split(".")

    def strengthen(record: dict[str, Any]) -> None:
        entry = record["guarantees"]
        for part in above:
            entry = entry[part]
        entry[key] = {**entry[key], "evidence": "proved"} if isinstance(entry[key], dict) else "proved"

    findings = verify(changed(tmp_path, strengthen)).findings
    assert any(path in finding and "expected weaker" in finding for finding in findings)


def test_error_and_stopping_bound_need_no_convergence(tmp_path: Path) -> None:
    """A step too long for every theorem: not proved, and yet the bounds at the last iterate hold and are proved."""
    problem, net = _posed(offset=0.3, noise=0.05, width=8)
    gamma = dp.certify(problem, net, max_iterations=1).run.gamma
    found = dp.certify(problem, net, step=2.2 * gamma, max_iterations=400, stop="guaranteed")
    assert not found.proved and found.run.stopped == "guaranteed"
    entry, given = found.guarantees.extra["recovery"], found.guarantees
    assert given.early_stopping_iteration == 0 and given.distance_to_limit is None
    clean = problem.operator.to_dense() @ problem.x_true
    last = found.run.network.output()
    delta = np.linalg.norm(problem.y - clean)
    assert np.linalg.norm(last - clean) <= entry["early_stopping"]["data_error"].upper <= 2.001 * delta
    assert entry["true_error"].upper <= given.recovery_error.upper
    assert _evidence(found.to_json(), "recovery.early_stopping.data_error") == "proved"
    assert _evidence(found.to_json(), "recovery.at_limit") is None and entry["limit"] == ""
    saved = save(found, tmp_path)
    assert verify(saved).valid, verify(saved).findings

    def claim_more(record: dict[str, Any]) -> None:
        record["guarantees"]["recovery_error"] |= {"lower": 1e-9, "upper": 1e-9}
        record["guarantees"]["early_stopping_iteration"] = 1

    findings = verify(changed(tmp_path, claim_more)).findings
    assert any("recovery_error" in f for f in findings) and any("early_stopping" in f for f in findings)


def test_every_certificate_of_a_run_has_a_final_one() -> None:
    """Also where nothing is certified, and where the loss overflowed; the file does not say it twice."""
    problem, net = _posed()
    for options in ({"max_iterations": 0, "form": "paper"}, {"step": 1e9, "max_iterations": 5}):
        found = dp.certify(problem, net, **options)
        assert not found.proved and found.final is not None and found.final.verdict is found.verdict
        assert "final" not in certificate_json(found)[0]


def test_stop_certified_goes_on_to_the_first_certified_iterate() -> None:
    """Where the noise level is reached before anything is certified, the run goes on; else it stops at the noise."""
    problem, net = _posed(offset=2.0, noise=1.0, width=24)
    early = dp.certify(problem, net, stop="guaranteed")
    assert not early.proved and early.run.stopped == "guaranteed"
    found = dp.certify(problem, net, stop="certified")
    whole = dp.certify(problem, net)
    assert found.proved and found.run.stopped == "certified" and found.iteration == whole.iteration
    assert early.run.iterations < found.run.iterations <= 1.2 * found.iteration + 2 < whole.run.iterations
    assert found.final.guarantees.early_stopping_iteration == 0
    plain = dp.certify(dp.InverseProblem(problem.operator, problem.y), net, stop="certified", tolerance=1e-3)
    assert plain.proved and plain.run.history.loss[-1] <= 1e-3
