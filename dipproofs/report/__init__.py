"""One record, many renderings: console, HTML, pictures. Nothing here computes mathematics.

Public names are those of the stub, loaded when first used, so that progress can be shown before anything heavy is
imported.
"""

from __future__ import annotations

from dipproofs.stubs import loader, modules_of

_NAMES = modules_of(__path__[0])
__all__ = sorted(_NAMES)
__getattr__ = loader(__name__, _NAMES)
