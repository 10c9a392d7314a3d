"""The method that would go on from given parameters, checked: its step, its options, its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from dipproofs.certify.methods.method import MOMENTUM, Method
from dipproofs.certify.methods.run import ADAM, GRADIENT_DESCENT
from dipproofs.descent.arguments import checked_step
from dipproofs.descent.methods import make_method
from dipproofs.errors import InputError

METHODS = (GRADIENT_DESCENT, *MOMENTUM, ADAM)
#: How to export the state of a method, by the kinds of its arrays.
_EXPORT = {
    "velocity": "export −lr·momentum_buffer of the optimiser as velocity/NAME",
    "m": "export exp_avg of the optimiser as m/NAME",
    "v": "export exp_avg_sq of the optimiser as v/NAME",
}


def checked_method(
    network: Any, loss: Any, method: Any, state: Any, step: Any, momentum: Any, beta2: Any, epsilon: Any, horizon: Any
) -> Method | None:
    """Return the method with its state, or None for gradient descent or no method at all.

    Raises:
        InputError: an unknown method, a step, an option or a state that is missing, wrong, or not the method's.
    """
    if method is not None and method not in METHODS:
        raise InputError(f"method: found {method!r}, expected None or one of {', '.join(METHODS)}")
    if method is not None and step is None:
        raise InputError(f"step: found None with method {method!r}, expected the step with which it would go on")
    if method in (None, GRADIENT_DESCENT):
        for name, value in (("state", state), ("momentum", momentum), ("beta2", beta2), ("epsilon", epsilon)):
            if value is not None:
                raise InputError(f"{name}: found a value, expected None: {method or 'a point'} has no {name}")
        return None
    if method in MOMENTUM and momentum is None:
        raise InputError(f"momentum: found None with method {method!r}, expected the number with which it would go on")
    if isinstance(momentum, str):
        raise InputError(f"momentum: found {momentum!r}, expected the number with which {method} would go on")
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise InputError(f"claim_horizon: found {horizon!r}, expected an integer ≥ 1")
    made = make_method(method, momentum=momentum, beta2=beta2, epsilon=epsilon)
    options = asdict(made) | {"claim_horizon": horizon}
    beta = float(options.pop("momentum"))
    arrays = _state(network, method, state)
    # momentum 0 is gradient descent with a state that does nothing; its own theorem needs β > 0
    point_only = method == ADAM or not loss.projects_data or not hasattr(network, "linearisation")
    return Method(method, float(checked_step(step)), beta, arrays, options, point_only)


def _state(network: Any, method: str, state: Any) -> dict[str, np.ndarray]:
    """The arrays under their names in certificates."""
    if not isinstance(state, Mapping) or not state:
        hint = "; ".join(_EXPORT[kind] for kind in _kinds(method))
        raise InputError(f"state: found none with method {method!r}, expected its arrays: {hint}")
    given = {name.removeprefix("state/"): np.asarray(array) for name, array in state.items()}
    found: dict[str, np.ndarray] = {}
    for kind in _kinds(method):
        for name, parameter in network.parameters().items():
            array = given.pop(f"{kind}/{name}", None)
            if array is None:
                raise InputError(f"state: found no {kind}/{name}, expected it with method {method!r}; {_EXPORT[kind]}")
            if array.shape != parameter.shape or array.dtype.kind != "f" or not np.isfinite(array).all():
                raise InputError(f"state {kind}/{name}: expected finite floats of shape {parameter.shape}")
            if kind == "v" and (array < 0).any():
                raise InputError(f"state {kind}/{name}: found a negative entry, expected means of squares")
            found[f"state/{kind}/{name}"] = array
    if method == ADAM:
        t = given.pop("t", None)
        if t is None or t.size != 1 or float(t.ravel()[0]) != int(t.ravel()[0]) or t.ravel()[0] < 0:
            raise InputError("state: found no t, expected the number of completed iterations (step of the optimiser)")
        found["state/t"] = np.asarray(int(t.ravel()[0]), np.int64)
    if given:
        raise InputError(f"state: found {', '.join(sorted(given))}, expected {', '.join(_kinds(method))}/NAME only")
    return found


def _kinds(method: str) -> tuple[str, ...]:
    return ("m", "v") if method == ADAM else ("velocity",)
