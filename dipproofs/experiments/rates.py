"""Experiment: observed against guaranteed decay for every loss and several steps, and where the guarantee loses.

Problem: squared, log-cosh, Huber, ℓ_3, ℓ_4: A Gaussian 5 × 10 with condition number 3; the two cross-entropies: A
averages 4 groups of 16 unknowns, data in ]0, 1[, output offset ½ for the probability form. tanh, width 512.
Method: gradient descent with a fraction of the automatic step, until the loss is 1e-7 (ℓ_p: for a fixed time).
Compared: Ψ(f) gained per step, observed and guaranteed at the earliest certified iterate. Their ratio is the product
of: KL inequality (ψ'²‖∇L‖²), direction (‖Mᵀ∇L‖² against s_A²‖∇L‖²), loss of injectivity (s_A² against F_∞²), and
step factor (1/κ̃); what σ_A·s in place of s_A would lose is given beside.
Source: docs/theory.md §3, §5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dipproofs.experiments.charts import CERTIFIED, CYCLE, GUARANTEED, OBSERVED, decades, panels, style
from dipproofs.experiments.instances import Size, random_instance, random_network
from dipproofs.experiments.measured import chosen, levels
from dipproofs.sweeps.store import derived_seed

#: Name, kind, parameters, form: the squared loss is certified in two forms.
LOSSES: tuple[tuple[str, str, dict[str, float], str], ...] = (
    ("squared, residual", "squared", {}, "residual"),
    ("squared, concave", "squared", {}, "concave"),
    ("log-cosh", "log-cosh", {}, "best"),
    ("Huber δ=½", "huber", {"delta": 0.5}, "best"),
    ("ℓ₃", "lp", {"p": 3.0}, "best"),
    ("ℓ₄", "lp", {"p": 4.0}, "best"),
    ("cross-entropy", "cross-entropy", {}, "best"),
    ("logit cross-entropy", "logit-cross-entropy", {}, "best"),
)
PARTS = ("kl", "direction", "injectivity", "step")
PART_NAMES = {"kl": "KL inequality", "direction": "direction of the residual", "injectivity": "s_A against F_∞",
              "step": "step factor κ̃"}  # fmt: skip
WIDTH, TOLERANCE = 512, 1e-7


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each loss, fraction of the automatic step and seed."""
    fractions = (1.0, 0.25) if quick else (1.0, 0.5, 0.25, 0.1)
    return [
        {"loss": name, "fraction": fraction, "seed": derived_seed(seed, "rates", i), "curve": i == 0,
         "max_iterations": 3000 if quick else 20_000}
        for name, *_ in LOSSES for fraction in fractions for i in range(1 if quick else 3)
    ]  # fmt: skip


def instance(kind: str, seed: int) -> tuple[Any, Any]:
    """Draw the problem and network for a loss."""
    if "cross-entropy" not in kind:
        return random_instance(Size(10, 5, WIDTH), seed)
    from dipproofs.problems import InverseProblem

    size = Size(64, 4, WIDTH, kappa=1.0)
    A = np.kron(np.eye(4), np.full((1, 16), 1 / 16))
    y = np.random.default_rng(derived_seed(seed, "probabilities")).uniform(0.35, 0.65, 4)
    offset = 0.5 if kind == "cross-entropy" else 0.0
    return InverseProblem(A, y), random_network(size, seed, output_offset=offset)


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Certify one run and take its rate apart."""
    from dipproofs.certify.api import certify
    from dipproofs.descent import descend
    from dipproofs.losses import make_loss

    _, kind, parameters, form = next(entry for entry in LOSSES if entry[0] == cell["loss"])
    loss = make_loss(kind, **parameters)
    problem, network = instance(kind, cell["seed"])
    auto = descend(problem, network, loss, max_iterations=0, keep_interrupted=False).steps[0][1]
    found = certify(problem, network, loss, cell["fraction"] * auto, max_iterations=cell["max_iterations"],
                    tolerance=TOLERANCE, form=form, keep_interrupted=False)  # fmt: skip
    row: dict[str, Any] = {
        "kind": "rate", "loss": cell["loss"], "fraction": cell["fraction"], "seed": cell["seed"],
        "verdict": str(found.verdict), "form": found.form, "certified_at": found.iteration,
        "iterations": found.run.iterations, "stopped": found.run.stopped,
    }  # fmt: skip
    if not found.proved or found.final is None:
        return [row]
    row |= {f"first_{key}": value for key, value in rate_parts(problem, loss, found, found).items()}
    if found.final.proved:
        row |= {f"last_{key}": value for key, value in rate_parts(problem, loss, found, found.final).items()}
    return [row, *(_curves(cell, found) if cell["curve"] else [])]


def rate_parts(problem: Any, loss: Any, whole: Any, at: Any) -> dict[str, float]:
    """Return guaranteed and observed gain of Ψ(f) per step, and the factors between them, at a certified iterate."""
    from dipproofs.enclosures import Bound
    from dipproofs.networks import TwoLayer

    q = {name: bound.mid for name, bound in at.quantities.items() if bound is not None}
    history = whole.run.history
    loss_here, norm = float(history.loss[at.iteration]), float(history.gradient_norm[at.iteration])
    step_at = min(at.iteration, history.loss.size - 2)
    f, after = (Bound.exact(float(history.loss[i])) for i in (step_at, step_at + 1))
    constants = loss.constants(problem.y, f)
    observed = loss.Psi_bound(after, constants).mid - loss.Psi_bound(f, constants).mid
    arrays = at.arrays
    network = TwoLayer(arrays["u"], arrays["W"], arrays["V"], output_offset=at.network["output_offset"])
    v = problem.operator.to_dense() @ network.output()
    slope = float(np.linalg.norm(loss.gradient(np, v, problem.y)))
    step = 1e-6 * loss_here
    derivative = (
        loss.psi_bound(Bound.exact(loss_here + step), constants).mid
        - loss.psi_bound(Bound.exact(loss_here - step), constants).mid
    ) / (2 * step)
    gamma, F = q["gamma"], q["F_inf"]
    if at.form == "residual":
        rate = at.guarantees.log_contraction_per_step
        guaranteed = -rate.upper
    else:
        guaranteed = at.guarantees.rate_exponent.lower
    if not guaranteed > 0:
        guaranteed = float("nan")
    direction = (norm / slope / q["sigma_AJ"]) ** 2
    kl = (derivative * slope) ** 2
    injectivity = (q["sigma_AJ"] / F) ** 2
    return {
        "guaranteed": guaranteed, "observed": observed, "ratio": observed / guaranteed, "kl": kl,
        "direction": direction, "injectivity": injectivity,
        "step": observed / guaranteed / (kl * direction * injectivity),
        "sigma_A": (q["sigma_AJ"] / (q["sigma_A"] * q["sigma_J"])) ** 2, "gamma": gamma,
    }  # fmt: skip


def _curves(cell: Mapping[str, Any], found: Any) -> list[dict[str, Any]]:
    from dipproofs.report.series import envelope_curve, loss_curve

    last = found.run.iterations
    rows = []
    for name, curve in (
        ("observed", loss_curve(found, logarithmic="ℓ" in cell["loss"])),
        ("first", envelope_curve(found, last)),
        ("last", envelope_curve(found.final, last + max(1, last // 8)) if found.final.proved else None),
    ):
        if curve is not None:
            few = np.unique(np.linspace(0, curve.x.size - 1, 80).astype(int))
            rows += [
                {"kind": "curve", "loss": cell["loss"], "fraction": cell["fraction"], "seed": cell["seed"],
                 "curve": name, "iteration": int(x), "value": float(y)}
                for x, y in zip(curve.x[few], curve.y[few])
            ]  # fmt: skip
    return rows


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Draw the decay of each loss with its envelopes, and the factors that make the guarantee weaker."""
    curves = chosen(rows, kind="curve")
    names = [name for name, *_ in LOSSES]
    with style():
        decay, axes = panels(2, 4, 2.9, 2.5)
        fraction = max(levels(curves, "fraction"), default=1.0)
        for place, name in zip(axes.ravel(), names):
            some = chosen(curves, loss=name, fraction=fraction)
            for curve, colour, line in (
                ("observed", OBSERVED, "-"),
                ("first", GUARANTEED, "--"),
                ("last", CERTIFIED, ":"),
            ):
                points = chosen(some, curve=curve)
                shift = 1 if name.startswith("ℓ") else 0
                place.plot([r["iteration"] + shift for r in points], [r["value"] for r in points], line, color=colour,
                           label={"observed": "observed", "first": "guaranteed, first certificate",
                                  "last": "guaranteed, last certificate"}[curve])  # fmt: skip
            decades(place.yaxis)
            if name.startswith("ℓ"):
                decades(place.xaxis)
            seen = [r["value"] for r in chosen(some, curve="observed") if r["value"] > 0]
            if seen:
                place.set_ylim(min(seen) / 3, max(seen) * 3)
            place.set_title(name)
        for place in axes[1]:
            place.set_xlabel("iteration τ")
        for place in axes[:, 0]:
            place.set_ylabel("loss")
        decay.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        parts, axes = panels(1, 2, 4.4, 3.6)
        for place, when, title in ((axes[0][0], "first", "first certificate"),
                                   (axes[0][1], "last", "last certificate")):  # fmt: skip
            _bars(place, chosen(rows, kind="rate"), when, names)
            place.set_title(title)
        axes[0][1].set_yticklabels([])
        parts.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return {"decay": decay, "factors": parts}


def _bars(place: Any, rows: Sequence[dict[str, Any]], when: str, names: Sequence[str]) -> None:
    """Stack the logarithms of the factors; the whole bar is the ratio."""
    for position, name in enumerate(names):
        left = 0.0
        for colour, part in zip(CYCLE, PARTS):
            value = _median_log(rows, name, f"{when}_{part}")
            if value is not None:
                place.barh(position, max(value, 0.0), left=left, color=colour, height=0.65,
                           label=PART_NAMES[part] if position == 0 else None)  # fmt: skip
                left += max(value, 0.0)
    place.set_yticks(range(len(names)), names)
    place.invert_yaxis()
    place.grid(axis="y", visible=False)
    place.set_xlabel("log₁₀(observed/guaranteed) gain per step")


def _median_log(rows: Sequence[dict[str, Any]], name: str, column: str) -> float | None:
    values = [r[column] for r in chosen(rows, loss=name) if isinstance(r.get(column), float)]
    values = [value for value in values if value > 0]
    return float(np.median(np.log10(values))) if values else None


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Say how far guarantee and truth are apart, and through which constant."""
    runs = chosen(rows, kind="rate")
    proved = sum(r["verdict"] == "proved" for r in runs)
    parts = [
        f"{proved} of {len(runs)} runs are certified. Medians over runs and steps of the gain of Ψ(f) per step, "
        "observed over guaranteed, and its factors:", "",
        "| loss | certificate | ratio | KL | direction | s_A/F_∞ | step | (σ_A·s instead of s_A) |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, *_ in LOSSES:
        for when in ("first", "last"):
            logs = [_median_log(runs, name, f"{when}_{part}") for part in ("ratio", *PARTS, "sigma_A")]
            if logs[0] is not None:
                shown = " | ".join("–" if v is None else f"{10**v:.3g}" for v in logs)
                parts.append(f"| {name} | {when} | {shown} |")
    totals = {
        part: [v for name, *_ in LOSSES if (v := _median_log(runs, name, f"first_{part}")) is not None]
        for part in PARTS
    }
    order = sorted((part for part in PARTS if totals[part]), key=lambda part: -float(np.mean(totals[part])))
    if order:
        losses = [f"{PART_NAMES[part]} (factor {10 ** np.mean(totals[part]):.2g})" for part in order]
        parts += ["", f"At the first certificate most is lost, on geometric average, through {', then '.join(losses)}."]
    wrong = [r for r in runs if isinstance(r.get("first_ratio"), float) and r["first_ratio"] < 1 - 1e-6]
    parts.append(f"The observed gain is below the guaranteed one in {len(wrong)} of {proved} certified runs.")
    return "\n".join(parts)
