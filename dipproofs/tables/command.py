"""The command ``dipproofs table``; importing it imports neither JAX nor SymPy."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

_LIST = "value, list (1,2) or range (10:100:10, or 10:1000:x3 for 3 values in geometric progression)"


def _option(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, show_default=False)


def table(
    name: Annotated[str, typer.Argument(help="width, constants, activations, losses, rates or instance")],
    problem: Annotated[
        Path | None, typer.Argument(help="problem file (TOML), for table instance", show_default=False)
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", "-f", help="md, latex, csv or json; default md, or what --out's suffix says"),
    ] = None,
    out: Annotated[Path | None, _option("--out", help="write to this file instead of standard output")] = None,
    plot: Annotated[
        Path | None,
        _option(
            "--plot",
            help="table width: also draw k against n, m or κ, to a .png, .pdf or .svg; one curve for each other size",
        ),
    ] = None,
    n: Annotated[str | None, _option("--n", help=f"length of the signal: {_LIST}")] = None,
    m: Annotated[str | None, _option("--m", help="number of observations; n/2 by default")] = None,
    d: Annotated[str | None, _option("--d", help="length of the network's input")] = None,
    kappa: Annotated[str | None, _option("--kappa", help="condition number κ(A) ≥ 1")] = None,
    y_norm: Annotated[str | None, _option("--y-norm", help="‖Ax̄‖; ‖A‖_F by default")] = None,
    noise: Annotated[str | None, _option("--noise", help="‖ε‖/‖Ax̄‖")] = None,
    loss: Annotated[
        str | None, _option("--loss", help="losses, e.g. squared,huber:delta=0.5,lp:p=3,logit-cross-entropy:y-min=0.1")
    ] = None,
    form: Annotated[str | None, _option("--form", help="paper, integral, concave, flow, residual or all")] = None,
    q: Annotated[str | None, _option("--q", help="normalised step γL (form residual: γM²)")] = None,
    delta: Annotated[str | None, _option("--delta", help="allowed probability of failure")] = None,
    train: Annotated[str | None, _option("--train", help="both, inner, outer or all")] = None,
    activation: Annotated[str | None, _option("--activation", help="tanh, sigmoid, … or all")] = None,
    law: Annotated[str | None, _option("--law", help="law of V: rademacher, uniform, gaussian or all")] = None,
    profile: Annotated[
        str | None,
        _option("--profile", help="injectivity profile: auto, paper, row-space, observation, block, block-observation"),
    ] = None,
    bound: Annotated[
        str | None, _option("--bound", help="paper-order, baseline, rank, block, split, sparse, best or all")
    ] = None,
    loss_0: Annotated[str | None, _option("--loss-0", help="table rates: loss at the start")] = None,
    target: Annotated[str | None, _option("--target", help="table rates: losses to reach")] = None,
    f_inf: Annotated[str | None, _option("--f-inf", help="table rates: F_∞")] = None,
    lipschitz: Annotated[str | None, _option("--lipschitz", help="table rates: L (form residual: M²)")] = None,
    width: Annotated[str | None, _option("--width", help="table instance: widths to try")] = None,
    seeds: Annotated[str | None, _option("--seeds", help="table instance: number of networks per width")] = None,
    max_iterations: Annotated[str | None, _option("--max-iterations", help="table instance: length of a run")] = None,
) -> None:
    """Print a table of bounds and constants.

    Every numeric option is a value, a list or a range. Tables: width (sufficient widths), constants (step-size
    factors), activations, losses, rates (guaranteed iterations), instance (how conservative theory is on a problem).

    Example: dipproofs table width --n 1000 --m 100 --kappa 10 --bound block,split
    """
    from dipproofs.errors import InputError
    from dipproofs.report.progress import waiting
    from dipproofs.tables.make import make_table, options_of
    from dipproofs.tables.options import unknown
    from dipproofs.tables.table import FORMATS, format_of, require_target

    options = dict(locals())
    given = {key: value for key, value in options.items() if key in _OPTIONS and value is not None}
    if format is not None and format not in FORMATS:
        raise unknown(format, "--format", FORMATS)
    allowed = [key for key in options_of(name) if key in _OPTIONS]
    for key in given:
        if key not in allowed:
            raise InputError(
                f"{_named(key)} does not apply to table {name}; it takes {', '.join(map(_named, allowed))}"
            )
    if plot is not None and name != "width":
        raise InputError(f"--plot: found table {name}, expected table width")
    chosen = format or "md"
    if out is not None:
        chosen = format_of(out, format) if out.suffix else chosen
        require_target(out)
    if plot is not None:
        from dipproofs.tables.figures import figure_target

        figure_target(plot)
    if name == "losses" and chosen == "latex":
        given["latex"] = True
    with waiting(f"making table {name}"):
        made = make_table(name, **given)
    if out is not None:
        made.write(out, chosen)
    else:
        typer.echo(made.render(chosen), nl=False)
    if plot is not None:
        from dipproofs.tables.figures import save_figure, varying_axis, varying_series, width_figure

        save_figure(width_figure(made, varying_axis(made), varying_series(made)), plot)


_OPTIONS = tuple(key for key in inspect.signature(table).parameters if key not in ("name", "format", "out", "plot"))


def _named(key: str) -> str:
    """Write an option as it is given on the command line."""
    return "PROBLEM.toml" if key == "problem" else f"--{key.replace('_', '-')}"
