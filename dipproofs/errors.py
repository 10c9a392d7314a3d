"""The one exception type that users meet for wrong input."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used: one line saying what was found, what was expected and what to do.

    The command line prints the message without a traceback and exits with code 2.

    Example:
        >>> raise InputError("operator.rows: found 0, expected an integer ≥ 1")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator.rows: found 0, expected an integer ≥ 1
    """
