"""The events behind the width bounds: in 2000 draws they hold as often as claimed, and a tenth of their slack does not.

`DIPPROOFS_CHECKS=thorough` draws 20 times as many.
"""

from __future__ import annotations

from itertools import combinations

import flint
import numpy as np
import pytest
import sympy as sp

from checks.effort import TIMES
from checks.registry import proves
from checks.width_draws import ACTIVATION, cell, data, draws, slope, success_at_least, success_at_most
from dipproofs.tables.cells import INPUTS, WidthCell, ball_inputs, exact_inputs
from dipproofs.tables.losses import named_loss
from dipproofs.tables.moments import activation_constants
from dipproofs.tables.program import Program
from dipproofs.tables.width import smallest_widths
from dipproofs.theory import formula
from dipproofs.theory.width import WIDTH_BOUNDS, sparse
from dipproofs.theory.width.symbols import b_hi, b_lo, column, k, residual, s_in

COUNT = 2000 * TIMES


def bounds_of(c: WidthCell, width: int) -> dict[sp.Symbol, float]:
    """The values of the events' bounds at a width, by symbol."""
    condition = WIDTH_BOUNDS[c.bound].conditions(c.train, c.form, c.profile, c.law)[0]
    program = Program((*INPUTS, k), condition.steps)
    with flint.ctx.workprec(128):
        values = program.trace([*ball_inputs(exact_inputs(c, named_loss(c.loss)), c), flint.arb(width)])
        return {symbol: float(value.mid()) for symbol, value in values.items()}


def observed(c: WidthCell, width: int) -> dict[sp.Symbol, np.ndarray]:
    """What the draws say about each bounded quantity."""
    y = data(c, seed=1)
    rows = [
        (
            np.linalg.norm(ACTIVATION(draw.a)) / np.sqrt(width),
            np.linalg.norm(draw.prediction - y),
            np.sqrt(max(0.0, np.linalg.eigvalsh(draw.projected * slope(draw.a) ** 2 @ draw.projected.T)[0] / width)),
            np.linalg.norm(draw.projected, axis=0).max(),
        )
        for draw in draws(c, width, COUNT, seed=1)
    ]
    size, distance, inner, largest = (np.array(column) for column in zip(*rows))
    return {b_lo: size, b_hi: size, residual: distance, s_in: inner, column: largest}


CASES = [
    cell(bound="rank", law="rademacher"),
    cell(bound="rank", law="uniform", n=6, m=3),
    cell(bound="rank", law="gaussian", train="inner"),
]
BELOW = {b_lo, s_in}  # lower bounds; the others are upper bounds


@proves(
    "width.events.b_lo*",
    "width.events.b_hi",
    "width.events.residual",
    "width.events.variance",
    "width.events.s_in",
    "width.events.fourth_moment",
    "width.events.column",
    "width.events.column_exponent",
)
@pytest.mark.parametrize("c", CASES, ids=lambda c: f"{c.law}-{c.train}")
def test_events_hold_and_a_tenth_of_the_slack_does_not(c: WidthCell) -> None:
    width = 400
    bounds, seen = bounds_of(c, width), observed(c, width)
    used = [symbol for symbol in seen if symbol in bounds]
    assert len(used) >= 4
    delta = float(c.delta)
    together = np.ones(COUNT, dtype=bool)
    for symbol in used:
        holds = seen[symbol] >= bounds[symbol] if symbol in BELOW else seen[symbol] <= bounds[symbol]
        together &= holds
        share = delta / len(used)
        assert success_at_least(int(holds.sum()), COUNT) >= 1 - share - 0.012, symbol
        centre = np.sqrt(c.rank) if symbol == column else float(np.median(seen[symbol]))  # √r: one column's norm
        tenth = centre + (bounds[symbol] - centre) / 10
        close = seen[symbol] >= tenth if symbol in BELOW else seen[symbol] <= tenth
        assert success_at_most(int(close.sum()), COUNT) < 1 - delta, f"{symbol}: the test cannot fail"
    assert success_at_least(int(together.sum()), COUNT) >= 1 - delta


@proves("width.events.chernoff", "width.events.s_in_chernoff", "width.events.column_textbook")
def test_textbook_events_hold() -> None:
    c = cell(bound="baseline", n=4, m=2)
    width = 2000
    bounds, seen = bounds_of(c, width), observed(c, width)
    assert 0 < bounds[s_in] < float(activation_constants("tanh").C_dphi)
    assert (seen[s_in] >= bounds[s_in]).all() and (seen[column] <= bounds[column]).all()
    assert bounds[column] == pytest.approx(2.0)


@proves("width.sparse.*")
@pytest.mark.parametrize("law", ["rademacher", "gaussian"])
def test_sets_of_neurons(law: str) -> None:
    """max over all sets of two or three neurons of ‖PV_S‖², against its bound; and the mean is not a bound."""
    c = cell(law=law, n=4, m=3)
    width, failures, means = 24, 0, 0
    count, entropy = sparse.set_size, sparse.entropy_of_sets
    names = ["width.sparse.gaussian"] if law == "gaussian" else ["width.sparse.net.rows", "width.sparse.net.neurons"]
    log_sets = formula("width.sparse.entropy").expr
    rank, proxy = (next(q for q in sparse.SUBSET_NET[0].free_symbols if q.name == n) for n in ("r", r"\nu^2"))
    for draw in draws(c, width, 200, seed=4):
        size = 2 + failures % 2
        sets = np.array(list(combinations(range(width), size)))
        assert len(sets) <= np.exp(float(log_sets.subs({count: size, k: width})))
        norms = np.linalg.norm(draw.projected[:, sets].transpose(1, 0, 2), 2, axis=(1, 2)) ** 2
        level = np.log(10) + float(log_sets.subs({count: size, k: width}))
        values = {count: size, entropy: level, rank: 3, proxy: 1}
        bound = min(float(formula(name).expr.subs(values)) for name in names)
        failures += norms.max() > bound
        means += norms.max() > np.mean(norms)
    assert failures == 0 and means == 200


def test_few_neurons_lemma() -> None:
    """max over w in [0,1]^k with Σw ≤ s of λ_max(V diag(w) Vᵀ) is at a set: attacked by random w."""
    random = np.random.default_rng(3)
    for _ in range(200):
        V, size = random.standard_normal((3, 8)), int(random.integers(1, 5))
        best = max(np.linalg.norm(V[:, list(S)], 2) ** 2 for S in combinations(range(8), size))
        w = random.uniform(0, 1, 8) ** random.integers(1, 6)
        w = np.minimum(1, w * size / w.sum())
        assert np.linalg.eigvalsh((V * w) @ V.T)[-1] <= best + 1e-9


@pytest.mark.parametrize("bound", ["block", "split"])
def test_the_condition_holds_at_the_explicit_width(bound: str) -> None:
    """(H) itself, computed from each draw at the explicit k: at least 1−δ of them, and not at a thirtieth of k."""
    c = cell(bound=bound)
    width = smallest_widths([c])[c].k
    assert width is not None
    assert success_at_least(_feasible(c, width), COUNT) >= 1 - float(c.delta)
    assert success_at_most(_feasible(c, max(1, width // 30)), COUNT) < 1 - float(c.delta)


def _feasible(c: WidthCell, width: int) -> int:
    y, omega = data(c, seed=2), 1 - float(c.q) / 2
    twice = 2 if c.bound == "split" else 1
    good = 0
    for draw in draws(c, width, COUNT, seed=2):
        b = np.linalg.norm(ACTIVATION(draw.a)) / np.sqrt(width)
        integral = twice * omega / float(c.kappa) * b**2 * np.sqrt(width) / 2
        good += integral > np.linalg.norm(draw.prediction - y)
    return good
