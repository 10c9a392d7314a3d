"""Why a change that no check notices is no defect, for every survivor met so far."""

from __future__ import annotations

import re
from typing import Any

#: An integer that became larger by one.
_MORE = r"^[1-9]\d* → \d+$"
#: (file, part of the source line, pattern of the change, reason); the longest part that fits decides.
EXPLANATIONS: list[tuple[str, str, str, str]] = [
    # --- sharpness, speed, words ---
    ("rigor/krylov", "", "", "proposes a vector; what is claimed is proved afterwards, whatever the proposal"),
    ("rigor/threads", "", "", "which threads compute, not what"),
    ("rigor/", "inflation(", _MORE, "grants one rounding more: a wider enclosure"),
    ("rigor/", "gamma(", _MORE, "grants one rounding more: a wider enclosure"),
    ("rigor/", "* TINY", _MORE, "a larger allowance for underflow: a wider enclosure"),
    ("rigor/", "_BLOCK = ", "", "rows that are in work at a time"),
    ("rigor/", "_CHUNK = ", "", "entries that are in work at a time"),
    ("rigor/", "_WORKING_BITS = ", _MORE, "one bit more"),
    ("rigor/accurate", "bits < 8", "", "reached only by products of 2**37 terms"),
    (
        "rigor/accurate",
        "rad += trailing",
        "Add → Sub|Mult → Div",
        "the underflow term lies below the last digit of the first",
    ),
    ("rigor/bound", "return flint.arb(self.lower)", "", "the ends of a point are equal"),
    ("rigor/bound", "if math.isinf(self.lower) or", "", "the union with an infinite end is the whole line as well"),
    ("rigor/bound", "flint.arb(0, math.inf)", "", "every ball of infinite radius is the whole line"),
    ("rigor/bound", "if power < 0:", "boundary", "the power 0 was answered before"),
    (
        "rigor/bound",
        "arb_down(lower.lower())",
        "",
        "the two ends differ in the 160th bit, the result is rounded outward to 53",
    ),
    ("rigor/bound", "return bound.is_point and", "", "the ends of a point are equal"),
    ("rigor/cholesky", "start > 0", "boundary", "a pivot 0 fails a line later, when the price is subtracted"),
    ("rigor/cholesky", "(diagonal > 0).all()", "boundary", "LAPACK refuses a pivot 0"),
    (
        "rigor/cholesky",
        "start.sum()",
        "",
        "changes the price in its 15th digit; rounding down the difference takes more",
    ),
    (
        "rigor/cholesky",
        "float(start.max())",
        "",
        "changes the price in its 15th digit; rounding down the difference takes more",
    ),
    (
        "rigor/cholesky",
        "self.constant(1.0)",
        "",
        "changes the price in its 15th digit; rounding down the difference takes more",
    ),
    (
        "rigor/cholesky",
        "price * inflation(4)",
        "",
        "changes the price in its 15th digit; rounding down the difference takes more",
    ),
    ("rigor/cholesky", "self.sign < 0", "", "the sign is 1 or −1"),
    ("rigor/cholesky", "3 * (n + 1 + _SLACK_TERMS)", "", "orders above 10**15"),
    (
        "rigor/cholesky",
        "np.nextafter(tau - size",
        "rounding|−x|Mult",
        "`size` is inflated by 12u, which covers the last rounding",
    ),
    ("rigor/decide", "sign = 1 if value", "1 → 2", "only the sign of it is used"),
    ("rigor/decide", "if sign > 0", "boundary", "the sign is not 0 here"),
    ("rigor/eigenvalues", "for fraction in", "", "which bounds are tried; each is proved or dropped"),
    ("rigor/eigenvalues", "step = 1.25", "", "which shift is tried first; it is proved or dropped"),
    ("rigor/eigenvalues", "step *= 8", "", "which shifts are tried; each is proved or dropped"),
    ("rigor/eigenvalues", "price = plain", "", "which shift is tried first; it is proved or dropped"),
    ("rigor/eigenvalues", "_ATTEMPTS", "", "how often a lower shift is tried"),
    ("rigor/eigenvalues", "_BADLY_SCALED", "", "when the balanced test is tried; it is proved or dropped"),
    ("rigor/eigenvalues", "4 * step", "", "when the early end or the balanced test is tried; what they say is proved"),
    ("rigor/eigenvalues", "if sign > 0", "", "the sign is 1 or −1"),
    ("rigor/eigenvalues", "exponent = math.frexp", "", "which matrices are scaled; both ways are proved"),
    ("rigor/eigenvalues", "Bound(-error, error)) /", "Add → Sub", "the interval of the error is symmetric"),
    ("rigor/eigenvalues", "or low <= 0", "boundary", "division by an interval that reaches 0 gives the whole line"),
    ("rigor/ends", "if nearest > 0", "", "an infinite number is not 0"),
    ("rigor/ends", 'if x > 0 else "-inf"', "", "an infinite number is not 0"),
    ("rigor/functions", "if n < 0", "", "an exponent 0 or 1 never reaches this line: SymPy rewrites it"),
    ("rigor/functions", "if p < 0", "", "an exponent 0 or 1 never reaches this line: SymPy rewrites it"),
    ("rigor/gram", "factor = (self.radius", "Mult → Div|Add → Sub", "4u are granted where 2.1u are needed"),
    ("rigor/gram", "absolute = self.radius", "Mult → Div|Add → Sub", "the 16u of the last line cover these 8u"),
    ("rigor/gram", "if half == 0", "", "one product or two halves: the same entries"),
    ("rigor/gram", "both(diagonal", "", "the estimated work decides about threads"),
    ("rigor/matrix", "np.where(bad, 0.0, mid)", "0 → 1", "the midpoint of an unknown entry is arbitrary"),
    ("rigor/matrix", "mid + Bound(-radius, radius)", "Add → Sub", "the interval of the radius is symmetric"),
    ("rigor/matrix", "self._sum(other,", "", "only the sign of it is used"),
    ("rigor/matrix", "if sign > 0", "", "the sign is 1 or −1"),
    ("rigor/matrix", "expected = f", "", "a word in a refusal"),
    ("rigor/", "reshape(-1)", "", "NumPy takes every negative number for −1"),
    ("rigor/", ".reshape(-1)", "", "NumPy takes every negative number for −1"),
    ("rigor/norms", "if largest == 0.0", "0 → 1", "0 and 1 need no scaling in either case"),
    ("rigor/rank", "default=0", "0 → 1", "only for a matrix without entries"),
    ("rigor/rank", "np.where(row == huge", "", "only rows of zeros, which have no exponent to shift"),
    ("rigor/rank", "0.5 * math.log2", "0.5 → 1", "asks for more primes than needed"),
    ("rigor/rank", "number -= 1", "", "number % 2 is 0 in this branch"),
    ("rigor/row_space", "around = 1 + Bound(", "", "the interval is symmetric about 1"),
    ("rigor/row_space", "pivoting=True", "", "which rows are proposed; their rank is proved"),
    ("rigor/row_space", "check_finite=False", "", "the entries are finite already"),
    ("rigor/row_space", "lapack.dpotrf", "", "a proposal; what it gives is enclosed afterwards"),
    ("rigor/row_space", "info != 0", "", "a proposal; what it gives is enclosed afterwards"),
    (
        "rigor/row_space",
        "distance = (operator_upper",
        "Mult → Div",
        "rounding 1 ± distance outward to floats takes more",
    ),
    ("rigor/row_space", "GOOD = ", "", "which basis is good enough; its Gram matrix is enclosed in any case"),
    (
        "rigor/row_space",
        "for propose, accurate, good",
        "",
        "which basis is good enough; its Gram matrix is enclosed in any case",
    ),
    ("rigor/singular", "if largest_entry == 0 or", "", "which matrices are scaled; both ways are proved"),
    ("rigor/singular", "size = math.sqrt", _MORE, "a larger ‖S‖: a wider enclosure"),
    ("rigor/singular", "* TINY * n", "", "lies below the √η that the norm of the product carries"),
    ("rigor/singular", "TARGET_WIDTH", "", "which of two proved paths is taken"),
    ("rigor/", "max(initial=0.0)", "0 → 1", "a larger allowance for underflow: a wider enclosure"),
    ("rigor/spread", "inflation(2 * n", "Mult → Div", "the factor is twice what is needed"),
    # --- certify ---
    ("certify/quantities", "_GRAM_WIDTH", "", "chooses between two proved enclosures; only sharpness differs"),
    ("certify/", "_GRAM_WIDTH", "", "chooses between two proved enclosures; only sharpness differs"),
    (
        "certify/operator_bounds",
        "not matrix.is_exact",
        "",
        "which matrices take the shortcut of masks; both ways are proved",
    ),
    (
        "certify/operator_bounds",
        "picked.scale_rows",
        "",
        "two ways to multiply by signs; the slow one is right as well",
    ),
    ("certify/operator_bounds", "signs > 0", "", "two ways to multiply by signs; the slow one is right as well"),
    (
        "certify/operator_bounds",
        "self.selection[1] > 0",
        "",
        "two ways to multiply by signs; the slow one is right as well",
    ),
    (
        "certify/operator_bounds",
        "WHOLE_SPACE if n <= m",
        "",
        "a square operator of full rank gets a computed basis of its row space, which is the whole space: as proved",
    ),
    ("certify/operator_bounds", "what =", "", "a word in the reason of a refusal"),
    ("certify/operator_bounds", "_RANK_WORK", "", "seconds after which an exact rank is given up as undecided"),
    ("certify/constants", "strict=True", "", "the two lists have the same length by construction"),
    ("certify/decide", "BITS = 128", "", "bits of the Arb evaluation; more is as good"),
    ("certify/decide", 'side = "holds"', "", "a word in a reason"),
    ("certify/decide", "for slack in", "", "which ends of S are tried; each is proved or dropped"),
    ("certify/decide", "if trial", "boundary", "equality of a float and a ball has no width to lie in"),
    ("certify/decide", "for _ in range(7)", "", "the refinements of an estimate that is enclosed afterwards"),
    ("certify/decide", "np.linspace(low, high", "", "the grid of an estimate that is enclosed afterwards"),
    ("certify/decide", "for d in (", "→", "which ends of R are tried; each is proved or dropped"),
    ("certify/guarantees", "if contraction > 0", "boundary", "the logarithm of 0 gives no bound either"),
    ("certify/guarantees", "ends)", "boundary", "an infinite end takes the same branch"),
    (
        "certify/guarantees",
        "if log_contraction is None",
        "boundary",
        "division by 0, the logarithm of 0: no count either",
    ),
    ("certify/guarantees", "1e15", "", "counts that large are not given: a limit of sense"),
    ("certify/guarantees", "10**15", "", "counts that large are not given: a limit of sense"),
    ("certify/guarantees", ">= needed * scale", "boundary", "equality of a rounded sum and a product: one step more"),
    ("networks/enclosure", "_BITS", "", "bits of the Arb evaluation; more is as good"),
    # --- theory ---
    (
        "theory: moments",
        "moments.sigmoid",
        "1/2 → -1/2",
        "σ(x) − 1 = −σ(−x): under a symmetric law the moment is the same",
    ),
]


def explanation(entry: dict[str, Any]) -> str:
    """The explanation of a survivor, or "" when there is none."""
    found = [
        (len(part), why)
        for file, part, change, why in EXPLANATIONS
        if entry["file"].startswith(file) and part in entry["source"] and re.search(change, entry["change"])
    ]
    return max(found, default=(0, ""))[1]
