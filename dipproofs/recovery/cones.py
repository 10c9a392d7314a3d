"""λ_min(A;T) over polyhedral cones, enclosed by a branch and bound over simplicial cones (small sizes).

On {Vc : c ≥ 0}, cᵀVᵀAᵀAVc ≥ τ·cᵀVᵀVc as soon as every entry of VᵀAᵀAV − τVᵀV is ≥ 0; splitting the longest
edge makes that sharp (the simplicial copositivity test of Bundfuss and Dür, 2008, for a quotient of forms).
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass

import flint
import numpy as np
from flint import arb

from dipproofs.enclosures import Bound, Verdict
from dipproofs.errors import InputError
from dipproofs.recovery.restricted import STATEMENT, RestrictedInjectivity, on_subspace

#: Generators, or dimensions for a cone given by inequalities, that are treated in seconds.
LARGEST_GENERATORS, LARGEST_DIMENSION = 12, 8
_BITS = 128
_CLOSE = 1e-3

Rows = list[list[arb]]


@dataclass
class _Simplex:
    """A simplicial cone: the forms ‖AVc‖², ‖Vc‖² as matrices, and the inequalities H V (one row a vertex)."""

    image: Rows
    length: Rows
    sides: Rows

    def lower(self) -> float:
        """The largest τ ≥ 0 for which image − τ·length is proved to be ≥ 0 entry by entry."""
        high, low = math.inf, 0.0
        for i, row in enumerate(self.image):
            for j in range(i, len(row)):
                a, b = row[j], self.length[i][j]
                if b > 0:
                    high = min(high, _down(a / b))
                elif not a >= 0:
                    if not b < 0:
                        return 0.0
                    low = max(low, _up(a / b))
                elif not b <= 0:  # the sign of b is not known: a/upper(b) holds for either
                    high = min(high, _down(a / arb(b.upper())))
        return high if high >= low else 0.0

    def outside(self) -> bool:
        """Whether one inequality fails strictly at every vertex, so that only 0 is in T."""
        return any(all(vertex[k] < 0 for vertex in self.sides) for k in range(len(self.sides[0])))

    def upper(self) -> float:
        """The least quotient at a vertex that is surely in T."""
        inside = [i for i, vertex in enumerate(self.sides) if all(side >= 0 for side in vertex)]
        quotients = [_up(self.image[i][i] / self.length[i][i]) for i in inside if self.length[i][i] > 0]
        return min(quotients, default=math.inf)

    def split(self) -> tuple[_Simplex, _Simplex]:
        """Halve the longest edge."""
        size = len(self.length)

        def edge(pair: tuple[int, int]) -> float:
            i, j = pair
            return float((self.length[i][i] - 2 * self.length[i][j] + self.length[j][j]).mid())

        i, j = max(itertools.combinations(range(size), 2), key=edge)
        return self._replaced(i, j), self._replaced(j, i)

    def _replaced(self, i: int, j: int) -> _Simplex:
        """Vertex i replaced by the middle of i and j."""
        forms = []
        for form in (self.image, self.length):
            new = [row.copy() for row in form]
            for k in range(len(form)):
                new[i][k] = new[k][i] = (form[i][k] + form[j][k]) / 2
            new[i][i] = (form[i][i] + 2 * form[i][j] + form[j][j]) / 4
            forms.append(new)
        sides = self.sides.copy()
        sides[i] = [(a + b) / 2 for a, b in zip(self.sides[i], self.sides[j])]
        return _Simplex(forms[0], forms[1], sides)


def on_generated_cone(A: np.ndarray, generators: np.ndarray, budget: int = 20_000) -> RestrictedInjectivity:
    """Enclose λ_min(A;T) for T = {Gc : c ≥ 0}.

    Args:
        A: (m, n) exact floats.
        generators: (n, p) G, exact floats, p ≤ 12.
        budget: how many simplicial cones are looked at.

    Raises:
        InputError: shapes that do not fit, or too many generators.

    Example:
        >>> found = on_generated_cone(np.array([[1.0, 1.0]]), np.eye(2))  # no kernel in the orthant
        >>> str(found.verdict), round(found.constant.lower, 3)
        ('proved', 1.0)
    """
    A, G = _matrix(A, "A"), _matrix(generators, "generators")
    if A.shape[1] != G.shape[0]:
        raise InputError(f"generators: found shape {G.shape}, expected ({A.shape[1]}, p) to match A of shape {A.shape}")
    if G.shape[1] > LARGEST_GENERATORS:
        raise InputError(f"generators: found {G.shape[1]}, expected at most {LARGEST_GENERATORS}")
    with flint.ctx.workprec(_BITS):
        found = _search([_simplex(A, G, np.zeros((1, G.shape[0])))], budget)
    floor = on_subspace(A, G) if G.shape[1] <= G.shape[0] else None
    if floor is not None and floor.constant is not None and floor.constant.lower > found.lower:
        found = Bound(floor.constant.lower, max(found.upper, floor.constant.lower))
    return _verdict_of(found, budget)


def on_cone(A: np.ndarray, inequalities: np.ndarray, budget: int = 20_000) -> RestrictedInjectivity:
    """Enclose λ_min(A;T) for T = {z : Hz ≥ 0}.

    Args:
        A: (m, n) exact floats, n ≤ 8.
        inequalities: (q, n) H, exact floats.
        budget: how many simplicial cones are looked at.

    Raises:
        InputError: shapes that do not fit, or too many dimensions.

    Example:
        >>> found = on_cone(np.array([[1.0, 1.0]]), np.eye(2))
        >>> str(found.verdict), round(found.constant.lower, 3)
        ('proved', 1.0)
        >>> str(on_cone(np.array([[1.0, -1.0]]), np.eye(2)).verdict)  # (1, 1) is in the kernel and in T
        'refuted'
    """
    A, H = _matrix(A, "A"), _matrix(inequalities, "inequalities")
    n = A.shape[1]
    if H.shape[1] != n:
        raise InputError(f"inequalities: found shape {H.shape}, expected (q, {n}) to match A of shape {A.shape}")
    if n > LARGEST_DIMENSION:
        raise InputError(f"inequalities: found n = {n} dimensions, expected at most {LARGEST_DIMENSION}")
    with flint.ctx.workprec(_BITS):
        orthants = [_simplex(A, np.diag(np.array(signs)), H) for signs in itertools.product((1.0, -1.0), repeat=n)]
        found = _search(orthants, budget)
    return _verdict_of(found, budget)


def _search(simplices: list[_Simplex], budget: int) -> Bound:
    """Refine the cone of smallest lower bound until the two ends meet; an empty T has λ_min = ∞."""
    upper, count = math.inf, itertools.count()
    heap: list[tuple[float, int, _Simplex]] = []
    for simplex in simplices:
        if not simplex.outside():
            upper = min(upper, simplex.upper())
            heapq.heappush(heap, (simplex.lower(), next(count), simplex))
    for _ in range(budget):
        if not heap or heap[0][0] >= upper * (1 - _CLOSE) or upper == 0:
            break
        _, _, simplex = heapq.heappop(heap)
        if len(simplex.length) == 1:
            heapq.heappush(heap, (simplex.lower(), next(count), simplex))
            break
        for half in simplex.split():
            if not half.outside():
                upper = min(upper, half.upper())
                heapq.heappush(heap, (half.lower(), next(count), half))
    lower = min((entry[0] for entry in heap), default=math.inf)
    square = Bound(min(lower, upper), upper)
    return square.sqrt() if math.isfinite(square.lower) else Bound(math.inf, math.inf)


def _verdict_of(found: Bound, budget: int) -> RestrictedInjectivity:
    if found.lower > 0:
        reason = "T = {0}" if math.isinf(found.lower) else ""
        return RestrictedInjectivity(Verdict.PROVED, found, STATEMENT, reason)
    if found.upper == 0:
        return RestrictedInjectivity(Verdict.REFUTED, found, STATEMENT, "a vector of T lies in ker(A)")
    reason = (
        f"after {budget} simplicial cones λ_min(A;T) is only known to be in [0, {found.upper:.3g}]; "
        "raise the budget, or use a smaller cone"
    )
    return RestrictedInjectivity(Verdict.UNDECIDED, found, STATEMENT, reason)


def _simplex(A: np.ndarray, V: np.ndarray, H: np.ndarray) -> _Simplex:
    left, vertices = _exact(A) * _exact(V), _exact(V)
    image, length = left.transpose() * left, vertices.transpose() * vertices
    sides = vertices.transpose() * _exact(H).transpose()
    return _Simplex(image.tolist(), length.tolist(), sides.tolist())


def _exact(matrix: np.ndarray) -> flint.arb_mat:
    return flint.arb_mat([[arb(x) for x in row] for row in matrix.tolist()])


def _matrix(value: np.ndarray, name: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
        raise InputError(f"{name}: found {array.dtype} of shape {array.shape}, expected a real finite matrix")
    return array.astype(np.float64)


def _down(value: arb) -> float:
    return Bound.from_arb(value).lower if value.is_finite() else -math.inf


def _up(value: arb) -> float:
    return Bound.from_arb(value).upper if value.is_finite() else math.inf
