"""The interface of a network: all that descent, certificates and reports know of what is trained.

A network is a frozen value: parameters and fixed arrays as exact floats, copied and read-only. Whoever certifies asks
it for enclosures by symbol of `dipproofs.theory.symbols`; which symbols, and what follows from them on a ball, is the
business of its `architecture` (data in `dipproofs.theory.architectures`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import sympy as sp

from dipproofs.enclosures import Bound, IntervalVector
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.theory.architectures import Architecture

if TYPE_CHECKING:
    from jaxtyping import Float

#: Arrays that one test along a run leaves for the next; a network may keep what it likes there.
Workspace = MutableMapping[str, Any]


@dataclass(frozen=True, eq=False)
class Enclosure:
    """What a network contributes to a certificate at one iterate.

    Args:
        values: Bound by symbol, for those of ``architecture.base`` that numerics enclose; they are published with some
            slack, so that another arithmetic can confirm them.
        prediction: enclosure of A g(θ), (m,).
        constants: Bound by symbol, for those of ``architecture.base`` that are published as they are (sizes, radii).
    """

    values: Mapping[sp.Symbol, Bound]
    prediction: IntervalVector
    constants: Mapping[sp.Symbol, Bound] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """Networks that differ in their width and in what was drawn.

    Args:
        width: of the network that they are like.
        widest: from a number of entries to the largest width at which no layer has more.
        draw: from (width, seed) to a fresh network.
    """

    width: int
    widest: Callable[[int], int]
    draw: Callable[[int, int], Network]


class Network(Protocol):
    """A network with explicit parameters θ; frozen. Classes may inherit from it for the defaults.

    Notes:
        ``A`` below is the operator of `operator`, a pair of which the network knows the composition: for a synthesis
        generator g = B h it is AB (`basis`), and ``n`` the number of rows of B.
    """

    @property
    def kind(self) -> str:
        """Name in certificates, e.g. "graph"."""

    @property
    def n(self) -> int:
        """Number of outputs, the size of the signal."""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the signal, of size n."""

    @property
    def dtype(self) -> np.dtype:
        """Number format of the run, float32 or float64."""

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""

    @property
    def architecture(self) -> Architecture:
        """Constants, hypotheses and profiles that the network brings to the theorem."""

    @property
    def basis(self) -> np.ndarray | None:
        """B (n, r) of a synthesis generator g = B h(θ) + o, else None."""
        return None

    @property
    def output_offset(self) -> float:
        """o: added to every output."""
        return 0.0

    def parameters(self) -> dict[str, Float[np.ndarray, "..."]]:
        """Return the trained parameters by name (the leaf's path, parts joined by "/"); exact, read-only."""

    def with_parameters(self, values: Mapping[str, np.ndarray]) -> Self:
        """Return the network with other trained parameters.

        Raises:
            InputError: a name is missing or unknown, a shape differs, an entry is not finite.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays that a certificate stores, by their keys in ``arrays.npz``."""

    def describe(self) -> dict[str, Any]:
        """Return the JSON value of ``certificate["network"]``, with its ``kind``."""

    def output(self) -> Float[np.ndarray, " n"]:
        """Return g(θ), (n,), in floats; evidence estimated."""

    def program(self, *, full: bool = False) -> Any:
        """Return the pure functions of JAX arrays that the descent runs (see `descent.program.Program`).

        Args:
            full: over the parameters themselves, for methods whose iterates leave the span of past gradients.
        """

    def signal(self) -> IntervalVector:
        """Enclose g(θ), (n,); evidence proved."""

    def prediction(self, operator: OperatorBounds) -> IntervalVector:
        """Enclose A g(θ), (m,), whatever the rank of A; evidence proved."""
        return (operator.matrix if operator.exact is None else operator.exact) @ self.signal()

    def enclose(
        self,
        operator: OperatorBounds,
        y: Float[np.ndarray, " m"],
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
    ) -> Enclosure:
        """Enclose the base quantities of the architecture at θ; evidence proved.

        Args:
            operator: bounds of A. y: (m,) data. loss: runtime loss.
            radius: of the ball on which constants have to hold, where the architecture has a hypothesis ``ball``;
                None lets the network choose.
            unprojected: also enclose what forms about J itself need (σ_min(J)); ignored where there are none.
        """

    def estimate(
        self,
        operator: OperatorBounds,
        y: Float[np.ndarray, " m"],
        loss: Any,
        *,
        radius: float | None = None,
        unprojected: bool = False,
        workspace: Workspace | None = None,
    ) -> Enclosure:
        """Estimate the same in floats, with the same keys; evidence estimated, for the search along a run."""

    def proof_cost(self, operator: OperatorBounds) -> float:
        """Return about how many multiplications `enclose` needs (it decides about threads)."""

    def output_range(self) -> tuple[float, float]:
        """Return an open interval that holds every entry of g(θ) for every θ; the whole line where none is known."""
        return -math.inf, math.inf

    def proof_announcement(self, operator: OperatorBounds) -> str:
        """Say in one line what a proof will need, where that is much; else ""."""
        return ""

    def require_memory(self, operator: Any) -> None:
        """Refuse a problem whose certificates need more memory than there is, before anything is computed.

        Raises:
            InputError: one line with a cure.
        """
        return

    def family(self) -> Family | str:
        """Return how networks of other widths are drawn as this one was, or why they cannot be."""
        return "widths are searched for two-layer networks only"

    def never_injective(self, rank: int | None) -> str:
        """Return why s_A(θ) = 0 for every θ, with a cure; "" if that is not known. ``rank``: of A, None if unknown."""
        return ""
