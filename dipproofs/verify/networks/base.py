"""What the verifier asks of a kind of network: a module with two functions, `architecture` and `interpret`.

A new kind is one module beside this one and a line in `INTERPRETERS`; its arrays and options are data in
`theory.architectures` (`formats`). It recomputes from the stored arrays, with the verifier's own arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from flint import arb

from dipproofs.certificate.read import Claim
from dipproofs.theory.architectures import Architecture
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.forward import Operator

if TYPE_CHECKING:
    from dipproofs.verify.methods.state import State

#: The quantities that are claimed, by JSON name.
Claims = Mapping[str, Claim]


class Interpreter(Protocol):
    """A network, read.

    Attributes:
        operator: that follows it. y: data, as a column.
        values: balls by symbol, for `architecture.base` and σ_A, ‖A‖; what is only bounded from one side (ℓ_A: from
            above) is that bound, the worst case. What a certificate claims must contain them.
        signal, prediction: g(θ) and A g(θ), columns; offset: what is added to every output.
    """

    operator: Operator
    values: dict[Any, arb]
    y: Matrix
    signal: Matrix
    prediction: Matrix
    offset: Matrix

    def state(self) -> State:
        """M there, for theorems about methods with a state."""


class Kind(Protocol):
    """A module of this package."""

    def architecture(self, network: Mapping[str, Any]) -> Architecture:
        """Return what the theorem knows of such a network; ``network`` is the record's description."""

    def interpret(
        self, arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], operator: Operator, claims: Claims
    ) -> Interpreter:
        """Read a network from its arrays; ``claims`` hold, for instance, the radius that is claimed.

        Raises:
            ValueError: arrays or a description that are not of the format.
        """
