"""Check one certificate: every quantity, hypothesis and guarantee, from the arrays and the theory alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import flint
import sympy as sp
from flint import arb

from ..theory import ACTIVATIONS, FORM_IDS, FORMS, PROFILES, conditions, forms, quantities
from ..theory import symbols as s
from ..theory.losses.shape import decide_concave_psi
from ..theory.twolayer import CONSTANTS, TRAIN_MODES
from .claims import VERDICTS, Claim, Row
from .document import Document
from .guarantees import GUARANTEES
from .instance import Instance, exact_rank, paths_for
from .losses import LossOf
from .walker import evaluate, integral

BITS = 128
_NEEDED = [
    "sigma_A", "norm_A", "sigma_J", "sigma_AJ", "norm_AJ", "norm_AJ_ball", "lipschitz_J", "lipschitz_AJ", "c_0",
    "gamma", "loss_0", "psi_0", "rho", "S", "F_inf",
]  # fmt: skip
_BY_FORM = {"residual": ["x", "slope_e"], "paper": ["R", "R_prime", "nu_1", "nu_2", "sigma_min_J"]}
_OTHER_FORMS = ["lipschitz_grad", "q", "omega", "rate"]
_HYPOTHESES = {"rank", "loss", "start", "step", "injective", "H"}


class Audit:
    """The examination of one certificate; `run` fills ``findings``, ``rows``, ``notes``.

    Args:
        document: as read.
        label: put before every name, e.g. "final.".
        path: class of matrices to compute with.
        run: the record of the run, from which the steps are known.
    """

    def __init__(self, document: Document, label: str = "", path: Any = None, run: Any = None) -> None:
        self.run_record = run
        self.path = path
        self.record, self.arrays, self.label = document.record, document.arrays, label
        self.findings = [label + finding for finding in document.findings]
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.env: dict[Any, arb] = {}
        self.claims: dict[str, Claim] = {}
        self.symbols = {name: q.symbol for name, q in quantities().items()}

    def find(self, what: str) -> None:
        """Record a finding."""
        self.findings.append(self.label + what)

    def run(self) -> None:
        """Check everything; what is missing or malformed becomes a finding."""
        with flint.ctx.workprec(BITS):
            if not self._parse() or not self.arrays or not self._network():
                return
            try:
                self.loss = LossOf(self.record["loss"], self.arrays["y"])
            except ValueError as error:
                self.find(str(error))
                return
            if self.verdict == "proved" and not self._form_applies():
                self.find(
                    f"form: found {self.form!r} with the loss {self.loss.theory.kind}, to which it does not apply"
                )
            self._recompute()
            self._compare()
            self._hypotheses()
            self._guarantees()

    # --- what is claimed ----------------------------------------------------------------------------
    def _parse(self) -> bool:
        record, before = self.record, len(self.findings)
        for key, kind in {"quantities": dict, "hypotheses": list, "guarantees": dict, "loss": dict, "network": dict,
                          "schedule": dict}.items():  # fmt: skip
            if not isinstance(record.get(key), kind):
                self.find(f"{key}: found {type(record.get(key)).__name__}, expected {kind.__name__}")
        choices = {
            "verdict": VERDICTS,
            "form": FORM_IDS,
            "profile": tuple(PROFILES),
            "arithmetic": ("proved", "estimated"),
        }
        for key, valid in choices.items():
            if record.get(key) not in valid:
                self.find(f"{key}: found {record.get(key)!r}, expected one of {', '.join(valid)}")
        if not _count(record.get("iteration")):
            self.find(f"iteration: found {record.get('iteration')!r}, expected an integer ≥ 0")
        if len(self.findings) > before:
            return False
        self.form, self.profile, self.verdict = record["form"], record["profile"], record["verdict"]
        if (self.form == "paper") != (self.profile == "paper"):
            self.find(
                f"profile: found {self.profile!r} with form {self.form!r}, expected both or neither to be 'paper'"
            )
        for name, value in record["quantities"].items():
            if name not in self.symbols:
                self.find(f"quantities.{name}: unknown, expected names of the theory")
            elif value is not None:
                try:
                    self.claims[name] = Claim.parse(value)
                except ValueError as error:
                    self.find(f"quantities.{name}: {error}")
        for name in ("gamma", "rho"):
            claim = self.claims.get(name)
            if claim and not (claim.lower == claim.upper and claim.lower > 0 and claim.lower.is_finite()):
                self.find(f"quantities.{name}: found {claim}, expected one positive number")
        proved = self.verdict == "proved"
        missing = [name for name in self._needed() if name not in self.claims]
        if proved and missing:
            self.find(f"quantities: found no {', '.join(missing)}, expected them in a certificate of form {self.form}")
        weak = [name for name, claim in self.claims.items() if claim.evidence != "proved"]
        if proved and (weak or record["arithmetic"] != "proved"):
            self.find(f"verdict: found 'proved' with evidence weaker than proved ({', '.join(weak) or 'arithmetic'})")
        return len(self.findings) == before

    def _form_applies(self) -> bool:
        """Form residual is for the squared loss, form concave for concave ψ."""
        if self.form == "residual":
            return self.loss.squared
        return self.form != "concave" or decide_concave_psi(self.loss.theory)

    def _needed(self) -> list[str]:
        extra = _BY_FORM.get(self.form, []) + ([] if self.form == "residual" else _OTHER_FORMS)
        return [*_NEEDED, *extra]

    def _network(self) -> bool:
        network, before = self.record["network"], len(self.findings)
        kind = "two-layer-synthesis" if "B" in self.arrays else "two-layer"
        k, d = self.arrays["W"].shape
        expected = {"kind": (kind,), "activation": tuple(ACTIVATIONS), "train": TRAIN_MODES, "width": (k,),
                    "input_dimension": (d,)}  # fmt: skip
        for key, valid in expected.items():
            value = network.get(key)
            if value not in valid or isinstance(value, bool):
                self.find(f"network.{key}: found {value!r}, expected {' or '.join(map(str, valid))}")
        offset = network.get("output_offset", 0.0)
        if not isinstance(offset, int | float) or isinstance(offset, bool) or not abs(offset) < 1e300:
            self.find(f"network.output_offset: found {offset!r}, expected a finite number")
        return len(self.findings) == before

    # --- what is true -------------------------------------------------------------------------------
    def _recompute(self) -> None:
        env = self.env
        self.instance = instance = Instance(self.arrays, self.record["network"], self.path)
        instance.injectivity(unprojected=bool({"sigma_min_J", "c_full"} & set(self.claims)))
        env.update({self.symbols[name]: value for name, value in instance.values.items()})
        env[s.width], env[s.loss_0] = arb(instance.k), self.loss.value(instance)
        env[s.B_1], env[s.B_2] = evaluate(instance.activation.B_1, {}), evaluate(instance.activation.B_2, {})
        # G, Λ and μ belong to a sublevel set: that of the claimed upper end, which `_compare` proves to be high enough
        level = self.claims["loss_0"].upper if "loss_0" in self.claims else env[s.loss_0]
        if level.is_finite() and level > 0:
            with flint.ctx.workprec(4 * BITS):  # losses near 0 cancel
                self.loss.constants(level)
                env.update(self.loss.env)
                env[s.psi_0] = evaluate(self.loss.theory.psi_scaled, {**env, s.e: env[s.loss_0]})
        for name in ("gamma", "rho"):
            if name in self.claims:
                env[self.symbols[name]] = self.claims[name].upper
        self.gamma = env.get(s.gamma)
        if self.form == "residual" and self.gamma is not None:
            env[s.gamma] = self.gamma * 2 * evaluate(sp.Rational(self.loss.c), {})
        for symbol, expr in self._chain():
            if not expr.free_symbols - set(env):
                env[symbol] = evaluate(expr, env)
        self.F = PROFILES[self.profile].F
        self.integrand = self.F - s.curvature_drift if self.form == "residual" else self.F
        if self._decide_H()[0] == "proved" and self._at(s.rho) > 0:
            env[s.S] = self._path_length()
            env[s.F_inf] = evaluate(self.F, {**env, s.t: env[s.S]})
        if self.form == "paper" and s.sigma_min_J in env and s.q in env:
            env[s.nu_1], env[s.nu_2] = evaluate(forms.paper_nu_1, env), evaluate(forms.paper_nu_2, env)
            env[s.R_prime] = evaluate(conditions.R_prime, env)

    def _chain(self) -> list[tuple[sp.Symbol, sp.Expr]]:
        """The theorem's constants at ρ and γ, in order of dependence."""
        c = CONSTANTS[self.instance.train]
        ell = c.lipschitz_J_full if self.form == "paper" else c.lipschitz_J
        chain = [
            (s.sigma_out, c.sigma_out), (s.lipschitz_J, ell), (s.lipschitz_AJ, c.lipschitz_AJ),
            (s.lipschitz_in, c.lipschitz_in), (s.lipschitz_A_in, c.lipschitz_A_in),
            (s.lipschitz_out, c.lipschitz_out), (s.norm_AJ_ball, c.norm_AJ_ball),
        ]  # fmt: skip
        if self.form == "residual":
            slope = PROFILES[self.profile].slope.subs(s.t, s.rho)
            return [*chain, (s.profile_slope, slope), (s.curvature_drift, conditions.curvature_drift),
                    (s.omega, forms.RESIDUAL_OMEGA)]  # fmt: skip
        form = FORMS[self.form]
        return [*chain, (s.lipschitz_grad, conditions.lipschitz_grad), (s.q, conditions.normalised_step),
                (s.omega, form.omega), (s.rate, form.rate)]  # fmt: skip

    def _at(self, point: Any) -> arb:
        """What (H) integrates, at a symbol's value or a ball; NaN if it is not known."""
        point = self.env.get(point, arb.nan()) if isinstance(point, sp.Symbol) else point
        env = {**self.env, s.t: point}
        return arb.nan() if self.integrand.free_symbols - set(env) else evaluate(self.integrand, env)

    def _gain(self, end: arb) -> arb:
        """ω∫₀^end − ψ_0."""
        return self.env[s.omega] * integral(self.integrand, s.t, end, self.env) - self.env[s.psi_0]

    def _path_length(self) -> arb:
        """The root of ω∫₀^S = ψ_0 by an interval Newton step: the derivative lies between the values at 0 and ρ."""
        env, rho = self.env, self.env[s.rho]
        at, last = arb(0), arb(1)
        for _ in range(100):
            step = self._gain(at).mid() / (env[s.omega] * self._at(at)).mid()
            at, last = (at - step).mid().max(arb(0)).min(rho).mid(), abs(step)
            if last < arb(2) ** -90 * (at + last):
                break
        slopes = self._at(arb(0)).union(self._at(rho))
        return at - self._gain(at) / (env[s.omega] * slopes)

    # --- comparing ----------------------------------------------------------------------------------
    def _compare(self) -> None:
        for name, claim in self.claims.items():
            truth = self.env.get(self.symbols[name])
            if name == "gamma":
                truth = self.gamma
            if name == "R" and s.sigma_min_J in self.env:
                self._compare_radius(claim)
                continue
            self._row(f"quantities.{name}", claim, truth, least=0.0)

    def _row(self, name: str, claim: Claim, truth: arb | None, meets: bool = False, least: float = -math.inf) -> None:
        """Compare a claim with the truth; a margin (``meets``) only informs and must not be disjoint from it."""
        shown = "–" if truth is None else truth.str(10)
        if claim.evidence != "proved":
            outcome = f"{claim.evidence}, not checked"
        elif truth is not None and (claim.meets(truth) if meets else claim.holds(truth, least)):
            outcome = "ok"
        else:
            outcome = "wrong"
            self.find(f"{name}: found {claim}, expected an enclosure of {shown}")
        self.rows.append(Row(self.label + name, str(claim), shown, outcome))

    def _compare_radius(self, claim: Claim) -> None:
        """R is the root of 2Rℓ(R) = σ_min(J_0), and ℓ increases: compare at the two claimed ends."""
        ell = CONSTANTS[self.instance.train].lipschitz_J_full

        def defect(R: arb) -> arb:
            return 2 * R * evaluate(ell, {**self.env, s.rho: R}) - self.env[s.sigma_min_J]

        endless = ell == 0 and bool(self.env[s.sigma_min_J] > 0)
        low = claim.lower <= 0 or endless or (claim.lower.is_finite() and bool(defect(claim.lower) <= 0))
        high = not claim.upper.is_finite() or (not endless and bool(defect(claim.upper) >= 0))
        if not (low and high):
            self.find(f"quantities.R: found {claim}, expected an enclosure of the root of 2Rℓ(R) = σ_min(J_0)")
        self.rows.append(Row(f"{self.label}quantities.R", str(claim), "–", "ok" if low and high else "wrong"))

    # --- hypotheses ---------------------------------------------------------------------------------
    def _hypotheses(self) -> None:
        seen: dict[str, str] = {}
        for entry in self.record["hypotheses"]:
            name, stated = (entry.get("id"), entry.get("verdict")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or stated not in VERDICTS or name in seen:
                self.find(
                    f"hypotheses: found id {name!r} with verdict {stated!r}, expected each id once with a verdict"
                )
                continue
            seen[name] = stated
            self._hypothesis(name, stated, entry.get("margin"))
        required = _HYPOTHESES | ({"radius"} if self.form == "paper" else set())
        if self.verdict == "proved" and required - set(seen):
            self.find(f"hypotheses: found no {', '.join(sorted(required - set(seen)))}, expected all in a proof")
        stated = set(seen.values())
        implied = "refuted" if "refuted" in stated else "undecided" if "undecided" in stated else "proved"
        if self.verdict != implied:
            self.find(f"verdict: found {self.verdict!r}, expected {implied!r} from the verdicts of the hypotheses")

    def _hypothesis(self, name: str, stated: str, margin: Any) -> None:
        decide: Callable[[], tuple[str, arb | None]] | None = {
            "rank": self._decide_rank, "loss": self._decide_loss, "start": self._decide_start,
            "step": self._decide_step, "injective": self._decide_injective, "H": self._decide_H,
            "radius": self._decide_radius,
        }.get(name)  # fmt: skip
        if decide is None:
            if stated == "proved":
                self.find(f"hypotheses.{name}: found an unknown hypothesis stated as proved")
            self.notes.append(f"{self.label}hypotheses.{name}: stated {stated}, not checked")
            return
        verdict, truth = decide()
        outcome = "ok" if stated in (verdict, "undecided") else "wrong"
        if outcome == "wrong":
            self.find(f"hypotheses.{name}: found {stated!r}, expected {verdict!r}")
        self.rows.append(Row(f"{self.label}hypotheses.{name}", stated, verdict, outcome))
        if margin is None or truth is None:
            return
        try:
            claim = Claim.parse(margin)
            if stated == "proved" and claim.evidence != "proved":
                self.find(f"hypotheses.{name}.margin: found evidence {claim.evidence!r}, expected 'proved'")
            self._row(f"hypotheses.{name}.margin", claim, truth, meets=True)
        except ValueError as error:
            self.find(f"hypotheses.{name}.margin: {error}")

    def _decide_rank(self) -> tuple[str, arb | None]:
        ratio = self.env[s.sigma_A] / self.env[s.norm_A]
        if self.instance.full_rank:
            return "proved", ratio
        deficient = "B" not in self.arrays and exact_rank(self.arrays["A"]) < min(self.arrays["A"].shape)
        return "refuted" if deficient else "undecided", None

    def _decide_loss(self) -> tuple[str, arb | None]:
        """(A1)–(A4): the domains, and r = m unless the data can be projected."""
        if self.record["loss"].get("assumed"):
            self.notes.append(f"{self.label}loss: assumed, not proved: {self.record['loss']['assumed']}")
            return "undecided", None
        if self.instance.m > self.instance.n and not self.loss.squared:
            return "refuted", None
        return ("proved" if self.loss.in_domain(self.instance) else "undecided"), None

    def _decide_start(self) -> tuple[str, arb | None]:
        f_0 = self.env[s.loss_0]
        return ("proved" if f_0 > 0 and f_0.is_finite() else "refuted" if f_0 == 0 else "undecided"), f_0

    def _decide_step(self) -> tuple[str, arb | None]:
        if self.form == "residual":
            size, limit, closed = self._known(s.gamma) * self._known(s.norm_AJ_ball) ** 2, 1, True
        else:
            size, limit, closed = self._known(s.q), FORMS[self.form].q_max, FORMS[self.form].closed
        good, bad = (size <= limit, size > limit) if closed else (size < limit, size >= limit)
        return _verdict(good, bad), (limit - size) / limit

    def _decide_radius(self) -> tuple[str, arb | None]:
        sigma = self._known(s.sigma_min_J)
        if not sigma > 0:
            return _verdict(False, sigma <= 0), sigma
        size = 2 * self._known(s.rho) * self._known(s.lipschitz_J) / sigma
        return _verdict(size <= 1, size > 1), 1 - size

    def _decide_injective(self) -> tuple[str, arb | None]:
        value = self._at(s.rho) if s.rho in self.env else self._known(s.sigma_AJ)
        return _verdict(value > 0, value <= 0), value

    def _decide_H(self) -> tuple[str, arb | None]:
        if not (s.rho in self.env and s.psi_0 in self.env and self._at(s.rho).is_finite()):
            return "undecided", None
        gain = self._gain(self.env[s.rho])
        return _verdict(gain > 0, gain <= 0), gain / self.env[s.psi_0]

    def _known(self, symbol: sp.Symbol) -> arb:
        return self.env.get(symbol, arb.nan())

    # --- guarantees ---------------------------------------------------------------------------------
    def _guarantees(self) -> None:
        given: Mapping[str, Any] = self.record["guarantees"]
        for name, value in given.items():
            if value is None or value == {} or value is False:
                continue
            check = GUARANTEES.get(name)
            if self.record["arithmetic"] == "estimated":
                self.notes.append(f"{self.label}guarantees.{name}: estimated, not checked")
            elif self.verdict != "proved":
                self.find(f"guarantees.{name}: found a guarantee, expected none with the verdict {self.verdict!r}")
            elif check is None:
                self.find(f"guarantees.{name}: found an unknown guarantee, expected one of {', '.join(GUARANTEES)}")
            elif s.S not in self.env:
                self.find(f"guarantees.{name}: found a guarantee, expected none: the hypotheses do not hold")
            else:
                try:
                    check(self, f"guarantees.{name}", value)
                except ValueError as error:
                    self.find(f"guarantees.{name}: {error}")


def _verdict(good: bool, bad: bool) -> str:
    return "proved" if good else "refuted" if bad else "undecided"


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def audited(document: Document, label: str, run: Any) -> Audit:
    """Audit a document on its path; a finer one is tried before anything is called wrong."""
    paths: list[Any] = paths_for(document.arrays) if document.arrays else [None]
    for path in paths:
        audit = Audit(document, label, path, run)
        try:
            audit.run()
        except Exception as error:  # the record is not trusted: what cannot be examined is not valid
            audit.find(f"found a record that cannot be examined ({type(error).__name__}: {error}), expected the format")
        if not audit.findings:
            break
    return audit
