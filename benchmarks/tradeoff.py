"""Draw the expressivity trade-off of docs/theory.md §7: error against the number of atoms, with the proved bounds.

Run: python benchmarks/tradeoff.py [--out DIR]. Writes tradeoff.png and tradeoff.csv.
Problem: examples/inpaint-dct.toml (32×32 photograph, half the pixels seen, DCT) for several numbers of atoms.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dipproofs.problems import load_problem
from dipproofs.problems.bases import make_basis
from dipproofs.recovery.tradeoff import TradeoffPoint, atoms_tradeoff, best_point

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "inpaint-dct.toml"
COUNTS = (1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 200, 240, 280)


def rows(points: list[TradeoffPoint]) -> list[dict[str, float | int | str]]:
    """Give the upper ends, relative to ‖x̄‖ where they are errors."""
    table = []
    for p in points:
        size = p.relative.lower
        upper = {"distance": p.distance, "bound": p.bound, "sharp": p.sharp, "true_error": p.true_error}
        relative = {key: b.upper / size if b is not None else "" for key, b in upper.items()}
        sigma = p.sigma_AQ.lower if p.sigma_AQ is not None else 0.0
        table.append({"atoms": p.atoms, "verdict": str(p.verdict), "sigma_AQ": sigma, **relative})
    return table


def picture(points: list[TradeoffPoint]) -> Figure:
    """Plot errors and σ_min(AQ), with the minimum of the proved bound marked."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, label, style in (
        ("bound", "proved: ‖A‖dist/σ (theory §7)", "C3-o"),
        ("sharp", "proved, through the leakage", "C1--"),
        ("true_error", "true error of the limit", "C0-^"),
        ("distance", "dist(x̄, Im B)", "C7:"),
    ):
        values = [(p.atoms, getattr(p, name)) for p in points if getattr(p, name) is not None]
        axes.semilogy(
            [r for r, _ in values], [b.upper / points[0].relative.lower for _, b in values], style, label=label
        )
    best = best_point(points)
    if best is not None and best.bound is not None:
        height = best.bound.upper / best.relative.lower
        axes.plot([best.atoms], [height], "*", color="C3", markersize=16)
        axes.annotate(f"best proved: {best.atoms} atoms, {height:.2f}", (best.atoms, height * 0.82), color="C3")
    axes.axhline(1.0, color="k", linewidth=0.8)
    axes.annotate("above: no better than x = 0", (points[0].atoms, 1.05), fontsize=8)
    axes.set(xlabel="atoms r", ylabel="error / ‖x̄‖", ylim=(0.06, 4))
    axes.legend(loc="upper center")
    return figure


def main() -> None:
    """Compute, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("."))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    problem = load_problem(EXAMPLE).build_problem()
    assert problem.image_shape is not None
    atoms = make_basis("dct", problem.image_shape, max(COUNTS))
    points = atoms_tradeoff(problem, atoms, COUNTS)
    table = rows(points)
    with open(out / "tradeoff.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    picture(points).savefig(out / "tradeoff.png", dpi=110)
    for row in table:
        print(
            "  ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
