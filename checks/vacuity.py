"""Non-vacuity: how many examples of a property satisfied its hypotheses; fewer than 90 % is a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

REQUIRED = 0.9
_KEY = "dipproofs_vacuity"


@dataclass
class Count:
    """Examples seen by one property.

    Args:
        name: of the property.
        tried: examples drawn.
        satisfied: those whose hypotheses held, so that the property said something.
        facts: inequalities that were decided on them.
    """

    name: str
    tried: int = 0
    satisfied: int = 0
    facts: int = 0

    def example(self, satisfied: bool, facts: int = 0) -> bool:
        """Count one example; return whether it satisfied the hypotheses."""
        self.tried += 1
        self.satisfied += bool(satisfied)
        self.facts += facts
        return bool(satisfied)

    def require(self, share: float = REQUIRED) -> None:
        """Fail when too few examples satisfied the hypotheses."""
        if self.tried == 0 or self.satisfied < share * self.tried:
            pytest.fail(f"{self.name}: only {self.satisfied} of {self.tried} examples satisfied the hypotheses")

    def line(self) -> str:
        """One line for the report."""
        return f"{self.name}: {self.satisfied} of {self.tried}, {self.facts} inequalities decided"


def record(request: pytest.FixtureRequest, count: Count) -> None:
    """Attach a count to the test's report (it travels with it from parallel workers) and require it."""
    request.node.user_properties.append((_KEY, count.line()))
    count.require()


def report_lines(reporter: Any) -> list[str]:
    """Collect the counts from the reports of passed and failed tests."""
    reports = [r for key in ("passed", "failed") for r in reporter.stats.get(key, [])]
    return [value for r in reports for key, value in getattr(r, "user_properties", []) if key == _KEY]
