"""The named width bounds: which events, which profile, what must exceed ψ̄ (docs/theory.md §6).

A bound turns (train, form, profile) into one or more `WidthCondition`s: straight-line programs that end in ω∫F.
Each condition is a theorem by itself; with several, the smallest width of any of them is valid, because all are fixed
before the network is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from dipproofs.theory.forms import FORMS
from dipproofs.theory.width.events import (
    Step,
    columns,
    columns_textbook,
    hidden_lower,
    hidden_lower_textbook,
    hidden_upper,
    initial_residual,
    inner_block,
    inner_block_chernoff,
)
from dipproofs.theory.width.integrals import BLOCK, BOTH, INNER, RESIDUAL_BLOCK, RESIDUAL_WHOLE, SPLIT
from dipproofs.theory.width.sparse import sparse_integral
from dipproofs.theory.width.split import SPLIT_OMEGA
from dipproofs.theory.width.symbols import b_lo, column, column_full, n, omega, s_in, s_init

#: The forms for which widths are bounded.
WIDTH_FORMS = (*FORMS, "residual")
#: The laws of V that are covered.
LAWS = ("rademacher", "uniform", "gaussian")
#: The profiles that width bounds may rest on.
PROFILE_IDS = ("auto", "paper", "row-space", "observation", "block")
_R = sp.Rational


class NotApplicable(Exception):
    """Why a bound says nothing about this combination; the message goes into the table."""


@dataclass(frozen=True)
class WidthCondition:
    """(H) holds with probability ≥ 1−δ when ``integral`` exceeds ψ̄, after the ``steps`` are evaluated in order.

    Args:
        profile: injectivity profile.
        steps: assignments (symbol, expression); the first ones are the events.
        integral: ω∫F as an expression in the symbols; None when any width with b_lo > 0 serves (outer layer alone).
    """

    profile: str
    steps: tuple[Step, ...]
    integral: sp.Expr | None

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events, from the exponents t_… of the steps."""
        return tuple(s.name[2:] for s, _ in self.steps if s.name.startswith("t_"))


@dataclass(frozen=True)
class WidthBound:
    """A named bound.

    Args:
        id: name in tables.
        title: what it is, in a few words.
        order: its order in the squared-loss case, as LaTeX.
        conditions: (train, form, profile, law) -> conditions, or `NotApplicable`.
    """

    id: str
    title: str
    order: str
    conditions: Callable[[str, str, str, str], tuple[WidthCondition, ...]]


def _omega(form: str, factors: dict[str, sp.Expr] | None = None) -> list[Step]:
    if form == "residual":
        return []
    return [(omega, factors[form] if factors else FORMS[form].omega)]


def _outer(textbook: bool) -> tuple[WidthCondition, ...]:
    """The Jacobian is constant: any width with b_lo > 0."""
    lower = hidden_lower_textbook if textbook else hidden_lower
    return (WidthCondition("block", tuple(lower(_R(1))), None),)


def _require(profile: str, allowed: tuple[str, ...], bound: str) -> None:
    if profile not in ("auto", *allowed):
        raise NotApplicable(f"bound {bound} uses profile {' or '.join(allowed)}, not {profile}")


def _whole_jacobian(bound: str, train: str, form: str, profile: str, textbook: bool) -> tuple[WidthCondition, ...]:
    """Bounds that perturb PJ as a whole (profiles row-space, observation, paper)."""
    if train == "outer":
        _require(profile, ("block",), bound)
        return _outer(textbook)
    _require(profile, ("row-space", "observation", "paper"), bound)
    profile = "row-space" if profile == "auto" else profile
    if profile == "paper" and form == "residual":
        raise NotApplicable("form residual uses profile row-space, observation or block, not paper")
    outer_too = train == "both" and not textbook  # the textbook argument leaves the outer block out
    parts = 3 + outer_too + (not textbook)
    share = _R(1, parts)
    dimension = n if profile == "paper" else None
    steps: list[Step] = [*hidden_upper(share), *initial_residual(share)]
    if textbook:
        steps += [*inner_block_chernoff(share), *columns_textbook()]
    elif dimension is None:
        steps += [*inner_block(share), *columns(share)]
    else:
        steps += [*inner_block(share, dimension), *columns(share, dimension)]
    if outer_too:
        steps += hidden_lower(share)
    steps.append((s_init, sp.sqrt(s_in**2 + b_lo**2) if outer_too else s_in))
    if profile == "paper":
        steps.append((column_full, column))
    if form == "residual":
        more, integral = RESIDUAL_WHOLE[train, profile]
    else:
        more, integral = (BOTH if train == "both" else INNER)[profile]
    return (WidthCondition(profile, (*_omega(form), *steps, *more), integral),)


def _baseline(train: str, form: str, profile: str, law: str) -> tuple[WidthCondition, ...]:
    if law == "gaussian" and train != "outer":
        raise NotApplicable("bound baseline needs bounded entries of V: use law rademacher or uniform")
    return _whole_jacobian("baseline", train, form, profile, textbook=True)


def _rank(train: str, form: str, profile: str, law: str) -> tuple[WidthCondition, ...]:
    return _whole_jacobian("rank", train, form, profile, textbook=False)


def _block(train: str, form: str, profile: str, law: str) -> tuple[WidthCondition, ...]:
    if train == "inner":
        raise NotApplicable("bound block needs the outer layer trained: use rank or sparse")
    _require(profile, ("block",), "block")
    if train == "outer":
        return _outer(False)
    share = _R(1, 4 if form == "residual" else 3)
    steps = [*hidden_lower(share), *hidden_upper(share), *initial_residual(share)]
    if form != "residual":
        return (WidthCondition("block", (*_omega(form), *steps), BLOCK),)
    more, integral = RESIDUAL_BLOCK
    return (WidthCondition("block", (*steps, *columns(share), *more), integral),)


#: Shares of δ for ‖φ(a)‖ from below, from above, and the loss: even, and tilted to the event that costs most.
SPLIT_SHARES = tuple(
    (_R(a), _R(b), 1 - _R(a) - _R(b))
    for a, b in (("1/3", "1/3"), ("1/10", "1/5"), ("3/5", "1/10"), ("1/5", "1/20"), ("1/50", "1/50"), ("1/4", "1/4"))
)


def _split(train: str, form: str, profile: str, law: str) -> tuple[WidthCondition, ...]:
    if train != "both":
        raise NotApplicable("bound split needs both layers trained: use block (outer), rank or sparse (inner)")
    if form == "residual":
        raise NotApplicable("the split path is not proved for form residual: use form concave")
    _require(profile, ("block",), "split")
    return tuple(
        WidthCondition(
            "block",
            (
                *_omega(form, SPLIT_OMEGA),
                *hidden_lower(low),
                *hidden_upper(high),
                *initial_residual(loss),
            ),
            SPLIT,
        )
        for low, high, loss in SPLIT_SHARES
    )


def _sparse(train: str, form: str, profile: str, law: str) -> tuple[WidthCondition, ...]:
    if train != "inner":
        raise NotApplicable("bound sparse is for the inner layer alone: use block or split")
    if form == "residual":
        raise NotApplicable("bound sparse is not proved for form residual: use rank, or form concave")
    _require(profile, ("row-space",), "sparse")
    share = _R(1, 4)
    more, integral = sparse_integral(share, law == "gaussian")
    steps = [*hidden_upper(share), *initial_residual(share), *inner_block(share), (s_init, s_in)]
    return (WidthCondition("row-space", (*_omega(form), *steps, *more), integral),)


#: The width bounds by name.
WIDTH_BOUNDS: dict[str, WidthBound] = {
    bound.id: bound
    for bound in (
        WidthBound(
            "baseline", "textbook: matrix Chernoff, columns of V bounded by D√n", r"\kappa^2 n^2 \log n", _baseline
        ),
        WidthBound("rank", "r in place of n, sub-Gaussian columns", r"\kappa^2 n r", _rank),
        WidthBound("block", "outer block alone", r"\kappa^2 n", _block),
        WidthBound("split", "outer block, only the path of W counts, and twice", r"\kappa^2 n", _split),
        WidthBound("sparse", "inner layer: few neurons can turn", r"\kappa^2 n + r", _sparse),
    )
}
