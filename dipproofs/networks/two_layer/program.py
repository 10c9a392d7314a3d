"""The two programs of a two-layer network: (V, b) for methods that move W along u only, else its full parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.networks.two_layer.kernel import Constants, FullForward, State, TwoLayerKernel
from dipproofs.networks.two_layer.network import TRAINED

if TYPE_CHECKING:
    from dipproofs.descent.program import Program
    from dipproofs.networks.two_layer.network import TwoLayer


def compressed_program(network: TwoLayer) -> Program:
    """Return the program over (V, b), W = W_0 + b uᵀ: exact for every method that adds multiples of gradients."""
    from dipproofs.descent.program import Program

    dtype, train = network.dtype, network.train
    a_0, norm_u_squared = network.constants[:2]
    V = network.V.astype(dtype)
    constants = Constants(
        a_0,
        norm_u_squared,
        V if train == "inner" else None,
        None if network.basis is None else network.basis.astype(dtype),
        dtype.type(network.output_offset),
    )
    theta = State(None if train == "inner" else V, None if train == "outer" else np.zeros(network.width, dtype))
    u = network.u.astype(dtype)

    def named(vector: Any) -> dict[str, np.ndarray]:
        found = {}
        if vector.b is not None:
            found["W"] = np.outer(np.asarray(vector.b), u)
        if vector.V is not None:
            found["V"] = np.asarray(vector.V)
        return found

    return Program(TwoLayerKernel(network.activation, train), constants, theta, network.at, named)


def full_program(network: TwoLayer) -> Program:
    """Return the program over the trained ones of W and V, by automatic differentiation."""
    from dipproofs.descent.program import autodiff_program

    dtype = network.dtype
    names = TRAINED[network.train]
    arrays = {"W": network.W, "V": network.V}
    constants: dict[str, Any] = {
        "u": network.u.astype(dtype),
        "offset": dtype.type(network.output_offset),
        "basis": None if network.basis is None else network.basis.astype(dtype),
    }
    constants |= {name: array.astype(dtype) for name, array in arrays.items() if name not in names}
    trained = {name: arrays[name] for name in names}
    return autodiff_program(FullForward(network.activation), constants, trained, network.moved, dtype)
