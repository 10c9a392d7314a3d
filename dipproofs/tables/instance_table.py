"""Table `instance`: how conservative theory is on a problem file, in one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dipproofs.errors import InputError
from dipproofs.tables.options import integers, within
from dipproofs.tables.table import Column, Table

COLUMNS = (
    Column("problem", "problem"),
    Column("n", "n"),
    Column("m", "m"),
    Column("kappa", "κ(A)", "", "proved, rounded", latex=r"\kappa(A)"),
    Column("loss", "loss"),
    Column("train", "train"),
    Column("activation", "φ", latex=r"\varphi"),
    Column("seeds", "seeds"),
    Column("k_bound", "k a priori", "hidden units", "proved, probability ≥ 1−δ"),
    Column("k_start", "k certified at initialisation", "hidden units", "all seeds proved"),
    Column("k_anytime", "k certified anytime", "hidden units", "all seeds proved"),
    Column("k_descent", "k that converges", "hidden units", "all seeds, estimated"),
    Column("interval", "P(success) at these k", "95 % Clopper–Pearson", "sampled"),
    Column("reason", "reason"),
)
NOTES = (
    "k a priori: best width bound for this operator and data, form concave, q = 1 (docs/theory.md §6)",
    "the others: smallest width tried at which every seed succeeds (start: within a factor 2^{1/4}; each success at "
    "initialisation and anytime is a proved certificate)",
)


def make(
    problem: Any = None, width: Any = None, seeds: Any = 5, max_iterations: Any = None, delta: Any = "0.05"
) -> Table:
    """Make the table for a problem file.

    Args:
        problem: path of the problem file.
        width: widths to try for the runs; 1, 2, 3, 4, 6, 8, 11, … up to 1024 if not given.
        seeds: number of networks at each width.
        max_iterations: length of a run; the problem file's if not given.
        delta: allowed probability of failure of the a-priori bound.

    Raises:
        InputError: no problem file, or one that cannot be used.

    Notes:
        Runs descents: needs JAX.
    """
    if problem is None:
        raise InputError("table instance: found no problem file, expected `dipproofs table instance PROBLEM.toml`")
    (count,) = _one(integers(seeds, "--seeds"), "--seeds")
    (chance,) = _one(within(delta, "--delta", "]0,1["), "--delta")
    limit = (
        None if max_iterations is None else _one(integers(max_iterations, "--max-iterations"), "--max-iterations")[0]
    )
    from dipproofs.problems import load_problem
    from dipproofs.tables.instance_runs import Instance, growing_widths, smallest_for_all

    _double_precision()
    instance = Instance(load_problem(Path(problem)), limit)
    widths = tuple(sorted(integers(width, "--width"))) if width is not None else growing_widths(1, 1024)
    draws = tuple(range(count))
    bound, bound_reason = instance.bound(chance)
    start = instance.start_width(draws)
    descent = smallest_for_all(instance.converges, widths, draws)
    anytime = smallest_for_all(instance.certified_anytime, widths, draws)
    named = (("initialisation", start), ("anytime", anytime), ("descent", descent))
    reasons = [f"{name}: {trials.reason}" for name, trials in named if trials.reason]
    rows, columns = instance.problem.operator.shape
    record = {
        "problem": instance.spec.name,
        "n": columns,
        "m": rows,
        "kappa": _kappa(instance.operator),
        "loss": str(instance.loss.kind),
        "train": instance.spec.network.train,
        "activation": instance.spec.network.activation,
        "seeds": count,
        "k_bound": bound,
        "bound": bound_reason if bound is not None else None,
        "k_start": start.width,
        "k_anytime": anytime.width,
        "k_descent": descent.width,
        "interval": next((trials.interval for _, trials in named if trials.width is not None), None),
        "reason": "; ".join([*([] if bound is not None else [f"a priori: {bound_reason}"]), *reasons]) or None,
    }
    return Table("instance", "How conservative is theory here?", COLUMNS, (record,), NOTES)


def _one(values: tuple[Any, ...], name: str) -> tuple[Any]:
    if len(values) != 1:
        raise InputError(f"{name}: found {len(values)} values, expected one")
    return (values[0],)


def _kappa(operator: Any) -> float:
    ratio = operator.norm / operator.sigma
    return float(f"{ratio.mid:.6g}")


def _double_precision() -> None:
    """Switch JAX to 64 bits, as the command line does for a run."""
    import jax

    jax.config.update("jax_enable_x64", True)
