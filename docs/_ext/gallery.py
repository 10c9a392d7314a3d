"""The gallery: certified runs of the examples, kept small, from which pages, pictures and terminal texts are made.

`docs/gallery/NAME.json` and `NAME.npz` hold the certificate and what was observed along its run; problem, operator and
data are built again from `examples/NAME.toml`. `python docs/make_gallery.py NAME …` runs the examples and writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.report.claims import claim_lines
from dipproofs.report.facts import parameter_norm, reconstruction
from dipproofs.report.saved import certificate_of

DOCS = Path(__file__).resolve().parent.parent
STORE, EXAMPLES = DOCS / "gallery", DOCS.parent / "examples"
#: How files are said to be written in the texts.
WRITTEN = "out/ (report.html; check again: dipproofs verify out/certificate.json)"
_HISTORY = ("loss", "path_length", "gradient_norm", "distance")


def names() -> list[str]:
    """Return the names of the examples that are kept."""
    return sorted(path.stem for path in STORE.glob("*.json"))


def keep(name: str, certificate: Certificate) -> None:
    """Write what pages need of a certificate with its run."""
    run = certificate.run
    arrays = {key: np.asarray(getattr(run.history, key), np.float32) for key in _HISTORY}
    arrays["distance_iteration"] = np.asarray(run.history.distance_iteration)
    arrays["x"] = np.asarray(reconstruction(certificate), np.float32)
    sides = [certificate] if certificate.later is None else [certificate, certificate.later]
    arrays["parameter_norm"] = np.array([parameter_norm(side) or 0.0 for side in sides])
    STORE.mkdir(exist_ok=True)
    text = json.dumps(certificate.to_json(), indent=1, ensure_ascii=False)
    (STORE / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    np.savez_compressed(STORE / f"{name}.npz", **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True)
class KeptRun:
    """What is kept of a run; it answers like one.

    Args:
        summary: its JSON value. arrays: of the file.
    """

    summary: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    @property
    def iterations(self) -> int:
        """Iterations done."""
        return int(self.summary["iterations"])

    @property
    def stopped(self) -> str:
        """Why it ended, in one word."""
        return str(self.summary["stopped"])

    @property
    def reason(self) -> str:
        """Why it ended."""
        return str(self.summary["reason"])

    @property
    def steps(self) -> list[list[float]]:
        """Step sizes with the iterations from which they hold."""
        return list(self.summary["steps"])

    @property
    def history(self) -> Any:
        """Scalars along the run."""
        scalars = {key: self.arrays[key].astype(float) for key in _HISTORY}
        return SimpleNamespace(**scalars, distance_iteration=self.arrays["distance_iteration"])

    @property
    def network(self) -> Any:
        """Its output alone."""
        return SimpleNamespace(output=lambda: self.arrays["x"].astype(float))

    def to_json(self) -> dict[str, Any]:
        """Return the summary."""
        return dict(self.summary)


@dataclass(frozen=True)
class Kept:
    """An example and its certificate.

    Args:
        name: of the example.
    """

    name: str

    @cached_property
    def built(self) -> Any:
        """The problem, the network before the run and the options."""
        from dipproofs import load_problem

        return load_problem(EXAMPLES / f"{self.name}.toml").build()

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate, with what was observed along its run."""
        record = json.loads((STORE / f"{self.name}.json").read_text(encoding="utf-8"))
        with np.load(STORE / f"{self.name}.npz", allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        problem, basis = self.built.problem, getattr(self.built.network, "basis", None)
        shared = {"A": np.asarray(problem.operator.to_dense()), "y": np.asarray(problem.y)}
        shared |= {} if basis is None else {"B": np.asarray(basis)}
        shared |= {} if problem.x_true is None else {"x_true": np.asarray(problem.x_true).ravel()}
        norms = arrays["parameter_norm"]

        def arrays_of(part: Mapping[str, Any]) -> dict[str, np.ndarray]:
            polished = {"theta_run/norm": norms[:1]} if record.get("polish") and part is not record else {}
            return {**shared, **polished, "theta/norm": norms[:1] if part is record else norms[-1:]}

        found = certificate_of(record, arrays_of)
        object.__setattr__(found, "run", KeptRun(record["run"], arrays))
        return found

    @property
    def text(self) -> str:
        """What `dipproofs certify --out out` prints in 80 columns."""
        from dipproofs.report import render_certificate, to_text

        return to_text(render_certificate(self.certificate, written=WRITTEN))

    @property
    def page(self) -> str:
        """Its report."""
        from dipproofs.report import certificate_html

        problem = self.built.problem
        source = (EXAMPLES / f"{self.name}.toml").read_text(encoding="utf-8")
        return certificate_html(
            self.certificate,
            image_shape=problem.image_shape,
            data_shape=problem.operator.range_shape,
            problem_text=source,
            date="",
            manual="..",
        )

    @property
    def title(self) -> str:
        """What the example is about, as its first lines say."""
        lines = (EXAMPLES / f"{self.name}.toml").read_text(encoding="utf-8").splitlines()
        said = [line.removeprefix("# ") for line in lines[: next(i for i, x in enumerate(lines) if x[:1] != "#")]]
        return " ".join(said)

    @cached_property
    def picture(self) -> tuple[bytes, str]:
        """The signal where it is a picture, else the loss; with words for those who do not see it."""
        from dipproofs.report.canvas import png_bytes
        from dipproofs.report.images import image_figure, image_panels
        from dipproofs.report.plots import loss_figure

        problem = self.built.problem
        panels = image_panels(self.certificate, problem.image_shape, problem.operator.range_shape)
        if panels:
            return png_bytes(image_figure(panels)), "; ".join(panel.alt for panel in panels)
        return png_bytes(loss_figure(self.certificate)), "Loss along the run and its guaranteed upper bound"


def index(kept: Sequence[Kept]) -> str:
    """Return the page that shows them all."""
    lines = [
        "# Gallery of certificates",
        "",
        "Every example, certified: what the terminal says, a picture, and the whole report. Each was made by",
        "`dipproofs certify examples/NAME.toml --out out`.",
        "",
    ]
    for one in kept:
        marks = ", ".join(f"{line.name} {line.mark} {line.verdict}" for line in claim_lines(one.certificate))
        lines += [
            f"## {one.name}", "", f"{one.title}", "", f"{marks[:1].upper()}{marks[1:]}.", "",
            f'<a class="report" href="../gallery/{one.name}.html">The report of {one.name}</a>', "",
            f"```{{image}} gallery-{one.name}.png", f":alt: {one.picture[1]}", "```", "",
            "```text", one.text, "```", "",
        ]  # fmt: skip
    return "\n".join(lines)


def pages() -> dict[str, str | bytes]:
    """Return the page and its pictures, by path relative to ``docs/built/``."""
    kept = [Kept(name) for name in names()]
    return {"gallery.md": index(kept)} | {f"gallery-{one.name}.png": one.picture[0] for one in kept}


def reports() -> dict[str, str]:
    """Return the reports, by path relative to the built manual."""
    return {f"gallery/{name}.html": Kept(name).page for name in names()}
