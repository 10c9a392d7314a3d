"""Grids of independent cells: computed by several processes or a cluster, kept as soon as each is done."""
