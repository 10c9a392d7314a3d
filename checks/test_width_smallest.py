"""The widths themselves: verified at k and not at k−1 by an evaluation that shares no code with the tables."""

from __future__ import annotations

import random
from fractions import Fraction

import mpmath as mp
import pytest

from checks.test_width_by_quadrature import B2, Events, evenly, omega
from checks.width_draws import cell
from dipproofs.tables.cells import WidthCell
from dipproofs.tables.width import smallest_widths, verify_width

#: Shares of δ that bound split may choose from, for (lo, hi, loss) (docs/theory.md §6.3).
TRIPLES = ["1/3 1/3 1/3", "1/10 1/5 7/10", "3/5 1/10 3/10", "1/5 1/20 3/4", "1/50 1/50 24/25", "1/4 1/4 1/2"]


def holds_by_hand(c: WidthCell, k: int) -> bool:
    """Whether ω∫F > ψ̄ by hand, for some of the shares if the bound may choose them: squared loss, tanh."""
    choices = [[Fraction(x) for x in triple.split()] for triple in TRIPLES]
    if c.bound != "split":
        choices = [evenly(4 if c.bound == "rank" else 3)]
    return any(supply(c, events) > events.R for events in (Events(c, mp.mpf(k), shares) for shares in choices))


def supply(c: WidthCell, e: Events) -> mp.mpf:
    """ω∫F of bounds block, split, and baseline or rank (inner)."""
    twice = 2 if c.bound == "split" else 1
    area = e.b**2 / 2 if c.train == "both" else e.s_in**2 / (2 * B2 * e.c)
    return twice * omega(c.form, e.q, c.bound == "split") * e.sigma * mp.sqrt(e.k) * area


def random_cells(count: int) -> list[WidthCell]:
    """Random parameters for which the hand evaluation knows the bound."""
    rng = random.Random(20)
    cells = []
    while len(cells) < count:
        bound, train = rng.choice([("block", "both"), ("split", "both"), ("rank", "inner"), ("baseline", "inner")])
        law = rng.choice(["rademacher", "uniform", "gaussian"])
        if bound == "baseline" and law == "gaussian":
            continue
        m = rng.randint(2, 60)
        cells.append(
            cell(
                n=m + rng.randint(0, 300),
                m=m,
                kappa=Fraction(rng.randint(10, 2000), 10),
                y_norm=rng.choice([None, Fraction(rng.randint(1, 500), 10)]),
                noise=Fraction(rng.randint(0, 10), 10),
                form=rng.choice(["paper", "integral", "concave", "flow"]),
                q=Fraction(rng.randint(1, 100), 100),
                delta=Fraction(rng.randint(1, 99), 100),
                law=law,
                bound=bound,
                train=train,
            )
        )
    return [c.as_flow() if c.form == "flow" else c for c in cells]


def test_200_random_widths_are_smallest() -> None:
    cells = random_cells(200)
    widths = smallest_widths(cells)
    with mp.workdps(50):
        for c in cells:
            k = widths[c].k
            assert k is not None
            assert holds_by_hand(c, k), c
            assert k == 1 or not holds_by_hand(c, k - 1), c
    assert len({(c.bound, c.train, c.form) for c in cells}) == 16


def test_shares_are_those_of_the_manual() -> None:
    from dipproofs.theory.width.bounds import SPLIT_SHARES

    assert [[str(x) for x in triple] for triple in SPLIT_SHARES] == [triple.split() for triple in TRIPLES]
    assert all(sum(triple) == 1 and min(triple) > 0 for triple in SPLIT_SHARES)


def test_monotone_in_the_width() -> None:
    """Verified at k implies verified beyond it; not verified below."""
    rng = random.Random(7)
    for bound, train in (
        ("block", "both"),
        ("split", "both"),
        ("rank", "both"),
        ("baseline", "both"),
        ("rank", "inner"),
        ("sparse", "inner"),
    ):
        for form in ("concave", "residual"):
            c = cell(bound=bound, train=train, form=form)
            k = smallest_widths([c])[c].k
            if k is None:
                continue
            assert all(verify_width(c, k + rng.randint(0, 10 ** rng.randint(0, 9))) for _ in range(20))
            assert not any(verify_width(c, rng.randint(1, k - 1)) for _ in range(20))


def test_flow_is_the_limit_and_the_forms_are_ordered() -> None:
    for bound in ("block", "split", "rank", "baseline"):
        for q in (Fraction(1, 100), Fraction(1, 2), Fraction(1)):
            cells = [cell(bound=bound, form=form, q=q) for form in ("paper", "integral", "concave")]
            widths = smallest_widths([*cells, cells[0].as_flow()])
            ks = [widths[c].k for c in cells] + [widths[cells[0].as_flow()].k]
            assert ks == sorted(ks, reverse=True) and ks[-1] < ks[0]
        near = [cell(bound=bound, form=form, q=Fraction(1, 10**9)) for form in ("paper", "integral", "concave")]
        limits = smallest_widths([*near, near[0].as_flow()])
        flow = limits[near[0].as_flow()].k
        for c in near:
            assert 0 <= limits[c].k - flow <= 1 + flow * 1e-7


#: THEORY §6: δ = .05, q = 1, both layers, concave. Prototype: 2.5e3, 7.7e5, 5.4e6; baseline 2.8e5, 4e10, 1.9e12.
PINNED = {
    (10, 5, 1): {"baseline": 300047, "block": 2507, "split": 747},
    (1000, 100, 10): {"baseline": 36915737729, "block": 814352, "split": 196846},
    (1000, 1000, 10): {"baseline": 1834565829677, "block": 6122217, "split": 1512167},
}


@pytest.mark.parametrize("sizes", PINNED)
def test_figures_of_the_prototype(sizes: tuple[int, int, int]) -> None:
    n, m, kappa = sizes
    cells = {
        bound: cell(n=n, m=m, kappa=Fraction(kappa), delta=Fraction(1, 20), bound=bound)
        for bound in ("baseline", "block", "split")
    }
    widths = smallest_widths(cells.values())
    found = {bound: widths[c].k for bound, c in cells.items()}
    assert found == PINNED[sizes]
    assert found["split"] <= found["block"] <= found["baseline"]


def test_wide_widths_do_not_overflow() -> None:
    """κ = 1e140 needs about 1e283 units; κ = 1e160 more than 1e300, which is said and not printed as a number."""
    far, beyond = (cell(kappa=Fraction(10) ** power, bound="block") for power in (140, 160))
    widths = smallest_widths([far, beyond])
    assert 10**280 < widths[far].k < 10**286 and verify_width(far, widths[far].k)
    assert not verify_width(far, widths[far].k - 1)
    assert widths[beyond].k is None and widths[beyond].reason == "> 1e300"
