"""How wide must the network of a problem file be? Trials over widths and seeds (evidence: sampled)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dipproofs.errors import InputError
from dipproofs.tables.cells import WidthCell
from dipproofs.tables.losses import named_loss
from dipproofs.tables.width import smallest_width
from dipproofs.theory.width import WIDTH_BOUNDS, NotApplicable

#: Networks with more entries of V than this are not drawn.
LARGEST_NETWORK = 20_000_000
_RATIO = 2 ** (1 / 4)


@dataclass(frozen=True)
class Trials:
    """What the seeds said at the smallest width at which all of them succeeded.

    Args:
        width: that width, or None with a ``reason``.
        count: number of seeds.
        reason: why there is none.
    """

    width: int | None
    count: int
    reason: str = ""

    @property
    def interval(self) -> str:
        """Clopper–Pearson interval, 95 %, of the probability of success at that width.

        Example:
            >>> Trials(8, 10).interval
            '[0.691, 1]'
        """
        if self.width is None:
            return ""
        low = math.floor(1000 * 0.025 ** (1 / self.count)) / 1000
        return f"[{low:.3f}, 1]"


def smallest_for_all(
    succeeds: Callable[[int, int], bool], widths: Iterator[int] | tuple[int, ...], seeds: tuple[int, ...]
) -> Trials:
    """Return the first of the widths at which every seed succeeds."""
    last = 0
    for width in widths:
        last = width
        if all(succeeds(width, seed) for seed in seeds):
            return Trials(width, len(seeds))
    return Trials(None, len(seeds), f"some of {len(seeds)} seeds fail up to width {last}")


def growing_widths(start: int, limit: int, ratio: float = math.sqrt(2)) -> tuple[int, ...]:
    """Return integers from ``start`` to ``limit``, each about ``ratio`` times the one before.

    Example:
        >>> growing_widths(1, 20)
        (1, 2, 3, 4, 6, 8, 11, 16)
    """
    result: list[int] = []
    value = float(start)
    while round(value) <= limit:
        if not result or round(value) > result[-1]:
            result.append(round(value))
        value *= ratio
    return tuple(result)


class Instance:
    """A problem with its network redrawn at any width and seed."""

    def __init__(self, spec: Any, max_iterations: int | None) -> None:
        from dipproofs.certify.api import bound_operator_of
        from dipproofs.descent import make_schedule

        built = spec.build()
        if not hasattr(spec.network, "width"):
            raise InputError(f"{spec.name}: found network.kind file, expected one that can be drawn at any width")
        self.spec, self.problem, self.loss = spec, built.problem, built.loss
        self.options, self.certificate, self.arguments = built.descent, built.certificate, built.arguments
        self._refuse_idle()
        self.max_iterations = max_iterations or self.options.max_iterations
        self.schedule = make_schedule(self.options.schedule, **self.options.schedule_options)
        self.operator = bound_operator_of(built.problem, built.network)
        self.outputs = built.network.V.shape[0]
        self._runs: dict[tuple[int, int], tuple[bool, bool]] = {}

    def _refuse_idle(self) -> None:
        """Refuse what the table would not use."""
        options = self.options
        idle = [
            ("certificate.arithmetic", self.certificate.arithmetic, "proved", "the table counts proved certificates"),
            (
                "descent.method",
                options.method,
                "gradient-descent",
                "the forms at the start are those of its theorem",
            ),
            ("descent.polish", options.polish, "none", "the table counts certified runs"),
        ]
        for key, found, expected, why in idle:
            if found != expected:
                raise InputError(f"{self.spec.name}: found {key} = {found}, expected {expected}: {why}; leave it out")

    @property
    def widest(self) -> int:
        """Largest width that is drawn."""
        return int(max(1, LARGEST_NETWORK // max(self.outputs, self.spec.network.input_dimension)))

    def network(self, width: int, seed: int) -> Any:
        """Draw the problem file's network at another width and seed."""
        changed = replace(self.spec, network=replace(self.spec.network, width=width, seed=seed))
        return changed.build().network

    def certified_at_start(self, width: int, seed: int) -> bool:
        """Whether some form is proved at initialisation."""
        from dipproofs.certify.at_iterate import certify_at
        from dipproofs.certify.search import Step

        network, step = self.network(width, seed), self.options.step
        chosen = Step(None, 1.0) if isinstance(step, str) else Step(step)
        for arithmetic in ("estimated", "proved"):
            found = certify_at(
                self.problem, network, self.loss, self.operator, chosen, form=self.certificate.form,
                arithmetic=arithmetic, origin={}, schedule=self.schedule,
            )  # fmt: skip
            if arithmetic == "estimated" and any(str(h.verdict) == "refuted" for h in found.hypotheses):
                return False
        return bool(found.proved)

    def certified_anytime(self, width: int, seed: int) -> bool:
        """Whether some iterate of the run is certified."""
        return self._run(width, seed)[0]

    def converges(self, width: int, seed: int) -> bool:
        """Whether the run's loss falls below the tolerance."""
        return self._run(width, seed)[1]

    def _run(self, width: int, seed: int) -> tuple[bool, bool]:
        if (width, seed) not in self._runs:
            from dipproofs.certify.api import certify

            drawn = {"network": self.network(width, seed), "max_iterations": self.max_iterations}
            certificate = certify(**{**self.arguments, **drawn}, origin={}, keep_interrupted=False)
            proved = certificate.proved or bool(certificate.final and certificate.final.proved)
            self._runs[width, seed] = proved, certificate.run.converged
        return self._runs[width, seed]

    def start_width(self, seeds: tuple[int, ...]) -> Trials:
        """Smallest width (within a factor 2^{1/4}) at which every seed is certified at initialisation."""
        coarse = smallest_for_all(self.certified_at_start, growing_widths(2, self.widest, 2.0), seeds)
        if coarse.width is None or coarse.width <= 2:
            return coarse
        fine = growing_widths(coarse.width // 2 + 1, coarse.width - 1, _RATIO)
        finer = smallest_for_all(self.certified_at_start, fine, seeds)
        return finer if finer.width is not None else coarse

    def bound(self, delta: Fraction) -> tuple[int | None, str]:
        """The width bound for this operator and data, form concave at q = 1, with probability ≥ 1−δ over networks."""
        network = self.spec.network
        name = _loss_name(self.loss)
        if self.operator.rank is None:
            return None, "rank of A not decided"
        if self.certificate.form not in ("best", "concave") or not isinstance(self.options.step, str):
            return None, "bounds are for form concave with the step of q = 1"
        if network.output_scale != 1:
            return None, "bounds are for entries of V with variance 1 (network.output_scale = 1)"
        if network.output_offset != 0 or self.outputs != self.problem.operator.shape[1]:
            return None, "bounds are for networks without basis and offset"
        m, n = self.problem.operator.shape
        if name is None or named_loss(name).required is None or named_loss(name).required.from_zero:  # type: ignore[union-attr]
            return None, f"no bound for loss {self.loss.kind}"
        if self.operator.rank < m and self.loss.kind != "squared":
            return None, "(A4) fails: rank A < m"
        cell = WidthCell(
            n, m, network.input_dimension, Fraction(1), None, Fraction(0), name, "concave", Fraction(1), delta,
            network.train, network.activation, network.outer_law, "auto", "",
        )  # fmt: skip
        exact = self._exact_inputs(cell)
        return _smallest_over_bounds(cell, exact)

    def _exact_inputs(self, cell: WidthCell) -> list[Fraction]:
        """The operator's and the data's numbers, each on the side that makes the bound larger."""
        operator = self.operator
        matrix = operator.matrix
        frobenius = Fraction(matrix.norm_fro_upper())
        small = matrix if matrix.mid.shape[0] <= matrix.mid.shape[1] else matrix.T
        schatten = Fraction(small.gram().norm_fro_upper())
        y2 = sum((Fraction(float(v)) ** 2 for v in self.problem.y), Fraction(0))
        values = [Fraction(cell.n), Fraction(cell.m), Fraction(operator.rank or 0), Fraction(operator.sigma.lower)]
        values += [Fraction(operator.norm.upper), frobenius**2, schatten**2, y2, cell.delta, cell.q]
        return values + [value for _, value in named_loss(cell.loss).parameters]


def _loss_name(loss: Any) -> str | None:
    parameters = ";".join(f"{key}={value!r}" for key, value in loss.parameters.items())
    name = f"{loss.kind}:{parameters}" if parameters else loss.kind
    try:
        return name if named_loss(name) else None
    except InputError:
        return None


def _smallest_over_bounds(cell: WidthCell, exact: list[Fraction]) -> tuple[int | None, str]:
    best: tuple[int | None, str] = (None, "no bound applies")
    for name in WIDTH_BOUNDS:
        if name == "baseline":
            continue
        with suppress(NotApplicable):
            width = smallest_width(replace(cell, bound=name), exact)
            if width is not None and (best[0] is None or width < best[0]):
                best = width, name
    return best
