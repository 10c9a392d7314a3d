"""`guarantees.floating_point`: where it is stated, what the verifier says to changes, and where it is not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import changed

import dipproofs as dp
from dipproofs.certificate.record import Certificate
from dipproofs.certificate.write import save
from dipproofs.report import words


def problem(**options: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 5))
    network = dp.TwoLayer.init(n=5, width=48, input_dimension=3, seed=1, **options)
    return dp.InverseProblem(A, A @ network.output() + 0.01 * rng.normal(size=3)), network


@cache
def certified() -> Certificate:
    return dp.certify_point(*problem(), method="gradient-descent", step=0.03)


def test_the_floor_is_far_below_the_residual_and_is_only_assumed() -> None:
    entry = certified().guarantees.extra["floating_point"]
    assert certified().proved and entry["evidence"] == "assumed" and len(entry["assumptions"]) == 3
    assert entry["residual"]["upper"] < 1e-8 * certified().quantities["psi_0"].upper
    assert {entry[key]["evidence"] for key in ("absolute", "relative", "path", "residual", "loss")} == {"assumed"}
    assert entry["iterations"] > 0 < entry["kept"]
    assert "within" in words.scope(certified()) and words.SCOPE in words.scope(certified())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(certified(), tmp_path_factory.mktemp("floating")).parent


def test_it_is_verified(folder: Path) -> None:
    assert dp.verify(folder / "certificate.json")
    assert dp.verify(changed(folder, lambda record: record))


CHANGES = {
    "proved": lambda entry: entry.update(evidence="proved"),
    "proved floor": lambda entry: entry["residual"].update(evidence="proved"),
    "assumption": lambda entry: entry["assumptions"].pop(),
    "floor": lambda entry: entry["residual"].update(upper=0.9 * entry["residual"]["upper"]),
    "loss": lambda entry: entry["loss"].update(upper=0.9 * entry["loss"]["upper"]),
    "error": lambda entry: entry["absolute"].update(upper=0.9 * entry["absolute"]["upper"]),
    "path": lambda entry: entry["path"].update(upper=0.9 * entry["path"]["upper"]),
    "iterations": lambda entry: entry.update(iterations=entry["iterations"] - 5),
    "kept": lambda entry: entry.update(kept=2 * entry["kept"]),
    "travelled": lambda entry: entry.update(travelled=10 * entry["travelled"]),
    "activation": lambda entry: entry.update(elementary_error=1e-12),
    "ball": lambda entry: entry.update(rho=100.0),
    "slack": lambda entry: entry.update(slack=0.9 * entry["slack"]),
    "words": lambda entry: entry.update(rho="small"),
    "format": lambda entry: entry.update(arithmetic="float32"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changes_are_noticed(what: str, folder: Path) -> None:
    assert not dp.verify(changed(folder, lambda record: CHANGES[what](record["guarantees"]["floating_point"])))


def test_none_in_single_precision_or_with_another_loss() -> None:
    single = dp.certify_point(*problem(dtype="float32"), method="gradient-descent", step=0.03)
    assert single.proved and "floating_point" not in single.guarantees.extra
    assert words.scope(single) == words.SCOPE
    other = dp.certify_point(*problem(), loss="log-cosh", method="gradient-descent", step=0.01)
    assert "floating_point" not in other.guarantees.extra
