"""Tables of bounds and constants over grids of parameters, with exact or enclosed numbers (docs/theory.md §6)."""

from __future__ import annotations

from dipproofs.tables.make import TABLES, make_table
from dipproofs.tables.table import FORMATS, Column, Table

__all__ = ["FORMATS", "TABLES", "Column", "Table", "make_table"]
