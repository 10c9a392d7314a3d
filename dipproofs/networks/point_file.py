"""Trained parameters in files: `.npz`, safetensors, torch checkpoints; for `dipproofs certify … --at FILE`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.arguments.arrays import exact_array
from dipproofs.errors import InputError, one_line

_THETA, _STATE = "theta/", "state/"
#: Suffixes of torch checkpoints.
_TORCH = (".pt", ".pth", ".ckpt", ".bin")
#: Names of buffers of torch's layers, which a state_dict lists among the parameters.
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
#: Arrays of torch optimisers, and what they are called here.
_ARRAYS = {"momentum_buffer": "velocity", "exp_avg": "m", "exp_avg_sq": "v"}
_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}
_LARGEST_HEADER = 2**26


@dataclass(frozen=True)
class Point:
    """Parameters, and the state of the method that trained them.

    Args:
        parameters: by leaf path ("0/weight"). state: by the name after ``state/`` ("velocity/0/weight").
        options: what a torch optimiser knows: "lr", "momentum" (β₁), "beta2", "epsilon".
        nesterov: whether it is Nesterov's momentum.
        foreign: why that optimiser is no method whose state could be continued.
    """

    parameters: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)
    foreign: str | None = None
    nesterov: bool | None = None

    def state_for(self, asked: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the state for a method with these options.

        Args:
            asked: "method", "step", "momentum", "beta2", "epsilon", as far as they are given.

        Raises:
            InputError: the optimiser that left the state is another method, or has other options.
        """
        if self.foreign is not None:
            raise InputError(f"--at: the optimizer has {self.foreign}; leave descent.method out for existence alone")
        if self.nesterov is not None and asked.get("method") in ("heavy-ball", "nesterov"):
            method = "nesterov" if self.nesterov else "heavy-ball"
            if asked["method"] != method:
                raise InputError(
                    f"--at: the optimizer has nesterov = {self.nesterov}, expected descent.method = {method}"
                )
        defaults = {"momentum": 0.9, "beta2": 0.999, "epsilon": 1e-8} if asked.get("method") == "adam" else {}
        for key, found in self.options.items():
            name = "step" if key == "lr" else key
            expected = asked.get(name) if asked.get(name) is not None else defaults.get(name)
            if isinstance(expected, int | float) and float(expected) != found:
                raise InputError(
                    f"--at: the optimizer has {key} = {found:g}, expected descent.{name} = {float(expected):g}"
                    " as in the problem file; make them the same"
                )
        return dict(self.state)

    def of(self, network: Any) -> Any:
        """Return a network with these parameters.

        Raises:
            InputError: a parameter is missing, unknown or misshapen.
        """
        known = network.parameters()
        missing = [name for name in known if name not in self.parameters]
        if missing:
            found = ", ".join(list(self.parameters)[:6]) or "none"
            raise InputError(f"--at: found {found}, expected {', '.join(known)}; there is no {missing[0]}")
        return network.with_parameters({name: exact_array(self.parameters[name], f"--at: {name}") for name in known})


def read_point(path: Path | str) -> Point:
    """Read parameters (and a method's state) from a file.

    Args:
        path: `.npz` with names as in certificates (``theta/0/weight`` or ``0/weight``; of two layers W, V),
            `.safetensors`, or a torch file with a state_dict or ``{"model": …, "optimizer": …}``. Dots in names
            become ``/``. The numbers are kept exactly.

    Raises:
        InputError: no such file, another format, pickled objects, or two different arrays of one name.
    """
    path = Path(path)
    if not path.is_file():
        found = "found a directory" if path.is_dir() else "no such file"
        raise InputError(f"--at {path}: {found}, expected parameters in .npz, .safetensors or a torch file")
    try:
        if path.suffix == ".safetensors":
            return _split(_safetensors(path))
        if path.suffix in _TORCH:
            return _torch(path)
        with np.load(path, allow_pickle=False) as stored:
            return _split({name: stored[name] for name in stored.files})
    except InputError:
        raise
    except Exception as error:  # damaged files raise many kinds
        reason = one_line(error, 120)
        expected = "expected .npz, .safetensors or a torch file"
        raise InputError(f"--at {path}: cannot be read ({reason}); {expected}") from None


def _split(arrays: Mapping[str, np.ndarray]) -> Point:
    parameters: dict[str, np.ndarray] = {}
    state: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        path = name.replace(".", "/")
        of_method = path.startswith(_STATE)
        kept, short = (state if of_method else parameters), path.removeprefix(_STATE if of_method else _THETA)
        if short in kept and not np.array_equal(kept[short], array):
            raise InputError(f"--at: found two different arrays {short}, expected one; give its file without the other")
        kept[short] = array
    return Point(parameters, state)


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    """Read the format itself: eight bytes of length, a header in JSON, the numbers."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    if not 0 < size <= min(_LARGEST_HEADER, len(content) - 8):
        raise ValueError("no header of safetensors")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            raw = np.frombuffer(data[start:end], "<u2").astype(np.uint32) << 16
            flat = raw.view(np.float32)
        else:
            flat = np.frombuffer(data[start:end], np.dtype(_DTYPES[entry["dtype"]]).newbyteorder("<"))
        arrays[name] = flat.reshape(entry["shape"])
    return arrays


def _torch(path: Path) -> Point:
    try:
        import torch
    except ImportError:
        raise InputError(
            f"--at {path}: torch is not installed, which its own files need; save them as .safetensors or .npz"
        ) from None
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    optimizer = None
    if isinstance(loaded, Mapping) and "model" in loaded:
        loaded, optimizer = loaded["model"], loaded.get("optimizer")
    if not isinstance(loaded, Mapping):
        raise ValueError("no state_dict")
    parameters = {name.replace(".", "/"): _array(value) for name, value in loaded.items() if hasattr(value, "detach")}
    if not optimizer:
        return Point(parameters)
    group = optimizer["param_groups"][0]
    nesterov = bool(group["nesterov"]) if "nesterov" in group else None
    return Point(parameters, *_optimizer_state(optimizer, parameters), nesterov)


def _array(tensor: Any) -> np.ndarray:
    array = tensor.detach().cpu()
    exact = str(array.dtype) in ("torch.float32", "torch.float64")
    return np.asarray(array.numpy() if exact else array.float().numpy())


def _optimizer_state(
    optimizer: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, float], str | None]:
    """Translate a torch optimiser: velocity is −lr·buffer, the displacement that momentum multiplies next.

    Returns:
        The state, the options, and why they are no state of a method here, if they are not.
    """
    groups = optimizer["param_groups"]
    options = _options(groups[0])
    reason = next(filter(None, map(_foreign, groups)), None)
    if any((_options(group), group.get("nesterov")) != (options, groups[0].get("nesterov")) for group in groups[1:]):
        reason = "parameter groups with different options, expected the same for all"
    names, count = _trained(groups, list(parameters)), sum(len(group["params"]) for group in groups)
    if len(names) != count:
        reason = reason or (
            f"{count} parameters for the {len(names)} of the model, expected as many; make the optimizer of"
            " module.named_parameters()"
        )
    state: dict[str, np.ndarray] = {}
    for index, entry in optimizer.get("state", {}).items() if reason is None else ():
        name = names[int(index)]
        arrays = {key: _array(value) for key, value in entry.items() if key in _ARRAYS and value is not None}
        if any(name not in parameters or array.shape != parameters[name].shape for array in arrays.values()):
            return {}, options, f"a state for {name} of another shape; make the optimizer of module.named_parameters()"
        for key, array in arrays.items():
            state[f"{_ARRAYS[key]}/{name}"] = -options["lr"] * array if key == "momentum_buffer" else array
        if "step" in entry and "exp_avg" in entry:
            state["t"] = np.asarray(float(entry["step"]))
    return state, options, reason


def _options(group: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a group by the names that problem files have for them."""
    found = {"lr": group.get("lr"), "momentum": group.get("momentum"), "epsilon": group.get("eps")}
    if "betas" in group:
        found["momentum"], found["beta2"] = group["betas"]
    return {key: float(value) for key, value in found.items() if value is not None}


def _foreign(group: Mapping[str, Any]) -> str | None:
    """What a group asks for that no method here does."""
    if "alpha" in group or ("betas" in group and "amsgrad" not in group):  # RMSprop; NAdam, RAdam, Adamax
        return "the options of neither SGD nor Adam, expected one of these"
    asked = next((key for key in ("weight_decay", "dampening", "maximize", "amsgrad") if group.get(key)), None)
    if asked is None:
        return None
    return f"{asked} = {group[asked]}, which no method has; expected an optimizer without it"


def _trained(groups: list[Mapping[str, Any]], names: list[str]) -> list[str]:
    """Names of the optimiser's parameters in its order; without its own names, those of the model but for buffers."""
    if all("param_names" in group for group in groups):
        return [name.replace(".", "/") for group in groups for name in group["param_names"]]
    return [name for name in names if name.split("/")[-1] not in _BUFFERS]
