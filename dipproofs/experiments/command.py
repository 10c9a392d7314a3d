"""The command ``dipproofs experiment``; importing it imports neither JAX nor SymPy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dipproofs.errors import InputError
from dipproofs.experiments import EXPERIMENTS


def experiment(
    name: Annotated[
        str | None, typer.Argument(help="Name of the experiment; without one, they are listed.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Data and figures go to DIR/NAME.", show_default=False),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run every experiment.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A small grid: under a minute each.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Root of all seeds.", min=0)] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "--workers", help="Number of processes; by default one per core.", min=1, show_default=False
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="ADDRESS", help="A Dask scheduler whose workers compute.", show_default=False
        ),
    ] = None,
) -> None:
    """Run an experiment and write its data (CSV), settings (JSON), figures (PNG, SVG) and result (Markdown).

    An interrupted experiment goes on where it stopped when it is started again with the same options.

    Example: dipproofs experiment overparametrization --quick --out results
    """
    if name is None and not all_:
        typer.echo(listing())
        return
    if name is not None and all_:
        raise InputError(f"experiment: found both {name!r} and --all, expected one of them")
    if name is not None and name not in EXPERIMENTS:
        from difflib import get_close_matches

        near = get_close_matches(name, EXPERIMENTS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"experiment: found {name!r}, expected one of {', '.join(EXPERIMENTS)}{hint}")
    if out is None:
        raise InputError("experiment: found no --out, expected a directory to write to, e.g. --out results")
    from dipproofs.experiments.program import run_experiments

    for report in run_experiments(list(EXPERIMENTS) if name is None else [name], out, quick, seed, jobs, scheduler):
        typer.echo(report)


def listing() -> str:
    """Return the names and titles of the experiments.

    Example:
        >>> print(listing().splitlines()[0])
        descent              the loss decreases with a proper step, and need not with one beyond 2/L
    """
    width = max(map(len, EXPERIMENTS)) + 2
    return "\n".join(f"{name:<{width}}{title}" for name, title in EXPERIMENTS.items())
