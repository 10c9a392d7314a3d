"""Garbage collection of a process that runs one command.

Loading modules and building formulas makes a million objects that stay, and the collector goes through them again and
again: a fifth of the time of a short command. The command line leaves it off meanwhile. The library never does: where
`own_process` was not called, nothing here has an effect.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = False


def own_process() -> None:
    """Say that this process runs one command of ours and ends."""
    global _OURS
    _OURS = True


@contextmanager
def uncollected() -> Iterator[None]:
    """Load and build without collecting garbage; what is there afterwards is taken to stay."""
    if not _OURS or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
