"""The test command of the mutation run: the tests that cover the mutated file, cheapest first, until one fails.

`python covering.py serve` keeps NumPy, SymPy, JAX and pytest loaded and forks for each mutant; `python covering.py`
asks it (or runs pytest itself where nobody serves). Both in the root of a copy of the repository that git watches: the
mutated file is the one that git calls changed. The map is `[[covering]]` in `cosmic-ray.toml`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import traceback
import warnings
from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
BROKEN = 70  # the run of the tests is broken, not the mutant
ADDRESS = f"\0dipproofs-mutation-{HERE}"  # an abstract socket: nothing is left behind
PRELOADED = (
    *("numpy", "scipy.linalg", "scipy.sparse.linalg", "scipy.special", "scipy.optimize", "scipy.integrate"),
    *("sympy", "mpmath", "flint", "jax", "jax.numpy", "jax.scipy.special", "hypothesis", "hypothesis.extra.numpy"),
    *("typer", "rich.console", "threadpoolctl", "pytest", "_pytest.assertion.rewrite"),
)


def tests_of(path: str, covering: Iterable[dict[str, list[str]]], *, further: bool) -> list[str]:
    """Return the tests of the first entry whose `files` match, after the file's own examples; nothing without one."""
    for entry in covering:
        if any(fnmatchcase(path, pattern) for pattern in entry["files"]):
            return [path, *entry["tests"], *(entry["further"] if further else ())]
    return []


def changed() -> str:
    """Return the one file of the package that differs from what is committed."""
    command = ["git", "diff", "--name-only", "--", "dipproofs"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if len(found) != 1:
        raise SystemExit(f"changed files: found {found}, expected the one that is mutated")
    return found[0]


def arguments(path: str) -> list[str]:
    """Return what pytest is called with."""
    covering = tomllib.loads((HERE / "cosmic-ray.toml").read_text(encoding="utf-8"))["covering"]
    tests = tests_of(path, covering, further=bool(os.environ.get("MUTATION_FURTHER")))
    if not tests:
        raise SystemExit(f"{path}: no entry of [[covering]] in cosmic-ray.toml names its tests")
    quiet = ["-x", "-q", "--no-header", "--assert=plain", "--tb=line", "-p", "no:xdist"]
    return [*quiet, "-o", "addopts=--doctest-modules", *tests]


def run_pytest(options: list[str]) -> int:
    """Run pytest in this process."""
    import pytest

    return int(pytest.main(["--import-mode=importlib", *options]))


def serve() -> None:
    """Answer each connection (arguments, one a line) with what pytest prints and its exit status, from a fork."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.getcwd())
    warnings.filterwarnings("ignore", message="os.fork")
    for name in PRELOADED:
        import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(ADDRESS)
    listener.listen(1)
    print("serving", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            _answer(connection)


def _answer(connection: socket.socket) -> None:
    options = connection.recv(65536).decode().split("\n")
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(connection.fileno(), 1)
        os.dup2(connection.fileno(), 2)
        warnings.resetwarnings()
        status = BROKEN
        try:
            status = run_pytest(options)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    connection.setblocking(False)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            connection.setblocking(True)
            connection.sendall(f"\nexit status {os.waitstatus_to_exitcode(status)}\n".encode())
            return
        try:
            gone = connection.recv(1) == b""
        except BlockingIOError:
            gone = False
        if gone:  # the client's time is over
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        time.sleep(0.05)


def ask(options: list[str]) -> int:
    """Have the server run the tests; run them here where there is none."""
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(ADDRESS)
    except OSError:
        sys.path.insert(0, os.getcwd())
        return run_pytest(options)
    client.sendall("\n".join(options).encode())
    text = b""
    while part := client.recv(65536):
        text += part
    printed = text.decode(errors="replace")
    print(printed[-4000:])
    status = int(printed.rsplit("exit status ", 1)[1])
    if status == BROKEN:
        raise SystemExit("the server could not run the tests: stop the session")
    return status


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        sys.exit(ask(arguments(sys.argv[1] if sys.argv[1:] else changed())))
