"""The split path on real descents: ψ falls by 2ω∫σ_Ab(w)dw while W moves, for gradient descent with q = γL."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from checks.vacuity import Count, record
from dipproofs.theory.symbols import q as q_symbol
from dipproofs.theory.width import SPLIT_OMEGA


def _network(random: np.random.Generator, n: int, m: int, k: int) -> tuple[np.ndarray, ...]:
    A = random.standard_normal((m, n)) / np.sqrt(n)
    V, a = random.choice([-1.0, 1.0], (n, k)), random.standard_normal(k)
    y = random.standard_normal(m)
    return A, V, a, y


def _parts(A: np.ndarray, V: np.ndarray, a: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual, gradient in a (W moves along u, ‖u‖ = 1) and in V, of ½‖A V φ(a)/√k − y‖²."""
    root = np.sqrt(a.size)
    r = A @ (V @ np.tanh(a)) / root - y
    back = A.T @ r
    return r, (V.T @ back) * (1 - np.tanh(a) ** 2) / root, np.outer(back, np.tanh(a)) / root


def _lipschitz(A: np.ndarray, V: np.ndarray, a: np.ndarray, R: float, ball: float) -> float:
    """L = ℓ_A R + M² over the ball, tanh (docs/theory.md §4)."""
    k, norm = a.size, np.linalg.norm(A, 2)
    b2 = 4 / (3 * np.sqrt(3))
    c = (np.linalg.norm(A @ V, axis=0).max() + norm * ball) * b2
    ell = (c + np.sqrt(c**2 + 4 * norm**2)) / (2 * np.sqrt(k))
    M2 = ((np.linalg.norm(A @ V, 2) + norm * ball) ** 2 + norm**2 * (np.linalg.norm(np.tanh(a)) + ball) ** 2) / k
    return float(ell * R + M2)


@pytest.mark.parametrize("form", ["concave", "integral", "paper"])
def test_the_loss_pays_twice_for_the_path_of_W(form: str, request: pytest.FixtureRequest) -> None:
    random, count = np.random.default_rng(11), Count(f"split path, {form}")
    factor = sp.lambdify(q_symbol, SPLIT_OMEGA[form])
    violated_at_four_times = 0
    for trial in range(12):
        A, V, a, y = _network(random, 6, 3, 400)
        sigma = np.linalg.svd(A, compute_uv=False)[-1]
        r, _, _ = _parts(A, V, a, y)
        b0 = np.linalg.norm(np.tanh(a)) / np.sqrt(a.size)
        q = (0.25, 0.5, 1.0)[trial % 3]
        omega = factor(q)
        start = (0.3, 0.6, 0.9)[trial // 3 % 3] * omega * sigma * b0**2 * np.sqrt(a.size)
        y = y + r - r * start / np.linalg.norm(r)
        disc = b0**2 - start / (omega * sigma * np.sqrt(a.size))  # 2ω∫₀^w σ_A(b−w/√k) = ψ_0 has a root
        if not count.example(disc > 0):
            continue
        w_max = np.sqrt(a.size) * (b0 - np.sqrt(disc))
        b_end = b0 - w_max / np.sqrt(a.size)
        total = start / (omega * sigma * b_end)
        step = q / _lipschitz(A, V, a, start, total)
        w = path = 0.0
        paid, psi = 0.0, start
        for _ in range(200):
            r, grad_a, grad_V = _parts(A, V, a, y)
            move = step * np.linalg.norm(grad_a)
            path += step * np.hypot(np.linalg.norm(grad_a), np.linalg.norm(grad_V))
            a, V = a - step * grad_a, V - step * grad_V
            now = np.linalg.norm(_parts(A, V, a, y)[0])
            area = sigma * (b0 * move - ((w + move) ** 2 - w**2) / (2 * np.sqrt(400)))
            count.facts += 1
            assert psi - now >= 2 * omega * area - 1e-12
            violated_at_four_times += psi - now < 8 * omega * area
            w, psi, paid = w + move, now, paid + area
        assert w <= w_max and path <= total and 2 * omega * paid <= start
    record(request, count)
    assert violated_at_four_times > 100, "negative control: eight times the area must be too much somewhere"


def test_worst_case_is_attained() -> None:
    """(p²+o²)/o ≥ 2p with equality at p = o, so 2 is the best factor for the flow."""
    p, o = sp.symbols("p o", positive=True)
    assert sp.simplify((p**2 + o**2) / o - 2 * p - (o - p) ** 2 / o) == 0


def test_integral_form_inequality() -> None:
    """(1−s)(p²+o²)/(o+s√(p²+o²)) ≥ 2(1−s)/(1+2s)·p; with 2(1−s)/(1+s/2) it fails (negative control)."""
    theta, s = np.meshgrid(np.linspace(1e-3, np.pi / 2, 400), np.linspace(0, 1, 101))
    left = 1 / (np.cos(theta) + s)
    assert (left >= 2 / (1 + 2 * s) * np.sin(theta) - 1e-12).all()
    assert (left < 2 / (1 + s / 2) * np.sin(theta)).any()
