"""The experiments of the paper and its open questions, one file each (`dipproofs experiment`).

An experiment is a module with

* ``cells(quick, seed) -> list[dict]``: the grid; JSON values only, the seeds among them;
* ``run_cell(cell) -> list[dict]``: the rows of data of one cell, a function of the cell alone;
* ``figures(rows) -> dict[str, Figure]`` and ``result(rows) -> str``: made from the data alone.

A new experiment is one file and one line in `EXPERIMENTS`.
"""

from __future__ import annotations

#: Module and title of each experiment.
EXPERIMENTS: dict[str, str] = {
    "descent": "the loss decreases with a proper step, and need not with one beyond 2/L",
    "overparametrization": "how wide a network must be to reach zero loss, and to be certified",
    "conditioning": "convergence and certificates against the condition number of A",
    "rates": "observed against guaranteed decay for every loss, and where the guarantee loses",
    "stepsize": "normalised steps q = γL from 0.01 to 1.99, each form, and schedules",
    "methods": "which method, step and momentum: iterations and certificates over κ(A) and losses",
    "initialisation": "how often the conditions hold at a random start, against the theory's probability",
    "recovery": "signal error against width, number of atoms, and noise with early stopping",
    "image": "a blurred photograph: errors, certified envelopes and early stopping",
    "networks": "curvature bounds of deeper and wider networks, and when gradient descent is certified",
    "conservatism": "the width each theorem asks for, against the width that is needed",
}

__all__ = ["EXPERIMENTS"]
