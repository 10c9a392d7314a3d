"""Check one certificate: every quantity, hypothesis and guarantee, from the arrays and the theory alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, ClassVar

import flint
import sympy as sp
from flint import arb

from dipproofs.certificate.claims import GRADIENT_DESCENT, derive, point_only
from dipproofs.certificate.conditional import IF_CONVERGENT, NEEDS_LOSS, ONCE_STOPPED
from dipproofs.certificate.read import STATED, STATED_BY_SOME, UNUSED, VERDICTS, Claim, Document
from dipproofs.theory import quantities, theorem
from dipproofs.theory import symbols as s
from dipproofs.theory.forms import form_of
from dipproofs.verify import guarantees
from dipproofs.verify.arithmetic.expressions import area, decide, evaluate, exact, upper
from dipproofs.verify.losses import LossOf
from dipproofs.verify.networks import kind_of
from dipproofs.verify.recovery import CHECKS, Generator, Recovery
from dipproofs.verify.result import Row

BITS = 128
#: Panels of the quadrature: multiples of 32 by odd numbers are at least as good as the producer's 32, by convexity.
PANELS = (96, 864)
_MOST = sp.Symbol("I_most")  # beside `theorem.area`, which is bounded from below
radius_left = sp.Symbol("radius_left")
_MARGINS = {"rank": s.sigma_A / s.norm_A, "compact": radius_left, "minimiser": radius_left}
#: What is 0 where the loss is.
SMALL_WITH_THE_LOSS = ("loss_0", "psi_0", "S", "R_prime", "x")
#: Bounds of a graph, and what is made of them: where nothing is proved, nothing rests on them.
OF_A_GRAPH = (
    *("sigma_AJ", "norm_AJ", "lipschitz_AJ", "kink_margin"),
    *("norm_AJ_ball", "lipschitz_grad", "q", "omega", "rate", "x", "c_e", "slope_e"),
)
SYMBOLS = {name: quantity.symbol for name, quantity in quantities().items()}


def method_kind(record: Any) -> str:
    """The method of a record; gradient descent where it names none."""
    method = record.get("method") if isinstance(record, dict) else None
    kind = method.get("kind") if isinstance(method, dict) else None
    return kind if isinstance(kind, str) else GRADIENT_DESCENT


def _names_of(ran: dict[str, Any]) -> tuple[Any, ...]:
    """What a run's method may be called: without momentum the heavy ball and Nesterov's method are gradient descent."""
    still = ran.get("kind") in ("heavy-ball", "nesterov") and ran.get("momentum") == 0
    return (ran.get("kind"), *([GRADIENT_DESCENT] if still else []))


@cache
def _is_size(expr: sp.Expr) -> bool:
    return bool(expr.xreplace({x: sp.Symbol(x.name, positive=True) for x in expr.free_symbols}).is_nonnegative)


def _at_both(env: dict[Any, arb]) -> list[dict[Any, arb]]:
    """The integral at its lower and at its upper bound."""
    return [env, {**env, theorem.area: env[_MOST]} if _MOST in env else env]


def _truth(relation: sp.Basic, env: dict[Any, arb]) -> bool | None:
    """A relation, monotone in the integral, at both bounds of that."""
    low, high = (decide(relation, known) for known in _at_both(env))
    return low if low is high else None


def _meets(claim: Claim, ends: list[arb], from_below: bool = False) -> bool:
    """Whether a number between these balls, or above them, may be in a claim; of NaN nothing is known."""
    above = not from_below and all(claim.lower > end for end in ends)
    return not above and not all(claim.upper < end for end in ends)


class Audit:
    """The examination of one certificate; ``findings``, ``rows`` and ``notes`` say what came out.

    Args:
        document: as read. label: put before every name, e.g. "final.".
        run: the record of the run, from which the steps are known.
        operator: examines the operator.
    """

    #: The methods that are examined here, those of them whose convergence is not, and what else may be said of them.
    METHODS: ClassVar[tuple[str, ...]] = (GRADIENT_DESCENT,)
    WITHOUT_THEOREM: ClassVar[tuple[str, ...]] = ()
    METHOD_KEYS: ClassVar[tuple[str, ...]] = ()
    #: The loss never rises.
    FALLS: ClassVar[bool] = True
    #: The theorem holds with a bound of the loss in its place: without momentum a point of zero loss is at rest.
    AT_A_BOUND: ClassVar[bool] = True

    def __init__(self, document: Document, label: str, run: Any, operator: Callable[[], Generator]) -> None:
        self.record, self.arrays, self.label, self.run = document.record, document.arrays, label, run
        self.version = document.version
        self.findings = [label + finding for finding in document.findings + document.malformed]
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.unconfirmed = False  # whether there is a claim that wider bounds leave open
        self.env: dict[Any, arb] = {}
        self.vanishing: arb | None = None  # the enclosed loss, where it may be 0
        self.path: list[arb] = []  # both ends of the claimed S, and F there
        try:
            with flint.ctx.workprec(BITS):
                if not self.arrays or document.malformed or not self._well_formed():
                    return
                self._examine(operator())
            with flint.ctx.workprec(4 * BITS):  # numbers near 0 and 1 cancel; here there are few
                self._recompute()
                self._step()
                self._quantities()
                self._hypotheses()
                self._guarantees()
            self._method()
            self._claims()
        except ValueError as error:
            self.find(" ".join(str(error).split()))
        except Exception as error:  # the record is not trusted: what cannot be examined is not valid
            self.find(f"found a record that cannot be examined ({type(error).__name__}: {error}), expected the format")

    def find(self, what: str) -> None:
        """Record a finding."""
        self.findings.append(self.label + what)

    def row(self, name: str, claimed: Any, recomputed: str, ok: bool, expected: str, checked: bool = True) -> None:
        """Record a claim and what was recomputed; a wrong one is a finding."""
        outcome = f"{claimed.evidence}, not checked" if not checked else "ok" if ok else "wrong"
        self.rows.append(Row(self.label + name, str(claimed), recomputed, outcome))
        if checked and not ok:
            self.find(f"{name}: found {claimed}, expected {expected}")

    def compare(
        self,
        name: str,
        claim: Claim,
        *truths: arb,
        least: arb | float = float("-inf"),
        possible: Callable[[Claim], bool] | None = None,
    ) -> None:
        """Compare a claimed enclosure with balls that it must contain (as far as they are above ``least``).

        Where no proof rests on the claim, ``possible`` says whether it may be right although it is not confirmed.
        """
        ok, shown = all(claim.holds(truth, least) for truth in truths), truths[0].str(10)
        if not ok and claim.evidence == "proved" and possible is not None and possible(claim):
            self.unconfirmed = True
            self.rows.append(Row(self.label + name, str(claim), shown, "not confirmed"))
            self.notes.append(f"{self.label}{name}: not confirmed by bounds that are wider here; no proof rests on it")
            return
        self.row(name, claim, shown, ok, f"an enclosure of {shown}", claim.evidence == "proved")

    # --- what is claimed --------------------------------------------------------------------------------------------
    def _well_formed(self) -> bool:
        """Read the claims; malformed ones, and missing or weak ones in a proof, are findings."""
        record, before = self.record, len(self.findings)
        self.form, self.profile, self.verdict = record["form"], record["profile"], record["verdict"]
        self.kind = kind_of(record["network"]["kind"])
        form = form_of(self.form, self.version)
        self.theorem = theorem.theorem(form, self.profile, self.kind.architecture(record["network"]))
        given = {name: value for name, value in record["quantities"].items() if value is not None}
        self.claims = {name: Claim.parse(value, f"quantities.{name}: ") for name, value in given.items()}
        self.loss = LossOf(record["loss"], self.arrays["y"])
        for name, claim in self.claims.items():
            if name not in SYMBOLS:
                self.find(f"quantities.{name}: unknown, expected names of the theory")
            none = self.verdict != "proved"  # no ball: a unit on its kink; no step: it would be below every float
            least = claim.upper >= 0 if none else claim.upper > 0
            if name in ("gamma", "rho") and not (claim.lower == claim.upper and least and claim.upper.is_finite()):
                self.find(f"quantities.{name}: found {claim}, expected one positive number")
        if self.verdict == "proved":
            own = self.theorem.architecture
            known = {*own.base, *(symbol for symbol, _ in own.constants)}
            needed = STATED | {name for name in STATED_BY_SOME if SYMBOLS[name] in known}
            if missing := needed - UNUSED.get(self.form, set()) - set(self.claims):
                self.find(f"quantities: found no {', '.join(sorted(missing))}, expected them with form {self.form}")
            weak = [name for name, claim in self.claims.items() if claim.evidence != "proved"]
            if weak or record["arithmetic"] != "proved":
                self.find(f"verdict: found 'proved' with weaker evidence ({', '.join(weak) or 'arithmetic'})")
            if not self.theorem.form.admits(self.loss):
                self.find(f"form: found {self.form!r}, which does not apply to the loss {self.loss.theory.kind}")
        return len(self.findings) == before

    # --- what is true -----------------------------------------------------------------------------------------------
    def _examine(self, operator: Generator) -> None:
        known = any(h.get("id") == "rank" and h.get("verdict") == "proved" for h in self.record["hypotheses"])
        operator = operator if known else operator.without_rank()
        self.operator = operator
        self.instance = self.kind.interpret(self.arrays, self.record["network"], operator, self.claims)
        self.env.update(self.instance.values)

    def _constants(self, base: dict[Any, arb], level: arb) -> dict[Any, arb]:
        """What the theorem defines, with G, Λ and μ on the sublevel set {L ≤ level}."""
        env, claims = dict(base) | guarantees.searched(self), self.claims
        if level.is_finite() and level > 0:
            self.loss.constants(level)
            env.update(self.loss.env)
        known = {**self.loss.env, **env, s.e: env[s.loss_0]}
        env[s.psi_0] = self.loss.at_value(self.loss.theory.psi_scaled, known)  # of losses beyond the floats, too
        env.update({SYMBOLS[name]: claims[name].upper for name in ("gamma", "rho", "S") if name in claims})
        if self.theorem.form.scaled_step:
            env[s.gamma] = env.get(s.gamma, arb.nan()) * 2 * exact(self.loss.c)
        for symbol, expr in self.theorem.constants + self.theorem.reported:
            env[symbol] = evaluate(expr, env)
        condition = self.theorem.hypotheses.get("H")  # a theorem about momentum has another
        if s.rho not in env or condition is None:
            return env
        for panels in PANELS:
            env[theorem.area], env[_MOST] = area(self.theorem.integrand, s.t, env[s.rho], env, panels)
            if _truth(condition.relation, env) is not None:
                break
        return env

    def _recompute(self) -> None:
        claims = self.claims
        self.env[s.loss_0], self.env[radius_left] = self.loss.value(self.instance), self.loss.margin(self.instance)
        f_0 = upper(self.env[s.loss_0])
        if self.AT_A_BOUND and self.env[s.loss_0].contains(0) and f_0 > 0 and f_0.is_finite():
            self.vanishing = self.env[s.loss_0]
            self.env[s.loss_0] = f_0  # the worst case; with the loss 0 there is nothing to prove
        # the claimed level, if its claim is compared below; what fails must fail on the true sublevel set as well
        proved = "loss_0" in claims and claims["loss_0"].evidence == "proved"
        base, level = self.env, claims["loss_0"].upper if proved else f_0
        self.base, self.level = base, f_0
        self.least = self._constants(base, f_0) if level > f_0 * (1 + arb(2) ** -10) else None
        self.env = self._constants(base, level)
        self.gamma = claims["gamma"].upper if "gamma" in claims else arb.nan()
        if "S" in claims and self._is_path_length(claims["S"]):  # F_∞ = F(S) lies between F at both ends
            ends = (claims["S"].upper, claims["S"].lower)
            self.path = [evaluate(self.theorem.F, {**self.env, s.t: end}) for end in ends]
            self.env[s.F_inf] = self.path[0]  # the weakest: what follows gets better with F_∞

    def known(self, symbol: Any) -> arb:
        """A quantity; NaN if it is not known."""
        return self.env.get(symbol, arb.nan())

    def _area(self, end: arb, panels: int) -> tuple[arb, arb]:
        return area(self.theorem.integrand, s.t, end, self.env, panels)

    # --- comparing --------------------------------------------------------------------------------------------------
    def _quantities(self) -> None:
        for name, claim in self.claims.items():
            small = self.vanishing is not None and name in SMALL_WITH_THE_LOSS and claim.evidence == "proved"
            if small and not claim.lower <= 0:
                self.find(f"quantities.{name}: found {claim}, expected from 0 on: the loss may be 0")
            if name in ("S", "R"):
                ok = bool(self.path) if name == "S" else self._encloses_root(claim, self._radius_equation)
                expected = f"an enclosure of {name}, the root of its equation" + ", within ρ" * (name == "S")
                self.row(f"quantities.{name}", claim, "–", ok, expected, claim.evidence == "proved")
            else:
                truth = self.gamma if name == "gamma" else self.known(SYMBOLS[name])
                least = -math.inf if name in ("omega", "rate") else 0  # all others are sizes
                truths = self.path or [truth] if name == "F_inf" else [truth]
                self.compare(f"quantities.{name}", claim, *truths, least=least, possible=self._possible(name))

    @property
    def _informal(self) -> bool:
        """Whether the numbers are bounds of a graph, from one side, and no proof rests on them."""
        return self.verdict == "undecided" and not self.theorem.architecture.refutable

    def _possible(self, name: str) -> Callable[[Claim], bool] | None:
        """Whether a claim about a graph meets what is known: from the bound of ℓ_A down to ℓ_A = 0."""
        if not self._informal or name not in OF_A_GRAPH:
            return None
        symbol = SYMBOLS[name]

        def possible(claim: Claim) -> bool:
            if symbol not in self.env:
                return False
            ends = [self.env[symbol], self.flattest.get(symbol, arb.nan())]
            return _meets(claim, ends, from_below=name == "kink_margin")

        return possible

    def _is_path_length(self, claim: Claim) -> bool:
        """S, known well enough to build on: the path stays in the ball."""
        return bool(claim.upper <= self.known(s.rho)) and self._encloses_root(claim, self._path_equation)

    def _encloses_root(self, claim: Claim, equation: Callable[[arb, int], list[arb]]) -> bool:
        """A claim encloses the root of an increasing function if that is ≤ 0 at its lower end and ≥ 0 at its upper."""
        above = claim.lower <= 0 or any(equation(claim.lower, n)[1] <= 0 for n in PANELS)
        return above and (not claim.upper.is_finite() or any(equation(claim.upper, n)[0] >= 0 for n in PANELS))

    def _path_equation(self, S: arb, panels: int) -> list[arb]:
        """ω∫₀^S − ψ_0, from below and above."""
        return [self.known(s.omega) * x - self.known(s.psi_0) for x in self._area(S, panels)]

    def _radius_equation(self, R: arb, panels: int) -> list[arb]:
        """2Rℓ(R) − σ_min(J_0), without the product where ℓ = 0 and R is infinite."""
        equation = self.theorem.radius
        product = arb(0) if equation in (None, 0) else evaluate(equation, {**self.env, s.rho: R})
        return [product - self.known(s.sigma_min_J)] * 2

    # --- hypotheses -------------------------------------------------------------------------------------------------
    def _hypotheses(self) -> None:
        known = dict(self.theorem.hypotheses) | ({} if s.rho in self.env else {"injective": theorem.INJECTIVE_AT_START})
        needed, seen = {"rank", "loss", "compact", "minimiser", *known}, dict[str, str]()
        for entry in self.record["hypotheses"]:
            name, stated = entry["id"], entry["verdict"]
            if stated not in VERDICTS or name in seen:
                self.find(f"hypotheses: found id {name!r} with verdict {stated!r}, expected each id once, a verdict")
            seen[name] = stated
            if name not in needed:
                self.notes.append(f"{self.label}hypotheses.{name}: stated {stated}, not checked")
                if name not in ("form", "descent") or stated == "proved":
                    self.find(f"hypotheses.{name}: found {stated!r}, expected one of {', '.join(sorted(needed))}")
                continue
            scalars = name in known and name != "start"
            truth = self._relation(known[name].relation) if scalars else getattr(self, f"_{name}")()
            verdict = {True: "proved", False: "refuted", None: "undecided"}[truth]
            self.row(f"hypotheses.{name}", stated, verdict, stated in (verdict, "undecided"), repr(verdict))
            if entry.get("margin") is not None:
                margin = known[name].margin if name in known else _MARGINS.get(name, sp.nan)
                self._margin(f"hypotheses.{name}.margin", entry["margin"], stated, margin)
        first_version = {"compact", "minimiser"} if self.version == 1 else set()  # part of "loss" there
        if self.verdict == "proved" and (missing := needed - first_version - set(seen)):
            self.find(f"hypotheses: found no {', '.join(sorted(missing))}, expected all in a proof")
        implied = next((v for v in ("refuted", "undecided") if v in seen.values()), "proved")
        if self.verdict != implied:
            self.find(f"verdict: found {self.verdict!r}, expected {implied!r} from the verdicts of the hypotheses")

    def _margin(self, name: str, value: Any, stated: str, margin: sp.Expr) -> None:
        claim = Claim.parse(value, f"{name}: ")
        if stated == "proved" and claim.evidence != "proved":
            self.find(f"{name}: found evidence {claim.evidence!r}, expected 'proved'")
        least = 0 if _is_size(margin) else -math.inf  # the ball around a size may reach below 0
        for panels in PANELS:
            truths = [evaluate(margin, env) for env in _at_both(self.env)]
            if all(claim.holds(truth, least) for truth in truths) or not margin.has(theorem.area):
                break
            self.env[theorem.area], self.env[_MOST] = self._area(self.known(s.rho), panels)
        known = self._informal and stated == "undecided" and margin.free_symbols <= self.env.keys()

        def possible(claim: Claim) -> bool:
            return known and _meets(claim, [*truths, evaluate(margin, self.flattest)])

        if claim.upper.is_finite() or truths[0].is_finite():  # else a loss without a bound
            self.compare(name, claim, *truths, least=least, possible=possible)

    def _relation(self, relation: sp.Basic) -> bool | None:
        """A relation on the claimed sublevel set; false only if it is so on the true one as well."""
        truth = _truth(relation, self.env)
        if truth is None and not self.known(s.omega).is_finite():  # no L: ω is below 1 for every step, in every form
            truth = False if _truth(relation, {**self.env, s.omega: arb(1)}) is False else None
        if truth is False and self.vanishing is not None:
            return None  # the loss may be smaller, down to 0
        if truth is False and not self.theorem.architecture.refutable and _truth(relation, self.flattest) is not False:
            return None  # ℓ_A is bounded from one side only
        return None if truth is False and self.least and _truth(relation, self.least) is not False else truth

    @cached_property
    def flattest(self) -> dict[Any, arb]:
        """The constants with ℓ_A = 0 on the true sublevel set: what is claimed larger makes every relation worse.

        Relations on the ball's radius are left undecided.
        """
        base = {symbol: value for symbol, value in self.base.items() if symbol != s.ball_radius}
        return self._constants({**base, s.lipschitz_AJ: arb(0)}, self.level)

    def _start(self) -> bool | None:
        """The loss is finite; where it may be 0, a bound stands for it."""
        value = self.env[s.loss_0]
        return True if value > 0 and value.is_finite() else False if value.is_zero() else None

    def _rank(self) -> bool | None:
        stated = next((h["verdict"] for h in self.record["hypotheses"] if h["id"] == "rank"), None)
        if self.operator.deficient and stated == "refuted" and self.record.get("version") == 1:
            return False  # full rank was asked for there
        return None if self.operator.rank is None else True

    def _loss(self) -> bool | None:
        """(A1)–(A4): the domains, and r = m unless the data can be projected."""
        if assumed := self.record["loss"].get("assumed"):
            self.notes.append(f"{self.label}loss: assumed, not proved: {assumed}")
            return None
        rank = self.operator.rank
        if self.operator.m > (self.operator.r if rank is None else rank) and not self.loss.squared:
            return False
        return self.loss.in_domain(self.instance) or None

    def _compact(self) -> bool | None:
        """(A1)."""
        return self._minimiser()

    def _minimiser(self) -> bool | None:
        """No other minimiser can be reached."""
        return None if self.record["loss"].get("assumed") else self.loss.one_minimum(self.instance) or None

    def _method(self) -> None:
        """Convergence is that of a method whose theorem was examined; what else is said of a method must be known."""
        run = self.run if isinstance(self.run, dict) else {}
        method, ran = self.record.get("method"), run.get("method")
        if (evidence := run.get("evidence", "estimated")) != "estimated":
            self.find(f"run.evidence: found {evidence!r}, expected 'estimated': what was observed proves nothing")
        if isinstance(ran, dict) and method_kind(self.record) not in _names_of(ran):
            self.find(f"method.kind: found {method_kind(self.record)!r}, expected the run's, {ran.get('kind')!r}")
        if method is None:
            return
        kind = method.get("kind", GRADIENT_DESCENT) if isinstance(method, dict) else ""
        if kind is not None and kind not in self.METHODS:
            self.find(f"method.kind: found {kind!r}, expected {', '.join(self.METHODS)} or null with these statements")
            return
        if unknown := sorted(set(method) - {"kind", "claims", *self.METHOD_KEYS}):
            self.find(f"method.{unknown[0]}: found one, expected none with method {kind}")
        if kind in self.WITHOUT_THEOREM and not point_only(self.record):
            self.find(f"method.claims: found {method.get('claims')!r}, expected 'existence' with method {kind}")

    def _claims(self) -> None:
        """What is claimed must be what follows from the record; the rest of that is examined by itself."""
        expected = {} if self.version == 1 or self.label else derive(self.record)
        found = self.record.get("claims")
        found = found if isinstance(found, dict) else {}
        if "stopping" not in found:  # records before it was added; it says nothing that the rest does not
            expected.pop("stopping", None)
        for name in sorted({*expected, *found}):
            if found.get(name) != expected.get(name):
                said = expected.get(name, "no such claim")
                self.find(f"claims.{name}: found {found.get(name)!r}, expected {said!r} from the rest of the record")

    # --- guarantees -------------------------------------------------------------------------------------------------
    @cached_property
    def recovery(self) -> Recovery:
        """What is known of the signal."""
        return Recovery(self)

    @cached_property
    def _known_loss(self) -> bool:
        """What is said of this iterate needs (A1)–(A4) and the minimiser, but no descent."""
        return bool(self._loss() and self._minimiser())

    def _conditional(self) -> None:
        """What holds only if the descent converges may not be better known than that it does."""
        if self.verdict == "proved":
            return
        here = self.record["arithmetic"] == "proved" and self.record["guarantees"].get("early_stopping_iteration") == 0
        for path in IF_CONVERGENT + (() if here else ONCE_STOPPED):
            value: Any = self.record["guarantees"]
            for key in path.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if value == "proved" or (isinstance(value, dict) and value.get("evidence") == "proved"):
                self.find(
                    f"guarantees.{path}: found evidence 'proved', expected weaker: the verdict is {self.verdict!r}"
                )

    def _step(self) -> None:
        guarantees.check_step(self)

    @property
    def guarantee_checks(self) -> dict[str, Callable[[Any, str, Any], None]]:
        """Checks by name of a guarantee."""
        return guarantees.CHECKS | CHECKS

    def reached(self, count: int, target: arb) -> bool:
        """Whether the loss is surely at most ``target`` after that many further steps."""
        return guarantees.reached(self, count, target)

    def _guarantees(self) -> None:
        checks = self.guarantee_checks
        self._conditional()
        for name, value in self.record["guarantees"].items():
            label = f"guarantees.{name}"
            if value is None or value == {} or value is False:
                continue
            estimated = self.record["arithmetic"] == "estimated"
            if estimated and name != "recovery":  # that rests on enclosures of its own
                self.notes.append(f"{self.label}{label}: estimated, not checked")
                if "'evidence': 'proved'" in str(value):
                    self.find(f"{label}: found evidence 'proved', expected 'estimated' from estimated arithmetic")
            elif not estimated and (self.verdict != "proved" or not self.path) and not self._holds_now(name, value):
                self.find(f"{label}: found a guarantee, expected none: the hypotheses are not proved")
            elif name not in checks:
                self.find(f"{label}: found an unknown guarantee, expected one of {', '.join(checks)}")
            else:
                try:
                    checks[name](self, label, value)
                except ValueError as error:
                    self.find(f"{label}: {error}")

    def _holds_now(self, name: str, value: Any) -> bool:
        """Whether a guarantee is about this iterate, and what it needs is proved again."""
        method_now = name in ("recovery", "recovery_error") or (name == "early_stopping_iteration" and value == 0)
        if name == "recovery" and isinstance(value, dict) and all(value.get(part) is None for part in NEEDS_LOSS):
            return True
        return method_now and self._known_loss
