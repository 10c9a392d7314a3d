"""Every formula of the theory has a check that derives it, and every such check has a formula."""

from __future__ import annotations

from fnmatch import fnmatchcase

from checks.registry import claims
from dipproofs import theory
from dipproofs.theory import elementary, gaussian_moments, losses, methods, schedules, width

ROOMS = (
    elementary,
    gaussian_moments,
    losses,
    methods,
    schedules,
    width,
)  # modules that register formulas when they are imported


def test_every_formula_has_a_check() -> None:
    patterns = {pattern for pattern, _ in claims()}
    missing = [f.id for f in theory.formulas() if not any(fnmatchcase(f.id, p) for p in patterns)]
    assert not missing, f"{len(missing)} formulas without a check (@proves): {', '.join(missing)}"


def test_every_check_proves_a_formula() -> None:
    ids = [f.id for f in theory.formulas()]
    empty = [f"{test}: {pattern}" for pattern, test in claims() if not any(fnmatchcase(i, pattern) for i in ids)]
    assert not empty, f"patterns without a formula: {'; '.join(empty)}"


def test_a_formula_without_a_check_is_noticed() -> None:
    assert not any(fnmatchcase("forms.invented.omega", pattern) for pattern, _ in claims())
    assert len(list(theory.formulas())) > 100, "formulas are discovered through the registry"
