"""How a number is known, what a statement's standing is, and why."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from functools import reduce
from operator import and_


class Evidence(IntEnum):
    """How a number is known, from strongest to weakest.

    Arithmetic gives the weakest evidence of its inputs; only `PROVED` numbers make a proved verdict.

    Attributes:
        PROVED: The true value lies in the interval (`docs/theory.md §8`).
        ASSUMED: True if a stated assumption of the user is.
        SAMPLED: A confidence interval from sampling.
        ESTIMATED: A floating-point value, without guarantee.

    Example:
        >>> str(Evidence.PROVED), Evidence.PROVED < Evidence.ESTIMATED
        ('proved', True)
        >>> Evidence.parse("sampled")
        <Evidence.SAMPLED: 2>
    """

    PROVED = 0
    ASSUMED = 1
    SAMPLED = 2
    ESTIMATED = 3

    def __str__(self) -> str:
        return self.name.lower()

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read the word that `str` prints.

        Raises:
            ValueError: The word is none of the four.
        """
        try:
            return cls[text.upper()]
        except (KeyError, AttributeError):
            raise ValueError(f"evidence: found {text!r}, expected one of {', '.join(map(str, cls))}") from None

    @staticmethod
    def weakest(levels: Iterable[Evidence]) -> Evidence:
        """The weakest of several levels; `PROVED` when there is none.

        Example:
            >>> str(Evidence.weakest([Evidence.PROVED, Evidence.SAMPLED]))
            'sampled'
        """
        return max(levels, default=Evidence.PROVED)


class Verdict(StrEnum):
    """The standing of a statement: proved, refuted, or undecided.

    Example:
        >>> str(Verdict.PROVED), Verdict.PROVED & Verdict.UNDECIDED, ~Verdict.PROVED
        ('proved', <Verdict.UNDECIDED: 'undecided'>, <Verdict.REFUTED: 'refuted'>)
    """

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"

    def __str__(self) -> str:
        return self.value

    def __and__(self, other: Verdict) -> Verdict:
        """Verdict of "both": refuted when one is, proved when both are."""
        if Verdict.REFUTED in (self, other):
            return Verdict.REFUTED
        return Verdict.PROVED if self is other is Verdict.PROVED else Verdict.UNDECIDED

    @classmethod
    def of_all(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Verdict of "all of them": refuted when one is, proved when all are, also when there is none.

        Example:
            >>> str(Verdict.of_all([Verdict.PROVED, Verdict.UNDECIDED])), str(Verdict.of_all([]))
            ('undecided', 'proved')
        """
        return reduce(and_, verdicts, cls.PROVED)

    def __invert__(self) -> Verdict:
        """Verdict of the negation."""
        return _NEGATION[self]

    def __bool__(self) -> bool:
        """Refused: three values do not fit into two."""
        raise TypeError("a Verdict has three values: compare it with Verdict.PROVED instead of using it as a bool")


_NEGATION = {
    Verdict.PROVED: Verdict.REFUTED,
    Verdict.REFUTED: Verdict.PROVED,
    Verdict.UNDECIDED: Verdict.UNDECIDED,
}
