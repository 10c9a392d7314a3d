"""A torch module as a function of its trained parameters in float64, or refused for not being one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dipproofs.errors import InputError

#: Layers that draw random numbers while a module is in training mode.
RANDOM = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
    torch.nn.RReLU,
)
#: Modules around another one, and how to get at that.
_WRAPPERS = {
    "OptimizedModule": "module._orig_mod, which torch.compile made it from",
    "DataParallel": "module.module",
    "DistributedDataParallel": "module.module",
    "RecursiveScriptModule": "what torch.jit.script made it from",
    "TopLevelTracedModule": "what torch.jit.trace made it from",
}
#: Agreement of two calls, relative to the largest entry.
_SAME = 1e-9


@dataclass(frozen=True)
class Function:
    """`module(z)` as a function of the trained parameters.

    Args:
        module: a copy in float64.
        inputs: z.
        parameters: the trained ones by name, as they are in the user's module.
        fixed: all other parameters and the buffers by name.
    """

    module: torch.nn.Module
    inputs: tuple[Any, ...]
    parameters: dict[str, np.ndarray]
    fixed: dict[str, torch.Tensor]

    @classmethod
    def of(cls, module: Any, z: Any) -> Function:
        """Check module and input, and copy them.

        Raises:
            InputError: no module of finite float32 or float64 numbers, random numbers, or gradients that are changed.
        """
        inputs = _inputs(z)
        parameters = _parameters(module)
        _refuse_random(module)
        double = _copied(module).double()
        state = {**dict(double.named_parameters()), **dict(double.named_buffers())}
        fixed = {name: value.detach().clone() for name, value in state.items() if name not in parameters}
        return cls(double, inputs, parameters, fixed)

    def start(self) -> list[torch.Tensor]:
        """Return the user's parameters."""
        return [torch.as_tensor(value, dtype=torch.float64) for value in self.parameters.values()]

    def __call__(self, *arrays: Any) -> Any:
        """Return the result for other trained parameters."""
        return self.called(self.fixed, *arrays)[0]

    def whole(self, *arrays: Any) -> Any:
        """Return the result for other trained parameters and, after them, other values of all that is fixed."""
        count = len(self.parameters)
        return self.called(dict(zip(self.fixed, arrays[count:])), *arrays[:count])[0]

    def called(self, fixed: Mapping[str, torch.Tensor], *arrays: Any) -> tuple[Any, dict[str, Any]]:
        """Return the result, and the buffers after the call; the user's parameters if none are given."""
        given = {**{k: v.clone() for k, v in fixed.items()}, **dict(zip(self.parameters, arrays or self.start()))}
        result = torch.func.functional_call(self.module, given, self.inputs)
        return result, {name: given[name] for name in fixed}

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def require_settled(self, out: torch.Tensor, after: Mapping[str, torch.Tensor]) -> None:
        """Refuse a module whose calls change buffers on which its result depends.

        Args:
            out: the result of a call. after: the buffers after it.
        """
        if not _same(self.called(self.fixed)[0], out) or _same(self.called(after)[0], out):
            return
        names = [name for name in after if not _same(after[name], self.fixed[name])]
        used = [name for name in names if not _same(self.called({**self.fixed, name: after[name]})[0], out)]
        raise InputError(
            f"from_torch: each call of the module changes {', '.join(used or names)}, on which its result depends"
            " (spectral_norm in training mode, for instance), expected a function of the parameters alone; call .eval()"
            " on that layer"
        )

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def require_repeatable(self, out: torch.Tensor) -> None:
        """Refuse a module that gives another result when it is called again."""
        if not _same(self.called(self.fixed)[0], out):
            raise InputError(
                "from_torch: module(z) gives another result when it is called again, expected no random numbers and no"
                " hidden state; draw noise once and give it as input, and call .eval() on layers that draw some"
            )


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or not b.is_floating_point():
        return bool(torch.equal(a, b))
    size = float(b.nan_to_num(0.0, 0.0, 0.0).abs().max()) if b.numel() else 0.0
    return bool(torch.allclose(a, b, rtol=0.0, atol=_SAME * size, equal_nan=True))


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy; tensors that a call left on the module, as the old weight_norm does, are copied as numbers."""
    left = {
        id(value): value.detach().clone()
        for layer in module.modules()
        for value in vars(layer).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    copied = copy.deepcopy(module, left)
    for layer in copied.modules():
        if getattr(layer, "running_mean", None) is not None and getattr(layer, "momentum", 0.0) is None:
            layer.momentum = 0.0  # statistics of training are no part of the result, and their count is no tensor
    return copied


def _inputs(z: Any) -> tuple[Any, ...]:
    given = tuple(z) if isinstance(z, tuple | list) else (z,)
    for value in given:
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            found = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
            raise InputError(f"from_torch: z: found {found}, expected a tensor of floating-point numbers")
        if not torch.isfinite(value).all():
            raise InputError("from_torch: z: found entries that are not finite, expected finite numbers")
    return tuple(value.detach().to("cpu", torch.float64) for value in given)


def _parameters(module: Any) -> dict[str, np.ndarray]:
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"from_torch: module: found {type(module).__name__}, expected a torch.nn.Module")
    for kind, inner in _WRAPPERS.items():
        if type(module).__name__ == kind:
            raise InputError(f"from_torch: module: found {kind}, expected the module itself; give {inner}")
    values = {}
    for name, value in module.named_parameters():
        if isinstance(value, torch.nn.parameter.UninitializedParameter):
            raise InputError(f"from_torch: parameter {name} has no shape yet; call module(z) once before")
        if value.dtype not in (torch.float32, torch.float64):
            raise InputError(f"from_torch: parameter {name}: found {value.dtype}, expected float32 or float64; convert")
        if value.is_meta:
            raise InputError(f"from_torch: parameter {name} is on the device meta, which has no numbers; load them")
        if not torch.isfinite(value).all():
            raise InputError(f"from_torch: parameter {name}: found entries that are not finite, expected numbers")
        if getattr(value, "_backward_hooks", None):
            raise InputError(
                f"from_torch: parameter {name} has a hook on its gradient, expected none: certificates are about the"
                " gradient itself; remove it with the handle that register_hook returned"
            )
        if value.requires_grad:
            values[name] = value.detach().cpu().numpy().copy()
    if not values:
        raise InputError("from_torch: the module has no trained parameters, expected some with requires_grad")
    return values


def _refuse_random(module: torch.nn.Module) -> None:
    for name, layer in module.named_modules():
        if isinstance(layer, RANDOM) and layer.training and getattr(layer, "p", 1.0) > 0:
            raise InputError(
                f"from_torch: {name or 'the module'} ({type(layer).__name__}) draws random numbers in training mode,"
                f" expected none; call .eval() on that layer, or leave it out"
            )
