"""What ties a certificate to its run: one problem, one schedule, the step in force (docs/theory.md §3 remark d)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
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


def step_in_force(run: Any, t: int) -> arb | None:
    """γ_0 at iteration t and from there on the largest, from the run's list of (iteration, step); None without a list.

    Raises:
        ValueError: the list is not one of pairs of numbers.
    """
    if not isinstance(run, dict) or "steps" not in run:
        return None
    try:
        steps = [(int(start), exact(float(step))) for start, step in run["steps"]]
    except (TypeError, OverflowError) as error:
        raise ValueError(f"run.steps: expected pairs of numbers; {error}") from None
    later = [step for start, step in steps if start > t] + [step for start, step in steps if start <= t][-1:]
    return reduce(arb.max, later, arb(0))


def largest_factor(schedule: Mapping[str, Any], t: int) -> arb:
    """The factors of a schedule do not increase, so that the largest from t on is the one at t.

    Raises:
        ValueError: an unknown schedule, or parameters that are no numbers.
    """
    try:
        if schedule.get("kind") == "polynomial":
            return arb(1 + t) ** -exact(float(schedule["power"]))
        if schedule.get("kind") == "cosine":
            horizon = int(schedule["horizon"])
            return (1 + (arb.pi() * min(t, horizon) / horizon).cos()) / 2
    except (TypeError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise ValueError(f"schedule: expected its parameters; {error}") from None
    if schedule.get("kind") not in ("constant", "backtracking"):
        raise ValueError(f"schedule.kind: found {schedule.get('kind')!r}, expected a known kind")
    return arb(1)


def _step_findings(record: Mapping[str, Any], run: Mapping[str, Any], label: str) -> list[str]:
    """γ must be at least the largest step from the certified iterate on, and no more than rounding above it."""
    quantities, schedule, t = record.get("quantities"), record.get("schedule"), record.get("iteration", -1)
    gamma = quantities.get("gamma") if isinstance(quantities, dict) else None
    if record.get("verdict") != "proved" or not isinstance(t, int) or t < 0:
        return []
    if not isinstance(gamma, dict) or not isinstance(schedule, dict):
        return []
    if isinstance(run.get("iterations"), int) and t > int(run["iterations"]):
        return [f"{label}iteration: found {t}, expected at most the run's {run['iterations']}"]
    try:
        step = step_in_force(run, t)
        if step is None:
            return []
        largest = step * largest_factor(schedule, t)
        claimed = exact(float(gamma["upper"]))
    except (TypeError, KeyError, OverflowError, ValueError) as error:
        return [f"{label}{error}"]
    room = largest * exact(2.0**-30) + (step * exact(2.0**-38) if schedule["kind"] == "cosine" else 0)
    if not claimed >= largest.lower() or not claimed <= largest + room:
        return [
            f"{label}quantities.gamma: found {gamma['upper']}, expected the run's largest step {float(largest):.17g}"
        ]
    return []
