"""Mutation testing: alter one formula at a time and see whether a check notices.

    python -m checks.mutation                     # sample, writes checks/mutation-report.md
    python -m checks.mutation --per-file 0        # every mutant
    python -m checks.mutation --only certify/     # one file or room
    python -m checks.mutation --formulas          # the registered formulas, fast

A mutant is one change in the syntax tree of a source file: a sign, + for −, · for /, an exponent, a factor, a
constant, max for min, lower for upper, < for ≤, a rounding direction. Sources on disk are never touched: a forked
process runs the fast checks that guard the file after it has loaded the mutated module in place of the original
(theory: formulas are made at import), or has put the mutated code into the functions already loaded (elsewhere).
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REPORT, RECORD = HERE / "mutation-report.md", HERE / "mutation-record.json"
TIMEOUT = 400

#: Source files by room, and the checks that guard them.
GUARDS: list[tuple[str, list[str]]] = [
    ("theory/forms.py", ["test_forms"]),
    ("theory/profiles.py", ["test_profiles"]),
    ("theory/conditions.py", ["test_conditions", "test_residual_form"]),
    ("theory/twolayer.py", ["test_two_layer"]),
    ("theory/recovery.py", ["test_recovery"]),
    ("theory/losses/rules.py", ["test_losses"]),
    ("theory/losses/squared.py", ["test_losses"]),
    ("theory/losses/log_cosh.py", ["test_losses"]),
    ("theory/losses/huber.py", ["test_losses"]),
    ("theory/losses/lp.py", ["test_losses"]),
    ("theory/losses/norm_power.py", ["test_losses"]),
    ("theory/losses/cross_entropy.py", ["test_losses"]),
    ("theory/losses/poisson.py", ["test_losses"]),
    ("theory/losses/logit_cross_entropy.py", ["test_losses"]),
    ("theory/activations/tanh.py", ["test_activations"]),
    ("theory/activations/gelu.py", ["test_activations"]),
    ("theory/activations/silu.py", ["test_activations"]),
    ("theory/activations/erf.py", ["test_activations"]),
    ("theory/activations/sigmoid.py", ["test_activations"]),
    ("theory/activations/softplus.py", ["test_activations"]),
    ("theory/activations/sine.py", ["test_activations"]),
    ("theory/gaussian_moments.py", ["test_activations"]),
    ("theory/width/events.py", ["test_width_events"]),
    ("theory/width/supplies.py", ["test_width"]),
    ("theory/width/levels.py", ["test_width"]),
    ("theory/width/logit.py", ["test_width"]),
    ("theory/width/paper.py", ["test_width"]),
    ("theory/width/spectrum.py", ["test_width"]),
    ("theory/width/split.py", ["test_width"]),
    ("certify/decide.py", ["test_criteria"]),
    ("certify/constants.py", ["test_criteria"]),
    ("certify/guarantees.py", ["test_small_contracts", "test_criteria"]),
    ("certify/quantities.py", ["test_base_quantities"]),
    ("certify/operator_bounds.py", ["test_base_quantities"]),
    ("networks/enclosure.py", ["test_base_quantities"]),
    ("descent/schedule.py", ["test_criteria"]),
    ("rigor/evidence.py", ["tests/test_rigor_bound.py", "test_criteria"]),
    ("rigor/bound.py", ["test_intervals", "tests/test_rigor_bound.py"]),
    (
        "rigor/rounding.py",
        ["test_small_contracts", "tests/test_rigor_bound.py", "tests/test_rigor_matrix.py", "test_enclosures"],
    ),
    ("rigor/norms.py", ["tests/test_rigor_matrix.py", "test_enclosures"]),
    ("rigor/matrix.py", ["tests/test_rigor_matrix.py", "test_enclosures"]),
    ("rigor/cholesky.py", ["tests/test_rigor_matrix.py", "test_enclosures"]),
    ("rigor/eigenvalues.py", ["test_small_contracts", "tests/test_rigor_matrix.py", "test_enclosures"]),
    ("rigor/singular.py", ["tests/test_rigor_matrix.py", "test_enclosures"]),
    ("rigor/functions.py", ["tests/test_rigor_evaluate.py", "test_two_arithmetics"]),
    ("rigor/decide.py", ["tests/test_rigor_evaluate.py"]),
]

_ATTRIBUTES = {
    "lower": "upper",
    "upper": "lower",
    "Max": "Min",
    "Min": "Max",
    "maximum": "minimum",
    "minimum": "maximum",
}
_NAMES = {"max": "min", "min": "max", "up": "down", "down": "up"}
_OPERATORS: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_COMPARISONS: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_REVERSED: dict[type, type] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_CALLS = {"Le": "Lt", "Lt": "Le", "Gt": "Lt", "Ge": "Gt", "sqrt": None, "log": None, "exp": None}
#: Calls whose arguments are words for people.
_TALK = {"InputError", "ValueError", "TypeError", "quantity", "Parameter", "Symbol", "symbols", "ArithmeticError"}
#: Functions and variables that only compose messages, or tune speed and sharpness but not truth.
_SKIP_FUNCTIONS = {"__repr__", "__str__", "to_json", "latex", "_shorter", "_reason", "__format__", "_advice"}


@dataclass
class Mutant:
    """One change: file (relative to the package), its number among the file's changes, place and description."""

    file: str
    number: int
    line: int
    change: str
    outcome: str = ""
    noticed_by: str = ""
    seconds: float = 0.0


class Sites(ast.NodeVisitor):
    """Collects the changes that can be made to a tree; applying one is a closure on its node."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, Any]] = []

    def _add(self, node: ast.AST, change: str, apply: Any) -> None:
        self.found.append((getattr(node, "lineno", 0), change, apply))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in _SKIP_FUNCTIONS:
            return
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:  # not the decorators
            self.visit(statement)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # docstrings
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        return

    visit_ImportFrom = visit_Import  # type: ignore[assignment]

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node.func)
        if name in _TALK or name.endswith("errstate"):
            return
        if name in _CALLS and isinstance(node.func, ast.Attribute):
            other = _CALLS[name]
            if other is not None:
                self._add(node, f"{name} → {other}", lambda n=node, o=other: setattr(n.func, "attr", o))
            elif len(node.args) == 1:
                self._add(node, f"{name}(x) → x", lambda n=node: _unwrap(n))
        if name in ("nextafter",) and len(node.args) == 2:
            self._add(node, "rounding direction reversed", lambda n=node: n.args.__setitem__(1, _minus(n.args[1])))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _ATTRIBUTES:
            other = _ATTRIBUTES[node.attr]
            self._add(node, f".{node.attr} → .{other}", lambda n=node, o=other: setattr(n, "attr", o))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in _NAMES:
            other = _NAMES[node.id]
            self._add(node, f"{node.id} → {other}", lambda n=node, o=other: setattr(n, "id", o))

    def visit_BinOp(self, node: ast.BinOp) -> None:
        kind = type(node.op)
        if kind in _OPERATORS and not isinstance(node.left, ast.JoinedStr):
            change = f"{kind.__name__} → {_OPERATORS[kind].__name__}"
            self._add(node, change, lambda n=node, k=kind: setattr(n, "op", _OPERATORS[k]()))
        if kind is ast.Pow:
            grow = ast.BinOp(node.right, ast.Add(), ast.Constant(1))
            self._add(node, "exponent + 1", lambda n=node, g=grow: setattr(n, "right", g))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub):
            self._add(node, "−x → x", lambda n=node: setattr(n, "op", ast.UAdd()))
        elif isinstance(node.op, ast.Not):
            self._add(node, "not x → x", lambda n=node: setattr(n, "op", ast.UAdd()) or None)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        kind = type(node.ops[0])
        for table, word in ((_COMPARISONS, "boundary"), (_REVERSED, "reversed")):
            if kind in table:
                change = f"{kind.__name__} → {table[kind].__name__} ({word})"
                self._add(node, change, lambda n=node, t=table, k=kind: n.ops.__setitem__(0, t[k]()))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._add(node, f"{value} → {not value}", lambda n=node, v=value: setattr(n, "value", not v))
        elif isinstance(value, int):
            self._add(node, f"{value} → {value + 1}", lambda n=node, v=value: setattr(n, "value", v + 1))
        elif isinstance(value, float):
            other = 2 * value or 1.0  # twice 0 would be no change
            self._add(node, f"{value:g} → {other:g}", lambda n=node, o=other: setattr(n, "value", o))


def _called(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _unwrap(node: ast.Call) -> None:
    node.func = ast.Lambda(
        ast.arguments(posonlyargs=[], args=[ast.arg("x")], kwonlyargs=[], kw_defaults=[], defaults=[]),
        ast.Name("x", ast.Load()),
    )


def _minus(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def mutants_of(file: str) -> list[Mutant]:
    """List every change of a source file."""
    sites = Sites()
    sites.visit(ast.parse((ROOT / "dipproofs" / file).read_text(encoding="utf-8")))
    return [Mutant(file, number, line, change) for number, (line, change, _) in enumerate(sites.found)]


def mutated_code(mutant: Mutant) -> Any:
    """Compile the file with the one change."""
    path = ROOT / "dipproofs" / mutant.file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sites = Sites()
    sites.visit(tree)
    sites.found[mutant.number][2]()
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the mutated module in place of the one on disk."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = "dipproofs." + mutant.file[:-3].replace("/", ".")
        self.code = mutated_code(mutant)
        self.path = str(ROOT / "dipproofs" / mutant.file)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self, origin=self.path) if name == self.name else None

    def exec_module(self, module: Any) -> None:
        module.__file__ = self.path
        exec(self.code, module.__dict__)


def transplant(mutant: Mutant) -> None:
    """Give the functions and constants of the loaded module the mutated code; references to them stay valid."""
    module = importlib.import_module("dipproofs." + mutant.file[:-3].replace("/", "."))
    fresh = dict(vars(module))
    exec(mutated_code(mutant), fresh)
    for name, new in fresh.items():
        old = vars(module).get(name)
        if old is new or name.startswith("__"):
            continue
        if isinstance(old, type) and isinstance(new, type) and old.__module__ == module.__name__:
            for attribute, value in vars(new).items():
                _replace(vars(old).get(attribute), value, lambda v, o=old, a=attribute: setattr(o, a, v))
        else:
            _replace(old, new, lambda v, n=name: setattr(module, n, v))


def _replace(old: Any, new: Any, store: Any) -> None:
    first, second = _function(old), _function(new)
    if first is not None and second is not None:
        first.__code__, first.__defaults__, first.__kwdefaults__ = (
            second.__code__, second.__defaults__, second.__kwdefaults__,
        )  # fmt: skip
    elif isinstance(new, (int, float, str, tuple, dict, list)) and not isinstance(old, type):
        store(new)


def _function(value: Any) -> Any:
    """The plain function inside a property, a cache or a class method."""
    for key in ("fget", "__func__", "func", "__wrapped__"):
        inner = getattr(value, key, None)
        if inner is not None and not isinstance(value, types.FunctionType):
            return _function(inner)
    return value if isinstance(value, types.FunctionType) else None


def run_checks(mutant: Mutant | None, guards: list[str]) -> tuple[str, str, float]:
    """Run the guards in a forked process."""
    return forked(lambda writer: _child(mutant, guards, writer), TIMEOUT)


def forked(work: Callable[[int], int], timeout: int) -> tuple[str, str, float]:
    """Do work in a forked process; ("killed" | "survived" | "timeout", what noticed it, seconds)."""
    reader, writer = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os._exit(work(writer))
    os.close(writer)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(timeout)
    _, status = os.waitpid(pid, 0)
    signal.alarm(0)
    with os.fdopen(reader) as stream:
        noticed = stream.read()
    seconds = time.monotonic() - start
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and seconds >= timeout:
        return "timeout", "does not end", seconds
    code = os.waitstatus_to_exitcode(status)
    return ("survived" if code == 0 else "killed"), noticed or "import", seconds


def _child(mutant: Mutant | None, guards: list[str], writer: int) -> int:
    try:
        if mutant is not None:
            if mutant.file.startswith("theory/"):
                sys.meta_path.insert(0, Loader(mutant))
            else:
                transplant(mutant)
        import pytest

        class Watch:
            def pytest_runtest_logreport(self, report: Any) -> None:
                if report.failed:
                    os.write(writer, report.nodeid.encode()[:200])

        paths = [str(ROOT / (g if "/" in g else f"checks/{g}.py")) for g in guards]
        paths = [path for path in paths if Path(path).exists()]
        options = ["-x", "-q", "-o", "addopts=--import-mode=importlib", "-o", "filterwarnings=ignore"]
        for plugin in ("cacheprovider", "xdist", "doctest"):
            options += ["-p", f"no:{plugin}"]
        return int(pytest.main([*options, *paths], plugins=[Watch()]))
    except BaseException as error:
        os.write(writer, f"import: {type(error).__name__}".encode())
        return 1


def preload() -> None:
    """Import everything heavy once, nothing of the package."""
    import hypothesis
    import jax
    import mpmath
    import scipy.linalg
    import scipy.special
    import sympy

    assert hypothesis and jax and mpmath and scipy.linalg and scipy.special and sympy
    assert not any(name.startswith("dipproofs") for name in sys.modules), "the package must be loaded by the children"


def preload_package() -> None:
    """Import the package and what the checks use, for mutants whose code is transplanted."""
    for name in ("dipproofs", "dipproofs.certify.api", "dipproofs.certify.quantities", "dipproofs.testing", "pytest",
                 "dipproofs.descent", "dipproofs.networks.enclosure", "dipproofs.problems.losses"):  # fmt: skip
        importlib.import_module(name)


def chosen(per_file: int, only: str | None, seed: int) -> Iterator[tuple[Mutant, list[str]]]:
    """A reproducible sample of the mutants of each file."""
    for file, guards in GUARDS:
        if only is not None and only not in file:
            continue
        if not (ROOT / "dipproofs" / file).exists():
            continue
        everything = mutants_of(file)
        count = len(everything) if per_file == 0 else min(per_file, len(everything))
        sample = random.Random(f"{seed}:{file}").sample(everything, count)
        for mutant in sorted(sample, key=lambda m: m.number):
            yield mutant, guards


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-file", type=int, default=12, help="mutants per file, 0 for all")
    parser.add_argument("--only", help="only files whose path contains this")
    parser.add_argument("--record", default=str(RECORD), help="where outcomes are kept between runs")
    parser.add_argument("--formulas", action="store_true", help="alter registered formulas; --only is a prefix of ids")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only write the report from the record")
    options = parser.parse_args()
    kept = Path(options.record)
    record = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if not options.report:
        if options.formulas:
            run_formulas(options, record)
        else:
            preload()
            _run(options, record)
    from checks.mutation_report import write

    write(record, REPORT)


def run_formulas(options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Mutants of the registered formulas, see `checks.mutation_formulas`."""
    from checks import mutation_formulas as formulas
    from checks.registry import proofs_of
    from dipproofs import theory
    from dipproofs.theory import gaussian_moments, losses, width

    assert gaussian_moments and losses and width  # they register their formulas
    for formula in list(theory.formulas(options.only or "")):
        tests = sorted({test.split("::")[0][:-3] for test in proofs_of(formula.id)})
        for name in tests:
            importlib.import_module(f"checks.{name}")
        everything = list(formulas.alterations(formula.expr))
        count = len(everything) if options.per_file == 0 else min(options.per_file, len(everything))
        met: Counter[str] = Counter()
        for change, altered in random.Random(f"{options.seed}:{formula.id}").sample(everything, count):
            outcome, noticed, seconds = forked(lambda w, f=formula.id, a=altered: _formula_child(f, a, w), TIMEOUT)
            entry = Mutant("theory: " + formula.id.split(".")[0], 0, 0, change, outcome, noticed, seconds)
            met[change] += 1  # the same change at another node is another mutant
            again = f" ({met[change]})" if met[change] > 1 else ""
            record[f"{formula.id}#{change}{again}"] = {**asdict(entry), "source": formula.id}
            Path(options.record).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"{outcome:9} {formula.id} {change} {seconds:.0f} s", flush=True)


def _formula_child(id: str, altered: Any, writer: int) -> int:
    from checks import mutation_formulas as formulas

    try:
        formulas.install(id, altered)
        failed = formulas.first_failure(id)
    except BaseException as error:
        failed = f"{type(error).__name__}"
    os.write(writer, failed.encode()[:200])
    return 1 if failed else 0


def _run(options: argparse.Namespace, record: dict[str, Any]) -> None:
    clean: dict[tuple[str, ...], bool] = {}
    loaded = False
    for mutant, guards in chosen(options.per_file, options.only, options.seed):
        if not mutant.file.startswith("theory/") and not loaded:
            preload_package()  # the theory comes first in GUARDS, and its mutants need a process without the package
            loaded = True
        key = tuple(guards)
        if key not in clean:
            outcome, noticed, seconds = run_checks(None, guards)
            clean[key] = outcome == "survived"
            problem = "" if clean[key] else f" ({noticed})"
            print(f"unchanged: {', '.join(guards)}: {outcome}{problem} {seconds:.0f} s", flush=True)
        if not clean[key]:
            continue
        mutant.outcome, mutant.noticed_by, mutant.seconds = run_checks(mutant, guards)
        source = (ROOT / "dipproofs" / mutant.file).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
        record[f"{mutant.file}#{mutant.line}#{mutant.number}"] = {**asdict(mutant), "source": source}
        Path(options.record).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{mutant.outcome:9} {mutant.file}:{mutant.line} {mutant.change} {mutant.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
