"""`dipproofs table`: output, files, exit status, no JAX."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {"PYTHONIOENCODING": "utf-8", "PATH": "/usr/bin:/bin", "JAX_PLATFORMS": "none", "NO_COLOR": "1"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console command in a fresh interpreter."""
    code = "from dipproofs.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "table", *arguments],
        capture_output=True, text=True, encoding="utf-8", timeout=300,
        env=ENVIRONMENT,
    )  # fmt: skip


def test_json_on_standard_output() -> None:
    done = run("width", "--n", "10,20", "--m", "5", "--kappa", "1:3:1", "--bound", "block", "--format", "json")
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)
    assert [(c["n"], c["kappa"]) for c in cells] == [(n, kappa) for n in (10, 20) for kappa in (1, 2, 3)]
    assert cells[0]["k"] == 2507


def test_out_writes_the_file_by_its_suffix(tmp_path: Path) -> None:
    target = tmp_path / "constants.tex"
    assert run("constants", "--q", "0.5", "--out", str(target)).returncode == 0
    assert r"\toprule" in target.read_text(encoding="utf-8")


BAD: list[tuple[tuple[str, ...], str]] = [
    (("width", "--kappa", "0.5"), "--kappa: found 0.5"),
    (("width", "--delta", "2"), "--delta"),
    (("width", "--f-inf", "2"), "--f-inf does not apply to table width"),
    (("losses", "--n", "2"), "--n does not apply to table losses; it takes --loss"),
    (("width", "problem.toml"), "PROBLEM.toml does not apply to table width"),
    (("width", "--kappa", "1e400"), "--kappa: found 1e400"),
    (("constants", "--out", "t.pdf"), "found no known suffix"),
    (("constants", "--out", "t.csv", "--format", "latex"), "found format latex with the suffix of csv"),
    (("wdth",), "did you mean 'width'?"),
    (("width", "--format", "pdf"), "--format"),
    (("constants", "--out", "no/such/folder/t.md"), "found no folder"),
    (("instance",), "problem"),
]
#: All in one interpreter: importing takes longer than refusing.
_REFUSALS = """
import contextlib, io, json, sys
from dipproofs.cli import main

found = []
for arguments in json.load(sys.stdin):
    sys.argv = ["dipproofs", "table", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    found.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def refusals() -> dict[tuple[str, ...], tuple[int, str, str]]:
    """Exit status and both streams of every bad command line."""
    asked = [arguments for arguments, _ in BAD]
    done = subprocess.run(
        [sys.executable, "-c", _REFUSALS], input=json.dumps(asked), env=ENVIRONMENT,
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=True,
    )  # fmt: skip
    return dict(zip(asked, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_exit_2(
    arguments: tuple[str, ...], message: str, refusals: dict[tuple[str, ...], tuple[int, str, str]]
) -> None:
    code, printed, error = refusals[arguments]
    assert code == 2 and not printed
    assert message in error and len(error.strip().splitlines()) == 1


def test_bad_input_ends_the_process_with_2() -> None:
    done = run("width", "--kappa", "0.5")
    assert done.returncode == 2 and not done.stdout and "--kappa: found 0.5" in done.stderr


def test_without_a_suffix_a_file_is_markdown(tmp_path: Path) -> None:
    assert run("constants", "--q", "0.5", "--out", str(tmp_path / "t")).returncode == 0
    assert (tmp_path / "t").read_text(encoding="utf-8").startswith("**")


def test_help_names_the_options() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in ("--n", "--m", "--d", "--kappa", "--y-norm", "--noise", "--loss", "--form", "--q", "--delta"):
        assert option in done.stdout
    for option in ("--train", "--activation", "--bound", "--format", "--out", "block-observation"):
        assert option in done.stdout
