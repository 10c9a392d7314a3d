"""The two-layer network g(u,θ) = k^{-1/2} V φ(W u), optionally followed by a fixed linear map B."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import sympy as sp

from dipproofs.enclosures import Bound, IntervalVector
from dipproofs.errors import InputError, named_arguments
from dipproofs.networks.base import Enclosure, Family, Workspace
from dipproofs.networks.linearisation import Linearisation
from dipproofs.networks.two_layer import memory, quantities
from dipproofs.networks.two_layer.enclosure import HiddenLayer, enclose_hidden, enclose_signal
from dipproofs.networks.two_layer.estimates import estimate_network
from dipproofs.networks.two_layer.kernel import Constants, State
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory import ACTIVATIONS, EXCLUDED
from dipproofs.theory.architectures import Architecture
from dipproofs.theory.architectures.two_layer import ARCHITECTURES, TRAIN_MODES

if TYPE_CHECKING:
    from jaxtyping import Float

    from dipproofs.descent.program import Program

#: The layers that are trained, by mode.
TRAINED = {"both": ("W", "V"), "inner": ("W",), "outer": ("V",)}
OUTER_LAWS = ("uniform", "rademacher", "gaussian")
#: Stored inputs have ‖u‖ only near 1; further away than this, they are refused.
INPUT_NORM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class TwoLayer:
    """A two-layer generator with explicit parameters.

    Args:
        u: (d,) fixed input, ‖u‖ = 1 up to 1e-6.
        W: (k, d) inner layer.
        V: (n, k) outer layer, or (r, k) when there is a basis.
        activation: name of φ, see `dipproofs.theory.ACTIVATIONS`.
        train: "both", "inner" (W) or "outer" (V).
        basis: (n, r) fixed linear map B of a synthesis generator g = B h(u, θ), or None.
        output_offset: constant added to every entry of g, for losses with a limited domain.
        outer_law, output_scale: how V was drawn (`init`); None for arrays of which that is not known.

    Raises:
        InputError: wrong shapes, complex or non-finite entries, ‖u‖ ≠ 1, unknown activation.

    Notes:
        Arrays may be float32 or float64; they are taken as the exact numbers they are.
        Source: docs/theory.md §4 (and §7 for the basis).

    Example:
        >>> net = TwoLayer.init(n=10, width=64, input_dimension=5, activation="tanh", train="both", seed=3)
        >>> net.n, net.width, net.input_dimension, net.parameter_count
        (10, 64, 5, 960)
    """

    u: Float[np.ndarray, " d"]
    W: Float[np.ndarray, "k d"]
    V: Float[np.ndarray, "r k"]
    activation: str = "tanh"
    train: str = "both"
    basis: Float[np.ndarray, "n r"] | None = None
    output_offset: float = 0.0
    outer_law: str | None = None
    output_scale: float | None = None

    def __post_init__(self) -> None:
        _check_name("activation", self.activation, tuple(ACTIVATIONS), EXCLUDED)
        _check_name("train", self.train, TRAIN_MODES, {})
        names = ("u", "W", "V") if self.basis is None else ("u", "W", "V", "basis")
        for name in names:
            ndim = 1 if name == "u" else 2
            object.__setattr__(self, name, _exact_array(name, getattr(self, name), ndim))
        k, d = self.W.shape
        if self.u.shape != (d,):
            raise InputError(f"network u: found shape {self.u.shape}, expected ({d},) to match W of shape {(k, d)}")
        if self.V.shape[1] != k:
            raise InputError(f"network V: found shape {self.V.shape}, expected (n, {k}) to match W of shape {(k, d)}")
        if self.basis is not None and self.basis.shape[1] != self.V.shape[0]:
            raise InputError(
                f"network basis: found shape {self.basis.shape}, expected (n, {self.V.shape[0]}) to match V"
            )
        object.__setattr__(self, "output_offset", _number("output_offset", self.output_offset))
        norm = math.sqrt(math.fsum(float(x) ** 2 for x in self.u))
        if abs(norm - 1) > INPUT_NORM_TOLERANCE:
            raise InputError(f"network u: found ‖u‖ = {norm:.6g}, expected 1; divide u by its norm first")

    @classmethod
    @named_arguments
    def init(
        cls,
        n: int,
        width: int,
        input_dimension: int,
        activation: str = "tanh",
        train: str = "both",
        seed: int = 0,
        *,
        outer_law: str = "uniform",
        basis: Any = None,
        dtype: str = "float64",
        output_offset: float = 0.0,
        output_scale: float = 1.0,
    ) -> TwoLayer:
        """Draw a network as in docs/theory.md §6: W iid N(0,1), V iid with variance 1, u uniform on the sphere.

        Args:
            n: number of outputs (atoms of the basis, if there is one).
            width: k. input_dimension: d.
            activation, train: as in the class.
            seed: of NumPy's PCG64; the same seed gives the same bits on every machine.
            outer_law: "uniform" on [−√3, √3], "rademacher" or "gaussian".
            basis: (n_signal, n) matrix B, or None.
            dtype: "float64" or "float32".
            output_offset: as in the class.
            output_scale: V is multiplied by this, for a start nearer to the offset.

        Raises:
            InputError: a size below 1, an unknown name, a seed or a number that is none.
        """
        for name, size in (("n", n), ("width", width), ("input_dimension", input_dimension)):
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise InputError(f"network {name}: found {size!r}, expected an integer ≥ 1")
        _check_name("outer_law", outer_law, OUTER_LAWS, {})
        _check_name("dtype", dtype, ("float64", "float32"), {})
        _check_name("activation", activation, tuple(ACTIVATIONS), EXCLUDED)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"network seed: found {seed!r}, expected an integer ≥ 0")
        output_scale = _number("output_scale", output_scale, above=0.0)
        rng = np.random.default_rng(seed)
        u = rng.standard_normal(input_dimension)
        W = rng.standard_normal((width, input_dimension))
        if outer_law == "uniform":
            V = rng.uniform(-math.sqrt(3), math.sqrt(3), (n, width))
        elif outer_law == "rademacher":
            V = rng.choice(np.array([-1.0, 1.0]), (n, width))
        else:
            V = rng.standard_normal((n, width))
        u, V = u / np.linalg.norm(u), V * output_scale
        with np.errstate(over="ignore"):  # an infinite entry is refused below
            u, W, V = (array.astype(dtype) for array in (u, W, V))
        return cls(
            u, W, V, activation=activation, train=train, basis=basis, output_offset=output_offset,
            outer_law=outer_law, output_scale=output_scale,
        )  # fmt: skip

    def __repr__(self) -> str:
        atoms = "" if self.basis is None else f", atoms={self.V.shape[0]}"
        return (
            f"TwoLayer(n={self.n}, width={self.width}, input_dimension={self.input_dimension}{atoms}, "
            f"activation={self.activation!r}, train={self.train!r}, {self.dtype})"
        )

    @property
    def n(self) -> int:
        """Dimension of the signal g(u, θ)."""
        return int((self.V if self.basis is None else self.basis).shape[0])

    @property
    def width(self) -> int:
        """Number of hidden units k."""
        return int(self.V.shape[1])

    @property
    def input_dimension(self) -> int:
        """Dimension d of the fixed input."""
        return int(self.u.shape[0])

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters p."""
        inner, outer = self.W.size, self.V.size
        return int({"both": inner + outer, "inner": inner, "outer": outer}[self.train])

    @property
    def dtype(self) -> np.dtype:
        """Number format of the run."""
        return np.result_type(self.V, self.W)

    @property
    def kind(self) -> str:
        """Name in certificates."""
        return "two-layer" if self.basis is None else "two-layer-synthesis"

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the signal."""
        return (self.n,)

    @property
    def architecture(self) -> Architecture:
        """Constants, hypotheses and profiles for the theorem."""
        return ARCHITECTURES[self.train]

    def family(self) -> Family | str:
        """Return how networks of other widths are drawn as this one was; the law of V has to be known."""
        if self.outer_law is None:
            return "how the outer layer was drawn is not known; draw the network by TwoLayer.init, or in a problem file"
        rows, d = self.V.shape[0], self.input_dimension
        return Family(self.width, widest=lambda entries: entries // max(rows, d), draw=self._drawn)

    def _drawn(self, width: int, seed: int) -> TwoLayer:
        return type(self).init(
            n=self.V.shape[0],
            width=width,
            input_dimension=self.input_dimension,
            activation=self.activation,
            train=self.train,
            seed=seed,
            basis=self.basis,
            dtype=str(self.dtype),
            output_offset=self.output_offset,
            outer_law=self.outer_law or "uniform",
            output_scale=self.output_scale or 1.0,
        )

    @cached_property
    def constants(self) -> Constants:
        """a_0 = W u and ‖u‖², as floats of the run's format."""
        u = self.u.astype(np.float64)
        a_0 = self.W.astype(np.float64) @ u
        return Constants(a_0.astype(self.dtype), np.asarray(u @ u, self.dtype))

    @cached_property
    def hidden(self) -> HiddenLayer:
        """The enclosed hidden layer, owned by this network: hypotheses and the signal's error both need it."""
        return enclose_hidden(self)

    @cached_property
    def hidden_signal(self) -> IntervalVector:
        """Enclosed h(u, θ), before the basis and the offset."""
        return enclose_signal(self, self.hidden)

    def program(self, *, full: bool = False) -> Program:
        """Return the pure JAX functions of the descent; ``full``: over W and V themselves, not (V, b)."""
        from dipproofs.networks.two_layer.program import compressed_program, full_program

        return full_program(self) if full else compressed_program(self)

    def at(self, state: State) -> TwoLayer:
        """Return the network with the parameters of a state of this network's descent; NumPy's arrays are copied.

        Raises:
            InputError: parameters that are not finite.
        """
        found: dict[str, np.ndarray] = {}
        if state.b is not None:
            b = np.asarray(state.b)
            found["W"] = self.W + np.outer(b, self.u.astype(b.dtype)).astype(self.W.dtype)
        if state.V is not None:
            # JAX's arrays never change, so that V need not be copied; those of a caller may
            found["V"] = np.array(state.V) if isinstance(state.V, np.ndarray) else np.asarray(state.V)
        return self.moved(found)

    def moved(self, leaves: Mapping[str, np.ndarray]) -> TwoLayer:
        """Return the network with other trained layers, by name; they must not be written to.

        Raises:
            InputError: parameters that are not finite.
        """
        moved = object.__new__(type(self))
        moved.__dict__.update({field.name: getattr(self, field.name) for field in fields(self)})
        for name, array in leaves.items():
            moved.__dict__[name] = _frozen(name, array.astype(getattr(self, name).dtype, copy=False))
        return moved

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the trained layers by name."""
        return {name: getattr(self, name) for name in TRAINED[self.train]}

    def with_parameters(self, values: Mapping[str, np.ndarray]) -> Self:
        """Return the network with other trained layers.

        Raises:
            InputError: other names, shapes or entries than those of trained layers.
        """
        known = self.parameters()
        if set(values) != set(known):
            found = ", ".join(sorted(values)) or "none"
            raise InputError(f"network parameters: found {found}, expected {', '.join(known)}")
        for name, array in values.items():
            if np.shape(array) != known[name].shape:
                expected = known[name].shape
                raise InputError(f"network {name}: found shape {np.shape(array)}, expected {expected}")
        return replace(self, **dict[str, Any](values))

    def signal(self) -> IntervalVector:
        """Enclose g(u, θ), (n,); evidence proved."""
        return quantities.whole_signal(self)

    def prediction(self, operator: OperatorBounds) -> IntervalVector:
        """Enclose A g(u, θ), (m,); evidence proved."""
        return quantities.prediction(self, operator)

    def enclose(
        self,
        operator: OperatorBounds,
        y: np.ndarray,
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
    ) -> Enclosure:
        """Enclose the base quantities of docs/theory.md §4; evidence proved. They hold for every radius."""
        return quantities.enclose_network(self, operator, unprojected=unprojected)

    def estimate(
        self,
        operator: OperatorBounds,
        y: np.ndarray,
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
        workspace: Workspace | None = None,
    ) -> Enclosure:
        """Estimate the same in floats; evidence estimated."""
        return estimate_network(self, operator, unprojected=unprojected, workspace=workspace)

    def proof_cost(self, operator: OperatorBounds) -> float:
        """Return about how many multiplications a proof needs."""
        return quantities.proof_cost(self, operator)

    def proof_announcement(self, operator: OperatorBounds) -> str:
        """Say how much memory certificates may take, where it is much; proofs take less time than the run."""
        m, n = operator.matrix.shape
        return memory.announcement(memory.Sizes(m, n, self.width, operator.orthonormal))

    def require_memory(self, operator: Any) -> None:
        """Refuse a problem whose certificates need more memory than the machine has.

        Args:
            operator: A, before it is looked at.

        Raises:
            InputError: one line with a cure.
        """
        mask = self.basis is None and bool(getattr(operator.structure, "distinct", False))
        memory.require(memory.Sizes(operator.shape[0], self.V.shape[0], self.width, mask))

    def never_injective(self, rank: int | None) -> str:
        """Return why s_A(θ) = 0 for every θ, if the network is too narrow for that reason."""
        return quantities.never_injective(self, rank)

    def output_range(self) -> tuple[float, float]:
        """Return the whole line: V is not bounded, or not looked at."""
        return -math.inf, math.inf

    def linearisation(self, operator: OperatorBounds) -> Linearisation:
        """Return M = A ∂g/∂θ here, for theorems about methods with a state."""
        from dipproofs.networks.two_layer.linearisation import TwoLayerLinearisation

        return TwoLayerLinearisation(self, operator)

    def rounding_sizes(self, operator: OperatorBounds) -> Mapping[sp.Symbol, Bound] | None:
        """Return what bounds the rounding of a gradient step here; None where nothing is known of it."""
        from dipproofs.networks.two_layer.rounding import rounding_sizes

        return rounding_sizes(self, operator)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their name in certificates."""
        arrays = {"u": self.u, "W": self.W, "V": self.V}
        return arrays if self.basis is None else {**arrays, "B": self.basis}

    def describe(self) -> dict[str, Any]:
        """Return the JSON description that goes with the arrays."""
        return {
            "kind": self.kind,
            "activation": self.activation,
            "train": self.train,
            "width": self.width,
            "input_dimension": self.input_dimension,
            "output_offset": self.output_offset,
        }

    def output(self) -> Float[np.ndarray, " n"]:
        """Return g(u, θ), (n,), in NumPy (evidence: estimated)."""
        from dipproofs.networks.activation import numpy_activation

        phi, _ = numpy_activation(self.activation)(self.W.astype(np.float64) @ self.u.astype(np.float64))
        h = self.V.astype(np.float64) @ phi / math.sqrt(self.width)
        g = h if self.basis is None else self.basis.astype(np.float64) @ h
        return np.asarray(g + self.output_offset)


def _check_name(key: str, value: Any, valid: tuple[str, ...], excluded: dict[str, str]) -> None:
    if value in valid:
        return
    if isinstance(value, str) and value.lower() in excluded:
        raise InputError(f"network {key}: {value!r} is not covered: {excluded[value.lower()]}")
    raise InputError(f"network {key}: found {value!r}, expected one of {', '.join(valid)}")


def _number(key: str, value: Any, above: float | None = None) -> float:
    from dipproofs.arguments.schema import finite, show

    number = finite(value, above=above)
    if number is None:
        bound = "" if above is None else f" > {above:g}"
        raise InputError(f"network {key}: found {show(value)}, expected a finite number{bound}")
    return number


def _exact_array(name: str, value: Any, ndim: int) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype not in (np.float32, np.float64):
        if array.dtype.kind not in "iu":
            raise InputError(f"network {name}: found dtype {array.dtype}, expected float32 or float64")
        array = array.astype(np.float64)
    if array.ndim != ndim or array.size == 0:
        raise InputError(f"network {name}: found shape {array.shape}, expected {ndim} non-empty dimension(s)")
    return _frozen(name, np.array(array, order="C"))


def _frozen(name: str, array: np.ndarray) -> np.ndarray:
    """Refuse what is not finite, and forbid writing; a finite sum, the quick test, has finite terms."""
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(array.sum()) or np.isfinite(array).all()
    if not finite:
        raise InputError(f"network {name}: found a NaN or infinite entry, expected finite numbers")
    array.setflags(write=False)
    return array
