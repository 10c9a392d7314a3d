"""Trained parameters in files: `.npz`, safetensors, torch checkpoints; for `dipproofs certify … --at FILE`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.errors import InputError, one_line

_THETA, _STATE = "theta/", "state/"
#: Suffixes of torch checkpoints.
_TORCH = (".pt", ".pth", ".ckpt", ".bin")
_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}
_LARGEST_HEADER = 2**26


@dataclass(frozen=True)
class Point:
    """Parameters, and the state of the method that trained them.

    Args:
        parameters: by leaf path ("0/weight"). state: by the name after ``state/`` ("velocity/0/weight").
        options: what a torch optimiser knows: "momentum", "lr".
    """

    parameters: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)

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
        return network.with_parameters({name: self.parameters[name] for name in known})


def read_point(path: Path | str) -> Point:
    """Read parameters (and a method's state) from a file.

    Args:
        path: `.npz` with names as in certificates (``theta/0/weight`` or ``0/weight``; of two layers W, V),
            `.safetensors`, or a torch file with a state_dict or ``{"model": …, "optimizer": …}``. Dots in names
            become ``/``.

    Raises:
        InputError: no such file, another format, or pickled objects.
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
    parameters, state = {}, {}
    for name, array in arrays.items():
        path = name.replace(".", "/")
        if path.startswith(_STATE):
            state[path.removeprefix(_STATE)] = array
        else:
            parameters[path.removeprefix(_THETA)] = array
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
        arrays[name] = flat.reshape(entry["shape"]).astype(np.float64 if flat.dtype == np.float64 else np.float32)
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
    state, options = _optimizer_state(optimizer, list(parameters)) if optimizer else ({}, {})
    return Point(parameters, state, options)


def _array(tensor: Any) -> np.ndarray:
    array = tensor.detach().cpu()
    exact = str(array.dtype) in ("torch.float32", "torch.float64")
    return np.asarray(array.numpy() if exact else array.float().numpy())


def _optimizer_state(optimizer: Mapping[str, Any], names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Translate a torch optimiser: velocity is −lr·buffer, the displacement that momentum multiplies next."""
    group = optimizer["param_groups"][0]
    options = {key: float(group[key]) for key in ("lr", "momentum") if isinstance(group.get(key), int | float)}
    state: dict[str, np.ndarray] = {}
    for index, entry in optimizer.get("state", {}).items():
        name = names[int(index)]
        if entry.get("momentum_buffer") is not None:
            state[f"velocity/{name}"] = -options["lr"] * _array(entry["momentum_buffer"])
        for key, letter in (("exp_avg", "m"), ("exp_avg_sq", "v")):
            if key in entry:
                state[f"{letter}/{name}"] = _array(entry[key])
        if "step" in entry and "exp_avg" in entry:
            state["t"] = np.asarray(float(entry["step"]))
    return state, options
