"""The command line: exit codes, files, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import run

ROOT = Path(__file__).resolve().parent.parent


def problem(tmp_path: Path, text: str = "", width: int = 64) -> Path:
    path = tmp_path / "problem.toml"
    path.write_text(
        '[operator]\nkind = "gaussian"\nrows = 5\ncolumns = 10\ncondition_number = 3.0\n'
        f'[network]\nkind = "two-layer"\nwidth = {width}\ninput_dimension = 5\n{text}'
    )
    return path


def test_certify_writes_a_certificate_that_verifies(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, _ = run("certify", problem(tmp_path), "--out", out)
    assert code == 0 and "Proved from iteration" in text
    assert {"certificate.json", "arrays.npz", "report.html"} <= {p.name for p in out.iterdir()}
    code, text, _ = run("verify", out / "certificate.json")
    assert code == 0


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("certify", problem(tmp_path, "[descent]\nmax_iterations = 40\n"), "--out", out)
    before = json.loads((out / "certificate.json").read_text())["run"]
    code, _, _ = run("certify", problem(tmp_path), "--resume", out)
    after = json.loads((out / "certificate.json").read_text())["run"]
    assert code == 0 and before["iterations"] == 40 < after["iterations"] and after["stopped"] == "tolerance"
    assert run("verify", out / "certificate.json")[0] == 0
    code, _, err = run("certify", problem(tmp_path, "[descent]\nstep = 0.3\n"), "--resume", out)
    assert code == 2 and "resume: found step" in err
    code, _, err = run("certify", problem(tmp_path), "--resume", tmp_path / "none")
    assert code == 2 and "none: no such directory; expected a directory that dipproofs certify --out has written" in err
    code, _, err = run("certify", problem(tmp_path), "--resume", tmp_path)
    assert code == 2 and "found no run-state.npz in it" in err and "Errno" not in err


def test_certificates_are_shown_side_by_side(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("certify", problem(tmp_path), "--out", tmp_path / name)
    target = tmp_path / "both.html"
    code, text, _ = run("report", tmp_path / "a", tmp_path / "b", "--out", target)
    page = target.read_text()
    assert code == 0 and "written" in text
    assert page.count("scope='col'") >= 3 and "Signal" in page and "refuted" in page
    assert "http://" not in page and "https://" not in page and "tabindex='0'" in page
    assert run("report", tmp_path / "none", "--out", target)[0] == 2


def test_check_answers_this_network_first_and_searches_on_request(tmp_path: Path) -> None:
    code, text, _ = run("check", problem(tmp_path))
    assert code == 1 and "--widths" in text and "Width at which" not in text
    small = problem(tmp_path, width=8)
    small.write_text(small.read_text().replace("rows = 5", "rows = 2").replace("columns = 10", "columns = 3"))
    code, text, _ = run("check", small, "--widths", "--json", tmp_path / "c.json")
    assert text.index("Conditions") < text.index("Width at which")
    assert json.loads((tmp_path / "c.json").read_text())["widths"]


def test_the_long_text_is_asked_for(tmp_path: Path) -> None:
    _, short, _ = run("certify", problem(tmp_path))
    _, long, _ = run("certify", problem(tmp_path), "--verbose")
    assert len(short.splitlines()) <= 20 < len(long.splitlines())
    assert "Quantities" in long and short.splitlines()[-2:] == long.splitlines()[-2:]


def test_json_on_standard_output_is_only_json(tmp_path: Path) -> None:
    code, text, _ = run("certify", problem(tmp_path), "--json", "-")
    assert code == 0 and json.loads(text)["verdict"] == "proved"


def test_not_proved_is_exit_1(tmp_path: Path) -> None:
    code, text, _ = run("certify", problem(tmp_path, "[descent]\nmax_iterations = 1\n"))
    assert code == 1 and "roved" in text
    code, _, _ = run("certify", problem(tmp_path, "[descent]\nstep = 1e6\n"), "--json", tmp_path / "c.json")
    assert code == 1
    assert json.loads((tmp_path / "c.json").read_text())["verdict"] == "refuted"


def test_check_reports_every_form(tmp_path: Path) -> None:
    target = tmp_path / "check.json"
    code, text, _ = run("check", problem(tmp_path), "--no-widths", "--json", target)
    assert code == 1
    record = json.loads(target.read_text())
    assert record["format"] == "dipproofs-check"
    assert set(record["forms"]) == {"paper", "integral", "concave", "residual"}
    assert {"R", "R_prime", "nu_1", "nu_2"} <= set(record["forms"]["paper"]["quantities"])
    assert "R'" in text
    paper = record["forms"]["paper"]
    assert paper["verdict"] == "refuted" and paper["quantities"]["R_prime"]["lower"] > paper["quantities"]["R"]["upper"]


def test_explain_everything() -> None:
    code, _, _ = run("explain")
    assert code == 0
    for name in ("residual", "paper", "block", "tanh", "squared"):
        assert run("explain", name)[0] == 0
        code, latex, _ = run("explain", name, "--latex")
        assert code == 0 and "$" in latex
    code, _, err = run("explain", "residul")
    assert code == 2 and "did you mean residual" in err


@pytest.mark.parametrize("arguments", [["--help"], ["table", "--help"], ["verify", "--help"], ["--version"]])
def test_help_does_not_import_jax(arguments: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['dipproofs', *sys.argv[1:]]\n"
        "from dipproofs.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit('jax' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_command_shows_an_example() -> None:
    for command in ("certify", "check", "verify", "explain", "table", "experiment"):
        code, text, _ = run(command, "--help")
        assert code == 0 and "dipproofs" in text.replace("Usage", "", 1).split("Usage")[-1]


def test_operator_proves_its_norm(tmp_path: Path) -> None:
    code, text, _ = run("operator", problem(tmp_path), "--json", tmp_path / "facts.json")
    assert code == 0 and "rank                        5 (full)" in text
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["norm"]["evidence"] == "proved" and facts["norm"]["lower"] <= 1 <= facts["norm"]["upper"]
    code, _, error = run("operator", tmp_path / "missing.npz")
    assert code == 2 and "missing.npz: no such file" in error
