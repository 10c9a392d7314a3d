"""The thorough profile does what it says, and a discrepancy that it finds is repeated by the command that it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from checks.effort import EXAMPLES, MORE, THOROUGH, TIMES, VARIABLE

ROOT = Path(__file__).resolve().parent.parent
#: A claim that is false for one number in about 300, so that the default profile seldom meets it.
FALSE_CLAIM = """
import os
from pathlib import Path

from hypothesis import given, strategies as st

seen = Path(os.environ["SEEN"])


@given(st.integers(0, 10**9))
def test_false_claim(n):
    with seen.open("a") as file:
        file.write(f"{n}\\n")
    assert n % 307 != 5 or n < 1000


@given(st.integers(0, 10**9))
def test_true_claim(n):
    with seen.with_suffix(".true").open("a") as file:
        file.write("x")
"""


def test_thorough_means_twenty_times_more() -> None:
    assert (25, 20, 20 if THOROUGH else 1) == (EXAMPLES, MORE, TIMES)
    assert (
        settings.get_profile("default-checks").max_examples == 25 and settings.get_profile("default-checks").derandomize
    )
    assert settings.get_profile("thorough").max_examples == 500 and not settings.get_profile("thorough").derandomize


@pytest.mark.parametrize("name", ["tox.ini", "CONTRIBUTING.md", "docs/_parts/checks.md"])
def test_the_variable_is_the_one_that_is_read(name: str) -> None:
    """Every place that asks for thorough checks names the variable that `checks.effort` reads."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is not part of this copy")
    asked = re.findall(r"(\w+) ?= ?thorough", path.read_text(encoding="utf-8"))
    assert asked and set(asked) == {VARIABLE}


def checks(folder: Path, command: list[str], effort: str, seen: str) -> tuple[str, list[str]]:
    """Run pytest in a process of its own; its output and the numbers that the false claim met."""
    numbers = folder / seen
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("DIPPROOFS_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}"],
        capture_output=True,
        text=True,
        env={**plain, VARIABLE: effort, "SEEN": str(numbers), "PYTHONPATH": str(ROOT)},
        cwd=folder,
    )
    return done.stdout + done.stderr, numbers.read_text().split() if numbers.exists() else []


def test_a_failure_is_repeated_by_the_printed_command(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from checks.conftest import pytest_configure, pytest_report_header  # noqa: F401\n"
    )
    (tmp_path / "test_claim.py").write_text(FALSE_CLAIM)
    everything = ["test_claim.py"]
    output, numbers = checks(tmp_path, everything, "thorough", "first")
    true_examples = len((tmp_path / "first.true").read_text())
    assert true_examples == 500, "the true claim is tried on 20 times 25 examples"
    if "1 failed" not in output:  # the draw was lucky: take one that is known to fail
        output, numbers = checks(tmp_path, [*everything, "--hypothesis-seed=1"], "thorough", "again")
    assert "1 failed, 1 passed" in output and "@reproduce_failure" in output
    (line,) = {line for line in output.splitlines() if "repeat a failure with" in line}
    printed = line.split("repeat a failure with ")[1].replace("TEST", "test_claim.py::test_false_claim")
    variable, *command = shlex.split(printed)
    assert variable == f"{VARIABLE}=thorough" and command[:3] == ["python", "-m", "pytest"]
    repeated, same = checks(tmp_path, command[3:], "thorough", "second")
    assert "1 failed" in repeated and same == numbers, "the same numbers, in the same order"
    default, few = checks(tmp_path, everything, "", "third")
    assert len((tmp_path / "third.true").read_text()) == 25 and len(few) >= 25 and "default profile" in default
