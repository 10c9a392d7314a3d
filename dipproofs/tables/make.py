"""`make_table`: a table by name."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from dipproofs.tables.options import unknown
from dipproofs.tables.table import Table

#: Module (of this package) of each table; each has ``make(**options) -> Table``.
TABLES: dict[str, str] = {
    "width": "width_table",
    "constants": "constants_table",
    "activations": "activations_table",
    "losses": "losses_table",
    "rates": "rates_table",
    "instance": "instance_table",
}


def make_table(name: str, **options: Any) -> Table:
    """Make a table.

    Args:
        name: "width", "constants", "activations", "losses", "rates" or "instance".
        options: those of the table; numbers may be given as numbers, sequences or text (see ``options.numbers``).

    Returns:
        The table; ``records`` is the data, ``render`` and ``write`` its text.

    Raises:
        InputError: unknown table or option, or a value out of range.

    Notes:
        Evidence: as each column says. Source: `docs/theory.md §6`.

    Example:
        >>> table = make_table("width", n=10, m=5, kappa="1,3", bound="block")
        >>> table.column("k")
        [2507, 13228]
    """
    allowed = options_of(name)
    for key in options:
        if key not in allowed:
            raise unknown(key, f"table {name}", allowed)
    table: Table = _module(name).make(**options)
    return table


def options_of(name: str) -> tuple[str, ...]:
    """Return the names of a table's options.

    Raises:
        InputError: unknown table.

    Example:
        >>> options_of("constants")
        ('form', 'q')
    """
    if name not in TABLES:
        raise unknown(name, "table", TABLES)
    return tuple(inspect.signature(_module(name).make).parameters)


def _module(name: str) -> Any:
    return import_module(f"{__package__}.{TABLES[name]}")
