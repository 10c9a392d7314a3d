"""How a number becomes a bound: evidence, enclosures of scalars and matrices, verified eigenvalues.

Every public function that returns a `Bound` with `Evidence.PROVED` proves it; what is trusted (IEEE 754, the
summation model of BLAS, FLINT) is listed in `docs/theory.md §8`. No verdict rests on anything weaker.
"""

from dipproofs.enclosures.bound import Bound, BoundLike
from dipproofs.enclosures.cholesky import residual_lower_bound
from dipproofs.enclosures.decide import Decision, decide_positive
from dipproofs.enclosures.eigenvalues import lambda_max, lambda_min
from dipproofs.enclosures.elementwise import apply_arb
from dipproofs.enclosures.evaluate import ArbFunction, compile_arb, enclose
from dipproofs.enclosures.evidence import Evidence, Verdict
from dipproofs.enclosures.gram import Gram
from dipproofs.enclosures.matrix import IntervalMatrix, IntervalVector
from dipproofs.enclosures.rank import Rank, matrix_rank
from dipproofs.enclosures.row_space import RowSpace, row_space_basis
from dipproofs.enclosures.singular import extreme_singular_values, norm, sigma_min

__all__ = [
    "ArbFunction",
    "Bound",
    "BoundLike",
    "Decision",
    "Evidence",
    "Gram",
    "IntervalMatrix",
    "IntervalVector",
    "Rank",
    "RowSpace",
    "Verdict",
    "apply_arb",
    "compile_arb",
    "decide_positive",
    "enclose",
    "extreme_singular_values",
    "lambda_max",
    "lambda_min",
    "matrix_rank",
    "norm",
    "residual_lower_bound",
    "row_space_basis",
    "sigma_min",
]
