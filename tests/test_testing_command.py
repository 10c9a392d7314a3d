"""`dipproofs test`: true claims pass, planted faults are found, shrunk and repeated by one command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import run

from dipproofs.errors import InputError
from dipproofs.losses.base import Loss
from dipproofs.operators.operator import DenseKernel
from dipproofs.problems import load_problem
from dipproofs.testing import parallel, problem
from dipproofs.testing.problem import Case, Examined, Outcome, run_tests

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "gaussian.toml"


def outcome(examples: int = 4, **options: Any) -> Outcome:
    return run_tests(load_problem(EXAMPLE), examples, seed=1, command="dipproofs test p.toml", **options)


def test_true_claims_pass_and_are_not_vacuous() -> None:
    result = outcome()
    assert result.passed and result.examples == 4 and result.non_vacuous >= 0.9 * result.examples
    record = result.to_json()
    assert (record["examples"], record["violations"], record["seed"]) == (4, 0, 1)
    assert "No violation" in str(result)


def test_instances_examined_elsewhere_count_as_if_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run_here(tasks: Any, jobs: Any, scheduler: Any) -> Any:
        for index, (_, cell) in enumerate(tasks):
            examined.append(cell["case"])
            if len(examined) == 3:
                raise KeyboardInterrupt
            yield index, [{"violations": [], "proved": True, "followed": True, "reasons": ["narrow"]}]

    examined: list[Any] = []
    monkeypatch.setattr(parallel, "run_cells", run_here)
    elsewhere = parallel.examine_elsewhere(EXAMPLE, 2, folder=tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        outcome(elsewhere=elsewhere)
    result = outcome(elsewhere=elsewhere)
    assert (result.examples, result.non_vacuous, result.reasons) == (4, 4, ("narrow",)) and result.passed
    assert len(examined) == 5 and len({str(case) for case in examined}) == 4  # the interrupted one again, no other


def test_a_violation_found_elsewhere_is_shrunk_here(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Examined(("the loss rose",), True)
    monkeypatch.setattr(problem._Tester, "_examine", lambda self, case: Examined() if case.step == 1 else broken)
    result = outcome(20, elsewhere=lambda cases: {c: Examined() if c.step == 1 else broken for c in cases})
    assert result.falsified == ("the loss rose",) and (result.case.network, result.case.noise) == (0, 0)


@pytest.mark.parametrize("fault", ["adjoint", "psi", "step"])
def test_planted_faults_are_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = _plant(fault, monkeypatch)
    result = outcome()
    assert not result.passed and result.falsified and result.to_json()["violations"] > 0
    assert any(words in line for line in result.falsified)
    assert result.case == Case(network=0, noise=0, level=0.0, step=result.case.step)  # shrunk
    again = outcome(case=Case.parse(result.command.split("--case ")[1]))
    assert again.falsified


def _plant(fault: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if fault == "adjoint":
        adjoint = DenseKernel.adjoint
        monkeypatch.setattr(DenseKernel, "adjoint", lambda self, arrays, w: 0.8 * adjoint(self, arrays, w))
        return "⟨x, Aᵀw⟩"
    if fault == "psi":
        psi_at = Loss.psi_at
        monkeypatch.setattr(Loss, "psi_at", lambda self, value, constants: psi_at(self, value, constants) * 9 / 10)
        return "KL inequality"

    certify = problem.api.certify

    def three_times(*arguments: Any, **options: Any) -> Any:
        certificate = certify(*arguments, **options)
        run = certificate.run
        return replace(certificate, run=replace(run, steps=tuple((since, 3 * step) for since, step in run.steps)))

    monkeypatch.setattr(problem.api, "certify", three_times)
    return "exceeds γ"


def test_few_proofs_are_no_success() -> None:
    spec = load_problem(EXAMPLE)
    short = replace(spec, descent=replace(spec.descent, max_iterations=1))
    result = run_tests(short, 2)
    assert not result.passed and not result.falsified and result.non_vacuous == 0
    assert "Too few" in str(result)


def test_a_case_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="--case"):
        Case.parse("width=3")


@pytest.mark.parametrize("option", [["--jobs", "2"], ["--scheduler", "tcp://127.0.0.1:1"], ["--out", "kept"]])
def test_one_instance_is_not_spread(option: list[str]) -> None:
    code, _, error = run("test", EXAMPLE, "--case", "network=3,noise=0,level=0,step=1", *option)
    assert code == 2 and error.startswith("error: --case: found --jobs")
