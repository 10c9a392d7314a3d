"""Settings of the checks: 64-bit JAX, Hypothesis profiles, counts of what the properties really tested."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from checks import vacuity  # noqa: E402 - needs the path
from checks.effort import EXAMPLES, MORE, THOROUGH, VARIABLE  # noqa: E402

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much)
_COMMON = {"deadline": None, "suppress_health_check": _SLOW, "print_blob": True}
# the default examples are the same in every run, so that a red check is red for everyone;
# `thorough` draws new ones each time and prints the blob that repeats a failure; both say everything themselves,
# since Hypothesis has other defaults where it finds the variable CI
settings.register_profile("default-checks", max_examples=EXAMPLES, derandomize=True, database=None, **_COMMON)
settings.register_profile("thorough", max_examples=EXAMPLES * MORE, derandomize=False, **_COMMON)
settings.load_profile("thorough" if THOROUGH else "default-checks")


def pytest_configure(config: pytest.Config) -> None:
    """Give a thorough run one seed, the same for all workers, so that one command repeats it."""
    if not THOROUGH:
        return
    import hypothesis.core

    asked = config.getoption("--hypothesis-seed", None)
    seed = asked if asked is not None else os.environ.get("DIPPROOFS_SEED", secrets.randbelow(2**32))
    os.environ["DIPPROOFS_SEED"] = str(seed)  # parallel workers inherit it
    hypothesis.core.global_force_seed = int(seed)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say how to repeat the run."""
    if not THOROUGH:
        return ["checks: default profile, the same examples in every run"]
    seed = os.environ["DIPPROOFS_SEED"]
    return [
        f"checks: thorough; repeat a failure with {VARIABLE}=thorough python -m pytest TEST --hypothesis-seed={seed}"
    ]


@pytest.fixture(autouse=True, scope="session")
def double_precision() -> None:
    """Switch JAX to 64 bits, as the command line does."""
    import jax

    jax.config.update("jax_enable_x64", True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many examples of each property satisfied its hypotheses."""
    lines = vacuity.report_lines(terminalreporter)
    if lines:
        terminalreporter.write_sep("-", "examples that satisfied the hypotheses")
        for line in lines:
            terminalreporter.write_line(line)
