"""Keys of `[network]` for two-layer networks: how they start, or the arrays that they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.arguments.files import take
from dipproofs.arguments.schema import (
    Rule,
    choice,
    integer,
    nearest,
    number,
    rule_field,
    seed,
    show,
    text,
)
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import LARGEST_MATRIX, Operator
from dipproofs.problems.bases import BASES, make_basis
from dipproofs.problems.network_base import NetworkOptions

OUTER_LAWS = ("uniform", "rademacher", "gaussian")
TRAIN = ("both", "inner", "outer")
UNIT_TOLERANCE = 1e-6
"""Stored inputs have ‖u‖ only near 1: this is how near it must be."""


def _activation(value: Any) -> str | None:
    from dipproofs.theory import ACTIVATIONS, EXCLUDED

    if isinstance(value, str) and value.lower() in EXCLUDED:
        raise InputError(f"network.activation: found {show(value)}, refused: {EXCLUDED[value.lower()]}")
    if isinstance(value, str) and value not in ACTIVATIONS:
        raise InputError(
            f"network.activation: found {show(value)}, expected one of {', '.join(ACTIVATIONS)}"
            f"{nearest(value, ACTIVATIONS)}"
        )
    return value if isinstance(value, str) else None


@dataclass(frozen=True, kw_only=True)
class TwoLayerKeys(NetworkOptions):
    """Keys of `[network]` that every two-layer kind has.

    Args:
        activation: φ.
        train: which layers are trained.
        output_offset: a constant added to every output, for losses whose domain is positive.
    """

    activation: str = rule_field(Rule("the name of an activation, such as tanh", _activation), "tanh")
    train: str = choice("both", options=TRAIN)
    output_offset: float = number(0.0)

    def _common(self) -> dict[str, Any]:
        return {"activation": self.activation, "train": self.train, "output_offset": self.output_offset}


@dataclass(frozen=True, kw_only=True)
class TwoLayerOptions(TwoLayerKeys):
    """`kind = "two-layer"`: g(u,θ) = V φ(W u)/√k, randomly initialised.

    Args:
        width: k.
        input_dimension: d.
        seed: of the initialisation.
        outer_law: of the entries of V, with mean 0 and variance 1.
        output_scale: V is multiplied by this, for a start nearer to the offset.
    """

    width: int = integer(64, minimum=1)
    input_dimension: int = integer(5, minimum=1)
    seed: int = seed(3)
    outer_law: str = choice("uniform", options=OUTER_LAWS)
    output_scale: float = number(1.0, above=0.0)

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Initialise the network."""
        return self._initialise(setting, operator.columns)

    def _initialise(self, setting: Setting, outputs: int, basis: np.ndarray | None = None) -> Any:
        from dipproofs.networks import TwoLayer

        if self.width * (outputs + self.input_dimension) > LARGEST_MATRIX:
            key = "input_dimension" if self.input_dimension > max(self.width, outputs) else "width"
            sizes = {"width": f"width {self.width}", "input_dimension": f"input_dimension {self.input_dimension}"}
            other = next(text for name, text in sizes.items() if name != key)
            raise InputError(
                f"network.{key}: found {getattr(self, key)}, with {outputs} outputs and {other} "
                f"that is too large; expected at most {LARGEST_MATRIX} parameters"
            )
        return TwoLayer.init(
            n=outputs,
            width=self.width,
            input_dimension=self.input_dimension,
            seed=self.seed,
            outer_law=self.outer_law,
            output_scale=self.output_scale,
            basis=basis,
            dtype=setting.dtype,
            **self._common(),
        )


@dataclass(frozen=True, kw_only=True)
class SynthesisOptions(TwoLayerOptions):
    """`kind = "two-layer-synthesis"`: g = B h(u,θ) with fixed atoms B (n×r).

    Args:
        basis: where the atoms come from.
        atoms: their number r.
        path: an `.npz` file with key `B`, (n, r), for basis "file", or `images`, (N, n), for "pca".
    """

    basis: str = choice("dct", options=(*BASES, "file"))
    atoms: int | None = integer(None, minimum=1)
    path: str | None = text(None, expected="the path of an .npz file")

    def check(self) -> None:
        """Require the keys that the basis needs."""
        if self.basis == "file" and self.path is None:
            raise InputError('network.path: missing, expected the path of an .npz file with key B (basis = "file")')
        if self.basis != "file" and self.atoms is None:
            raise InputError("network.atoms: missing, expected an integer ≥ 1, the number of atoms")

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Make the atoms and initialise the network."""
        atoms = self._atoms(setting, operator)
        return self._initialise(setting, atoms.shape[1], atoms)

    def _atoms(self, setting: Setting, operator: Operator) -> np.ndarray:
        n, path = operator.columns, self.path or ""
        arrays = setting.load(path) if path else {}
        if self.basis == "file":
            atoms = take(arrays, "B", path, ndim=2)
            _expect(atoms.shape[0] == n, f"{path}: B", f"{atoms.shape}", f"({n}, r), n the columns of A")
            return np.asarray(atoms)
        if path and "images" not in arrays:
            take(arrays, "images", path, ndim=2)
        shape = operator.domain_shape or setting.image_shape(n)
        return make_basis(self.basis, shape, self.atoms or 1, images=arrays.get("images"))


@dataclass(frozen=True, kw_only=True)
class FileNetworkOptions(TwoLayerKeys):
    """`kind = "file"`: the arrays `u` (d,), `W` (k, d), `V` (n, k), and `B` (n, r) if V has r rows.

    ‖u‖ must be within 1e-6 of 1; the arrays are used as they are, never normalised.

    Args:
        path: an `.npz` file, relative to the problem file.
    """

    path: str = text(expected='the path of an .npz file, such as "arrays.npz"')

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Read the network."""
        arrays, n = setting.load(self.path), operator.columns
        u = take(arrays, "u", self.path, ndim=1)
        W = take(arrays, "W", self.path, ndim=2)
        V = take(arrays, "V", self.path, ndim=2)
        check_unit(u, f"{self.path}: u")
        _expect(W.shape[1] == u.shape[0], f"{self.path}: W", f"{W.shape}", f"(k, {u.shape[0]}), d the length of u")
        _expect(V.shape[1] == W.shape[0], f"{self.path}: V", f"{V.shape}", f"(n, {W.shape[0]}), k the rows of W")
        B = take(arrays, "B", self.path, ndim=2) if "B" in arrays else None
        if B is None:
            _expect(V.shape[0] == n, f"{self.path}: V", f"{V.shape}", f"({n}, {W.shape[0]}), n the columns of A")
        else:
            expected = f"({n}, {V.shape[0]}), columns of A × rows of V"
            _expect(B.shape == (n, V.shape[0]), f"{self.path}: B", f"{B.shape}", expected)
        from dipproofs.networks import TwoLayer

        return TwoLayer(u=u, W=W, V=V, basis=B, **self._common())


def check_unit(u: np.ndarray, name: str) -> None:
    """Require ‖u‖ within `UNIT_TOLERANCE` of 1.

    Example:
        >>> check_unit(np.array([3.0, 4.0]), "u")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: u: found ‖u‖ = 5, expected |‖u‖ − 1| ≤ 1e-06; divide u by its norm first
    """
    norm = float(np.linalg.norm(u.astype(np.float64)))
    if not abs(norm - 1.0) <= UNIT_TOLERANCE:
        raise InputError(
            f"{name}: found ‖u‖ = {norm:.9g}, expected |‖u‖ − 1| ≤ {UNIT_TOLERANCE:g}; divide u by its norm first"
        )


def _expect(good: bool, name: str, found: str, expected: str) -> None:
    if not good:
        raise InputError(f"{name}: found shape {found}, expected {expected}")
