"""Make the matrix of a map from its values on the unit vectors, and test the map against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.arguments.arrays import exact_array, to_numpy
from dipproofs.errors import InputError, one_line
from dipproofs.operators.adapters.real_stacks import require_unknowns, stack_matrix, stack_vector, unstack_vector
from dipproofs.operators.dot_test import dot_test, is_linear
from dipproofs.operators.operator import Operator, check_size
from dipproofs.operators.structure import Structure
from dipproofs.operators.structure.recognise import agrees, recognise

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Probe:
    """A linear map as functions of flat NumPy arrays, real or complex.

    Args:
        forward: x (n,) ↦ A x, flat.
        adjoint: w (m,) ↦ A* w, flat, or None: then it is the transpose of the tabulated matrix.
        columns: n.
        domain_shape: what x is a flat form of.
        kind: what reports call the operator.
        real_only: x cannot be complex.
        candidate: a structure that the map may have; it is tried before others are looked for.
    """

    forward: Map
    adjoint: Map | None
    columns: int
    domain_shape: tuple[int, ...] | None = None
    kind: str = "matrix"
    real_only: bool = False
    candidate: Structure | None = None


def tabulate(probe: Probe, unknowns: str | None = None) -> Operator:
    """Apply a map to the unit vectors and keep the numbers that it gave.

    Args:
        probe: the map.
        unknowns: whether x of a map with complex values is "complex" or "real"; by default complex if the map is
            complex-linear.

    Raises:
        InputError: not linear, an adjoint that is none, or values that no operator has.
    """
    picture = picture_shape(probe.domain_shape)
    structure = _structure(probe) if unknowns is None else None
    if structure is not None:
        return Operator(structure, kind=probe.kind, domain_shape=picture)
    matrix = _columns(probe)
    complex_range, complex_domain = np.iscomplexobj(matrix), False
    if complex_range:
        _refuse_rounding(matrix)
        chosen = unknowns or _choose(probe, matrix)
        matrix, complex_domain = stack_matrix(matrix, chosen), chosen == "complex"
    elif unknowns is not None:
        require_unknowns(unknowns)
    tags: dict[str, Any] = {"complex_signal": complex_domain, "complex_data": complex_range}
    operator = Operator(matrix, kind=probe.kind, domain_shape=picture, **tags)
    sides: dict[str, Any] = {"complex_domain": complex_domain, "complex_range": complex_range}
    dot_test(*_realified(probe, **sides), operator.to_dense(), "operator", roundoff=_roundoff(matrix), **sides)
    return operator.complexified() if unknowns == "complex" else operator


def _roundoff(matrix: np.ndarray) -> float:
    return 2.0**-24 if matrix.dtype in (np.float32, np.complex64) else 2.0**-53


def _structure(probe: Probe) -> Structure | None:
    """The structure of a real map whose adjoint passes the dot test, without tabulating it."""
    if np.iscomplexobj(probe.forward(np.ones(probe.columns))):
        return None
    try:
        found = probe.candidate
        if found is None or found.shape[1] != probe.columns or not agrees(probe.forward, found):
            found = recognise(probe.forward, probe.columns, probe.domain_shape)
    except InputError:  # said where the matrix is tabulated
        return None
    if found is None or probe.adjoint is None:
        return found
    rng = np.random.default_rng(3)
    for _ in range(2):
        w = np.asarray(rng.integers(-8, 9, found.shape[0]) / 8.0)
        image, expected = probe.adjoint(w), found.rmatvec(w)
        single = np.float32 in (image.dtype, probe.forward(np.ones(probe.columns)).dtype)
        size = float(np.linalg.norm(expected)) + float(np.linalg.norm(w))
        if np.iscomplexobj(image) or not np.abs(image - expected).max() <= 1e3 * size * 2.0 ** (-24 if single else -53):
            return None  # the dot test says what is wrong
    return found


def guarded(function: Callable[..., Any], name: str) -> Callable[[Any], Any]:
    """Give a function whose exceptions are one line about the operator."""

    def call(argument: Any) -> Any:
        try:
            return function(argument)
        except InputError:
            raise
        except Exception as error:
            reason = one_line(error, 200)
            if "Tensor" in reason and isinstance(argument, np.ndarray):
                reason += "; functions of torch tensors need convert=torch.from_numpy"
            raise InputError(
                f"operator: {name} failed on an argument of shape {np.shape(argument)}: {reason}"
            ) from None

    return call


def flat_result(value: Any, length: int | None, name: str) -> np.ndarray:
    """Give the finite numbers, real or complex, that a function returned, flat."""
    array = exact_array(to_numpy(value), f"operator: result of {name}", complex_allowed=True).ravel()
    if length is not None and array.size != length:
        raise InputError(f"operator: {name} gave {array.size} numbers, expected {length}")
    return array


def _columns(probe: Probe) -> np.ndarray:
    unit = np.zeros(probe.columns)
    columns: list[np.ndarray] = []
    for j in range(probe.columns):
        unit[j] = 1.0
        columns.append(probe.forward(unit.copy()))
        unit[j] = 0.0
        if j == 0:
            check_size(columns[0].size, probe.columns)
        if columns[j].size != columns[0].size:
            raise InputError("operator: A gives results of different lengths, expected m numbers each time")
    return np.stack(columns, axis=1)


def picture_shape(shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """(height, width) of a signal given as (height, width), (1, height, width) or (1, 1, height, width)."""
    if shape is None or len(shape) < 2 or any(size != 1 for size in shape[:-2]):
        return None
    return tuple(shape[-2:])


def _refuse_rounding(matrix: np.ndarray) -> None:
    real, imaginary = float(np.abs(matrix.real).max()), float(np.abs(matrix.imag).max())
    noise = 64 * _roundoff(matrix)
    if 0 <= imaginary <= noise * real:
        raise InputError(
            f"operator: A gives complex numbers whose imaginary parts ({imaginary:.1g}) are rounding; return .real"
        )


def _choose(probe: Probe, matrix: np.ndarray) -> str:
    """Complex where the map is complex-linear, real where it takes real signals only."""
    if probe.real_only:
        return "real"
    forward, _ = _realified(probe, complex_domain=True, complex_range=True)
    try:
        return "complex" if is_linear(forward, stack_matrix(matrix), _roundoff(matrix)) else "real"
    except InputError:  # complex arguments are refused
        return "real"


def _realified(probe: Probe, *, complex_domain: bool, complex_range: bool) -> tuple[Map, Map | None]:
    """The map and its adjoint between real stacks."""

    def forward(x: np.ndarray) -> np.ndarray:
        image = probe.forward(unstack_vector(x) if complex_domain else x)
        return stack_vector(image) if complex_range else _real(image, "A")

    def adjoint(w: np.ndarray) -> np.ndarray:
        assert probe.adjoint is not None
        image = probe.adjoint(unstack_vector(w) if complex_range else w)
        if complex_domain:
            return stack_vector(image)
        return image.real if complex_range else _real(image, "A_adjoint")

    return forward, None if probe.adjoint is None else adjoint


def _real(values: np.ndarray, name: str) -> np.ndarray:
    if np.iscomplexobj(values):
        raise InputError(f"operator: {name} gave complex numbers here and real ones before; expected one kind")
    return values
