"""`Bound`: an interval that says how it is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeAlias, Union

import flint

from dipproofs.enclosures.ends import add_ends, arb_down, end_from_json, end_to_json, multiply_ends, power_of_end
from dipproofs.enclosures.evidence import Evidence, Verdict
from dipproofs.enclosures.rounding import down, up
from dipproofs.errors import InputError

Exact: TypeAlias = int | float | Fraction
#: What arithmetic with a `Bound` accepts: numbers are taken as the exact numbers they are.
BoundLike: TypeAlias = Union["Bound", int, float, Fraction]
_WORKING_BITS = 160


@dataclass(frozen=True)
class Bound:
    """A number known to lie in [lower, upper], with the evidence for it.

    Args:
        lower: Lower end, a float (−inf: unknown). Never NaN.
        upper: Upper end, a float (inf: unknown), ≥ lower.
        evidence: How it is known; with `Evidence.PROVED`, lower ≤ true value ≤ upper is a theorem.

    Raises:
        InputError: An end is NaN, or lower > upper.

    Notes:
        Arithmetic rounds outward and gives the weakest evidence of its inputs. A constant of Python
        (int, float, Fraction) is taken as the exact number it is. Comparisons are `gt` and `lt`, which
        return a `Verdict`; `==` compares intervals, not numbers. Source: `docs/theory.md §8`.

    Example:
        >>> third = Bound.exact(1) / 3
        >>> third.lower < third.upper, third.gt(0.3).value
        (True, 'proved')
        >>> (third + Bound.estimated(1.0)).gt(0).value
        'undecided'
        >>> Bound(2.0, 1.0)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: bound: found lower 2.0 above upper 1.0, expected lower ≤ upper
    """

    lower: float
    upper: float
    evidence: Evidence = Evidence.PROVED

    def __post_init__(self) -> None:
        lower, upper = float(self.lower), float(self.upper)
        if math.isnan(lower) or math.isnan(upper):
            raise InputError(f"bound: found an end that is not a number ({lower}, {upper}), expected floats")
        if lower > upper:
            raise InputError(f"bound: found lower {lower!r} above upper {upper!r}, expected lower ≤ upper")
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "evidence", Evidence(self.evidence))

    # --- making one -------------------------------------------------------------------------------------
    @classmethod
    def exact(cls, value: Exact) -> Bound:
        """The exact number `value`: a point if it is a float, else the two floats around it.

        Example:
            >>> Bound.exact(0.1).lower == Bound.exact(0.1).upper, Bound.exact(2**60 + 1).upper
            (True, 1.1529215046068472e+18)
        """
        if isinstance(value, Rational):
            fraction = Fraction(int(value.numerator), int(value.denominator))
            return cls(down(fraction), up(fraction))
        number = float(value)
        return cls(number, number)

    @classmethod
    def estimated(cls, value: float) -> Bound:
        """A floating-point value without guarantee; NaN becomes the whole line."""
        number = float(value)
        if math.isnan(number):
            return cls.unknown(Evidence.ESTIMATED)
        return cls(number, number, Evidence.ESTIMATED)

    @classmethod
    def unknown(cls, evidence: Evidence = Evidence.PROVED) -> Bound:
        """The whole line: nothing is known, which is always true."""
        return cls(-math.inf, math.inf, evidence)

    @classmethod
    def from_arb(cls, value: flint.arb, evidence: Evidence = Evidence.PROVED) -> Bound:
        """The smallest floats around an Arb ball; a NaN ball becomes the whole line.

        Example:
            >>> import flint
            >>> Bound.from_arb(flint.arb(2).sqrt()).contains(1.41421356237309505)
            True
        """
        if value.is_nan():
            return cls.unknown(evidence)
        return cls(arb_down(value.lower()), -arb_down(-value.upper()), evidence)

    @classmethod
    def coerce(cls, value: BoundLike) -> Bound:
        """`value` itself when it is a Bound, else the exact number."""
        return value if isinstance(value, Bound) else cls.exact(value)

    # --- looking at one ---------------------------------------------------------------------------------
    def arb(self) -> flint.arb:
        """An Arb ball that contains the interval (exact for points)."""
        if self.lower == self.upper:
            return flint.arb(self.lower)
        if math.isinf(self.lower) or math.isinf(self.upper):
            return flint.arb(0, math.inf)
        return flint.arb(self.lower).union(flint.arb(self.upper))

    @property
    def is_finite(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.lower) and math.isfinite(self.upper)

    @property
    def is_point(self) -> bool:
        """Whether the interval is one number."""
        return self.lower == self.upper

    @property
    def mid(self) -> float:
        """A finite float near the middle of the interval (its finite end, or 0, when it is unbounded)."""
        if self.is_finite:
            return min(max(self.lower / 2 + self.upper / 2, self.lower), self.upper)
        return next((end for end in (self.lower, self.upper) if math.isfinite(end)), 0.0)

    @property
    def width(self) -> float:
        """Upper bound of upper − lower."""
        return 0.0 if self.is_point else (self - self).upper

    @property
    def relative_width(self) -> float:
        """About (upper − lower)/max(|lower|, |upper|), between 0 and 2; inf when unbounded."""
        if self.is_point:
            return 0.0
        scale = max(abs(self.lower), abs(self.upper))
        return math.inf if math.isinf(scale) else self.upper / scale - self.lower / scale

    def contains(self, value: Exact) -> bool:
        """Whether the exact number `value` lies in the interval."""
        return self.lower <= value <= self.upper

    def nonnegative(self) -> Bound:
        """The part that a norm, or a sum of norms, can be: both ends at least 0.

        Raises:
            InputError: a proved bound below 0, which cannot be one of a norm.

        Example:
            >>> Bound(-1.0, 2.0).nonnegative() == Bound(0.0, 2.0)
            True
        """
        upper = self.upper if self.evidence is Evidence.PROVED else max(self.upper, 0.0)
        return Bound(max(self.lower, 0.0), upper, self.evidence)

    def with_evidence(self, evidence: Evidence) -> Bound:
        """The same interval with evidence no stronger than before."""
        return Bound(self.lower, self.upper, max(self.evidence, evidence))

    # --- arithmetic -------------------------------------------------------------------------------------
    def __neg__(self) -> Bound:
        return Bound(-self.upper, -self.lower, self.evidence)

    def __abs__(self) -> Bound:
        low = max(self.lower, -self.upper, 0.0)
        return Bound(low, max(abs(self.lower), abs(self.upper)), self.evidence)

    def __add__(self, other: BoundLike) -> Bound:
        that = Bound.coerce(other)
        lower, upper = add_ends(self.lower, that.lower, down), add_ends(self.upper, that.upper, up)
        return self._result(that, lower, upper)

    def __sub__(self, other: BoundLike) -> Bound:
        return self + (-Bound.coerce(other))

    def __mul__(self, other: BoundLike) -> Bound:
        that = Bound.coerce(other)
        infinite = _infinite(self) or _infinite(that)
        if infinite and (self.lower <= 0 <= self.upper or that.lower <= 0 <= that.upper):
            return Bound.unknown(max(self.evidence, that.evidence))
        pairs = dict.fromkeys((a, b) for a in (self.lower, self.upper) for b in (that.lower, that.upper))
        return self._result(
            that, min(multiply_ends(a, b, down) for a, b in pairs), max(multiply_ends(a, b, up) for a, b in pairs)
        )

    def __truediv__(self, other: BoundLike) -> Bound:
        that = Bound.coerce(other)
        if that.lower <= 0 <= that.upper:
            return Bound.unknown(max(self.evidence, that.evidence))
        return self * that._reciprocal() if not self.is_finite or not that.is_finite else self._divide(that)

    def __radd__(self, other: BoundLike) -> Bound:
        return self + other

    def __rsub__(self, other: BoundLike) -> Bound:
        return Bound.coerce(other) - self

    def __rmul__(self, other: BoundLike) -> Bound:
        return self * other

    def __rtruediv__(self, other: BoundLike) -> Bound:
        return Bound.coerce(other) / self

    def sqrt(self) -> Bound:
        """Square root; the whole line when the interval reaches below 0.

        Example:
            >>> Bound(4.0, 9.0).sqrt() == Bound(2.0, 3.0), Bound(-1.0, 1.0).sqrt().is_finite
            (True, False)
        """
        return self ** Fraction(1, 2)

    def __pow__(self, exponent: Exact) -> Bound:
        power = Fraction(exponent)
        if power == 0:
            return Bound(1.0, 1.0, self.evidence)
        if power < 0:
            return Bound.exact(1) / self ** (-power)
        if power.denominator == 1 and power.numerator % 2 == 0:
            base = abs(self)
        elif power.denominator != 1 and self.lower < 0:
            return Bound.unknown(self.evidence)
        else:
            base = self
        with flint.ctx.workprec(_WORKING_BITS):
            lower, upper = power_of_end(base.lower, power), power_of_end(base.upper, power)
            return Bound(arb_down(lower.lower()), -arb_down(-upper.upper()), self.evidence)

    def max(self, other: BoundLike) -> Bound:
        """The larger of two numbers."""
        that = Bound.coerce(other)
        return self._result(that, max(self.lower, that.lower), max(self.upper, that.upper))

    def min(self, other: BoundLike) -> Bound:
        """The smaller of two numbers."""
        that = Bound.coerce(other)
        return self._result(that, min(self.lower, that.lower), min(self.upper, that.upper))

    def intersect(self, other: Bound) -> Bound:
        """The common part of two bounds of the *same* number.

        Raises:
            InputError: They have no common part: one of them is wrong.
        """
        return self._result(other, max(self.lower, other.lower), min(self.upper, other.upper))

    # --- comparison -------------------------------------------------------------------------------------
    def gt(self, other: BoundLike) -> Verdict:
        """Verdict of "this number > other"; undecided unless both are `PROVED`.

        Example:
            >>> Bound(1.0, 2.0).gt(0).value, Bound(1.0, 2.0).gt(2).value, Bound(1.0, 2.0).gt(1).value
            ('proved', 'refuted', 'undecided')
        """
        that = Bound.coerce(other)
        if max(self.evidence, that.evidence) > Evidence.PROVED:
            return Verdict.UNDECIDED
        if self.lower > that.upper:
            return Verdict.PROVED
        return Verdict.REFUTED if self.upper <= that.lower else Verdict.UNDECIDED

    def lt(self, other: BoundLike) -> Verdict:
        """Verdict of "this number < other"; undecided unless both are `PROVED`."""
        return Bound.coerce(other).gt(self)

    def ge(self, other: BoundLike) -> Verdict:
        """Verdict of "this number ≥ other"."""
        return ~self.lt(other)

    def le(self, other: BoundLike) -> Verdict:
        """Verdict of "this number ≤ other"."""
        return ~self.gt(other)

    # --- writing ----------------------------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """A JSON object {"lower", "upper", "evidence"}; infinite ends are the strings "inf", "-inf".

        Example:
            >>> Bound(0.0, float("inf")).to_json()
            {'lower': 0.0, 'upper': 'inf', 'evidence': 'proved'}
        """
        return {"lower": end_to_json(self.lower), "upper": end_to_json(self.upper), "evidence": str(self.evidence)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bound:
        """Read what `to_json` wrote.

        Raises:
            InputError: A key is missing or a value is no number.
        """
        try:
            ends = [end_from_json(data[key]) for key in ("lower", "upper")]
            return cls(ends[0], ends[1], Evidence.parse(data["evidence"]))
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"bound: found {data!r}, expected numbers lower ≤ upper and an evidence ({error})"
            ) from None

    def __str__(self) -> str:
        if self.is_point:
            return f"{self.lower:.6g} ({self.evidence})"
        return f"[{self.lower:.6g}, {self.upper:.6g}] ({self.evidence})"

    # --- inside -----------------------------------------------------------------------------------------
    def _result(self, that: Bound, lower: float, upper: float) -> Bound:
        return Bound(lower, upper, max(self.evidence, that.evidence))

    def _divide(self, that: Bound) -> Bound:
        ratios = [Fraction(a) / Fraction(b) for a in (self.lower, self.upper) for b in (that.lower, that.upper)]
        return self._result(that, down(min(ratios)), up(max(ratios)))

    def _reciprocal(self) -> Bound:
        ends = [0.0 if math.isinf(x) else None for x in (self.upper, self.lower)]
        lower = ends[0] if ends[0] is not None else down(1 / Fraction(self.upper))
        upper = ends[1] if ends[1] is not None else up(1 / Fraction(self.lower))
        return Bound(lower, upper, self.evidence)


def _infinite(bound: Bound) -> bool:
    return bound.is_point and math.isinf(bound.lower)
