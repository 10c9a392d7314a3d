"""Two assumptions on a loss, (A1) and the minimiser's uniqueness, with the reasons for the losses of the package.

Let h be the entry of a loss: convex with h(0) = 0 < h(r), or, entry by entry, convex in v with minimum 0 at the
argmin and growing strictly beyond every level along both branches (`LossTheory.branch_lower`, `branch_upper`).

* **Compact**: {h ≤ f} is then a bounded interval, closed, inside the open domain; {L ≤ f} is a closed part of the
  product of such intervals (radial: a ball).
* **Minimiser**: h vanishes at one point only, and L = 0 asks every entry for it.

A profile that is known on [0, radius] only is a loss on the open box |v_i − y_i| < radius: there the same holds of
{L ≤ f} with h⁻¹(f) < radius, and the descent, whose loss never rises, stays in it once it is inside.
"""

from __future__ import annotations

from functools import cache

from dipproofs.theory.losses import LOSSES
from dipproofs.theory.losses.shape import convex_entry

COMPACT = "{L_y <= f_0} is compact in the domain of L_y (assumption A1)"


def minimiser_statement(argmin: str) -> str:
    """Say what the conclusions about data and signal need.

    Example:
        >>> minimiser_statement("y")
        'y is the only minimiser of L_y that can be reached'
    """
    return f"{argmin} is the only minimiser of L_y that can be reached"


@cache
def reason(kind: str) -> str:
    """Give the reason why a registered loss has compact sublevel sets and one minimiser; "" where symbols give none.

    Example:
        >>> reason("squared")
        'h is convex with h(0) = 0 < h(r)'
    """
    theory = LOSSES[kind]
    if not convex_entry(theory):
        return ""
    if theory.structure == "entrywise":
        return "h(., y) is convex and grows beyond every level towards both ends of its domain"
    return "h is convex with h(0) = 0 < h(r)"
