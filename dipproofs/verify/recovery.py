"""What a certificate says about the signal, derived again (docs/theory.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from ..theory import recovery as formulas
from ..theory import symbols as s
from .balls import largest, smallest, upper, whitened
from .claims import VERDICTS, Claim
from .instance import norm
from .walker import evaluate, root

if TYPE_CHECKING:
    from .audit import Audit


class Recovery:
    """The ingredients of §7 at a certified iterate, from the stored x̄ (o1 is the generator's fixed offset).

    Args:
        audit: with its instance recomputed.
    """

    def __init__(self, audit: Audit) -> None:
        self.audit, self.instance, arrays = audit, audit.instance, audit.arrays
        of = self.instance.path.of
        self.A, self.B, self.left = self.instance.forward, self.instance.basis, self.instance.left
        self.shift = of(np.full((arrays["A"].shape[1], 1), self.instance.offset))
        self.y = of(arrays["y"][:, None])
        self.x_true = of(arrays["x_true"][:, None]) if "x_true" in arrays else None

    def _projected(self, vector: Any) -> arb:
        """‖Πv‖."""
        if self.left is None:
            return norm(vector.arbs())
        return norm((self.left @ vector).arbs()) / root(self.instance.range)

    def level(self) -> arb:
        """δ: ‖Πε‖ where x̄ is stored, else the stated level.

        Raises:
            ValueError: neither is there, or y is not the minimiser of the loss.
        """
        if not self.audit.loss.minimal_at_y:
            raise ValueError(f"found the loss {self.audit.loss.theory.kind}, expected one that is minimal at y")
        if self.x_true is not None:
            return self._projected(self.y - self.A @ self.x_true)
        entry = self.audit.record["guarantees"].get("recovery")
        stated = entry.get("early_stopping") if isinstance(entry, dict) else None
        if not isinstance(stated, dict) or stated.get("level") is None:
            raise ValueError("found neither x_true nor a stated noise level, expected one of them")
        claim = Claim.parse(stated["level"])
        if claim.evidence == "proved":
            raise ValueError("found a proved noise level, expected x_true in the arrays to prove it")
        self.audit.notes.append(f"{self.audit.label}noise level {claim}: {claim.evidence}, not checked")
        return claim.lower

    def values(self) -> dict[str, arb]:
        """Everything of §7 that can be known, by its name in the record."""
        env: dict[Any, arb] = dict(self.audit.env)
        found: dict[str, arb] = {}
        if self.B is None:
            found["distance_to_range"] = arb(0)
        self._geometry(found)
        if self.x_true is not None:
            self._signal(found)
        named = {"sigma_AQ": formulas.sigma_AQ, "norm_forward": formulas.norm_forward,
                 "noise_norm": formulas.noise_norm, "distance_to_range": formulas.distance_to_range,
                 "sharp.leakage": formulas.leakage,
                 "early_stopping.level": formulas.noise_level, "outside": formulas.outside}  # fmt: skip
        env |= {symbol: found[name] for name, symbol in named.items() if name in found}
        derived = {"error": formulas.recovery_error, "data": formulas.data_part, "noise": formulas.noise_part,
                   "distance": formulas.distance_part, "at_limit": formulas.recovery_at_limit,
                   "at_early_stopping": formulas.recovery_at_early_stopping, "sharp.error": formulas.sharp_error,
                   "sharp.at_limit": formulas.sharp_at_limit,
                   "sharp.at_early_stopping": formulas.sharp_at_early_stopping}  # fmt: skip
        if not self.audit.loss.minimal_at_y:
            derived, _ = {}, found.pop("true_error_at_limit", None)
        derived |= {"early_stopping.data_error": formulas.data_error,
                    "early_stopping.data_error_unprojected": formulas.data_error_unprojected}  # fmt: skip
        for name, expr in derived.items():
            if expr.free_symbols <= set(env):
                found[name] = evaluate(expr, env)
        return found

    def _geometry(self, found: dict[str, arb]) -> None:
        """σ_min(AQ), ‖A‖ and the leakage, for an operator that is injective on Im B."""
        if not (self.instance.full_rank and self.instance.m >= self.instance.n):
            return
        wide = self.A if self.A.shape[0] <= self.A.shape[1] else self.A.T
        found["norm_forward"] = root(largest(wide @ wide.T))
        if self.B is None:
            found["sigma_AQ"] = self.audit.env[s.sigma_A]
            return
        basis = whitened(self.B.T)
        if basis is None:
            return
        T, beta = basis
        Q, around = self.B @ T, arb(1, upper(beta))
        AQ = self.A @ Q
        found["sigma_AQ"] = root(smallest(AQ.T @ AQ, AQ.T) / around)
        image = self.A if self.left is None else self.left @ self.A
        rest = image - (image @ Q) @ Q.T
        rest = rest - (rest @ Q) @ Q.T
        stretch = root(self.instance.range) if self.left is not None else arb(1)
        # I − QQᵀ is the projection off Im B, but for a map of Im B of norm at most β, here twice
        leak = root(largest(rest @ rest.T)) / stretch + arb(0, upper(found["norm_forward"] * beta**2))
        bound = evaluate(formulas.leakage_bound, {formulas.norm_forward: found["norm_forward"],
                                                  formulas.sigma_AQ: found["sigma_AQ"]})  # fmt: skip
        square = self.B.shape[0] == self.B.shape[1]
        found["sharp.leakage"] = arb(0) if square else leak.nonnegative_part().min(bound)
        self.frame = (Q, beta)

    def _signal(self, found: dict[str, arb]) -> None:
        assert self.x_true is not None
        target = self.x_true - self.shift
        clean = self.A @ target
        found["noise_norm"] = found["early_stopping.level"] = self._projected(self.y - self.A @ self.x_true)
        found["signal_norm"] = norm(self.x_true.arbs())
        found["true_error"] = norm((self.instance.signal - self.x_true).arbs())
        found["outside"] = arb(0)
        if self.left is not None:
            fitted = self._least_squares(clean)
            if fitted is None:
                found.pop("outside")
            else:
                z, slack = fitted[1:]
                operator = self.A if self.B is None else self.A @ self.B
                outside = norm((clean - operator @ z).arbs()) + arb(0, upper(2 * slack))
                found["outside"] = outside.nonnegative_part()
        if self.B is not None:
            basis = getattr(self, "frame", None) or self._frame()
            if basis is not None:
                Q, beta = basis
                rest = target - Q @ (Q.T @ target)
                rest = rest - Q @ (Q.T @ rest)
                found["distance_to_range"] = norm(rest.arbs()) + arb(0, upper(norm(target.arbs()) * beta**2))
        self._limit(found)

    def _frame(self) -> tuple[Any, arb] | None:
        basis = whitened(self.B.T) if self.B is not None else None
        return None if basis is None or self.B is None else (self.B @ basis[0], basis[1])

    def _least_squares(self, b: Any) -> tuple[Any, Any, arb] | None:
        """W, z and a bound of ‖W⁻¹(c − z)‖ ≥ ½‖Ã(c − z)‖ for the least-squares solution c of Ãc = b, Ã = AB.

        Whatever z, c − z = WH⁻¹Wᵀ Ãᵀ(b − Ãz) with H = WᵀÃᵀÃW near I.
        """
        operator = self.A if self.B is None else self.A @ self.B
        basis = whitened(operator.T)
        if basis is None:
            return None
        W, beta = basis
        z = W @ (W.T @ (operator.T @ b))
        z = z + W @ (W.T @ (operator.T @ (b - operator @ z)))
        return W, z, norm((W.T @ (operator.T @ (b - operator @ z))).arbs()) / (1 - beta)

    def _limit(self, found: dict[str, arb]) -> None:
        """‖x_LS − x̄‖, x_LS = o1 + Bc, c the least-squares solution of Ãc = y − A o1."""
        if "sigma_AQ" not in found or self.x_true is None:
            return
        fitted = self._least_squares(self.y - self.A @ self.shift)
        if fitted is None:
            return
        W, z, slack = fitted
        spread, signal = (W, z) if self.B is None else (self.B @ W, self.B @ z)
        error = norm((signal + self.shift - self.x_true).arbs())
        found["true_error_at_limit"] = (error + arb(0, upper(spread.frobenius() * slack))).nonnegative_part()

    def restricted(self, name: str, claim: Any) -> None:
        """ker(A) ∩ T = {0}: proved on Im B by σ_min(AQ) > 0; refuted if J is onto along the ball and A has a kernel."""
        stated = claim.get("verdict") if isinstance(claim, dict) else None
        if stated not in VERDICTS:
            raise ValueError(f"found {stated!r}, expected a verdict")
        instance, env = self.instance, self.audit.env
        injective = instance.full_rank and instance.m >= instance.n
        onto = arb(-1)
        if instance.train != "inner":
            onto = env[s.sigma_out] - env[s.lipschitz_out] * env[s.S]
        if s.sigma_min_J in env and not onto > 0:
            onto = env[s.sigma_min_J] - env[s.lipschitz_J] * env[s.S]
        kernel = instance.full_rank and instance.m < instance.n
        truth = "proved" if injective else "refuted" if kernel and onto > 0 else "undecided"
        if stated not in (truth, "undecided"):
            self.audit.find(f"{name}: found {stated!r}, expected {truth!r}")
