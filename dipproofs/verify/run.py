"""What ties a certificate to its run: one problem, one schedule, the step in force (docs/theory.md §3 remark d)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import arb

from .document import Document
from .walker import exact

_SAME = ("A", "y", "u", "B", "x_true")


def between_parts(first: Document, final: Document | None = None) -> list[str]:
    """Findings on the certificate at the last iterate being of another run, and on steps that differ from the run's."""
    run = first.record.get("run")
    if run is not None and not isinstance(run, dict):
        return [f"run: found {type(run).__name__}, expected an object"]
    found = _step_findings(first.record, run or {}, "")
    if final is None:
        return found
    for key in _SAME:
        here, there = first.arrays.get(key), final.arrays.get(key)
        if first.arrays and final.arrays and not np.array_equal(_or_empty(here), _or_empty(there)):
            found.append(
                f"final.arrays.{key}: found other numbers than at the first iterate, expected those of one run"
            )
    for key in ("loss", "network", "schedule"):
        if first.record.get(key) != final.record.get(key):
            found.append(f"final.{key}: found another {key} than at the first iterate, expected those of one run")
    return found + _step_findings(final.record, run or {}, "final.")


def _or_empty(array: np.ndarray | None) -> np.ndarray:
    return np.zeros(0) if array is None else array


def _step_findings(record: Mapping[str, Any], run: Mapping[str, Any], label: str) -> list[str]:
    """γ must be at least the largest step from the certified iterate on, and no more than rounding above it."""
    quantities, schedule, t = record.get("quantities"), record.get("schedule"), record.get("iteration", -1)
    gamma = quantities.get("gamma") if isinstance(quantities, dict) else None
    steps = run.get("steps")
    if record.get("verdict") != "proved":
        return []
    if not (
        isinstance(gamma, dict)
        and isinstance(schedule, dict)
        and isinstance(steps, list)
        and isinstance(t, int)
        and t >= 0
    ):
        return []
    if isinstance(run.get("iterations"), int) and t > int(run["iterations"]):
        return [f"{label}iteration: found {t}, expected at most the run's {run['iterations']}"]
    try:
        later = [exact(float(step)) for _, step in steps]
        starts = [int(start) for start, _ in steps]
        force = [step for start, step in zip(starts, later) if start > t]
        force += [step for start, step in zip(starts, later) if start <= t][-1:]
        largest = arb(0)
        for step in force:
            largest = largest.max(step)
        factor = _largest_factor(schedule, t)
        claimed = exact(float(gamma["upper"]))
    except (TypeError, ValueError, KeyError, OverflowError, ZeroDivisionError) as error:
        return [f"{label}run.steps: found steps or a schedule that cannot be read, expected pairs of numbers; {error}"]
    if not claimed >= (largest * factor).lower() or not claimed <= largest * factor * (1 + exact(2.0**-30)):
        expected = float(largest * factor)
        return [f"{label}quantities.gamma: found {gamma['upper']}, expected the run's largest step {expected:.17g}"]
    return []


def _largest_factor(schedule: Mapping[str, Any], t: int) -> arb:
    """The factors do not increase, so the largest is the first."""
    if schedule.get("kind") == "polynomial":
        return arb(1 + t) ** -exact(float(schedule["power"]))
    if schedule.get("kind") == "cosine":
        horizon = int(schedule["horizon"])
        return (1 + (arb.pi() * min(t, horizon) / horizon).cos()) / 2
    if schedule.get("kind") not in ("constant", "backtracking"):
        raise ValueError(f"schedule kind {schedule.get('kind')!r}")
    return arb(1)
