"""Instance × theorem → certificate.

The module itself can be called: ``dipproofs.certify(problem, network)`` is ``dipproofs.certify.certify(…)``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .api import certify, check
from .at_iterate import certify_at
from .operator_bounds import bound_operator
from .record import Certificate, Check, Guarantees, Hypothesis

__all__ = [
    "Certificate",
    "Check",
    "Guarantees",
    "Hypothesis",
    "bound_operator",
    "certify",
    "certify_at",
    "check",
]


class _Callable(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Certificate:
        return certify(*args, **options)


sys.modules[__name__].__class__ = _Callable
