"""What a certificate says about the signal: recovery error and early stopping (docs/theory.md §7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, IntervalVector, Verdict, enclose, norm, sigma_min
from dipproofs.enclosures.norms import vector_norm
from dipproofs.enclosures.widen import widened
from dipproofs.errors import InputError
from dipproofs.networks import Network
from dipproofs.operators.bounds import OperatorBounds
from dipproofs.recovery.least_squares import least_squares
from dipproofs.recovery.restricted import (
    STATEMENT,
    Frame,
    RestrictedInjectivity,
    fully_expressive,
    on_subspace,
    orthonormal_frame,
)
from dipproofs.theory import recovery as formulas
from dipproofs.theory import symbols as s

ZERO = Bound.exact(0)
#: Slack at the upper end of the distance, relative to ‖x̄‖: another arithmetic finds another nearest point.
_DISTANCE_SLACK = 1e-12
#: Noise below this, relative to the data, is what rounding leaves of none.
_VANISHING = 1e-12


@dataclass(frozen=True)
class Noise:
    """What is known about the noise.

    Args:
        norm: enclosure of ‖Πε‖.
        level: δ ≥ ‖Πε‖, at which early stopping stops.
        source: "x_true", "stated" or "estimated".
    """

    norm: Bound
    level: Bound
    source: str


class Recovery:
    """The part of the recovery theorem that does not change along a run; everything is computed when asked for.

    Args:
        problem: `InverseProblem`. network: any iterate. operator: `bound_operator` of both. loss: runtime loss.
        distance: dist(x̄, Im B) as the user states it, used only when x̄ is not known (evidence: assumed).

    Raises:
        InputError: a distance that is not a finite number ≥ 0.
    """

    def __init__(
        self, problem: Any, network: Network, operator: OperatorBounds, loss: Any, distance: float | None = None
    ) -> None:
        if distance is not None and not (math.isfinite(distance) and distance >= 0):
            raise InputError(f"certificate.distance: found {distance!r}, expected a finite number ≥ 0")
        self.problem, self.operator, self.loss = problem, operator, loss
        self.basis, self.offset = network.basis, network.output_offset
        self._stated_distance = distance

    # --- the operator -----------------------------------------------------------------------------------
    @property
    def coefficients(self) -> int:
        """r, the number of atoms (n without a basis)."""
        return int(self.operator.matrix.shape[1])

    @cached_property
    def injectivity(self) -> RestrictedInjectivity | None:
        """A on Im B, where rank AB = r; None where AB has a kernel."""
        rank = self.operator.rank
        if rank is None or rank < self.coefficients:
            return None
        if self.basis is not None:
            found = on_subspace(self._A, self.basis)
        else:
            statement = "A is injective, so λ_min(A;T) ≥ σ_min(A) for every cone T"
            found = RestrictedInjectivity(Verdict.PROVED, self.operator.sigma, statement, "")
        constant = None if found.constant is None else widened(found.constant)
        return RestrictedInjectivity(found.verdict, constant, found.statement, found.reason)

    @property
    def sigma(self) -> Bound | None:
        """σ_min(AQ), where it is proved to be positive."""
        found = self.injectivity
        return found.constant if found is not None and found.verdict is Verdict.PROVED else None

    @cached_property
    def forward_norm(self) -> Bound:
        """‖A‖ of the forward operator."""
        if self.problem.operator.observed is not None:
            return Bound.exact(1)
        matrix = self._forward
        if matrix.is_exact and _is_mask(matrix.mid):
            return Bound.exact(1)
        return self.operator.norm if self.basis is None else widened(norm(matrix))

    @cached_property
    def _A(self) -> np.ndarray:
        return np.asarray(self.problem.operator.to_dense())

    @cached_property
    def _forward(self) -> IntervalMatrix:
        known = self.operator.exact
        return IntervalMatrix.from_exact(self._A) if known is None else known

    def _image(self, vector: IntervalVector) -> IntervalVector:
        """A·vector; a mask picks entries."""
        if self.operator.orthonormal and self.basis is None:
            return self.operator.apply(vector)
        return self._forward @ vector

    @cached_property
    def _shift(self) -> IntervalVector:
        """o·1, which the generator adds to every signal."""
        return IntervalMatrix.from_exact(np.full(self.problem.operator.columns, float(self.offset)))

    def _projected_norm(self, vector: IntervalVector) -> Bound:
        """‖Πv‖."""
        columns = self.operator.columns
        if columns.identity:
            return vector_norm(vector)
        return vector_norm(columns.coordinates(vector)) / columns.singular_value_range

    # --- the noise --------------------------------------------------------------------------------------
    @cached_property
    def _truth(self) -> IntervalVector | None:
        x = self.problem.x_true
        return None if x is None else IntervalMatrix.from_exact(x)

    @cached_property
    def signal_norm(self) -> Bound:
        """‖x̄‖; only for a known x̄."""
        assert self._truth is not None
        return _size(vector_norm(self._truth))

    @cached_property
    def noise(self) -> Noise | None:
        """‖Πε‖: enclosed if x̄ is known, else as stated, else estimated from what Im(AB) cannot represent."""
        if self._truth is not None:
            size = _size(self._projected_norm(IntervalMatrix.from_exact(self.problem.y) - self._image(self._truth)))
            return Noise(size, size, "x_true")
        stated = self.problem.noise_norm
        if stated is not None:
            whole = self.operator.columns.identity
            return Noise(
                Bound(float(stated) if whole else 0.0, float(stated), Evidence.ASSUMED),
                Bound(float(stated), float(stated), Evidence.ASSUMED),
                "stated",
            )
        m, rank = self.problem.operator.rows, self.operator.rank
        if rank is None or rank >= m:
            return None
        # white noise spreads evenly: what lies outside Im(AB) shows how much lies inside
        size = Bound.estimated(self._outside_estimate() * math.sqrt(rank / (m - rank)))
        return Noise(size, size, "estimated")

    def _outside_estimate(self) -> float:
        assert self.operator.columns.rows is not None
        y = np.asarray(self.problem.y, np.float64) - self.problem.operator.matvec(self._shift.mid)
        C = self.operator.columns.rows.mid
        return float(np.linalg.norm(y - C.T @ np.linalg.lstsq(C.T, y, rcond=None)[0]))

    @cached_property
    def _outside(self) -> Bound | None:
        """‖(I − Π)(ȳ − A o1)‖."""
        if self._truth is None:
            return None
        if self.operator.columns.identity:
            return ZERO
        clean = self._image(self._truth - self._shift)
        return _size(_difference_of_squares(vector_norm(clean), self._projected_norm(clean)))

    # --- the signal -------------------------------------------------------------------------------------
    @cached_property
    def _frame(self) -> Frame | None:
        return None if self.basis is None else orthonormal_frame(self.basis)

    @cached_property
    def distance(self) -> Bound | None:
        """dist(x̄ − o1, Im B): 0 without a basis, enclosed if x̄ is known, else as stated."""
        if self.basis is None:
            return ZERO
        if self._truth is None:
            stated = self._stated_distance
            return None if stated is None else Bound(float(stated), float(stated), Evidence.ASSUMED)
        return self._enclosed_distance()

    def _enclosed_distance(self) -> Bound | None:
        assert self.basis is not None and self._truth is not None
        target = self._truth - self._shift
        atoms = np.asarray(self.basis, np.float64)
        nearest = np.linalg.lstsq(atoms, target.mid, rcond=None)[0]
        rest = target - IntervalMatrix.from_exact(self.basis) @ IntervalMatrix.from_exact(nearest)
        size, frame = vector_norm(rest), self._frame
        if frame is None:
            return None
        # the part of the rest in Im B is what `nearest` missed
        missed = vector_norm(frame.columns.T @ rest) / frame.largest_singular_value
        found = _size(_difference_of_squares(size, missed))
        slack = _DISTANCE_SLACK * vector_norm(self._truth).upper
        return Bound(found.lower, (Bound.exact(found.upper) + Bound.exact(slack)).upper, found.evidence)

    @cached_property
    def leakage(self) -> Bound | None:
        """‖ΠA(I − QQᵀ)‖ or its bound √(‖A‖² − σ²), whichever is smaller."""
        frame = self._frame
        if frame is None or self.sigma is None:
            return None
        columns = self.operator.columns
        image = columns.coordinates(self._forward)
        rest = norm(image - (image @ frame.columns) @ frame.columns.T)
        # Q̃Q̃ᵀ differs from QQᵀ by at most β
        beta = abs(frame.largest_singular_value * frame.largest_singular_value - 1).upper
        slack = (norm(image) * beta).upper
        found = Bound(max((rest - slack).lower, 0.0), (rest + slack).upper) / columns.singular_value_range
        values = {formulas.norm_forward: self.forward_norm, formulas.sigma_AQ: self.sigma}
        return _size(found.min(enclose(formulas.leakage_bound, values)))

    def true_error(self, network: Network) -> Bound | None:
        """‖x_t − x̄‖ at an iterate, enclosed."""
        if self._truth is None:
            return None
        return _size(vector_norm(network.signal() - self._truth))

    @cached_property
    def limit_error(self) -> Bound | None:
        """‖x_LS − x̄‖, x_LS = o1 + B(AB)⁺(y − A o1): from a float solution and the size of its normal residual."""
        if self._truth is None or self.sigma is None:
            return None
        y = IntervalMatrix.from_exact(self.problem.y) - self._image(self._shift)
        near = least_squares(self.operator, y.mid)
        signal = IntervalMatrix.from_exact(near)
        # Π(AB near − y) = AB(near − c_LS), so ‖B(near − c_LS)‖ ≤ its norm / σ_min(AQ)
        slack = (self._projected_norm(self.operator.matrix @ signal - y) / self.sigma).upper
        if self.basis is not None:
            signal = IntervalMatrix.from_exact(self.basis) @ signal
        error = vector_norm(signal + self._shift - self._truth) + Bound(-slack, slack)
        return _size(error.nonnegative())

    # --- conclusions ------------------------------------------------------------------------------------
    @property
    def applies(self) -> bool:
        """Whether L_y is minimal exactly at y."""
        return bool(self.loss.argmin_is_y)

    def bounds(self, psi_0: Bound) -> dict[str, Bound | None]:
        """Evaluate the formulas at ψ_0; None where an ingredient is not known."""
        values: dict[Any, Bound | None] = {
            s.psi_0: psi_0,
            formulas.sigma_AQ: self.sigma,
            formulas.noise_norm: None if self.noise is None else self.noise.norm,
            formulas.noise_level: None if self.noise is None else self.noise.level,
            formulas.distance_to_range: self.distance,
        }
        if self.sigma is not None and self.distance is not None:
            values[formulas.norm_forward] = self.forward_norm
            values[formulas.leakage] = self.leakage
        known = {symbol: bound for symbol, bound in values.items() if bound is not None}

        def one(expr: Any) -> Bound | None:
            return enclose(expr, known).nonnegative() if self.applies and expr.free_symbols <= set(known) else None

        return {name: one(expr) for name, expr in formulas.CONCLUSIONS.items()}

    def judged(self, expressive_verdict: Callable[[], Verdict]) -> RestrictedInjectivity:
        """Give restricted injectivity; ``expressive_verdict`` tells whether the Jacobian is onto on the whole ball."""
        if self.injectivity is not None:
            return self.injectivity
        if self.operator.rank is None:
            return RestrictedInjectivity(Verdict.UNDECIDED, None, STATEMENT, self.operator.decision.reason)
        expressive = expressive_verdict()
        if self.basis is not None and expressive is Verdict.PROVED:
            # the argument is about Im B, so B has to keep dimensions
            expressive = sigma_min(IntervalMatrix.from_exact(self.basis)).gt(0)
            if self.coefficients > self.problem.operator.columns:
                expressive = Verdict.UNDECIDED
        return fully_expressive(expressive, self.operator.rank, self.coefficients, self.basis is not None)

    def report(
        self,
        network: Network,
        psi_0: Bound,
        expressive_verdict: Callable[[], Verdict],
        iterations: int | None,
        converges: bool | None,
    ) -> tuple[Bound | None, Mapping[str, Any]]:
        """Return ``recovery_error`` and the entry ``recovery`` of the guarantees.

        Args:
            network: the certified iterate. psi_0: ψ there.
            expressive_verdict: whether J is onto on the whole ball.
            iterations: ``early_stopping_iteration``.
            converges: whether the loss surely tends to 0; None where no descent theorem is proved.
        """
        parts, noise, found = self.bounds(psi_0), self.noise, self.judged(expressive_verdict)
        entry: dict[str, Any] = {
            "restricted_injectivity": found.to_json(),
            "sigma_AQ": self.sigma,
            "norm_forward": self.forward_norm if self.sigma is not None and self.basis is not None else None,
            "noise_norm": None if noise is None else noise.norm,
            "noise_source": None if noise is None else noise.source,
            "distance_to_range": self.distance,
            "data": parts["data"],
            "noise": parts["noise"],
            "distance": parts["distance"],
            "at_limit": parts["at_limit"] if converges else None,
            "at_early_stopping": parts["at_early_stopping"] if iterations is not None else None,
            "sharp": self._sharp(parts, iterations, converges),
            "true_error": self.true_error(network),
            "true_error_at_limit": self.limit_error if self.applies and converges else None,
            "signal_norm": None if self._truth is None else self.signal_norm,
            "limit": self._limit(converges),
            "early_stopping": self._early_stopping(iterations),
        }
        return parts["error"], entry

    def _sharp(
        self, parts: Mapping[str, Bound | None], iterations: int | None, converges: bool | None
    ) -> dict[str, Bound | None] | None:
        if parts["sharp.error"] is None:
            return None
        return {
            "leakage": self.leakage,
            "error": parts["sharp.error"],
            "at_limit": parts["sharp.at_limit"] if converges else None,
            "at_early_stopping": parts["sharp.at_early_stopping"] if iterations is not None else None,
        }

    def _limit(self, converges: bool | None) -> str:
        if not self.applies:
            return f"the loss {self.loss.kind} is not minimal at y, so nothing is said about the signal"
        if converges is None:
            return ""
        if not converges:
            return "the step sizes have a finite sum, so the loss need not reach 0"
        if self.sigma is None:
            return "A x_∞ = Πy; many signals satisfy it"
        return "x_∞ is the least-squares solution B(AB)⁺y" if self.basis is not None else "x_∞ = A⁺y, least squares"

    def _early_stopping(self, iterations: int | None) -> dict[str, Any]:
        noise, error, loose = self.noise, None, None
        if noise is not None:
            error = enclose(formulas.data_error, {formulas.noise_level: noise.level})
            if self._outside is not None:
                values = {formulas.noise_level: noise.level, formulas.outside: self._outside}
                loose = enclose(formulas.data_error_unprojected, values)
        return {
            "level": None if noise is None else noise.level,
            "evidence": None if noise is None else str(noise.level.evidence),
            "data_error": error,
            "data_error_unprojected": loose,
            "reason": self._warning() if iterations is not None else self.why_not(),
        }

    def _warning(self) -> str:
        """Say so if the noise drowns the signal."""
        noise = self.noise
        if noise is None or self._truth is None:
            return ""
        clean = self._projected_norm(self._image(self._truth - self._shift))
        if not noise.norm.lower > clean.upper:
            return ""
        return f"‖Πε‖ exceeds ‖Πȳ‖ ≤ {clean.upper:.3g}, the data of the signal: stopping with x = 0 would do as well"

    def why_not(self) -> str:
        """Say why no early-stopping iteration is given."""
        noise = self.noise
        if not self.applies:
            return f"the loss {self.loss.kind} is not minimal at y"
        if noise is None:
            return "the noise is not known: give x_true, or ‖ε‖ as noise.norm"
        if not noise.level.lower > 0:
            rounding = max(_VANISHING * float(np.linalg.norm(self.problem.y)), 1e-100)  # enclosures widen 0 to 1e-164
            small = noise.level.upper < rounding
            size = "is 0 up to rounding" if small else f"may be 0 (‖Πε‖ ≤ {noise.level.upper:.2g})"
            return f"the noise {size}: there is nothing to stop early for"
        return "ψ(f) is not proved to fall to the noise level"


def _size(bound: Bound) -> Bound:
    """Widen the enclosure of a norm."""
    return widened(bound).nonnegative()


def _is_mask(matrix: np.ndarray) -> bool:
    """Whether every row and column has at most one entry, ±1 (and some has): then ‖A‖ = 1 exactly."""
    filled = matrix != 0
    single = filled.sum(axis=0).max() == 1 and filled.sum(axis=1).max() == 1
    return bool(single and (np.abs(matrix[filled]) == 1).all())


def _difference_of_squares(whole: Bound, part: Bound) -> Bound:
    """√(whole² − part²) for a part of a vector."""
    return (whole * whole - part * part).nonnegative().sqrt()
