"""The second arithmetic: balls (Arb) for numbers and exact integer parts for matrices; `verify` alone uses it.

It knows nothing of the theory, and shares nothing with `enclosures`, the arithmetic of the producer: a certificate is
made with one and checked with the other. What it returns are balls around the truth, or None where it cannot tell.

* `expressions`: SymPy expressions and relations on balls, areas under convex functions, bisection;
* `rounded`, `extremes`: matrices of floats with an error, for a quick first answer;
* `splitting`: matrices whose products are exact in floating point;
* `spectra`: extreme eigenvalues, norms, orthonormal coordinates, rank.
"""

from dipproofs.verify.arithmetic.expressions import area, bisect, decide, evaluate
from dipproofs.verify.arithmetic.rounded import Rounded, rounded
from dipproofs.verify.arithmetic.spectra import Gram, exact_rank, frobenius, orthonormalised
from dipproofs.verify.arithmetic.splitting import Matrix

__all__ = [
    "Gram",
    "Matrix",
    "Rounded",
    "area",
    "bisect",
    "decide",
    "evaluate",
    "exact_rank",
    "frobenius",
    "orthonormalised",
    "rounded",
]
