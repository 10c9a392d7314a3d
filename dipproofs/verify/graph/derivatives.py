"""Three bounds of a node by blocks of parameters, and the symbols that formulas know them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.theory.architectures import graph_nodes as t
from dipproofs.verify.arithmetic.floats import frobenius

Env = dict[Any, Any]


@dataclass(frozen=True)
class Derivatives:
    """Bounds of one node, J blocks: d (J,), r (J,), E (J, J)."""

    d: np.ndarray
    r: np.ndarray
    E: np.ndarray

    @property
    def length(self) -> float:
        """|d|."""
        return frobenius(self.d)

    @property
    def row(self) -> float:
        """|r|."""
        return frobenius(self.r)


def symbols_of(x: Derivatives, w: Derivatives) -> Env:
    """Symbols of two inputs, for blocks j (down) and k (across)."""
    return {
        t.d_xj: x.d[:, None], t.d_xk: x.d, t.r_xj: x.r[:, None], t.r_xk: x.r, t.E_x: x.E,
        t.length_x: x.length, t.d_wj: w.d[:, None], t.d_wk: w.d, t.r_wj: w.r[:, None], t.r_wk: w.r, t.E_w: w.E,
        t.length_w: w.length, t.row_length_x: x.row,
    }  # fmt: skip


def by_block(d: np.ndarray, r: np.ndarray, E: np.ndarray) -> Derivatives:
    """What formulas in the block j, columns (J, 1), gave."""
    whole, row = (np.broadcast_to(x, (len(E), 1))[:, 0] for x in (d, r))
    return Derivatives(whole, np.minimum(row, whole), E)


def smaller(a: Derivatives, b: Derivatives) -> Derivatives:
    """Of two bounds of one node the smaller, entry by entry."""
    return Derivatives(*(np.minimum(one, other) for one, other in ((a.d, b.d), (a.r, b.r), (a.E, b.E))))
