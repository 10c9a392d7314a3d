"""`dipproofs table`: output, files, exit status, no JAX."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
Ended = tuple[int, str, str]
ENVIRONMENT = {
    "PYTHONIOENCODING": "utf-8",
    "PYTHONPATH": str(ROOT),
    "PATH": "/usr/bin:/bin",
    "JAX_PLATFORMS": "none",
    "NO_COLOR": "1",
}


BAD: list[tuple[tuple[str, ...], str]] = [
    (("width", "--kappa", "0.5"), "--kappa: found 0.5"),
    (("width", "--f-inf", "2"), "--f-inf does not apply to table width"),
    (("losses", "--n", "2"), "--n does not apply to table losses; it takes --loss"),
    (("width", "problem.toml"), "PROBLEM.toml does not apply to table width"),
    (("constants", "--out", "t.pdf"), "found no known suffix"),
    (("constants", "--out", "t.csv", "--format", "latex"), "found format latex with the suffix of csv"),
    (("wdth",), "did you mean 'width'?"),
    (("width", "--format", "pdf"), "--format"),
    (("constants", "--out", "no/such/folder/t.md"), "found no folder"),
    (("instance",), "problem"),
]
GOOD: dict[str, tuple[str, ...]] = {
    "json": ("width", "--n", "10,20", "--m", "5", "--kappa", "1:3:1", "--bound", "block", "--format", "json"),
    "tex": ("constants", "--q", "0.5", "--out", "constants.tex"),
    "no suffix": ("constants", "--q", "0.5", "--out", "t"),
    "help": ("--help",),
}
#: All in one interpreter: importing takes longer than most of them.
_COMMANDS = """
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def ended(folder: Path) -> dict[tuple[str, ...], Ended]:
    """Exit status and both streams of every command line."""
    asked = [*GOOD.values(), *(arguments for arguments, _ in BAD)]
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS],
        input=json.dumps(asked),
        env=ENVIRONMENT,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=True,
    )
    return dict(zip(asked, map(tuple, json.loads(done.stdout)), strict=True))


def test_json_on_standard_output(ended: dict[tuple[str, ...], Ended]) -> None:
    code, printed, error = ended[GOOD["json"]]
    assert code == 0, error
    cells = json.loads(printed)
    assert [(c["n"], c["kappa"]) for c in cells] == [(n, kappa) for n in (10, 20) for kappa in (1, 2, 3)]
    assert cells[0]["k"] == 2507


def test_out_writes_the_file_by_its_suffix(ended: dict[tuple[str, ...], Ended], folder: Path) -> None:
    assert ended[GOOD["tex"]][0] == 0
    assert r"\toprule" in (folder / "constants.tex").read_text(encoding="utf-8")


def test_without_a_suffix_a_file_is_markdown(ended: dict[tuple[str, ...], Ended], folder: Path) -> None:
    assert ended[GOOD["no suffix"]][0] == 0
    assert (folder / "t").read_text(encoding="utf-8").startswith("**")


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_exit_2(
    arguments: tuple[str, ...], message: str, ended: dict[tuple[str, ...], Ended]
) -> None:
    code, printed, error = ended[arguments]
    assert code == 2 and not printed
    assert message in error and len(error.strip().splitlines()) == 1


def test_bad_input_ends_the_process_with_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dipproofs", "table", "width", "--kappa", "0.5"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 2 and not done.stdout and "--kappa: found 0.5" in done.stderr


def test_help_names_the_options(ended: dict[tuple[str, ...], Ended]) -> None:
    code, printed, _ = ended[GOOD["help"]]
    assert code == 0
    for option in ("--n", "--m", "--d", "--kappa", "--y-norm", "--noise", "--loss", "--form", "--q", "--delta"):
        assert option in printed
    for option in ("--train", "--activation", "--bound", "--format", "--out", "block-observation"):
        assert option in printed
