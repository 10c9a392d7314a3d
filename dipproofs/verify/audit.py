"""Check one certificate: every quantity, hypothesis and guarantee, from the arrays and the theory alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import flint
import sympy as sp
from flint import arb

from ..certificate_file import VERDICTS, Claim, Document
from ..theory import quantities
from ..theory import symbols as s
from ..theory.losses.shape import decide_concave_psi
from ..theory.theorem import theorem
from ..theory.twolayer import CONSTANTS
from . import guarantees
from .arithmetic import evaluate, exact, integral
from .instance import Instance, Operator
from .losses import LossOf
from .recovery import Recovery
from .result import Row

BITS = 128
SYMBOLS = {name: quantity.symbol for name, quantity in quantities().items()}
_NEEDED = [
    "sigma_A", "norm_A", "sigma_J", "sigma_AJ", "norm_AJ", "norm_AJ_ball", "lipschitz_J", "lipschitz_AJ", "c_0",
    "gamma", "loss_0", "psi_0", "rho", "S", "F_inf",
]  # fmt: skip
_NEEDED_BY = {"residual": ["x", "slope_e"], "paper": ["R", "R_prime", "nu_1", "nu_2", "sigma_min_J"]}
_FACTORS = ["lipschitz_grad", "q", "omega", "rate"]
_HYPOTHESES = {"rank", "loss", "start", "step", "injective", "H"}


class Audit:
    """The examination of one certificate; ``findings``, ``rows`` and ``notes`` say what came out.

    Args:
        document: as read. label: put before every name, e.g. "final.".
        run: the record of the run, from which the steps are known.
        operator: gives the `Operator` of some arrays.
    """

    def __init__(self, document: Document, label: str, run: Any, operator: Callable[..., Operator]) -> None:
        self.record, self.arrays, self.label, self.run = document.record, document.arrays, label, run
        self.findings = [label + finding for finding in document.findings + document.malformed]
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.env: dict[Any, arb] = {}
        try:
            with flint.ctx.workprec(BITS):
                if self.arrays and not document.malformed and self._well_formed():
                    self._recompute(operator(self.arrays))
                    guarantees.check_step(self)
                    self._compare()
                    self._hypotheses()
                    self._guarantees()
        except ValueError as error:
            self.find(" ".join(str(error).split()))
        except Exception as error:  # the record is not trusted: what cannot be examined is not valid
            self.find(f"found a record that cannot be examined ({type(error).__name__}: {error}), expected the format")

    def find(self, what: str) -> None:
        """Record a finding."""
        self.findings.append(self.label + what)

    # --- what is claimed --------------------------------------------------------------------------------------------
    def _well_formed(self) -> bool:
        """Read the claims; malformed ones, and missing or weak ones in a proof, are findings."""
        record, before = self.record, len(self.findings)
        self.form, self.profile, self.verdict = record["form"], record["profile"], record["verdict"]
        if (self.form == "paper") != (self.profile == "paper"):
            self.find(f"profile: found {self.profile!r} with form {self.form!r}, expected 'paper' for both or neither")
        self.claims = dict(self._claims(record["quantities"]))
        proved = self.verdict == "proved"
        needed = [*_NEEDED, *_NEEDED_BY.get(self.form, []), *(_FACTORS if self.form != "residual" else [])]
        if proved and (missing := [name for name in needed if name not in self.claims]):
            self.find(f"quantities: found no {', '.join(missing)}, expected them in a certificate of form {self.form}")
        weak = [name for name, claim in self.claims.items() if claim.evidence != "proved"]
        if proved and (weak or record["arithmetic"] != "proved"):
            self.find(f"verdict: found 'proved' with evidence weaker than proved ({', '.join(weak) or 'arithmetic'})")
        self.loss = LossOf(record["loss"], self.arrays["y"])
        if proved and not self._form_applies(self.loss):
            self.find(f"form: found {self.form!r} with the loss {self.loss.theory.kind}, to which it does not apply")
        return len(self.findings) == before

    def _claims(self, values: Mapping[str, Any]) -> Iterator[tuple[str, Claim]]:
        for name, value in values.items():
            if name not in SYMBOLS:
                self.find(f"quantities.{name}: unknown, expected names of the theory")
            elif value is not None:
                claim = Claim.parse(value)
                if name in ("gamma", "rho") and not (claim.lower == claim.upper and 0 < claim.upper < math.inf):
                    self.find(f"quantities.{name}: found {claim}, expected one positive number")
                yield name, claim

    def _form_applies(self, loss: LossOf) -> bool:
        """Form residual is for the squared loss, form concave for concave ψ."""
        if self.form == "residual":
            return loss.squared
        return self.form != "concave" or loss.profile is not None or decide_concave_psi(loss.theory)

    # --- what is true -----------------------------------------------------------------------------------------------
    def _recompute(self, operator: Operator) -> None:
        env, claims = self.env, self.claims
        unprojected = bool({"sigma_min_J", "c_full"} & set(claims))
        self.instance = Instance(self.arrays, self.record["network"], operator, unprojected)
        env.update(self.instance.values)
        env[s.loss_0] = self.loss.value(self.instance)
        # G, Λ and μ belong to a sublevel set: that of the claimed upper end, which `_compare` proves to be high enough
        level = claims["loss_0"].upper if "loss_0" in claims else env[s.loss_0]
        if level.is_finite() and level > 0:
            with flint.ctx.workprec(4 * BITS):  # losses near 0 cancel
                self.loss.constants(level)
                env.update(self.loss.env)
                env[s.psi_0] = evaluate(self.loss.theory.psi_scaled, {**env, s.e: env[s.loss_0]})
        env.update({SYMBOLS[name]: claims[name].upper for name in ("gamma", "rho") if name in claims})
        self.gamma = env.get(s.gamma, arb.nan())
        if self.form == "residual":
            env[s.gamma] = self.gamma * 2 * exact(self.loss.c)
        self.theorem = theorem(self.form, self.profile, self.instance.train)
        for symbol, expr in self.theorem.constants + self.theorem.reported:
            env[symbol] = evaluate(expr, env)
        if self._gain(self.known(s.rho)) > 0 and self._integrand(self.known(s.rho)) > 0:
            env[s.S] = self._path_length()
            env[s.F_inf] = evaluate(self.theorem.F, {**env, s.t: env[s.S]})

    def known(self, symbol: sp.Symbol) -> arb:
        """A quantity; NaN if it is not known."""
        return self.env.get(symbol, arb.nan())

    def _integrand(self, point: arb) -> arb:
        return evaluate(self.theorem.integrand, {**self.env, s.t: point})

    def _gain(self, end: arb) -> arb:
        """ω∫₀^end − ψ_0."""
        if not end.is_finite() or not self._integrand(end).is_finite():
            return arb.nan()
        return self.env[s.omega] * integral(self.theorem.integrand, s.t, end, self.env) - self.known(s.psi_0)

    def _path_length(self) -> arb:
        """The root of ω∫₀^S = ψ_0 by an interval Newton step: the derivative lies between the values at 0 and ρ."""
        omega, rho, at, last = self.env[s.omega], self.env[s.rho], arb(0), arb(1)
        for _ in range(100):
            step = self._gain(at).mid() / (omega * self._integrand(at)).mid()
            at, last = (at - step).mid().max(arb(0)).min(rho).mid(), abs(step)
            if last < arb(2) ** -90 * (at + last):
                break
        return at - self._gain(at) / (omega * self._integrand(arb(0)).union(self._integrand(rho)))

    # --- comparing --------------------------------------------------------------------------------------------------
    def _compare(self) -> None:
        for name, claim in self.claims.items():
            if name == "R" and s.sigma_min_J in self.env:
                self._compare_radius(claim)
            else:
                truth = self.gamma if name == "gamma" else self.known(SYMBOLS[name])
                self.row(f"quantities.{name}", claim, truth, least=0.0)

    def row(self, name: str, claim: Claim, truth: arb, meets: bool = False, least: float = -math.inf) -> None:
        """Compare a claim with the truth; a margin (``meets``) only informs and must not be disjoint from it."""
        ok = claim.meets(truth) if meets else claim.holds(truth, least)
        outcome = f"{claim.evidence}, not checked" if claim.evidence != "proved" else "ok" if ok else "wrong"
        self.rows.append(Row(self.label + name, str(claim), truth.str(10), outcome))
        if outcome == "wrong":
            self.find(f"{name}: found {claim}, expected an enclosure of {truth.str(10)}")

    def _compare_radius(self, claim: Claim) -> None:
        """R is the root of 2Rℓ(R) = σ_min(J_0), and ℓ increases: compare at the two claimed ends."""
        ell, sigma = CONSTANTS[self.instance.train].lipschitz_J_full, self.env[s.sigma_min_J]
        low, high = (2 * R * evaluate(ell, {**self.env, s.rho: R}) - sigma for R in (claim.lower, claim.upper))
        endless = ell == 0 and bool(sigma > 0)
        above = claim.lower <= 0 or endless or bool(low <= 0)
        ok = above and (not claim.upper.is_finite() or (not endless and bool(high >= 0)))
        self.rows.append(Row(f"{self.label}quantities.R", str(claim), "–", "ok" if ok else "wrong"))
        if not ok:
            self.find(f"quantities.R: found {claim}, expected an enclosure of the root of 2Rℓ(R) = σ_min(J_0)")

    # --- hypotheses -------------------------------------------------------------------------------------------------
    def _hypotheses(self) -> None:
        seen: dict[str, str] = {}
        for entry in self.record["hypotheses"]:
            name, stated = entry["id"], entry["verdict"]
            if stated not in VERDICTS or name in seen:
                self.find(f"hypotheses: found id {name!r} with verdict {stated!r}, expected each id once, a verdict")
            seen[name] = stated
            self._hypothesis(name, stated, entry.get("margin"))
        missing = (_HYPOTHESES | ({"radius"} if self.form == "paper" else set())) - set(seen)
        if self.verdict == "proved" and missing:
            self.find(f"hypotheses: found no {', '.join(sorted(missing))}, expected all in a proof")
        stated = set(seen.values())
        implied = "refuted" if "refuted" in stated else "undecided" if "undecided" in stated else "proved"
        if self.verdict != implied:
            self.find(f"verdict: found {self.verdict!r}, expected {implied!r} from the verdicts of the hypotheses")

    def _hypothesis(self, name: str, stated: str, margin: Any) -> None:
        if name not in _HYPOTHESES | {"radius"}:
            if stated == "proved":
                self.find(f"hypotheses.{name}: found an unknown hypothesis stated as proved")
            self.notes.append(f"{self.label}hypotheses.{name}: stated {stated}, not checked")
            return
        good, bad, truth = self._decide(name)
        verdict = "proved" if good else "refuted" if bad else "undecided"
        ok = stated in (verdict, "undecided")
        self.rows.append(Row(f"{self.label}hypotheses.{name}", stated, verdict, "ok" if ok else "wrong"))
        if not ok:
            self.find(f"hypotheses.{name}: found {stated!r}, expected {verdict!r}")
        if margin is not None and truth is not None:
            claim = Claim.parse(margin)
            if stated == "proved" and claim.evidence != "proved":
                self.find(f"hypotheses.{name}.margin: found evidence {claim.evidence!r}, expected 'proved'")
            self.row(f"hypotheses.{name}.margin", claim, truth, meets=True)

    def _decide(self, name: str) -> tuple[bool, bool, arb | None]:
        """Whether a hypothesis holds, whether it fails, and its margin."""
        env, instance, operator = self.env, self.instance, self.instance.operator
        if name == "rank":
            return operator.full_rank, operator.deficient, env[s.sigma_A] / env[s.norm_A]
        if name == "loss":  # (A1)–(A4): the domains, and r = m unless the data can be projected
            if assumed := self.record["loss"].get("assumed"):
                self.notes.append(f"{self.label}loss: assumed, not proved: {assumed}")
                return False, False, None
            outside = operator.m > operator.r and not self.loss.squared
            return not outside and self.loss.in_domain(instance), outside, None
        if name == "start":
            f_0 = env[s.loss_0]
            return bool(f_0 > 0) and f_0.is_finite(), bool(f_0 == 0), f_0
        if name == "step":
            size, limit = evaluate(self.theorem.step_size, env), self.theorem.step_limit
            closed = self.theorem.step_closed
            good, bad = (size <= limit, size > limit) if closed else (size < limit, size >= limit)
            return bool(good), bool(bad), (limit - size) / limit
        if name == "radius":  # ρ ≤ R
            sigma = self.known(s.sigma_min_J)
            size = 2 * self.known(s.rho) * self.known(s.lipschitz_J) / sigma
            return bool(sigma > 0 and size <= 1), bool(sigma <= 0 or size > 1), 1 - size if sigma > 0 else sigma
        if name == "injective":
            value = self._integrand(self.known(s.rho)) if s.rho in env else self.known(s.sigma_AJ)
            return bool(value > 0), bool(value <= 0), value
        gain = self._gain(self.known(s.rho))
        return bool(gain > 0), bool(gain <= 0), gain / self.known(s.psi_0)

    @cached_property
    def recovery(self) -> Recovery:
        """What is known of the signal."""
        return Recovery(self)

    # --- guarantees -------------------------------------------------------------------------------------------------
    def _guarantees(self) -> None:
        for name, value in self.record["guarantees"].items():
            if value is None or value == {} or value is False:
                continue
            if self.record["arithmetic"] == "estimated":
                self.notes.append(f"{self.label}guarantees.{name}: estimated, not checked")
            elif self.verdict != "proved" or s.S not in self.env:
                self.find(f"guarantees.{name}: found a guarantee, expected none: the hypotheses are not proved")
            elif name not in guarantees.CHECKS:
                self.find(
                    f"guarantees.{name}: found an unknown guarantee, expected one of {', '.join(guarantees.CHECKS)}"
                )
            else:
                try:
                    guarantees.CHECKS[name](self, f"guarantees.{name}", value)
                except ValueError as error:
                    self.find(f"guarantees.{name}: {error}")
