"""Objects of SciPy, PyLops, lineax, scico, deepinv, ODL and SigPy, known by what they offer, never imported."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dipproofs.errors import InputError
from dipproofs.operators.adapters.compositions import Adapt, composition, lineax_structure
from dipproofs.operators.adapters.functions import from_functions, required_shape
from dipproofs.operators.adapters.tabulate import Probe, flat_result, guarded, tabulate
from dipproofs.operators.operator import Operator
from dipproofs.operators.structure import Structure, algebra
from dipproofs.operators.structure.recognise import agrees

_SMALL = 2**20
"""Entries up to which the tags of lineax are compared with the matrix."""


def is_linear_operator(A: Any) -> bool:
    """Whether A is a LinearOperator of SciPy or PyLops."""
    return hasattr(A, "matvec") and hasattr(A, "shape")


def from_linear_operator(A: Any, unknowns: str | None, adapt: Adapt) -> Operator:
    """Adapt a LinearOperator of SciPy or PyLops, its parts by `adapt`; without `rmatvec` the transpose is tabulated."""
    m, n = (int(size) for size in A.shape)
    if m < 1 or n < 1:
        raise InputError(f"operator: found an empty linear operator of shape {(m, n)}, expected at least 1×1")
    stated = getattr(A, "dtype", None)
    number = np.dtype(np.float64 if stated is None else stated)

    def argument(values: np.ndarray) -> np.ndarray:
        return values.astype(np.result_type(number, values.dtype) if number.kind == "c" else values.dtype)

    def forward(x: np.ndarray) -> np.ndarray:
        result = flat_result(guarded(A.matvec, "matvec")(argument(x)), m, "matvec")
        return _as_stated(result, number)

    def adjoint(w: np.ndarray) -> np.ndarray:
        return _as_stated(flat_result(guarded(A.rmatvec, "rmatvec")(argument(w)), n, "rmatvec"), number)

    dims = getattr(A, "dims", None)
    shape = tuple(int(size) for size in dims) if dims is not None and np.size(dims) and math.prod(dims) == n else (n,)
    found = composition(A, adapt) if number.kind != "c" else None
    probe = Probe(forward, adjoint if _has_adjoint(A, m) else None, n, shape, candidate=found)
    return tabulate(probe, unknowns)


def _as_stated(values: np.ndarray, number: np.dtype) -> np.ndarray:
    """A complex operator gives complex numbers; one in single precision no more than that."""
    if number.kind == "c":
        return values.astype(np.result_type(values.dtype, np.complex64))
    if number == np.float32 and values.dtype == np.float64 and np.array_equal(values.astype(np.float32), values):
        return values.astype(np.float32)
    return values


def _has_adjoint(A: Any, m: int) -> bool:
    try:
        A.rmatvec(np.zeros(m))
    except NotImplementedError:
        return False
    except Exception:  # reported by the dot test
        pass
    return True


def is_lineax(A: Any) -> bool:
    """Whether A is an operator of lineax."""
    return callable(getattr(A, "as_matrix", None)) and callable(getattr(A, "in_structure", None))


def from_lineax(A: Any, adapt: Callable[[Any], Operator]) -> Operator:
    """Adapt an operator of lineax by its matrix."""
    matrix = np.asarray(guarded(lambda _: A.as_matrix(), "as_matrix")(None))
    shape = getattr(A.in_structure(), "shape", None)
    operator = adapt(matrix)
    operator.domain_shape = tuple(shape) if shape is not None and len(shape) == 2 else operator.domain_shape
    return operator


def structure_of_lineax(A: Any, adapt: Adapt) -> Structure | None:
    """Give the structure that an operator of lineax on real vectors states by its kind or tags, if true."""
    vector = A.in_structure()
    if len(getattr(vector, "shape", ())) != 1 or np.dtype(vector.dtype).kind != "f":
        return None
    found = lineax_structure(A, adapt)

    def forward(x: np.ndarray) -> np.ndarray:
        import jax.numpy as jnp

        return flat_result(guarded(A.mv, "mv")(jnp.asarray(x, vector.dtype)), None, "mv")

    if found is None or not agrees(forward, found):
        return None
    if math.prod(found.shape) <= _SMALL and not np.allclose(A.as_matrix(), found.dense(), rtol=1e-5, atol=0):
        raise InputError(
            f"operator: found a lineax operator that is {found.kind} by its tags but not by its matrix, expected true "
            "tags; leave them out"
        )
    return found


def is_scico(A: Any) -> bool:
    """Whether A is a linear operator of scico."""
    return callable(A) and hasattr(A, "input_shape") and hasattr(A, "input_dtype") and callable(getattr(A, "adj", None))


def from_scico(A: Any, unknowns: str | None, adapt: Adapt) -> Operator:
    """Adapt a linear operator of scico, in its own precision; its parts by `adapt`."""
    shape = A.input_shape
    if not all(isinstance(size, int) for size in shape):
        raise InputError(
            f"operator: found a scico operator on a block array of shapes {shape}, expected one array; adapt a "
            "function of one array, as_operator(function, in_shape=(n,))"
        )
    number = np.dtype(A.input_dtype)

    def cast(values: np.ndarray, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        import jax.numpy as jnp

        return jnp.asarray(values.astype(dtype).reshape(shape), dtype)

    def forward(x: np.ndarray) -> np.ndarray:
        result = flat_result(guarded(lambda v: A(cast(v, number, tuple(shape))), "A")(x), None, "A")
        # with 64-bit mode on, results of arithmetic in single precision may come as float64
        return _in_single(result) if number in (np.float32, np.complex64) else result

    def adjoint(w: np.ndarray) -> np.ndarray:
        out = np.dtype(A.output_dtype)
        return flat_result(guarded(lambda v: A.adj(cast(v, out, tuple(A.output_shape))), "adj")(w), None, "adj")

    found = composition(A, adapt) if number.kind != "c" else None
    probe = Probe(forward, adjoint, math.prod(shape), tuple(shape), real_only=number.kind != "c", candidate=found)
    return tabulate(probe, unknowns)


def _in_single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.complex64 if np.iscomplexobj(values) else np.float32)


def is_physics(A: Any) -> bool:
    """Whether A has methods `A` and `A_adjoint`, such as a deepinv physics."""
    return callable(getattr(A, "A", None)) and callable(getattr(A, "A_adjoint", None))


def from_physics(
    A: Any,
    in_shape: Sequence[int] | int | None,
    convert: Callable[[np.ndarray], Any] | None,
    dtype: str | None,
    unknowns: str | None,
) -> Operator:
    """Adapt a deepinv physics; of its own objects the shape and the tensors are found out."""
    torch_based = any(base.__module__.startswith("torch.") for base in type(A).__mro__)
    size = _image_size(A)
    if in_shape is None and torch_based and size is not None:
        in_shape = (1, *(int(s) for s in size))
    shape = required_shape(in_shape)
    if type(A).__name__ == "StackedLinearPhysics":
        parts = [from_physics(part, shape, convert, dtype, unknowns) for part in A.physics_list]
        return _stacked(parts, type(A).__name__)
    forward, adjoint = A.A, A.A_adjoint
    if torch_based and convert is None:
        import torch

        tensors = [*A.parameters(), *A.buffers()]
        device = tensors[0].device if tensors else "cpu"

        def convert(array: np.ndarray) -> Any:
            return torch.from_numpy(array).to(device)

        forward, adjoint = torch.no_grad()(forward), torch.no_grad()(adjoint)
        dtype = dtype or _working_precision(forward, convert, shape)
    kind = type(A).__name__ if torch_based else "matrix"
    found = composition(A, lambda part: from_physics(part, None, convert, None, None)) if torch_based else None
    how: dict[str, Any] = {"convert": convert, "dtype": dtype, "unknowns": unknowns, "kind": kind, "candidate": found}
    return from_functions(forward, adjoint, shape, **how)


def _image_size(A: Any) -> Any:
    """The size of a physics' images; of a composition that of the physics that is applied first."""
    named = (getattr(A, name, None) for name in ("img_size", "imsize"))
    size, parts = next((size for size in named if size is not None), None), list(getattr(A, "physics_list", ()))
    return _image_size(parts[0]) if size is None and parts else size


def _stacked(parts: Sequence[Operator], kind: str) -> Operator:
    if any(part.complex_data for part in parts):
        raise InputError(
            f"operator: found {kind} of complex operators, expected real ones; adapt a function of the whole"
        )
    return Operator(algebra.stack([part.structure for part in parts]), kind=kind, domain_shape=parts[0].domain_shape)


def _working_precision(forward: Any, convert: Any, shape: tuple[int, ...]) -> str:
    """float64 where the physics takes it, else float32."""
    try:
        forward(convert(np.zeros(shape)))
    except Exception:  # "expected Float but found Double": any kind, of any version
        return "float32"
    return "float64"


def is_callable_with_adjoint(A: Any) -> bool:
    """Whether A is an operator object of ODL (`domain`, `adjoint`) or SigPy (`ishape`, `H`)."""
    odl = hasattr(A, "adjoint") and hasattr(getattr(A, "domain", None), "shape")
    return callable(A) and (odl or (hasattr(A, "ishape") and hasattr(A, "H")))


def from_callable_with_adjoint(A: Any, dtype: str | None, unknowns: str | None) -> Operator:
    """Adapt an operator object of ODL or SigPy."""
    shape, adjoint = (A.ishape, A.H) if hasattr(A, "ishape") else (A.domain.shape, A.adjoint)
    return from_functions(A, adjoint, required_shape(shape), dtype=dtype, unknowns=unknowns)
