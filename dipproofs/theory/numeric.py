"""SymPy → functions in floating point, for NumPy, JAX and plain numbers: the only place that knows how each says it.

Estimates, no guarantee: proofs take the same expressions through `dipproofs.enclosures.compile_arb`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp


def float_function(symbols: Any, expressions: Any, library: str = "numpy") -> Callable[..., Any]:
    """Compile an expression, or several at once, to a function of arrays.

    Args:
        symbols: one symbol, or several in order.
        expressions: one expression or a list of them.
        library: "numpy", "jax" (imported here) or "math".

    Notes:
        Evidence level: estimated.

    Example:
        >>> x = sp.Symbol("x")
        >>> float_function(x, sp.Max(x, 1))(np.array([0.0, 2.0]))
        array([1., 2.])
    """
    error_function = any(
        part.has(sp.erf) for part in (expressions if isinstance(expressions, Sequence) else [expressions])
    )
    modules: list[Any] = [library] if library == "math" else [_names(library, error_function), library]
    function: Callable[..., Any] = sp.lambdify(symbols, expressions, modules=modules, cse=True)
    return function


def _names(library: str, error_function: bool) -> dict[str, Any]:
    """What SymPy prints, where the library's own word is missing or reduces over an axis; erf only where it is used."""
    if library == "numpy":
        xp: Any = np
        names: dict[str, Any] = {}
    else:
        import jax.numpy as xp

        same = ("abs", "sign", "tanh", "exp", "log", "sin", "cos", "sqrt", "sinh", "cosh", "arcsinh", "arctan")
        names = {name: getattr(xp, name) for name in same}
        names |= {"asinh": xp.arcsinh, "atan": xp.arctan, "select": _select}
    if error_function:
        names["erf"] = _erf(library)
    names |= {"log1p": xp.log1p, "expm1": xp.expm1, "Abs": xp.abs, "Max": xp.maximum, "Min": xp.minimum}
    return names | {
        "amax": lambda values, axis=0: reduce(xp.maximum, values),
        "amin": lambda values, axis=0: reduce(xp.minimum, values),
    }


def _erf(library: str) -> Callable[..., Any]:
    if library == "numpy":
        from scipy.special import erf
    else:
        from jax.scipy.special import erf
    return erf  # type: ignore[no-any-return]


def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    import jax.numpy as jnp

    return jnp.select([jnp.asarray(c) for c in conditions], [jnp.asarray(c) for c in choices], default)
