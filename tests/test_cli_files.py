"""What the command line writes, where it refuses to, and what it does when it is interrupted."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from helpers import run
from report_cases import case
from test_cli import problem

from dipproofs.certificate.write import save, write_atomically
from dipproofs.certify import api
from dipproofs.errors import InputError
from dipproofs.report.saved import load_saved


def refused(*arguments: object) -> str:
    code, out, err = run(*arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and err.startswith("error: ")
    return err


def written_to_pipe(path: Path, *arguments: object) -> bytes:
    """Run a command that writes to a pipe and return what comes out of it."""
    os.mkfifo(path)
    found: list[bytes] = []
    reader = Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()
    assert run(*arguments)[0] == 0
    assert stat.S_ISFIFO(path.stat().st_mode), "the pipe was replaced by a file"
    reader.join(60)
    return found[0]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    assert json.loads(written_to_pipe(pipe, "certify", problem(tmp_path), "--json", pipe))["verdict"] == "proved"
    pipe = tmp_path / "pipe.csv"
    assert written_to_pipe(pipe, "table", "constants", "--out", pipe).startswith(b"form,q")
    pipe = tmp_path / "pipe.svg"
    arguments = ("table", "width", "--n", "10,20", "--bound", "block", "--plot", pipe)
    assert b"</svg>" in written_to_pipe(pipe, *arguments)


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("old", "new"):
        target, link = tmp_path / "real" / name, tmp_path / name
        if name == "old":
            target.write_text("old")
        link.symlink_to(target)
        write_atomically(link, b"content")
        assert link.is_symlink() and target.read_bytes() == b"content"
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["new", "old"]


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("n" * 255), b"content")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"content"


def test_targets_are_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the run started")

    for name in ("certify", "check"):
        monkeypatch.setattr(api, name, never)
    monkeypatch.setattr("dipproofs.tables.width_table.smallest_widths", never)
    given = problem(tmp_path)
    (tmp_path / "taken" / "certificate.json").mkdir(parents=True)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing" / "folder")
    for out in (given, given / "out", tmp_path / "taken", tmp_path / "nowhere", tmp_path / ("n" * 300)):
        assert "cannot write there" in refused("certify", given, "--out", out)
    assert "found an empty name" in refused("certify", given, "--out", "")
    for target in (tmp_path, tmp_path / "no" / "x.json", tmp_path / ("n" * 300), ""):
        for command in ("certify", "check"):
            assert "--json" in refused(command, given, "--json", target)
    for plot in ("x.txt", tmp_path / "no" / "x.png", ""):
        assert "figure" in refused("table", "width", "--n", "10,20", "--plot", plot)
    for out in (tmp_path, tmp_path / "no" / "x.md", tmp_path / ("n" * 300), tmp_path / "x.pdf", ""):
        assert "--out" in refused("table", "width", "--out", out)
    assert {path.name for path in tmp_path.iterdir()} == {"problem.toml", "taken", "nowhere"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("explain", "tanh"), ("check", "problem.toml", "--json", "-")])
def test_a_full_disk_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    problem(tmp_path)
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "dipproofs", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: standard output: cannot write there")


def test_what_is_no_certificate_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\xff")
    assert refused("verify", tmp_path / "no.json").startswith("error: unreadable: no.json: no such file or directory, ")
    assert "found a file that is no text, expected a certificate" in refused("verify", tmp_path / "photo.png")


def test_out_may_be_new_and_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("certify", problem(tmp_path), "--out", "a/b")[0] == 0
    assert run("certify", problem(tmp_path), "--out", ".")[0] == 0
    assert (tmp_path / "a" / "b" / "certificate.json").read_bytes() == (tmp_path / "certificate.json").read_bytes()


def test_nothing_is_written_if_a_number_is_not_finite(tmp_path: Path) -> None:
    broken = replace(case("proved"), loss={"kind": "huber", "delta": float("nan")})
    with pytest.raises(InputError, match=r"found nan at loss\.delta, expected a finite number"):
        save(broken, tmp_path / "out", report="page")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_descent_is_written_said_and_exits_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dipproofs.descent.marks import Marks

    whole = Marks.after

    def interrupted(marks: Marks, tau: int) -> int:
        if tau > 20:
            raise KeyboardInterrupt
        return whole(marks, tau)

    monkeypatch.setattr(Marks, "after", interrupted)
    out = tmp_path / "out"
    code, text, _ = run("certify", problem(tmp_path), "--out", out)
    record = json.loads((out / "certificate.json").read_text())
    assert code == 130 and record["run"]["stopped"] == "interrupted"
    said = f"Interrupted at iteration {record['run']['iterations']}"
    assert f"! {said}" in text and said in (out / "report.html").read_text()
    assert run("verify", out / "certificate.json")[0] == 0


@pytest.mark.parametrize("module", ["typer", "dipproofs.tables", "dipproofs.problems"])
def test_an_interrupt_during_imports_is_one_word(tmp_path: Path, module: str) -> None:
    program = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from dipproofs.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, "certify", str(problem(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_report_of_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nested.json").write_text(100_000 * "[")
    with pytest.raises(InputError, match="not a certificate"):
        load_saved(tmp_path / "nested.json")
