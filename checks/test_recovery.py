"""Recovery and early stopping (docs/theory.md §7): formulas, properties at every iterate, negative controls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

from checks.everywhere import same
from checks.recovery_runs import SHAPES, Drawn, certified, draw, follow
from checks.registry import proves
from checks.vacuity import Count, record
from dipproofs.certify import Certificate
from dipproofs.losses import make_loss
from dipproofs.recovery.cones import on_cone, on_generated_cone
from dipproofs.recovery.restricted import gaussian_operator
from dipproofs.theory import formula
from dipproofs.theory import recovery as f
from dipproofs.theory import symbols as s

SLACK = 1 + 1e-9
#: x_τ and ψ(f_τ).
Iterate = tuple[np.ndarray, float]


# --- formulas ---------------------------------------------------------------------------------------------
@proves("recovery.data", "recovery.noise", "recovery.distance", "recovery.error", "recovery.at_limit")
def test_parts_sum_to_the_bound() -> None:
    assert same(f.data_part + f.noise_part + f.distance_part, f.recovery_error)
    assert same(f.recovery_error.subs(s.psi_0, 0), f.recovery_at_limit)
    for expr in (f.recovery_error, f.recovery_at_limit):
        for symbol in (s.psi_0, f.noise_norm, f.distance_to_range, f.norm_forward):
            slope = sp.diff(expr, symbol).subs(f.sigma_AQ, sp.Symbol("p", positive=True))
            assert slope.is_nonnegative, "the bound must grow with its ingredients"


@proves("recovery.at_early_stopping", "recovery.sharp.*", "recovery.leakage_bound")
def test_substitutions() -> None:
    assert same(f.recovery_error.subs(s.psi_0, f.noise_level), f.recovery_at_early_stopping)
    assert same(f.sharp_error.subs(s.psi_0, f.noise_level), f.sharp_at_early_stopping)
    assert same(f.sharp_error.subs(s.psi_0, 0), f.sharp_at_limit)
    both = f.recovery_error.subs(f.norm_forward, f.leakage)
    assert same(f.sharp_error**2, both**2 + f.distance_to_range**2)
    # with the leakage bound and neither noise nor residual the sharp bound is the paper's
    big = sp.Symbol("b", positive=True)
    values = {f.norm_forward: sp.sqrt(f.sigma_AQ**2 + big), s.psi_0: 0, f.noise_norm: 0}
    ours = f.sharp_error.subs(f.leakage, f.leakage_bound).subs(values)
    theirs = f.recovery_error.subs(values)
    assert same((ours**2 - theirs**2).subs(f.sigma_AQ, sp.Symbol("p", positive=True)), sp.Integer(0))


@proves("recovery.error", "recovery.sharp.error", "recovery.leakage_bound")
def test_projection_argument_in_exact_arithmetic() -> None:
    """x_τ − x̄ = E(x_τ − x̄) − (I − E)x̄_⊥, E² = E, and ‖E(I − QQᵀ)‖² = ‖E‖² − 1, for rational matrices."""
    rng = np.random.default_rng(0)
    for m, n, r in ((3, 4, 2), (4, 4, 3)):
        A = sp.Matrix(m, n, [sp.Rational(int(v), 3) for v in rng.integers(-5, 6, m * n)])
        B = sp.Matrix(n, r, [sp.Integer(int(v)) for v in rng.integers(-4, 5, n * r)])
        AB = A * B
        assert AB.rank() == r
        E = B * (AB.T * AB).inv() * AB.T * A  # B(AB)⁺A = Q(AQ)⁺A
        QQ = B * (B.T * B).inv() * B.T
        x_true = sp.Matrix([int(v) for v in rng.integers(-5, 6, n)])
        x = B * sp.Matrix([int(v) for v in rng.integers(-5, 6, r)])
        off = x_true - QQ * x_true
        assert (E * E - E).is_zero_matrix and (E * B - B).is_zero_matrix
        assert ((x - x_true) - (E * (x - x_true) - (sp.eye(n) - E) * off)).is_zero_matrix
        float_E, rest = (np.array(M, float) for M in (E, E * (sp.eye(n) - QQ)))
        norms = [np.linalg.norm(M, 2) ** 2 for M in (float_E, rest, np.eye(n) - float_E)]
        assert np.isclose(norms[1], norms[0] - 1) and np.isclose(norms[2], norms[0])


@proves("recovery.early_stopping", "recovery.early_stopping_residual", "recovery.steps_to_level")
def test_early_stopping_solves_its_equation() -> None:
    """At τ* the guaranteed decrease has just brought ψ to δ."""
    tau = f.early_stopping
    rate = formula("conclusions.rate_exponent").expr
    assert same(f.Psi_0 + tau * rate, f.Psi_level)
    contraction = sp.Symbol("c", positive=True)
    tau = f.early_stopping_residual.subs(formula("conclusions.residual_contraction").expr, contraction)
    R_0, delta = sp.symbols("R_0 delta", positive=True)
    tau = tau.subs({s.psi_0: R_0, f.noise_level: delta})
    assert same(sp.expand_log(sp.log(R_0) + tau * sp.log(contraction), force=True), sp.log(delta))
    tau = f.steps_to_level.subs({s.psi_0: R_0, f.noise_level: delta})
    assert same(sp.expand_log(sp.log(R_0) + tau * f.log_contraction, force=True), sp.log(delta))


@proves("recovery.data_error", "recovery.data_error_unprojected")
def test_data_error_is_the_triangle_inequality_and_pythagoras() -> None:
    assert same(f.data_error, f.noise_level + f.noise_level)
    assert same(f.data_error_unprojected**2, f.data_error**2 + f.outside**2)


# --- properties at every iterate --------------------------------------------------------------------------
CASES = [
    *((shape, arguments) for shape in SHAPES for arguments in ({}, {"form": "concave"})),
    *((shape, {"loss": make_loss("squared", scale="mean")}) for shape in SHAPES[:2]),
    # losses other than the squared one need r = m
    *((SHAPES[1], {"loss": loss}) for loss in (make_loss("log-cosh"), make_loss("huber", delta=0.5))),
    (SHAPES[3], {"loss": make_loss("norm-power", p=3.0), "tolerance": 1e-9}),
]


@pytest.mark.parametrize(("shape", "arguments"), CASES, ids=lambda case: str(case)[:40])
@proves("recovery.*")
def test_bounds_hold_at_every_iterate(
    shape: tuple[int, int, int], arguments: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """Recovery, data error from τ* on, and the limit, along the real descent."""
    loss = arguments.get("loss", "")
    count = Count(f"recovery {shape} {loss or arguments}")
    for seed in range(3):
        drawn = draw(seed, shape, 0.02)
        certificate = certified(drawn, seed, **arguments)
        if not count.example(certificate.proved):
            continue
        path = list(follow(certificate))
        facts = _violations(certificate, drawn, path)
        count.facts += facts[1]
        assert not facts[0], facts[0]
        _check_limit(certificate, drawn, path[-1], converged="p" not in getattr(loss, "parameters", {}))
    record(request, count)


def _violations(certificate: Certificate, drawn: Drawn, path: list[Iterate]) -> tuple[list[str], int]:
    """Names of violated claims along the descent, and how many claims were compared."""
    guarantees = certificate.guarantees
    entry = guarantees.extra["recovery"]
    sigma, size = entry["sigma_AQ"].upper, entry["noise_norm"].upper
    distance, forward = entry["distance_to_range"].upper, (entry["norm_forward"] or entry["sigma_AQ"]).upper
    delta = entry["early_stopping"]["level"].upper
    stop = guarantees.early_stopping_iteration
    AB = drawn.A if drawn.B is None else drawn.A @ drawn.B
    projector = AB @ np.linalg.pinv(AB)
    clean = projector @ (drawn.A @ (drawn.x - drawn.offset)) + drawn.A @ np.full(len(drawn.x), drawn.offset)
    found, decided = [], 0
    for tau, (x, psi) in enumerate(path):
        error = np.linalg.norm(x - drawn.x)
        bound = (psi + size + forward * distance) / sigma
        claims = {"recovery": (error, bound)}
        if tau == 0:
            claims["recovery_error"] = (error, guarantees.recovery_error.upper)
            if entry["sharp"] is not None:
                claims["sharp"] = (error, entry["sharp"]["error"].upper)
            if entry["true_error"] is not None:
                claims["true error"] = (entry["true_error"].lower, error)
        if stop is not None and tau >= stop:
            data = np.linalg.norm(drawn.A @ x - drawn.A @ drawn.x)
            projected = projector @ (drawn.A @ x - clean)
            claims |= {
                "psi": (psi, delta),
                "data error": (np.linalg.norm(projected), 2 * delta),
                "at early stopping": (error, entry["at_early_stopping"].upper),
            }
            loose = entry["early_stopping"]["data_error_unprojected"]
            if loose is not None:
                claims["data error unprojected"] = (data, loose.upper)
            if entry["sharp"] is not None:
                claims["sharp at early stopping"] = (error, entry["sharp"]["at_early_stopping"].upper)
        decided += len(claims)
        found += [f"{name} at {tau}: {a} > {b}" for name, (a, b) in claims.items() if not a <= b * SLACK + 1e-12]
    return found, decided


def _check_limit(certificate: Certificate, drawn: Drawn, end: Iterate, converged: bool) -> None:
    """The limit is o1 + B(AB)⁺(y − A o1), and its error is enclosed and bounded."""
    entry = certificate.guarantees.extra["recovery"]
    B = np.eye(drawn.A.shape[1]) if drawn.B is None else drawn.B
    shift = np.full(drawn.A.shape[1], drawn.offset)
    least = shift + B @ np.linalg.lstsq(drawn.A @ B, drawn.y - drawn.A @ shift, rcond=None)[0]
    last, psi = end
    assert np.linalg.norm(last - least) <= psi / entry["sigma_AQ"].lower * SLACK + 1e-9
    assert psi < (1e-3 if converged else np.inf), "the run is long enough to say something about the limit"
    error = np.linalg.norm(least - drawn.x)
    assert entry["true_error_at_limit"].lower - 1e-12 <= error <= entry["true_error_at_limit"].upper + 1e-12
    assert error <= entry["at_limit"].upper * SLACK
    if entry["sharp"] is not None:
        assert error <= entry["sharp"]["at_limit"].upper * SLACK <= entry["at_limit"].upper * SLACK**2


def test_predicted_stop_is_within_a_factor_ten() -> None:
    """τ* against the first iteration with ψ(f_τ) ≤ ‖Πε‖, on well-conditioned problems with little noise."""
    ratios = []
    for seed in range(6):
        drawn = draw(seed, (5, 5, 0), 1e-4)
        certificate = certified(drawn, seed)
        predicted = certificate.guarantees.early_stopping_iteration
        level = certificate.guarantees.extra["recovery"]["early_stopping"]["level"].lower
        observed = next(tau for tau, (_, psi) in enumerate(follow(certificate)) if psi <= level)
        assert certificate.proved and predicted is not None and observed > 0
        ratios.append(predicted / observed)
    assert all(1 <= ratio <= 10 for ratio in ratios), ratios


@pytest.mark.parametrize("form", ("residual", "concave"))
def test_prediction_holds_for_shrinking_steps(form: str) -> None:
    """τ* counted in scheduled steps: a shorter step contracts less than in proportion to ln(1−z)."""
    decided = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        # condition number near 1, so that a step contracts by much
        A = np.linalg.qr(rng.standard_normal((5, 5)))[0] @ np.diag(np.linspace(1, 0.95, 5))
        noise = rng.standard_normal(5) * 1e-3
        drawn = Drawn(A, None, rng.standard_normal(5), noise)
        certificate = certified(drawn, seed, form=form, schedule="polynomial", schedule_options={"power": 0.4})
        stop = certificate.guarantees.early_stopping_iteration
        assert certificate.proved and stop is not None
        level = certificate.guarantees.extra["recovery"]["early_stopping"]["level"].upper
        assert stop < 20_000
        residuals = [psi for _, psi in follow(certificate, stop + 50)]
        assert max(residuals[stop:]) <= level * SLACK
        decided += stop > 0
    assert decided == 3


# --- negative controls ------------------------------------------------------------------------------------
def test_understated_noise_breaks_the_data_bound() -> None:
    """Stating ‖ε‖ four times too small is labelled assumed, and its conclusion fails on the real descent."""
    drawn = draw(1, (5, 8, 5), 0.05)
    truth = float(np.linalg.norm(drawn.noise))
    certificate = certified(drawn, 1, known=False, noise=truth / 4)
    entry = certificate.guarantees.extra["recovery"]
    stop = certificate.guarantees.early_stopping_iteration
    assert certificate.proved and entry["early_stopping"]["evidence"] == "assumed" and stop is not None
    errors = [np.linalg.norm(drawn.A @ (x - drawn.x)) for x, _ in follow(certificate, stop + 100)]
    # r = m here, so that Π = I
    assert max(errors[stop:]) > entry["early_stopping"]["data_error"].upper


def test_a_kernel_in_the_cone_breaks_the_recovery_bound() -> None:
    """With m < n and no basis the bound with σ_A in place of λ_min(A;T) is false, and the certificate refuses it."""
    drawn = draw(2, (5, 8, 5), 0.0)
    drawn = Drawn(drawn.A, None, drawn.x, drawn.noise)
    certificate = certified(drawn, 2)
    entry = certificate.guarantees.extra["recovery"]
    assert certificate.proved and certificate.guarantees.recovery_error is None
    assert entry["restricted_injectivity"]["verdict"] == "refuted"
    assert "two-layer-synthesis" in entry["restricted_injectivity"]["reason"]
    sigma = certificate.quantities["sigma_A"].lower
    x, psi = list(follow(certificate))[-1]
    assert np.linalg.norm(x - drawn.x) > (psi + np.linalg.norm(drawn.noise)) / sigma + 1e-3


def test_too_large_sigma_breaks_the_recovery_bound() -> None:
    """The worst noise direction makes the noise part sharp: with 2σ the bound is false."""
    drawn = draw(3, (5, 5, 0), 0.0)
    direction = np.linalg.svd(drawn.A)[0][:, -1]
    drawn = Drawn(drawn.A, None, drawn.x, 0.01 * direction)
    certificate = certified(drawn, 3)
    entry = certificate.guarantees.extra["recovery"]
    x, psi = list(follow(certificate))[-1]
    assert certificate.proved
    assert np.linalg.norm(x - drawn.x) > (psi + entry["noise_norm"].upper) / (2 * entry["sigma_AQ"].upper)


# --- cones and random operators ---------------------------------------------------------------------------
def test_cone_bounds_against_sampling() -> None:
    """The enclosures of λ_min(A;T) contain what sampling finds, and are attained nearly."""
    rng = np.random.default_rng(0)
    decided = 0
    for p in (2, 3, 4, 4):
        A, G = rng.standard_normal((3, p)), np.abs(rng.standard_normal((p, p)))
        c = rng.exponential(size=(p, 100_000)) * (rng.random((p, 100_000)) < 0.7)
        for found, z in ((on_generated_cone(A, G), G @ c), (on_cone(A, np.eye(p)), c)):
            size = np.linalg.norm(z, axis=0)
            sampled = (np.linalg.norm(A @ z, axis=0)[size > 0] / size[size > 0]).min()
            assert found.constant is not None and found.constant.lower <= sampled * SLACK
            if found.constant.lower > 0:
                assert found.constant.lower >= 0.99 * found.constant.upper >= 0.9 * sampled
                decided += 1
    assert decided >= 5


@proves("recovery.gordon", "recovery.gordon_failure")
def test_gordon_by_monte_carlo() -> None:
    """The lower bound fails at most as often as it says, and m/√(m+1) is below the mean length."""
    for m in (1, 2, 5, 20, 100):
        mean = math.sqrt(2) * math.exp(math.lgamma((m + 1) / 2) - math.lgamma(m / 2))
        assert m / math.sqrt(m + 1) <= mean
    failure, rows, dimension, trials = 0.2, 60, 6, 400
    found = gaussian_operator(rows, math.sqrt(dimension), failure)
    t = math.sqrt(-2 * math.log(failure))
    assert math.isclose(float(f.gordon_failure.subs(f.slack, t)), failure)
    rng = np.random.default_rng(0)
    least = np.array(
        [np.linalg.svd(rng.standard_normal((rows, dimension)), compute_uv=False)[-1] for _ in range(trials)]
    )
    assert found.constant is not None and np.mean(least <= found.constant.lower) <= failure
    assert np.mean(least <= 1.6 * found.constant.lower) > failure, "a bound 1.6 times as large is false"
