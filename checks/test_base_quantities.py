"""Every base quantity of a certificate contains the true value, computed once more in 50 digits from its definition.

The reference uses mpmath: J is written out as a matrix, P and all singular values come from mpmath's decomposition,
nothing from `enclosures`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from checks.test_elementary import DEFINITIONS
from dipproofs.certify.quantities import Base, enclose_base
from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, Verdict
from dipproofs.enclosures.widen import SLACK, widened
from dipproofs.losses import make_loss
from dipproofs.networks import TwoLayer
from dipproofs.networks.two_layer.blocks import Blocks
from dipproofs.networks.two_layer.enclosure import HiddenLayer
from dipproofs.operators.bounds import Basis, bound_operator
from dipproofs.theory import ACTIVATIONS
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import TRAIN_MODES

DIGITS = 50
CASES = [(m, n, kind) for m, n in ((1, 1), (2, 4), (3, 3), (4, 2)) for kind in ("dense", "stiff", "selection")]


def matrix(array: Any) -> np.ndarray:
    """The stored floats as mpmath's numbers; NumPy multiplies and stacks them."""
    return np.vectorize(mp.mpf, otypes=[object])(np.asarray(array, dtype=np.float64))


def svd(X: np.ndarray) -> tuple[mp.matrix, mp.matrix, mp.matrix]:
    """The thin decomposition, with digits enough for squares."""
    with mp.workdps(3 * DIGITS):
        return mp.svd_r(mp.matrix(X.tolist()))


def singular_values(X: np.ndarray) -> list:
    """All min(shape) singular values, ascending."""
    return sorted(svd(X)[1])


def orthonormal_rows(X: np.ndarray) -> np.ndarray:
    """Orthonormal basis (as rows) of the row space of a matrix of full rank."""
    return np.array(svd(X)[2].tolist(), dtype=object)


def reference(A: np.ndarray, network: TwoLayer, y: np.ndarray) -> dict[Any, Any]:
    """The definitions of docs/theory.md §1, §2, §4, literally."""
    A_, V, u, phi = matrix(A), matrix(network.V), matrix(network.u), DEFINITIONS[network.activation]
    a, root, norm_u = matrix(network.W) @ u, mp.sqrt(network.width), mp.norm(u)
    hidden, slopes = np.array([phi(x) for x in a]), np.array([mp.diff(phi, x) for x in a])
    inner, outer = V * slopes * (norm_u / root), matrix(np.eye(A.shape[1])) * (mp.norm(hidden) / root)
    # its columns span the same directions as all of W
    J = np.hstack({"inner": [inner], "outer": [outer], "both": [inner, outer]}[network.train])
    P, Q = orthonormal_rows(A_), orthonormal_rows(A_.T)  # their rows span Im(Aᵀ) and Im(A)

    def least(X: np.ndarray) -> Any:
        return singular_values(X)[0] if X.shape[1] >= X.shape[0] else mp.mpf(0)

    def columns(X: np.ndarray) -> Any:
        return max(mp.norm(column) for column in X.T)

    trains_W = network.train != "outer"
    residual = mp.norm(Q @ (A_ @ (V @ hidden) / root - matrix(y)))
    operator = singular_values(A_)
    return {
        s.norm_u: norm_u, s.norm_phi: mp.norm(hidden), s.norm_A: operator[-1], s.sigma_A: operator[0],
        s.sigma_J: least(P @ J), s.sigma_AJ: least(Q @ A_ @ J), s.norm_AJ: singular_values(A_ @ J)[-1],
        s.sigma_in: least(P @ inner) if trains_W else mp.mpf(0),
        s.sigma_A_in: least(Q @ A_ @ inner) if trains_W else mp.mpf(0),
        s.norm_V: singular_values(A_ @ V)[-1], s.c_0: columns(P @ V), s.c_A0: columns(A_ @ V),
        s.c_full: columns(V), s.sigma_min_J: least(J), s.loss_0: residual**2 / 2, s.psi_0: residual,
    }  # fmt: skip


def instance(m: int, n: int, kind: str, train: str, seed: int = 0) -> tuple[np.ndarray, TwoLayer, np.ndarray]:
    rng = np.random.default_rng(seed + 10 * m + n)
    if kind == "selection" and m <= n:
        A = np.eye(n)[::-1][:m] * np.where(np.arange(m) % 2, -1.0, 1.0)[:, None]
    else:
        left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for size in (m, n))
        rank = min(m, n)
        values = np.geomspace(1, 1e-5 if kind == "stiff" else 0.3, rank)
        A = 3 * (left[:, :rank] * values) @ right[:rank]
    name = sorted(ACTIVATIONS)[(m + n + len(kind)) % len(ACTIVATIONS)]
    network = TwoLayer.init(n, 6 if (m + n) % 2 else 3, 2, name, train, seed)
    return A, network, rng.standard_normal(m)


def enclosed(A: np.ndarray, network: TwoLayer, y: np.ndarray) -> Base:
    return enclose_base(bound_operator(A), y, network, make_loss("squared", scale="half"), unprojected=True)


def contains(bound: Any, value: Any) -> bool:
    return bool(mp.mpf(bound.lower) <= value <= mp.mpf(bound.upper))


@pytest.mark.parametrize("train", TRAIN_MODES)
@pytest.mark.parametrize(("m", "n", "kind"), CASES)
def test_enclosures_contain_the_definitions(m: int, n: int, kind: str, train: str) -> None:
    A, network, y = instance(m, n, kind, train)
    base = enclosed(A, network, y)
    assert base.operator.rank == min(m, n)
    with mp.workdps(DIGITS):
        for symbol, value in reference(A, network, y).items():
            bound = base.values[symbol]
            assert contains(bound, value), f"{symbol}: {bound} does not contain {mp.nstr(value, 20)}"
            # sharp as well, so that verdicts are decided; and with room for another arithmetic
            assert bound.upper - bound.lower <= 1e-4 * bound.upper, f"{symbol}: {bound} is wide"
            if bound.lower < bound.upper and symbol is not s.psi_0:
                assert bound.lower <= value * (1 - SLACK / 2) and bound.upper >= value * (1 + SLACK / 2), symbol


@pytest.mark.parametrize(("m", "n", "kind"), [(2, 4, "dense"), (4, 2, "dense"), (3, 3, "dense"), (2, 4, "selection")])
def test_an_output_offset_shifts_the_data(m: int, n: int, kind: str) -> None:
    """A(g + b·1) − y = Ag − (y − bA·1): with offset b, the loss and the residual are those of the shifted data."""
    A, network, y = instance(m, n, kind, "both")
    A, y = np.round(8 * A) / 8, np.round(64 * y) / 64  # so that the shifted data are exact
    b = 0.375
    base = enclosed(A, replace(network, output_offset=b), y)
    with mp.workdps(DIGITS):
        truth = reference(A, network, y - b * A.sum(axis=1))
        for symbol in (s.loss_0, s.psi_0):
            assert contains(base.values[symbol], truth[symbol]), symbol
            assert base.values[symbol].upper <= truth[symbol] * (1 + mp.mpf("1e-4"))


def test_constants_of_the_activation_are_passed_on() -> None:
    A, network, y = instance(2, 4, "dense", "both")
    base = enclosed(A, network, y)
    for symbol, expr in ((s.B_1, "B_1"), (s.B_2, "B_2")):
        assert contains(base.values[symbol], mp.mpf(str(getattr(ACTIVATIONS[network.activation], expr).evalf(40))))
    assert base.values[s.width].lower == base.values[s.width].upper == network.width
    assert base.architecture.id == "two-layer/both"


@pytest.mark.parametrize(("scale", "c"), [("half", 0.5), ("sum", 1), ("mean", 0.5), ("half-mean", 0.25), (3.0, 3)])
def test_scales_of_the_squared_loss(scale: Any, c: float) -> None:
    """loss_0 = c‖r‖², ψ_0 = ‖r‖, 2c multiplies γ."""
    A, network, y = instance(2, 4, "dense", "both")
    base = enclose_base(bound_operator(A), y, network, make_loss("squared", scale=scale), unprojected=False)
    with mp.workdps(DIGITS):
        norm = reference(A, network, y)[s.psi_0]
        assert contains(base.values[s.psi_0], norm) and contains(base.values[s.loss_0], c * norm**2)
        assert base.residual_scale is not None and contains(base.residual_scale, 2 * mp.mpf(c))
        assert contains(base.values[s.loss_curvature], 2 * mp.mpf(c))
        gradient = base.values[s.loss_gradient]  # on the sublevel set of the upper end of loss_0
        assert 2 * c * norm <= gradient.upper <= 2 * c * norm * (1 + 1e-8)


def test_dependent_rows_leave_the_spaces_of_the_others() -> None:
    """Smallest non-zero singular value and both spaces of operators whose exact rank is below min(m, n)."""
    A = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    for matrix in (A, A.T, np.vstack([A, A[:1] + 1.0]), np.diag([2.0, 0.0, 3.0])):
        found, singular = bound_operator(matrix), np.linalg.svd(matrix, compute_uv=False)
        rank = np.linalg.matrix_rank(matrix)
        assert found.rank == rank < min(matrix.shape) and found.decision.verdict is Verdict.PROVED
        assert found.sigma.lower <= singular[rank - 1] * (1 + 1e-12) and singular[rank - 1] <= found.sigma.upper * (
            1 + 1e-12
        )
        assert found.sigma.lower > 0 and found.sigma.relative_width < 1e-6
        for basis, image in ((found.columns, matrix), (found.rows, matrix.T)):
            if basis.rows is not None:  # Π from the basis fixes the image
                C = basis.rows.mid
                assert np.allclose(C.T @ np.linalg.solve(C @ C.T, C @ image), image, atol=1e-12)
    product = bound_operator(A, np.eye(3))  # its entries carry radii, from which no deficiency can be proved
    assert product.rank is None and product.decision.verdict is Verdict.UNDECIDED
    assert bound_operator(A[:1]).rank == 1 and bound_operator(A[:1]).decision.verdict is Verdict.PROVED


def test_a_mask_needs_one_entry_in_every_row() -> None:
    """As many entries ±1 as rows, in different columns, are no mask when two share a row; a signed mask is one."""
    assert bound_operator(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])).rank == 1
    assert bound_operator(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])).rank == 1
    assert bound_operator(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])).selection is None
    assert bound_operator(np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 1.0]])).selection is None
    A = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
    found = bound_operator(A)
    assert found.rank == 2 and found.sigma.lower == found.norm.upper == 1
    for array in (np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 3.0])):
        image = found.apply(IntervalMatrix.from_exact(array))
        assert (image.mid == A @ array).all() and image.mid.shape == (A @ array).shape
        assert (found.apply_exact(array).mid == A @ array).all()


@pytest.mark.parametrize("relative", [SLACK, 0.25])
def test_widened_is_outward_at_both_ends(relative: float) -> None:
    """[a, b] becomes at least [a−ε|a|, b+ε|b|] in exact arithmetic, without changing a sign or the evidence."""
    slack = Fraction(relative)
    for lower, upper in (
        (0.0, 1.0),
        (-0.3, 0.1),
        (-7.0, -1e-300),
        (1e-12, 1e12),
        (-2.0, 0.0),
        (1.0, 1.0),
        (0.0, 5e-324),
    ):
        wide = widened(Bound(lower, upper, Evidence.ASSUMED), relative)
        least, most = Fraction(lower) - slack * abs(Fraction(lower)), Fraction(upper) + slack * abs(Fraction(upper))
        assert Fraction(wide.lower) <= least or wide.lower == lower == 0
        assert Fraction(wide.upper) >= most
        assert lower < 0 or wide.lower >= 0
        for end, exact in ((wide.lower, least), (wide.upper, most)):
            assert abs(Fraction(end) - exact) <= 3 * Fraction(math.ulp(float(exact)))
        assert wide.evidence == Evidence.ASSUMED
    assert widened(Bound(0.0, 0.0)) == Bound(0.0, 0.0)
    assert widened(Bound(1.0, math.inf)) == Bound(1.0, math.inf)


def test_synthesis_uses_the_product() -> None:
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((3, 5)), rng.standard_normal((5, 2))
    whole = bound_operator(A, B)
    with mp.workdps(DIGITS):
        values = singular_values(matrix(A) @ matrix(B))
        assert contains(whole.sigma, values[0]) and contains(whole.norm, values[-1])
    assert whole.rank == 2


def skewed(basis: Basis, least: float) -> Basis:
    """The same subspace with rows of length least, 2, least, 2, …, with the ends to match."""
    if basis.rows is None:
        return basis
    factors = np.where(np.arange(basis.rows.shape[0]) % 2, 2.0, least)
    rows = basis.rows.scale_rows(IntervalMatrix.from_exact(factors))
    return Basis(
        rows, basis.smallest_singular_value * float(factors.min()), basis.largest_singular_value * float(factors.max())
    )


@pytest.mark.parametrize("least", [1.0, 2.0])
@pytest.mark.parametrize("train", TRAIN_MODES)
@pytest.mark.parametrize(("m", "n"), [(2, 4), (4, 2), (1, 3), (3, 1)])
def test_bases_that_are_not_orthonormal(m: int, n: int, train: str, least: float) -> None:
    """B and C are only nearly orthonormal; with coarse ones every enclosure is wide and still contains the truth."""
    A, network, y = instance(m, n, "dense", train)
    clean = bound_operator(A)
    rows, columns = skewed(clean.rows, least), skewed(clean.columns, least)
    operator = replace(clean, rows=rows, columns=columns, coordinates=columns.coordinates(clean.matrix))
    base = enclose_base(operator, y, network, make_loss("squared", scale="half"), unprojected=True)
    with mp.workdps(DIGITS):
        for symbol, value in reference(A, network, y).items():
            assert contains(base.values[symbol], value), f"{symbol}: {base.values[symbol]} misses {mp.nstr(value, 20)}"


@pytest.mark.parametrize(("rows", "k"), [(4, 2), (5, 3), (2, 4), (3, 3)])
@pytest.mark.parametrize(("spread", "second"), [(0.0, 0.0), (0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_norms_of_blocks_with_radii(rows: int, k: int, spread: float, second: float) -> None:
    """|‖XV·D‖ − ‖X₀D₀‖| ≤ ‖E‖max|d| + ‖X₀‖max|d − d₀|: every member inside, and no wider than that."""
    rng = np.random.default_rng(rows)
    X, d = rng.uniform(0.5, 1, (rows, k)), rng.uniform(0.5, 1, k)
    dphi = IntervalMatrix(d, np.full(k, second))
    hidden = HiddenLayer(dphi, dphi, dphi, Bound.exact(2), Bound.exact(3))
    blocks = Blocks("inner", hidden, IntervalMatrix(X, np.full((rows, k), spread)), None, True)
    factor, E = 2 / math.sqrt(k), spread * math.sqrt(rows * k)
    for sign in (-1, 0, 1):
        member = (X + sign * spread) * (d + sign * second)
        norm = np.linalg.norm(member, 2) * factor
        assert blocks.inner_largest.lower <= norm * (1 + 1e-14) and norm * (1 - 1e-14) <= blocks.inner_largest.upper
        whole = np.linalg.norm(X + sign * spread, 2)
        assert blocks.norm_XV.lower <= whole * (1 + 1e-14) and whole * (1 - 1e-14) <= blocks.norm_XV.upper
    centre, plain = np.linalg.norm(X * d, 2), np.linalg.norm(X, 2)
    assert blocks.norm_XV.upper <= (plain + E) * (1 + 1e-12) and blocks.norm_XV.lower >= (plain - E) * (1 - 1e-12)
    slack = E * (d.max() + second) + plain * second
    assert abs(blocks.inner_largest.upper / factor - centre) <= 1.6 * slack + 1e-12
    if k < rows:
        assert abs(blocks.inner_largest.upper / factor - (centre + slack)) <= 1e-12
        assert abs(blocks.inner_largest.lower / factor - (centre - slack)) <= 1e-12
