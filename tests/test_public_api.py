"""The public functions are functions, with signatures that people, help() and type checkers see."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import pydoc
import re
import rlcompleter
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dipproofs
import dipproofs.certify.search
import dipproofs.verify.audit
from dipproofs import InputError
from dipproofs.certificate.record import Guarantees

ROOT = Path(dipproofs.__file__).parent


@pytest.mark.parametrize("name", ["certify", "check", "verify", "certify_point"])
def test_help_and_tab_completion_show_the_real_thing(name: str) -> None:
    page = pydoc.render_doc(getattr(dipproofs, name), renderer=pydoc.plaintext)
    first = "certificate" if name == "verify" else "problem"
    assert re.match(rf"Python Library Documentation: function {name} in module [\w.]+\n\n{name}\(\s*{first}", page)
    assert "Args:" in page and "Returns:" in page and page.count("Any") <= page.count("=")
    known = rlcompleter.Completer({"dp": dipproofs})
    offered = [known.complete(f"dp.{name}", state) for state in range(2)]
    assert offered[0] is not None and offered[0].startswith(f"dp.{name}")
    assert set(dipproofs.__all__) == set(dir(dipproofs))


def test_a_package_does_not_take_the_place_of_its_function() -> None:
    assert inspect.ismodule(sys.modules["dipproofs.certify"]) and inspect.isfunction(dipproofs.certify)
    with pytest.raises(AttributeError):
        dipproofs.certify = 3  # type: ignore[assignment]
    code = "import dipproofs.verify, dipproofs.certify; assert dipproofs.verify('x').exit_code == 2"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_stub_knows_every_public_name() -> None:
    tree = ast.parse((ROOT / "__init__.pyi").read_text(encoding="utf-8"))
    imported = {alias.asname: (node.module, alias.name) for node in tree.body if isinstance(node, ast.ImportFrom)
                for alias in node.names}  # fmt: skip
    assert set(imported) | {"__version__"} == set(dipproofs.__all__)
    for name, (module, original) in imported.items():
        assert getattr(dipproofs, name) is getattr(__import__(str(module), fromlist=[original]), original)


def test_a_point_is_certified_without_a_run(tmp_path: Path) -> None:
    network = dipproofs.TwoLayer.init(n=4, width=200, input_dimension=2, seed=0)
    A = np.eye(2, 4)
    problem = dipproofs.InverseProblem(A, A @ network.output() + 1e-3)
    found = dipproofs.certify_point(problem, network)
    assert (found.claims.existence.verdict, found.claims.existence.of) == ("proved", "given")
    assert found.claims.convergence.verdict == "undecided" and found.claims.convergence.reason
    longest = found.quantities["gamma"]
    assert longest is not None and dipproofs.verify(found)
    onward = dipproofs.certify_point(problem, network, method="gradient-descent", step=longest.mid / 2)
    assert onward.claims.convergence.verdict == "proved" and dipproofs.verify(onward.save(tmp_path))
    too_long = dipproofs.certify_point(problem, network, method="gradient-descent", step=longest.mid * 1e3)
    assert too_long.claims.convergence.verdict != "proved" and too_long.claims.existence.verdict == "undecided"


@pytest.mark.parametrize(
    "options", [{"method": "gradient-descent"}, {"method": "newton", "step": 1.0}, {"momentum": 0.9}, {"step": -1.0}]
)
def test_what_does_not_go_together_is_refused(options: dict) -> None:
    network = dipproofs.TwoLayer.init(n=2, width=4, input_dimension=2, seed=0)
    with pytest.raises(InputError):
        dipproofs.certify_point(dipproofs.InverseProblem(np.eye(2), np.ones(2)), network, **options)


def test_old_import_paths_lead_to_the_same_objects() -> None:
    from dipproofs.problems.losses import SquaredError, make_loss
    from dipproofs.problems.operators import OPERATORS, Operator

    assert SquaredError is dipproofs.SquaredError and make_loss is dipproofs.make_loss
    assert OPERATORS is dipproofs.operators.OPERATORS and Operator.__module__.startswith("dipproofs.operators")


def test_guarantees_take_their_arguments_in_the_order_of_the_first_version() -> None:
    made = Guarantees(None, None, {"1": 2}, None, 3)
    assert made.iterations_to_loss == {"1": 2} and made.early_stopping_iteration == 3
    assert list(made.to_json())[2:4] == ["rate_exponent", "iterations_to_loss"]
    assert set(made.to_json()) == {f.name for f in dataclasses.fields(made)} - {"extra"}
