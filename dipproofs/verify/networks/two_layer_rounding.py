"""What the rounding error of a step of a two-layer network is computed from (docs/theory-methods.md §4.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from dipproofs.certificate.structure import SelectedRows
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import two_layer_rounding as rounding
from dipproofs.verify.arithmetic.expressions import exact, upper
from dipproofs.verify.arithmetic.spectra import frobenius
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.audit import Audit


def sizes(audit: Audit) -> dict[Any, arb]:
    """Enclose them, each at the end that makes the error larger.

    Raises:
        ValueError: a network that is not stored in float64.
    """
    if any(audit.arrays[key].dtype != np.float64 for key in ("u", "W", "V")):
        raise ValueError("found one, expected none: the network is not stored in float64")
    arrays, known = audit.arrays, audit.env
    A, scale = arrays["A"], 2 * exact(audit.loss.c)
    names = (s.psi_0, s.norm_A, s.norm_V, s.norm_u, s.norm_phi, s.width, s.B_1, s.B_2)
    env = {symbol: upper(known[symbol]) for symbol in names}
    env[s.sigma_AJ] = arb(known[s.sigma_AJ].lower())
    env |= {s.gamma: audit.gamma * scale, rounding.loss_factor: scale}
    env |= {rounding.rows: arb(A.shape[0]), rounding.columns: arb(A.shape[1]), rounding.inputs: arb(arrays["u"].size)}
    env |= {
        rounding.frobenius_W: upper(frobenius(Matrix.of(arrays["W"]))),
        rounding.frobenius_V: upper(frobenius(Matrix.of(arrays["V"]))),
        rounding.norm_abs_A: _norm_of_absolute_values(A),
        rounding.offset: exact(abs(float(audit.record["network"].get("output_offset", 0.0)))),
    }
    return env


def _norm_of_absolute_values(A: np.ndarray | SelectedRows) -> arb:
    """√(‖A‖_1‖A‖_∞) ≥ ‖|A|‖; a float sum of that many numbers ≥ 0 loses less than a factor 1 − size·2⁻⁵²."""
    if isinstance(A, SelectedRows):
        return upper(arb(int(np.bincount(A.indices).max())).sqrt())
    sizes = np.abs(A.astype(np.float64))
    slack = 1 + arb(sum(A.shape) + 9) * arb(2) ** -51
    columns, rows = (arb(float(sizes.sum(axis=axis).max())) * slack for axis in (0, 1))
    return upper((columns * rows).sqrt())
