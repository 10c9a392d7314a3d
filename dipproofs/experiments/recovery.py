"""Experiment: the error of the signal against width, number of atoms, and noise with early stopping.

Problem: a photograph of which half the pixels are seen (width, atoms), or blurred with σ = 1.5 and noisy (noise);
synthesis generator with the lowest DCT frequencies, and a plain two-layer generator.
Compared: true relative error, proved bound, and what is proved about restricted injectivity.
Source: docs/theory.md §7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.experiments.charts import CERTIFIED, GUARANTEED, OBSERVED, OTHER, panels, plain_log, style
from dipproofs.experiments.measured import chosen, levels
from dipproofs.experiments.photographs import generator, photograph_problem, upper
from dipproofs.sweeps.store import derived_seed

if TYPE_CHECKING:
    from dipproofs.certify import Certificate


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each run: width, atoms and noise are varied one at a time."""
    side, seeds = (16, 1) if quick else (32, 2)
    atoms = 16 if quick else 64
    widths = (32, 128, 512) if quick else (16, 64, 256, 1024)
    ranks = (4, 16, 36, 64, 100) if quick else (4, 9, 16, 25, 36, 49, 64, 81, 100, 128, 160, 200)
    noises = (0.0, 0.02, 0.1) if quick else (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    common = {"side": side, "max_iterations": 2000 if quick else 10_000}
    grid = []
    for i in range(seeds):
        one = {**common, "seed": derived_seed(seed, "recovery", i)}
        for k in widths:
            grid.append({**one, "vary": "width", "width": k, "atoms": atoms, "noise": 0.0})
            grid.append({**one, "vary": "width", "width": k, "atoms": None, "noise": 0.0})
        grid += [{**one, "vary": "atoms", "width": 512, "atoms": r, "noise": 0.0} for r in ranks]
        grid += [
            {**one, "vary": "noise", "width": 512, "atoms": 64 if quick else 160, "noise": level, "stop": stop}
            for level in noises for stop in ("tolerance", "guaranteed")
        ]  # fmt: skip
    return grid


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Certify one run and read what it says about the signal."""
    from dipproofs.certify.api import certify

    blur = cell["vary"] == "noise"
    options = {"sigma": 1.5} if blur else {"rows": 0.5}
    problem = photograph_problem(
        "blur" if blur else "inpainting", cell["side"], cell["noise"], cell["seed"] % 10**6, **options
    )
    network = generator(cell["side"], cell["width"], cell["atoms"], cell["seed"] % 10**6 + 7)
    found = certify(problem, network, max_iterations=cell["max_iterations"], tolerance=1e-10,
                    stop=cell.get("stop", "tolerance"), keep_interrupted=False)  # fmt: skip
    last = found.final if found.final is not None and found.final.proved else found
    x_true = problem.x_true
    assert x_true is not None
    size = float(np.linalg.norm(x_true))
    signal = last.guarantees.extra.get("recovery", {})
    sharp = signal.get("sharp") or {}
    row: dict[str, Any] = {
        "vary": cell["vary"], "width": cell["width"], "atoms": cell["atoms"] or "none", "noise": cell["noise"],
        "stop": cell.get("stop", "tolerance"), "seed": cell["seed"], "verdict": str(found.verdict),
        "certified_at": found.iteration, "iterations": found.run.iterations,
        "error": float(np.linalg.norm(found.run.network.output() - x_true)) / size,
        "restricted_injectivity": str(signal.get("restricted_injectivity", {}).get("verdict", "undecided")),
    }  # fmt: skip
    bounds = {"bound": last.guarantees.recovery_error, "sharp": sharp.get("error"), "sigma": signal.get("sigma_AQ")}
    if not last.proved:
        bounds = _without_certificate(problem, last, found.run.network)
    for name, bound in bounds.items():
        value = upper(bound)
        row[name] = None if value is None else value / (1.0 if name == "sigma" else size)
    return [row]


def _without_certificate(problem: Any, last: Certificate, network: Any) -> dict[str, Any]:
    """Bound the error at an iterate itself: that needs the enclosed loss there, not hypothesis (H)."""
    from dipproofs.certify.api import bound_operator_of
    from dipproofs.losses import SquaredError
    from dipproofs.recovery.signal_error import Recovery

    recovery = Recovery(problem, network, bound_operator_of(problem, network), SquaredError())
    psi = last.quantities.get("psi_0")
    parts = {} if psi is None else recovery.bounds(psi)
    return {"bound": parts.get("error"), "sharp": parts.get("sharp_error"), "sigma": recovery.sigma}


def _median(rows: Sequence[dict[str, Any]], column: str) -> float:
    values = [row[column] for row in rows if isinstance(row[column], (int, float))]
    return float(np.median(values)) if values and len(values) == len(rows) else float("nan")


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw true and proved errors against width, atoms and noise."""
    with style():
        figure, axes = panels(1, 3, 3.5, 3.2)
        place = axes[0][0]
        some = chosen(rows, vary="width")
        atoms = next((r["atoms"] for r in some if r["atoms"] != "none"), None)
        for value, colour, name in (
            ("none", OTHER, "two-layer, true error"),
            (atoms, OBSERVED, "synthesis, true error"),
        ):
            _draw(place, chosen(some, atoms=value), "width", "error", colour, name, "o")
        _draw(place, chosen(some, atoms=atoms), "width", "bound", GUARANTEED, "synthesis, proved", "s")
        _draw(place, chosen(some, atoms=atoms), "width", "sharp", CERTIFIED, "synthesis, proved (sharp)", "^", ":")
        plain_log(place.xaxis, levels(some, "width"))
        place.set(xlabel="width k", ylabel="error ‖x − x̄‖/‖x̄‖")
        place.set_ylim(0, None)
        some = chosen(rows, vary="atoms")
        place = axes[0][1]
        for column, colour, name, mark in (("error", OBSERVED, "true error", "o"), ("bound", GUARANTEED, "proved", "s"),
                                           ("sharp", CERTIFIED, "proved (sharp)", "^")):  # fmt: skip
            _draw(place, some, "atoms", column, colour, name, mark, ":" if column == "sharp" else "-")
        place.set_xlabel("number of atoms r")
        place.set_ylim(0, 1.1)
        some = chosen(rows, vary="noise")
        place = axes[0][2]
        for stop, line, words, colours in (
            ("tolerance", "-", "at the end", (OBSERVED, CERTIFIED)),
            ("guaranteed", "--", "stopped early", (OTHER, GUARANTEED)),
        ):
            part = chosen(some, stop=stop)
            _draw(place, part, "noise", "error", colours[0], f"true, {words}", "o", line)
            _draw(place, part, "noise", "sharp", colours[1], f"proved, {words}", "^", line)
        place.set_xlabel("noise ‖ε‖/‖Ax̄‖")
        place.set_ylim(0, None)
        for place in axes[0]:
            low, high = place.get_ylim()
            place.set_ylim(low, high * 1.45)
            place.legend(fontsize=8, loc="upper left")
    return {"error": figure}


def _draw(place: Any, rows: Sequence[dict[str, Any]], key: str, column: str, colour: str, name: str, mark: str,
          line: str = "-") -> None:  # fmt: skip
    x = levels(rows, key)
    y = [_median(chosen(rows, **{key: value}), column) for value in x]
    if np.isfinite(y).any():
        place.plot(x, y, line, color=colour, marker=mark, markersize=4, label=name)


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say how the errors depend on width, atoms and noise."""
    missed = [r for r in rows if r["verdict"] != "proved"]
    early = sum(r["stop"] == "guaranteed" for r in missed)
    parts = [
        f"{len(rows) - len(missed)} of {len(rows)} runs are certified. Of the others {early} stop at the first iterate "
        "with ψ(f) ≤ ‖Πε‖, before the convergence theorem applies; the bound of the signal error there needs only the "
        "enclosed loss."
    ]
    plain = chosen(rows, vary="width", atoms="none")
    widths = levels(plain, "width")
    verdicts = sorted({r["restricted_injectivity"] for r in plain})
    parts.append(
        f"Two-layer generator, half the pixels: restricted injectivity is {' or '.join(verdicts)}; median true error "
        + ", ".join(f"{_median(chosen(plain, width=k), 'error'):.3f} (k = {k})" for k in widths)
        + "."
    )
    synthesis = [r for r in chosen(rows, vary="width") if r["atoms"] != "none"]
    parts.append(
        f"Synthesis generator, {synthesis[0]['atoms']} atoms; the limit is the least-squares solution for every width: "
        + ", ".join(
            f"{_median(chosen(synthesis, width=k), 'error'):.4f} (k = {k}; proved "
            f"{_median(chosen(synthesis, width=k), 'sharp'):.3f})" for k in levels(synthesis, "width")
        ) + "."
    )  # fmt: skip
    atoms = chosen(rows, vary="atoms")
    ranks = levels(atoms, "atoms")
    error = {r: _median(chosen(atoms, atoms=r), "error") for r in ranks}
    sharp = {r: _median(chosen(atoms, atoms=r), "sharp") for r in ranks}
    proved = {r: value for r, value in sharp.items() if np.isfinite(value)}
    best_true = min(error, key=lambda r: error[r])
    text = f"Atoms: the true error is least at r = {best_true} ({error[best_true]:.3f})"
    if proved:
        best = min(proved, key=lambda r: proved[r])
        vacuous = [r for r in ranks if not proved.get(r, np.inf) < 1]
        text += f", the proved one at r = {best} ({proved[best]:.3f}, true {error[best]:.3f})"
        text += f"; nothing better than 100 % is proved for r in {{{', '.join(map(str, vacuous))}}}" if vacuous else ""
    parts.append(text + ".")
    noise = chosen(rows, vary="noise")
    for level in levels(noise, "noise"):
        limit, early = (chosen(noise, noise=level, stop=stop) for stop in ("tolerance", "guaranteed"))
        parts.append(
            f"Noise {level:g}: true error {_median(limit, 'error'):.3f} at the end of the run "
            f"({_median(limit, 'iterations'):.0f} iterations), {_median(early, 'error'):.3f} stopped early "
            f"({_median(early, 'iterations'):.0f}); proved {_median(limit, 'sharp'):.3f} and "
            f"{_median(early, 'sharp'):.3f}."
        )
    wrong = [
        r
        for r in rows
        for name in ("bound", "sharp")
        if isinstance(r[name], float) and r[name] < r["error"] * (1 - 1e-9)
    ]
    parts.append(f"Proved bounds below the true error: {len(wrong)}.")
    return "\n\n".join(parts)
