"""Runs the guards on altered sources: pytest collects once, every mutant gets a forked process and stops at a failure.

The checks that noticed most so far come first, then the quick ones, so that most mutants cost milliseconds. Time is
processor time: a check that takes twenty times as long as on the unchanged source no longer ends, which is noticed.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from checks.mutation_guards import guards_of
from checks.mutation_patch import Loader, transplant
from checks.mutation_sites import ROOT, Mutant

#: Processor seconds for one mutant.
LIMIT = 300
#: Address space of a mutant, bytes: one that does not end must not take the machine with it.
MEMORY = 8 << 30
OPTIONS = ["-x", "-q", "-s", "-o", "addopts=--import-mode=importlib", "-o", "filterwarnings=ignore"]
OPTIONS += [option for plugin in ("cacheprovider", "xdist", "doctest") for option in ("-p", f"no:{plugin}")]
PACKAGE = (
    "dipproofs", "dipproofs.certify.api", "dipproofs.certify.quantities", "dipproofs.testing", "dipproofs.descent",
    "dipproofs.networks.enclosure", "dipproofs.problems.losses",
)  # fmt: skip
HEAVY = ("hypothesis", "jax", "mpmath", "scipy.linalg", "scipy.special", "sympy", "pytest")


def paths(guards: Iterable[str]) -> list[str]:
    """The files of the guards."""
    found = [ROOT / (guard if "/" in guard else f"checks/{guard}.py") for guard in guards]
    return [str(path) for path in found if path.exists()]


def forked(work: Callable[[int], int], limit: int = LIMIT) -> tuple[str, str, float]:
    """Do work in a forked process; ("killed" | "survived" | "timeout", what it wrote, seconds)."""
    reader, writer = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(
            resource.RLIMIT_CPU, (limit + int(time.process_time()), limit + 5 + int(time.process_time()))
        )
        os._exit(work(writer))
    os.close(writer)
    with os.fdopen(reader) as stream:
        wrote = stream.read()
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        return "timeout", "does not end", seconds
    return ("survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"), wrote, seconds


class Runner:
    """A pytest plugin that, in place of running the tests, runs them for every mutant.

    Args:
        mutants: outside of the theory.
        report: called with every mutant when its outcome is known.
    """

    def __init__(self, mutants: list[Mutant], report: Callable[[Mutant], None]) -> None:
        self.mutants, self.report = mutants, report
        self.kills: Counter[str] = Counter()
        self.cost: dict[str, float] = {}
        self.failing: set[str] = set()

    def run(self) -> None:
        """Collect and run."""
        import pytest

        for name in PACKAGE:
            importlib.import_module(name)
        guards = dict.fromkeys(guard for mutant in self.mutants for guard in guards_of(mutant.file))
        if self.mutants:
            pytest.main([*OPTIONS, *paths(guards)], plugins=[self])

    def pytest_runtestloop(self, session: Any) -> bool:
        """Measure the unchanged checks, then alter the sources one at a time."""
        outcome, wrote, seconds = forked(lambda writer: self._measure(session.items, writer), 1200)
        for line in wrote.splitlines():
            name, cost, failed = json.loads(line)
            self.cost[name] = cost
            if failed:
                self.failing.add(name)
        print(
            f"unchanged: {len(self.cost)} checks {outcome} {seconds:.0f} s, failing: {sorted(self.failing)}", flush=True
        )
        for mutant in self.mutants:
            wanted = paths(guards_of(mutant.file))
            items = [i for i in session.items if str(i.path) in wanted and i.nodeid not in self.failing]
            items.sort(key=lambda item: (-self.kills[item.nodeid], self.cost.get(item.nodeid, 0.0)))
            mutant.outcome, noticed, mutant.seconds = forked(lambda w, i=items, m=mutant: self._child(i, m, w))
            mutant.noticed_by = noticed
            if mutant.outcome == "killed":
                self.kills[noticed] += 1
            self.report(mutant)
        return True

    def _measure(self, items: list[Any], writer: int) -> int:
        for item in items:
            start = time.process_time()
            failed = _fails(item)
            os.write(writer, (json.dumps([item.nodeid, time.process_time() - start, failed]) + "\n").encode())
        return 0

    def _child(self, items: list[Any], mutant: Mutant, writer: int) -> int:
        try:
            transplant(mutant)
        except BaseException as error:
            os.write(writer, f"import: {type(error).__name__}".encode())
            return 1
        for item in items:
            # SIGPROF ends a process whose check takes far longer than it should; its name is written before
            signal.setitimer(signal.ITIMER_PROF, 5 + 20 * self.cost.get(item.nodeid, 1.0))
            signal.signal(signal.SIGPROF, lambda *_, name=item.nodeid: _stop(writer, name))
            if _fails(item):
                os.write(writer, item.nodeid.encode())
                return 1
        return 0


def _stop(writer: int, name: str) -> None:
    os.write(writer, f"{name} (does not end)".encode())
    os._exit(1)


def _fails(item: Any) -> bool:
    from _pytest.runner import runtestprotocol

    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def run_theory(mutants: list[Mutant], report: Callable[[Mutant], None]) -> None:
    """Mutants of the theory: formulas are made at import, so every process imports the package anew."""
    for name in HEAVY:
        importlib.import_module(name)
    loaded = any(name.split(".")[0] == "dipproofs" for name in sys.modules)
    if loaded:
        raise RuntimeError("the package must be loaded by the children only")
    clean: dict[str, bool] = {}
    for mutant in mutants:
        guards = paths(guards_of(mutant.file))
        key = " ".join(Path(path).stem for path in guards)
        if key not in clean:
            outcome, noticed, seconds = forked(lambda w, g=guards: _theory_child(None, g, w))
            clean[key] = outcome == "survived"
            print(f"unchanged: {key}: {outcome} {noticed} {seconds:.0f} s", flush=True)
        if clean[key]:
            mutant.outcome, mutant.noticed_by, mutant.seconds = forked(
                lambda w, g=guards, m=mutant: _theory_child(m, g, w)
            )
            report(mutant)


def _theory_child(mutant: Mutant | None, guards: list[str], writer: int) -> int:
    try:
        if mutant is not None:
            sys.meta_path.insert(0, Loader(mutant))
        import pytest

        class Watch:
            def pytest_runtest_logreport(self, report: Any) -> None:
                if report.failed:
                    os.write(writer, report.nodeid.encode()[:200])

        return int(pytest.main([*OPTIONS, *guards], plugins=[Watch()]))
    except BaseException as error:
        os.write(writer, f"import: {type(error).__name__}".encode())
        return 1
