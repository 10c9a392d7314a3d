"""Natural mistakes: each is answered by one line that says what was found and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import run

import dipproofs as dp

A, Y = np.eye(3, 4), np.ones(3)
FILE = '[operator]\nkind = "gaussian"\nrows = 3\ncolumns = 4\n'


def net(**options: Any) -> dp.TwoLayer:
    return dp.TwoLayer.init(**{"n": 4, "width": 8, "input_dimension": 2, **options})


def problem(*arguments: Any, **options: Any) -> dp.InverseProblem:
    return dp.InverseProblem(*(arguments or (A, Y)), **options)


#: In Python: what is called, and words that the line has to hold.
CALLS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "A and y the wrong way round": (lambda: problem(Y, A), ("found",)),
    "y of another length": (lambda: problem(A, np.ones(4)), ("y:", "4", "3")),
    "y a list of strings": (lambda: problem(A, ["a", "b", "c"]), ("y:",)),
    "y with NaN": (lambda: problem(A, [1, np.nan, 1]), ("y:", "nan", "index 1")),
    "y None": (lambda: problem(A, None), ("y:",)),
    "x_true of another length": (lambda: problem(A, Y, np.ones(3)), ("x_true:", "3", "4")),
    "negative noise": (lambda: problem(A, Y, noise=-1.0), ("noise:", "≥ 0")),
    "image_shape that does not fit": (lambda: problem(A, Y, image_shape=(3, 3)), ("image_shape", "9")),
    "misspelt x_true": (lambda: problem(A, Y, xtrue=np.ones(4)), ("did you mean x_true?",)),
    "a zero operator": (lambda: problem(np.zeros((3, 4)), Y), ("zero operator",)),
    "a path in place of the operator": (lambda: problem("A.npy", Y), ("operator", "expected")),
    "a network with other outputs": (lambda: dp.certify(problem(), net(n=5)), ("5", "4")),
    "problem and network swapped": (lambda: dp.certify(net(), problem()), ("problem:", "InverseProblem")),
    "the class, not an instance": (lambda: dp.certify(problem(), dp.TwoLayer), ("class",)),
    "misspelt max_iterations": (lambda: dp.certify(problem(), net(), max_iter=5), ("did you mean max_iterations?",)),
    "misspelt tolerance": (lambda: dp.check(problem(), net(), tol=5), ("expected one of",)),
    "a negative step": (lambda: dp.certify(problem(), net(), step=-1.0), ("step", "-1")),
    "an unknown loss": (lambda: dp.certify(problem(), net(), loss="mse"), ("loss", "mse", "expected")),
    "an unknown form": (lambda: dp.certify(problem(), net(), form="besst"), ("form", "besst", "best")),
    "relu": (lambda: net(activation="relu"), ("relu", "Lipschitz")),
    "width as a float": (lambda: net(width=8.5), ("width", "8.5", "integer")),
    "another word for max_iterations": (lambda: dp.certify(problem(), net(), epochs=5), ("mean max_iterations?",)),
    "something else to verify": (lambda: dp.verify(3), ("found int", "certificate.json")),
    "misspelt input_dimension": (lambda: net(input_dim=2), ("did you mean input_dimension?",)),
    "an unknown picture": (lambda: dp.certify(problem(), net(), max_iterations=3).plot("los"), ("plot:", '"loss"')),
    "images of no picture": (lambda: dp.certify(problem(), net(), max_iterations=3).plot("images"), ("image_shape",)),
}
#: On the command line: arguments, a problem file or None, and words of the line.
COMMANDS: dict[str, tuple[tuple[str, ...], str | None, tuple[str, ...]]] = {
    "no such file": (("certify", "none.toml"), None, ("no such file", "TOML")),
    "a picture as problem file": (("certify", "picture.png"), "\x89PNG", ("picture.png",)),
    "a certificate as problem file": (("certify", "certificate.json"), "{}", ("found JSON", "dipproofs verify")),
    "a directory without a certificate": (("verify", "."), None, ("found no certificate.json", "certify --out")),
    "a run that is not there": (("certify", "p.toml", "--resume", "none"), FILE, ("no such directory", "--out")),
    "a problem file to verify": (("verify", "p.toml"), FILE, ("expected a certificate",)),
    "a misspelt section": (("check", "p.toml"), FILE + "[nework]\n", ("did you mean network",)),
    "a misspelt section of a run": (("certify", "p.toml", "--out", "out"), FILE + "[descnt]\n", ("descent",)),
    "a form of no descent": (("certify", "p.toml"), FILE + "[certificate]\nform = 'flow'\n", ("form",)),
    "relu in a file": (("certify", "p.toml"), FILE + "[network]\nactivation = 'relu'\n", ("Lipschitz",)),
    "no certificate": (("verify", "none.json"), None, ("none.json",)),
    "a misspelt key": (("check", "p.toml"), FILE + "[network]\nwidht = 8\n", ("did you mean width",)),
    "a misspelt kind": (("check", "p.toml"), FILE.replace("gaussian", "gausian"), ("did you mean gaussian",)),
    "a directory without certificate": (("report", ".", "--out", "r.html"), None, ("certificate.json", "--out")),
    "a misspelt word to explain": (("explain", "residaul"), None, ("did you mean residual",)),
    "a plot of nothing that varies": (("table", "width", "--n", "9", "--plot", "k.png"), None, ("--plot", "list")),
    "no examples": (("test", "p.toml", "--case", "width=3"), FILE, ("--case",)),
}


def one_line(line: str, words: tuple[str, ...]) -> None:
    assert line and "\n" not in line and "Traceback" not in line, line
    assert all(word in line for word in words), line


def test_there_are_at_least_31() -> None:
    assert len(CALLS) + len(COMMANDS) >= 31


@pytest.mark.parametrize("name", CALLS)
def test_in_python(name: str) -> None:
    call, words = CALLS[name]
    with pytest.raises(dp.InputError) as caught:
        call()
    one_line(str(caught.value), words)


@pytest.mark.parametrize("name", COMMANDS)
def test_on_the_command_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, text, words = COMMANDS[name]
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / arguments[1]).write_bytes(text.encode("latin-1"))
    before = set(tmp_path.iterdir())
    code, out, error = run(*arguments)
    assert code == 2 and set(tmp_path.iterdir()) == before
    assert out == "" or arguments[0] == "table"  # which prints before it draws
    one_line(error.strip(), words)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["certify", "p.toml", "--outt", "x"], "--out"), (["chek", "p.toml"], "check"), (["certify"], "PROBLEM.toml")],
)
def test_a_misspelt_option_or_command_is_named(arguments: list[str], word: str) -> None:
    code, out, error = run(*arguments)
    assert code == 2 and out == ""
    one_line(error.strip(), (word, "error: ", " -h"))


def test_without_a_command_there_is_help() -> None:
    code, _, error = run()
    assert code == 2 and "certify" in error and "Options" in error and "error:" not in error
