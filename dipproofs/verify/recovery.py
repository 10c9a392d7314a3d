"""What a certificate says about the signal, derived again (docs/theory.md §7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from dipproofs.certificate.read import VERDICTS, Claim, is_count
from dipproofs.theory import recovery as formulas
from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.expressions import bisect, evaluate, root
from dipproofs.verify.arithmetic.spectra import Gram, frobenius, orthonormalised
from dipproofs.verify.arithmetic.splitting import Matrix
from dipproofs.verify.forward import Operator
from dipproofs.verify.guarantees import diverges
from dipproofs.verify.operators import identity

if TYPE_CHECKING:
    from dipproofs.verify.audit import Audit


class Generator(Operator):
    """The operator, and how it sees what the generator can represent: Im B."""

    @cached_property
    def frame(self) -> Matrix | None:
        """Q, an orthonormal basis of Im B; None without a basis, or with dependent atoms."""
        if self.basis is None or (found := orthonormalised(self.basis.T)) is None:
            return None
        near: Matrix = self.basis @ found[0]
        return near.inflated(near.size * found[1])

    @cached_property
    def frame_of_data(self) -> tuple[Matrix, arb] | None:
        """W and β of the columns of an injective Ã."""
        if self.mask:
            return identity(self.m, self.matrix.precision), arb(0)
        return self.orthonormaliser or orthonormalised(self.matrix.T)

    @cached_property
    def geometry(self) -> dict[str, arb]:
        """σ_min(AQ), ‖A‖ and the leakage (docs/theory.md §7) where Ã is injective, by their names in the record."""
        if self.rank != self.r:
            return {}
        A, Q = self.forward, self.frame
        norm_A = Gram(A if A.shape[0] <= A.shape[1] else A.T).norm
        if self.basis is None or Q is None:
            return {"norm_forward": norm_A} | ({"sigma_AQ": self.gram.sigma} if self.basis is None else {})
        sigma = Gram((A @ Q).T).sigma
        leak, image = arb(0), self.data(A)
        if Q.shape[0] > Q.shape[1]:  # else Im B is everything
            bound = evaluate(formulas.leakage_bound, {formulas.norm_forward: norm_A, formulas.sigma_AQ: sigma})
            leak = Gram(image - (image @ Q) @ Q.T).norm.min(bound)
        return {"norm_forward": norm_A, "sigma_AQ": sigma, "sharp.leakage": leak}


class Recovery:
    """The ingredients of §7 at a certified iterate, from the stored x̄ (o1 is the generator's fixed offset)."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.instance, self.operator = audit, audit.instance, audit.operator
        self.x_true = Matrix.of(audit.arrays["x_true"]) if "x_true" in audit.arrays else None

    def level(self) -> arb:
        """δ: ‖Πε‖ where x̄ is stored, else the stated level.

        Raises:
            ValueError: neither is there, or y is not the minimiser of the loss.
        """
        if not self.audit.loss.minimal_at_y:
            raise ValueError(f"found the loss {self.audit.loss.theory.kind}, expected one that is minimal at y")
        if self.x_true is not None:
            return self._noise(self.x_true)
        entry = self.audit.record["guarantees"].get("recovery") or {}
        stated = (entry.get("early_stopping") or {}).get("level")
        if stated is None or (claim := Claim.parse(stated)).evidence == "proved":
            raise ValueError("found neither x_true nor a stated noise level that is not proved, expected one of them")
        self.audit.notes.append(f"{self.audit.label}noise level {claim}: {claim.evidence}, not checked")
        return claim.lower

    def word(self, name: str, said: str) -> None:
        """What is said in words: where the noise is known from, and how well; all else is not for claims.

        Raises:
            ValueError: words that are not of the format, or say more than is known.
        """
        known = {"noise_source": "x_true", "early_stopping.evidence": "proved"}
        if name not in (*known, "limit", "early_stopping.reason"):
            raise ValueError(f"{name}: found {said!r}, expected an enclosure")
        if said == known.get(name) and self.x_true is None:
            raise ValueError(f"{name}: found {said!r}, expected something else: x_true is not stored")

    def _noise(self, x_true: Matrix) -> arb:
        return frobenius(self.operator.data(self.instance.y - self.operator.A @ x_true))

    @cached_property
    def values(self) -> dict[str, arb]:
        """Everything of §7 that can be known, by its name in the record."""
        found = {"distance_to_range": arb(0)} if self.operator.B is None else {}
        found |= self.operator.geometry
        if self.x_true is not None:
            self._signal(found, self.operator.frame, self.x_true)
        if not self.audit.loss.minimal_at_y:
            found.pop("true_error_at_limit", None)
        others = {symbol: x for symbol, x in self.audit.env.items() if symbol not in formulas.INGREDIENTS.values()}
        env = others | {symbol: found[name] for name, symbol in formulas.INGREDIENTS.items() if name in found}
        named = formulas.CONCLUSIONS if self.audit.loss.minimal_at_y else formulas.EARLY_STOPPING
        found |= {name: evaluate(expr, env) for name, expr in named.items()}
        arrives = not self.audit.WITHOUT_THEOREM and diverges(self.audit)
        return {name: x for name, x in found.items() if "at_limit" not in name or arrives}

    def _signal(self, found: dict[str, arb], Q: Matrix | None, x_true: Matrix) -> None:
        operator, instance, target = self.operator, self.instance, x_true - self.instance.offset
        found["noise_norm"] = found["early_stopping.level"] = self._noise(x_true)
        found["signal_norm"], found["true_error"] = frobenius(x_true), frobenius(instance.signal - x_true)
        found["outside"] = arb(0)
        if operator.image is not None and operator.deficient:
            clean = operator.A @ target
            found["outside"] = root(frobenius(clean) ** 2 - frobenius(operator.data(clean)) ** 2)
        elif operator.image is not None and operator.orthonormaliser is not None:
            clean = operator.A @ target
            found["outside"] = frobenius(clean - operator.matrix @ self._solution(operator.orthonormaliser, clean))
        if Q is not None:
            found["distance_to_range"] = frobenius(target - Q @ (Q.T @ target))
        if "sigma_AQ" in found and (W := operator.frame_of_data) is not None:
            signal = self._solution(W, instance.y - operator.A @ instance.offset)
            signal = signal if operator.B is None else operator.B @ signal
            found["true_error_at_limit"] = frobenius(signal + instance.offset - x_true)

    def _solution(self, W: tuple[Matrix, arb], b: Matrix) -> Matrix:
        """The least-squares solution c of Ãc = b: c = z + WH⁻¹Wᵀ Ãᵀ(b − Ãz) for every z, with ‖H⁻¹ − I‖ ≤ 2β."""
        X, z = self.operator.matrix, Matrix.of(np.zeros((self.operator.r, 1)))
        for _ in range(2):
            step = W[0].T @ (X.T @ (b - X @ z.exact()))
            z = z.exact() + W[0] @ step.inflated(2 * W[1] * step.size)
        return z

    def restricted(self, name: str, claim: Any) -> None:
        """ker(A) ∩ T = {0}: proved on Im B by σ_min(AQ) > 0; refuted if J is onto along the ball and A has a kernel."""
        stated, operator = claim["verdict"], self.operator
        known = self.audit.known
        if stated not in VERDICTS:
            raise ValueError(f"found {stated!r}, expected a verdict")
        path = known(s.S) if self.audit.path else arb.nan()
        env = {**self.audit.env, s.S: path}
        onto = any(bool(evaluate(expr, env) > 0) for expr in self.audit.theorem.onto)
        injective, independent = operator.rank == operator.r, operator.B is None or operator.frame is not None
        truth = "undecided"
        if operator.rank is not None:
            truth = "proved" if injective else "refuted" if onto and independent else "undecided"
        if stated not in (truth, "undecided"):
            self.audit.find(f"{name}: found {stated!r}, expected {truth!r}")


def _early_stopping(audit: Audit, name: str, value: Any) -> None:
    """ψ(f_τ) ≤ δ from this iteration on; δ is ‖Πε‖ from the stored x̄, or as the record states it."""
    level, env = audit.recovery.level(), audit.env
    if env[s.psi_0] <= level and is_count(value) and (value == 0 or audit.FALLS):
        return  # 0: it holds here, whatever comes
    psi, start = audit.loss.theory.psi_scaled, float((env[s.loss_0].log() / arb(2).log()).mid())

    def below(exponent: float) -> bool:
        return bool(evaluate(psi, {**env, s.e: arb(2) ** arb(exponent)}) <= level)

    span = next((span for span in (2.0**i for i in range(12)) if below(start - span)), None)  # near: small e cancel
    low = None if span is None else bisect(below, start - span, start)[0]
    if not (is_count(value) and low is not None and audit.reached(value, arb(2) ** arb(low))):
        audit.find(f"{name}: found {value}, expected more, an integer: ψ(f) ≤ ‖Πε‖ is not proved by then")


def _recovery_error(audit: Audit, name: str, value: Any) -> None:
    audit.compare(name, Claim.parse(value), audit.recovery.values.get("error", arb.nan()))


def _recovery(audit: Audit, name: str, value: Any) -> None:
    """The parts of the recovery bound, and what is said beside it."""
    known = audit.recovery
    inner = {f"{key}.{k}": v for key in ("early_stopping", "sharp") for k, v in (value.get(key) or {}).items()}
    for key, claim in {**value, **inner}.items():
        if key == "restricted_injectivity":
            known.restricted(f"{name}.{key}", claim)
        elif isinstance(claim, str):
            known.word(key, claim)
        elif key not in ("early_stopping", "sharp") and claim is not None:
            audit.compare(f"{name}.{key}", Claim.parse(claim), known.values.get(key, arb.nan()), least=0)


CHECKS: dict[str, Callable[[Audit, str, Any], None]] = {
    "early_stopping_iteration": _early_stopping, "recovery": _recovery, "recovery_error": _recovery_error,
}  # fmt: skip
