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
    shutil.copytree(ROOT / "dipproofs", tmp_path / "dipproofs", ignore=shutil.ignore_patterns("__pycache__"))
    diffs = [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.language == "diff"]
    assert len(diffs) == 5, "activation, loss, operator, network, theorem"
    for diff in diffs:
        apply(diff, tmp_path)
    script = f"ROOT = {str(tmp_path)!r}\nPROBLEM = {PROBLEM!r}\n{SCRIPT}"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
