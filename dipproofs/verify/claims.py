"""What a record claims, and what came out of checking it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flint import arb

EVIDENCE = ("proved", "assumed", "sampled", "estimated")
VERDICTS = ("proved", "refuted", "undecided")


@dataclass(frozen=True)
class Claim:
    """A claimed enclosure: two ends, exact floats or infinite, and the evidence for it."""

    lower: arb
    upper: arb
    evidence: str

    @classmethod
    def parse(cls, value: Any) -> Claim:
        """Read {"lower", "upper", "evidence"}.

        Raises:
            ValueError: anything else, or ends in the wrong order.
        """
        if not isinstance(value, dict) or not {"lower", "upper", "evidence"} <= set(value):
            raise ValueError(f"found {_short(value)}, expected an object with lower, upper and evidence")
        high = _end(value["upper"], "inf")
        low = _end(value["lower"], "-inf" if high.is_finite() or value["lower"] == "-inf" else "inf")
        if not low <= high:
            raise ValueError(f"found lower {value['lower']} above upper {value['upper']}")
        if value["evidence"] not in EVIDENCE:
            raise ValueError(f"found evidence {_short(value['evidence'])}, expected one of {', '.join(EVIDENCE)}")
        return cls(low, high, value["evidence"])

    def holds(self, truth: arb, least: float = -math.inf) -> bool:
        """Whether every number of the recomputed ball that is at least ``least`` is between the ends."""
        return bool((self.lower <= least or self.lower <= truth) and truth <= self.upper)

    def meets(self, truth: arb) -> bool:
        """Whether the recomputed ball reaches between the ends."""
        return bool(arb(truth.lower()) <= self.upper and self.lower <= arb(truth.upper()))

    def __str__(self) -> str:
        return f"[{float(self.lower):.10g}, {float(self.upper):.10g}]"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _end(value: Any, infinite: str) -> arb:
    # the string of the other infinity is no end; a number that overflows a float is refused as well
    if value == infinite and isinstance(value, str):
        return arb.pos_inf() if infinite == "inf" else arb.neg_inf()
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**1024 and math.isfinite(value):
        return arb(value)
    raise ValueError(f"found {_short(value)}, expected a finite number or '{infinite}'")


@dataclass(frozen=True)
class Row:
    """One line of the table: a claim, what was recomputed, and the outcome ("ok", "wrong", "not checked")."""

    name: str
    claimed: str
    recomputed: str
    outcome: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify`.

    Args:
        valid: everything that the certificate claims as proved was proved again.
        readable: the files could be read.
        findings: one line each: what was found, what was expected.
        rows: claimed and recomputed enclosures.
        notes: what was taken as given or not checked.
        verdict: the verdict that the certificate states.
    """

    valid: bool
    readable: bool
    findings: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    verdict: str = ""

    @property
    def exit_code(self) -> int:
        """0 valid, 1 not valid, 2 unreadable."""
        return 0 if self.valid else 1 if self.readable else 2

    def __bool__(self) -> bool:
        return self.valid

    def __str__(self) -> str:
        head = "valid" if self.valid else "not valid" if self.readable else "unreadable"
        lines = [f"{head}: the certificate states {self.verdict!r}" if self.readable else head]
        if self.rows:
            table = [
                ("quantity", "claimed", "recomputed", ""),
                *((r.name, r.claimed, r.recomputed, r.outcome) for r in self.rows),
            ]
            widths = [max(len(line[i]) for line in table) for i in range(3)]
            lines += [
                "  ".join([*(cell.ljust(w) for cell, w in zip(line, widths)), line[3]]).rstrip() for line in table
            ]
        lines += [f"finding: {finding}" for finding in self.findings]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)
