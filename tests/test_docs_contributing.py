"""The diffs that CONTRIBUTING.md shows apply to this code, and what they add works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs_blocks import ROOT, blocks

SCRIPT = """
import jax
jax.config.update("jax_enable_x64", True)
import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.report.explain import explain

assert dp.__file__.startswith(ROOT), dp.__file__
with open("added.toml", "w") as file:
    file.write(PROBLEM)
built = dp.load_problem("added.toml").build()
certificate = dp.certify(built.problem, built.network, built.loss, max_iterations=3000)
assert certificate.proved, certificate
assert dp.verify(save(certificate, "added"))
for name in ("cos", "cosh", "naive"):
    assert name in explain(name)

import numpy as np
from dipproofs.graph import GraphBuilder, evaluate

# a network of the library and a method, from a problem file, and verified
with open("added.toml", "w") as file:
    file.write(LIBRARY)
built = dp.load_problem("added.toml").build()
run = dp.certify(built.problem, built.network, method="averaged", max_iterations=400, polish="gauss-newton")
assert run.method["kind"] == "averaged" and run.claims.convergence.verdict == "undecided"
assert run.claims.existence.verdict == "proved", run
assert dp.verify(save(run, "averaged"))

# an operation: every interpreter knows it
b = GraphBuilder()
weight = b.parameter("w", (3, 2))
image = b.add_node("negative", (b.matmul(weight, b.constant(np.array([[1.0], [0.5]]))),))
graph = b.graph(b.reshape(image, (3,)))
values = {"w": np.arange(6.0).reshape(3, 2) / 7}
assert np.allclose(evaluate(graph, values), -values["w"] @ [1.0, 0.5])
network = dp.GraphNetwork(graph, values, "negative")
found = dp.certify(dp.InverseProblem(np.eye(3), np.array([-0.1, -0.6, -0.9])), network, max_iterations=500)
assert found.proved, found
assert dp.verify(save(found, "negative"))
"""
PROBLEM = """
[operator]
kind = "differences"
columns = 6
[network]
kind = "two-layer-orthogonal"
width = 64
activation = "cos"
[loss]
kind = "cosh"
"""
LIBRARY = """
[operator]
kind = "inpainting"
rows = 3
[signal]
kind = "gaussian"
shape = [4, 4]
[network]
kind = "residual"
channels = 3
depth = 1
output = "none"
"""


def apply(diff: str, directory: Path) -> None:
    """Apply a diff without line numbers: every hunk's old lines must occur exactly once."""
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        head, *hunks = re.split(r"^@@.*\n", part, flags=re.MULTILINE)
        path = directory / re.findall(r"^\+\+\+ b/(.*)$", head, flags=re.MULTILINE)[0]
        if head.startswith("/dev/null"):
            path.write_text("".join(line[1:] + "\n" for line in hunks[0].splitlines()), encoding="utf-8")
            continue
        text = path.read_text(encoding="utf-8")
        for hunk in hunks:
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            assert text.count(old) == 1, f"{path.name} does not hold once:\n{old}"
            text = text.replace(old, "".join(line[1:] for line in lines if line[0] in " +"))
        path.write_text(text, encoding="utf-8")


def test_every_addition_is_shown_applies_and_works(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "dipproofs", tmp_path / "dipproofs")  # compiled modules too: they keep their dates
    diffs = [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.language == "diff"]
    assert len(diffs) == 8, "activation, loss, operator, start, library network, method, graph operation, theorem"
    for diff in diffs:
        apply(diff, tmp_path)
    script = f"ROOT = {str(tmp_path)!r}\nPROBLEM = {PROBLEM!r}\nLIBRARY = {LIBRARY!r}\n{SCRIPT}"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
