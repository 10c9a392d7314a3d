"""`dipproofs test`: the theorem's claims on a user's own problem, as a property-based test run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st

from dipproofs.certify import api
from dipproofs.descent import make_schedule
from dipproofs.errors import InputError
from dipproofs.testing.follow import followable, violations

#: Fraction of the instances whose hypotheses have to be proved.
LEAST_NON_VACUOUS = 0.5
#: How many instances are tried to make a violation smaller.
_SHRINKING = 40
_FACTORS = (1.0, 0.5, 0.25)


@dataclass(frozen=True)
class Case:
    """One instance of the problem: what was drawn.

    Args:
        network: seed of the initialisation (of a perturbation, where the parameters come from a file).
        noise: seed of the noise. level: ‖ε‖/‖A x̄‖.
        step: factor of the problem file's step size (of the automatic one).
        momentum: factor of its momentum, where that is a number.
    """

    network: int = 0
    noise: int = 0
    level: float = 0.0
    step: float = 1.0
    momentum: float = 1.0

    def __str__(self) -> str:
        shown = {key: value for key, value in asdict(self).items() if key != "momentum" or value != 1}
        return ",".join(f"{key}={value:g}" for key, value in shown.items())

    @staticmethod
    def parse(text: str) -> Case:
        """Read what `str` wrote.

        Raises:
            InputError: anything else.

        Example:
            >>> Case.parse("network=3,noise=0,level=0.1,step=0.5")
            Case(network=3, noise=0, level=0.1, step=0.5, momentum=1.0)
        """
        known = {entry.name: int if entry.name in ("network", "noise") else float for entry in fields(Case)}
        try:
            pairs = dict(part.split("=") for part in text.split(","))
            return Case(**{key: known[key](value) for key, value in pairs.items()})  # type: ignore[arg-type]
        except (ValueError, KeyError):
            raise InputError(f"--case: found {text!r}, expected for example network=3,noise=0,level=0,step=1") from None


@dataclass(frozen=True)
class Outcome:
    """What a test run found.

    Args:
        examples: instances drawn. non_vacuous: those whose hypotheses were proved.
        falsified: what was claimed and did not happen, for the smallest instance found.
        case: that instance. seed: of the drawing. command: that repeats it.
        compared: what was compared with the claims.
    """

    examples: int
    non_vacuous: int
    seed: int
    falsified: tuple[str, ...] = ()
    case: Case | None = None
    command: str = ""
    compared: str = ""
    reasons: tuple[str, ...] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        """Whether nothing was violated and at least half of the instances said something."""
        return not self.falsified and self.non_vacuous >= LEAST_NON_VACUOUS * self.examples

    def to_json(self) -> dict[str, Any]:
        """Return the contract's dictionary."""
        return {
            "format": "dipproofs-test",
            "examples": self.examples,
            "non_vacuous": self.non_vacuous,
            "violations": len(self.falsified),
            "seed": self.seed,
            "falsified": list(self.falsified),
            "case": None if self.case is None else asdict(self.case),
            "command": self.command if self.falsified else None,
        }

    def __str__(self) -> str:
        lines = [
            f"{self.examples} instances drawn (seed {self.seed}); hypotheses proved for {self.non_vacuous} of them",
            f"compared with the run: {self.compared}",
        ]
        if self.falsified:
            lines += [f"violated: {line}" for line in self.falsified]
            lines += [f"smallest instance found: {self.case}", f"again: {self.command}", "✗ A claim was violated."]
        elif not self.passed:
            lines += [f"not proved: {reason}" for reason in self.reasons[:3]]
            lines.append("? Too few instances were certified, so little was tested; use a wider network, or polish.")
        else:
            lines.append(f"✓ No violation in {self.non_vacuous} certified instances.")
        return "\n".join(lines)


@dataclass(frozen=True)
class Examined:
    """What was found on one instance.

    Args:
        violations: what was claimed and did not happen. proved: whether the hypotheses are.
        followed: whether the run was followed in other arithmetic. reasons: why the hypotheses are not proved.
    """

    violations: tuple[str, ...] = ()
    proved: bool = False
    followed: bool = False
    reasons: tuple[str, ...] = ()


def cases(spec: Any) -> st.SearchStrategy[Case]:
    """Instances of a problem file: initialisation, noise and step, within its options.

    Args:
        spec: `ProblemSpec`.

    Returns:
        Strategy of `Case`; shrinks to seed 0, no noise and the file's own step.
    """
    seeds = st.integers(0, 2**16)
    level = float(spec.noise.level)
    measured = spec.signal.build is not None and getattr(spec.signal, "path", None) is not None
    levels = st.just(level) if measured else st.sampled_from(sorted({0.0, level, level / 2, max(level, 0.01)}))
    noise = st.just(0) if measured else st.integers(0, 2**16)
    momentum = st.sampled_from((1.0, 0.5)) if _momentum(spec) else st.just(1.0)
    return st.builds(Case, seeds, noise, levels, st.sampled_from(_FACTORS), momentum)


def _momentum(spec: Any) -> bool:
    """Whether the problem file's method has a momentum that is a number."""
    return isinstance(getattr(spec.descent, "momentum", None), float)


def perturbed(network: Any, seed: int) -> Any:
    """Return the network with every parameter moved by a tenth of its size; seed 0 leaves it as it is.

    Args:
        network: whose parameters come from a file, so that no initialisation can be drawn. seed: of the drawing.
    """
    if seed == 0:
        return network
    rng, moved = np.random.default_rng(seed), {}
    for name, array in network.parameters().items():
        size = 0.1 * float(np.sqrt(np.mean(np.asarray(array, np.float64) ** 2)))
        moved[name] = (array + size * rng.standard_normal(array.shape)).astype(array.dtype)
    return network.with_parameters(moved)


def run_tests(
    spec: Any,
    examples: int = 50,
    seed: int = 0,
    *,
    command: str = "dipproofs test PROBLEM.toml",
    advance: Callable[[], None] | None = None,
    case: Case | None = None,
    elsewhere: Callable[[Sequence[Case]], Mapping[Case, Examined]] | None = None,
) -> Outcome:
    """Draw instances of a problem, certify them, and follow those that are proved.

    Args:
        spec: `ProblemSpec` of the problem file. examples: how many instances. seed: of the drawing.
        command: how the run was started, for the command that repeats a violation.
        advance: called after each instance. case: try this instance alone.
        elsewhere: examines instances beforehand, in other processes; see `dipproofs.testing.parallel`.

    Returns:
        What was found; a violation is shrunk first.
    """
    tester = _Tester(spec, advance)
    if case is not None:
        tester.try_case(case)
        return tester.result(seed, command)
    if elsewhere is not None:
        drawn: dict[Case, None] = {}
        _draw(spec, examples, seed, lambda one: bool(drawn.setdefault(one)))
        tester.prepared = elsewhere(list(drawn))
    _draw(spec, examples, seed, tester.try_case)
    return tester.result(seed, command)


def _draw(spec: Any, examples: int, seed: int, violates: Callable[[Case], bool]) -> None:
    """Draw instances and, once one violates a claim, smaller ones."""
    # the draws depend on the seed alone: no database, no derandomisation by the function's name
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    )

    def attempt(case: Case) -> None:
        if violates(case):
            raise _Violated

    with contextlib.suppress(_Violated):
        hypothesis.seed(seed)(settings(hypothesis.given(cases(spec))(attempt)))()


def examine(spec: Any, case: Case) -> Examined:
    """Certify one instance and follow it, by itself."""
    return _Tester(spec, None)._examine(case)


class _Violated(Exception):
    """A claim did not hold."""


class _Tester:
    """Certifies and follows instances, and remembers the smallest violation."""

    def __init__(self, spec: Any, advance: Callable[[], None] | None) -> None:
        self.spec, self.advance = spec, advance
        self.examples = self.non_vacuous = self.shrinking = 0
        self.smallest: tuple[Case, tuple[str, ...]] | None = None
        self.reasons: dict[str, None] = {}
        self.auto: float | None = None
        self.followed = False
        self.prepared: Mapping[Case, Examined] = {}
        self._known: dict[Case, tuple[str, ...]] = {}

    def try_case(self, case: Case) -> bool:
        """Whether a claim is violated on this instance."""
        if case in self._known:
            return bool(self._known[case])
        if self.smallest is not None:
            self.shrinking += 1
            if self.shrinking > _SHRINKING:
                return False
        prepared = self.prepared.get(case)
        found = self._examine(case) if prepared is None else prepared
        self._known[case] = found.violations
        self.followed |= found.followed
        self.reasons |= dict.fromkeys(found.reasons)
        if self.smallest is None:
            self.examples += 1
            self.non_vacuous += found.proved
            if self.advance is not None and prepared is None:
                self.advance()
        if found.violations:
            self.smallest = case, found.violations
        return bool(found.violations)

    def _examine(self, case: Case) -> Examined:
        spec = self._drawn(case)
        built = spec.build()
        if not hasattr(spec.network, "seed"):
            built = built._replace(network=perturbed(built.network, case.network))
        options = built.descent
        certificate = self._certify(built, self._step(built, case), case.momentum)
        followed = False
        for one in (certificate, certificate.final):
            if one is None or not one.proved:
                continue
            schedule = make_schedule(options.schedule, **options.schedule_options)
            followed |= followable(one, schedule)
            found = violations(one, built.problem, built.loss, schedule, certificate.run)
            if found:
                return Examined(tuple(found), True, followed)
        reasons = () if certificate.proved else tuple(h.reason for h in certificate.hypotheses if h.reason)
        proved = certificate.proved or (certificate.final is not None and certificate.final.proved)
        return Examined((), proved, followed, reasons)

    def _drawn(self, case: Case) -> Any:
        spec = self.spec
        if hasattr(spec.network, "seed"):
            spec = replace(spec, network=replace(spec.network, seed=case.network))
        if case.level != spec.noise.level or case.level:
            spec = replace(spec, noise=replace(spec.noise, level=case.level, seed=case.noise))
        return spec

    def _step(self, built: Any, case: Case) -> str | float:
        given = built.descent.step
        if case.step == 1.0:
            return given  # type: ignore[no-any-return]
        if not isinstance(given, str):
            return float(given) * case.step
        if self.auto is None:
            self.auto = self._certify(built, "auto").run.gamma
        return self.auto * case.step

    def _certify(self, built: Any, step: str | float, momentum: float = 1.0) -> Any:
        asked = built.arguments | {"step": step, "arithmetic": "proved", "keep_interrupted": False}
        if momentum != 1:
            asked["momentum"] = momentum * float(asked["momentum"])
        return api.certify(**asked)

    def result(self, seed: int, command: str) -> Outcome:
        case, found = self.smallest if self.smallest is not None else (None, ())
        what = "loss, path, limit and signal bounds, the run's own losses, the adjoint, the KL inequality"
        return Outcome(
            examples=self.examples,
            non_vacuous=self.non_vacuous,
            seed=seed,
            falsified=found,
            case=case,
            command=f"{command} --case {case}",
            compared=what if self.followed else "loss and path, as the run recorded them",
            reasons=tuple(self.reasons),
        )
