"""What is solved: forward operators, signals, noise, and the problem files that describe them.

Names are those of the stub, loaded when first used, so that an import of one part does not load all the others.
"""

from __future__ import annotations

from dipproofs.stubs import loader, modules_of

_NAMES = modules_of(__path__[0])
__all__ = sorted(_NAMES)
__getattr__ = loader(__name__, _NAMES)


def __dir__() -> list[str]:
    return __all__
