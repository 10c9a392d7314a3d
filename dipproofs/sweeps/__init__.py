"""Grids of independent cells: computed by several processes or a cluster, kept as soon as each is done."""

from __future__ import annotations

from dipproofs.sweeps.store import Store, cell_key, derived_seed
from dipproofs.sweeps.sweep import run_cells

__all__ = ["Store", "cell_key", "derived_seed", "run_cells"]
