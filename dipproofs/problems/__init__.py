"""What is solved: forward operators, signals, noise, and the problem files that describe them.

Names are loaded when first used, so that an import of one part does not load all the others.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dipproofs.operators import OPERATORS, Operator
    from dipproofs.operators.adapt import as_operator
    from dipproofs.problems.inverse_problem import InverseProblem
    from dipproofs.problems.problem_file import BuiltProblem, ProblemSpec, load_problem
    from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions
    from dipproofs.problems.signals import PHOTOGRAPHS, SIGNALS, photograph, shepp_logan

_WHERE = {
    "OPERATORS": "dipproofs.operators",
    "Operator": "dipproofs.operators",
    "as_operator": "dipproofs.operators.adapt",
    "InverseProblem": "dipproofs.problems.inverse_problem",
    "BuiltProblem": "dipproofs.problems.problem_file",
    "ProblemSpec": "dipproofs.problems.problem_file",
    "load_problem": "dipproofs.problems.problem_file",
    "CertificateOptions": "dipproofs.problems.run_options",
    "DescentOptions": "dipproofs.problems.run_options",
    "LossOptions": "dipproofs.problems.run_options",
    "PHOTOGRAPHS": "dipproofs.problems.signals",
    "SIGNALS": "dipproofs.problems.signals",
    "photograph": "dipproofs.problems.signals",
    "shepp_logan": "dipproofs.problems.signals",
}

__all__ = [
    "OPERATORS",
    "PHOTOGRAPHS",
    "SIGNALS",
    "BuiltProblem",
    "CertificateOptions",
    "DescentOptions",
    "InverseProblem",
    "LossOptions",
    "Operator",
    "ProblemSpec",
    "as_operator",
    "load_problem",
    "photograph",
    "shepp_logan",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'dipproofs.problems' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
