"""Certificates as records and as files: format, record, reading and writing.

The record needs enclosures, the reader must not: names are loaded when first used.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Certificate", "Check", "Guarantees", "Hypothesis"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from dipproofs.certificate import record

        return getattr(record, name)
    raise AttributeError(f"module 'dipproofs.certificate' has no attribute {name!r}")
