"""The width bounds' formulas derived again: areas under profiles, x of the residual form, levels, spectrum."""

from __future__ import annotations

import itertools

import flint
import sympy as sp

from checks.registry import proves
from dipproofs.enclosures import compile_arb
from dipproofs.theory import formula, formulas
from dipproofs.theory.architectures.two_layer import CONSTANTS
from dipproofs.theory.forms import FORMS, paper_nu_2
from dipproofs.theory.losses import LOSSES
from dipproofs.theory.losses.base import r as error
from dipproofs.theory.symbols import c_0, e, gamma, norm_u, omega, q, rho
from dipproofs.theory.width import integrals, paper, spectrum
from dipproofs.theory.width.levels import desingularized_requirement, impossible_reason, largest_loss
from dipproofs.theory.width.split import SPLIT_OMEGA
from dipproofs.theory.width.symbols import B_1, B_2, b_lo, column, column_full, k, norm_A, radius, s_init, sigma_A

t = sp.Symbol("t", positive=True)


def lipschitz(train: str, at: sp.Expr, c: sp.Expr = column) -> sp.Expr:
    """ℓ at this radius, from the theory of the two-layer network, ‖u‖ = 1."""
    return CONSTANTS[train].lipschitz_J.subs({norm_u: 1, rho: at, c_0: c})


def agree(left: sp.Expr, right: sp.Expr, trials: int = 12) -> bool:
    """Whether two expressions overlap in Arb at random positive points, to 1e-25 relatively."""
    symbols = tuple(sorted(left.free_symbols | right.free_symbols, key=str))
    f, g = compile_arb(symbols, left), compile_arb(symbols, right)
    with flint.ctx.workprec(160):
        for trial in range(trials):
            point = [
                flint.arb(flint.fmpq(7 + (31 * trial + 17 * i) % 23, 9 + (13 * trial + 5 * i) % 11))
                for i in range(len(symbols))
            ]
            difference = f(*point) - g(*point)
            if not (difference.is_finite() and difference.contains(0)) or abs(difference) > (
                abs(f(*point)) + 1
            ) * flint.arb("1e-25"):
                return False
    return True


# --- areas under profiles ------------------------------------------------------------------------------------
@proves("width.integral.block", "width.integral.split")
def test_outer_block() -> None:
    profile = sigma_A * (b_lo - B_1 * t / sp.sqrt(k))
    end = b_lo * sp.sqrt(k) / B_1
    area = sp.integrate(profile, (t, 0, end))
    assert sp.simplify(omega * area - integrals.BLOCK) == 0
    assert sp.simplify(2 * omega * area - integrals.SPLIT) == 0


@proves("width.integral.row-space.inner", "width.integral.observation.inner", "width.integral.paper.inner")
def test_inner_layer() -> None:
    ell = lipschitz("inner", 0)
    for scale, s, expr in (
        (sigma_A, s_init, integrals.INNER_LINEAR),
        (norm_A, sigma_A * s_init / norm_A, integrals.INNER_LINEAR_OBSERVATION),
    ):
        area = sp.integrate(scale * (s - ell * t), (t, 0, s / ell))
        assert sp.simplify(omega * area - expr) == 0
    radius_paper = s_init / (2 * lipschitz("inner", 0, column_full))
    assert sp.simplify(omega * sigma_A * s_init / 2 * radius_paper - integrals.INNER_LINEAR_PAPER) == 0


@proves(
    "width.radius.*", "width.integral.row-space.both", "width.integral.observation.both", "width.integral.paper.both"
)
def test_both_layers() -> None:
    relative = sigma_A * s_init / norm_A
    for name, s, c in (
        ("row-space", s_init, column),
        ("observation", relative, column),
        ("paper", s_init / 2, column_full),
    ):
        ((symbol, root),), expr = integrals.BOTH[name]
        assert symbol == radius
        assert agree(lipschitz("both", root, c) * root, s)
        scale = norm_A if name == "observation" else sigma_A
        expected = s_init * sigma_A * radius / 2 if name == "paper" else scale * (s * radius - integrals.LOST_AREA)
        assert sp.simplify(expr - omega * expected) == 0


@proves("width.integral.residual.*")
def test_residual_form_is_the_best_radius() -> None:
    """The gain is ∫₀^ρ(F−x(ρ)); its derivative vanishes at the radius used, and F > x there."""
    _, block = integrals.RESIDUAL_BLOCK
    h, x1, slope = integrals.head, integrals.curvature_1, integrals.slope
    gain = h * radius - x1 * radius**2 - slope * radius**2 / 2
    best = sp.solve(sp.diff(gain, radius), radius)[0]
    assert sp.simplify(gain.subs(radius, best) - block) == 0
    assert sp.simplify((h - (slope + x1) * radius).subs(radius, best) - x1 * best) == 0
    for (train, profile), (steps, expr) in integrals.RESIDUAL_WHOLE.items():
        rules = dict(steps)
        derivative = sp.diff(expr, radius).subs(radius, rules[radius])
        quadratic = sp.Integer(0) if train == "inner" else integrals.quadratic
        assert agree(derivative.subs(integrals.quadratic, quadratic) + 1, sp.Integer(1))
        ell1 = sp.Integer(0) if train == "inner" else B_2 / sp.sqrt(k)
        ell0 = (B_2 * column + (0 if train == "inner" else B_1)) / sp.sqrt(k)
        scale = sigma_A if profile == "row-space" else norm_A
        assert sp.simplify(rules[integrals.slope] - scale * ell0) == 0
        area = sp.integrate(
            scale * (ell0 * t + ell1 * t**2) if profile == "row-space" else scale * (ell0 + ell1 * radius) * t,
            (t, 0, radius),
        )
        straight = rules[integrals.slope] * radius**2 / 2 + rules[integrals.quadratic] * radius**3
        assert sp.simplify(area - straight) == 0


def test_linear_bound_of_lipschitz() -> None:
    """ℓ(ρ) ≤ ℓ0+ℓ1ρ: (x+B₁)² ≥ ((x+√(x²+4B₁²))/2)², because x+2B₁ ≥ √(x²+4B₁²)."""
    x = sp.Symbol("x", positive=True)
    assert sp.expand((x + 2 * B_1) ** 2 - (x**2 + 4 * B_1**2)) == 4 * B_1 * x


# --- forms ----------------------------------------------------------------------------------------------------
def test_factor_two_of_the_split_path() -> None:
    """(cos θ + s) sin θ = ½ sin 2θ + s sin θ ≤ ½ + s."""
    theta, s = sp.symbols("theta s", real=True)
    assert sp.simplify((sp.cos(theta) + s) * sp.sin(theta) - sp.sin(2 * theta) / 2 - s * sp.sin(theta)) == 0


def test_twice_the_split_factor_is_at_least_omega() -> None:
    """So bound split is never above bound block: compare the integrands, with s = σq ≤ q."""
    s, z = sp.symbols("s z", nonnegative=True)
    step = s + z  # q ≥ s
    for split, plain in ((2 / (1 + 2 * step), 1 / (1 + step)), (2 / (1 + 2 * s), 1 / (1 + s))):
        numerator, denominator = sp.fraction(sp.together(split - plain))
        assert all(c > 0 for c in sp.Poly(numerator, s, z).coeffs() + sp.Poly(denominator, s, z).coeffs())
    assert SPLIT_OMEGA["concave"] == FORMS["concave"].omega


@proves("width.discretisation.*")
def test_discretisation() -> None:
    """q → 0 is the flow; ν₂ is least at q = ½; paper ≥ integral ≥ concave ≥ flow at every q."""
    for item in formulas("width.discretisation"):
        assert sp.limit(item.expr, q, 0) == 1 if item.expr.has(q) else item.expr == 1
    nu_2 = paper_nu_2.subs(gamma, q)
    assert sp.solveset(sp.diff(nu_2, q), q, sp.Interval.open(0, 1)) == {sp.Rational(1, 2)}
    assert sp.diff(nu_2, q, 2).subs(q, sp.Rational(1, 2)) > 0 and nu_2.subs(q, sp.Rational(1, 2)) == 6
    s, rest = sp.symbols("s z", nonnegative=True)
    for factor in (1, 2):
        # what `test_what_a_step_costs` integrates is ordered: 1/(1+cq) ≤ 1/(1+cs) ≤ 1 for s = σq ≤ q = s+rest, 1−s ≤ 1
        gap = sp.fraction(sp.together(1 / (1 + factor * s) - 1 / (1 + factor * (s + rest))))
        assert all(c > 0 for part in gap for c in sp.Poly(part, s, rest).coeffs())


@proves("width.paper.*")
def test_paper_bound() -> None:
    """Exponents 4 and 2; the squared loss has ψ(½z²) = z; orders κ⁴n³log²d and κ²n²log d."""
    values = {paper.C: 2, paper.norm_A: 3, paper.n: 5, paper.d: sp.E**4, paper.m: 7, paper.y_clean_max: 11,
              paper.noise_max: 13}  # fmt: skip
    assert sp.simplify(paper.INITIAL_DISTANCE.subs(values) - (2 * 3 * sp.sqrt(5 * 4) + sp.sqrt(7) * (11 + 13))) == 0
    z, n = sp.Symbol("z", positive=True), paper.n
    half_squared = LOSSES["squared"].psi_scaled
    scale = next(iter(half_squared.free_symbols - {e}))
    assert sp.simplify(half_squared.subs({scale: sp.Rational(1, 2)}).subs(e, z**2 / 2) - z) == 0
    quiet = {paper.y_clean_max: 0, paper.noise_max: 0, paper.norm_A: 1, paper.C: 1, paper.C_prime: 1}
    for train, power in (("both", 4), ("inner", 2)):
        by_psi = paper.paper_bound(train).subs(paper.lipschitz_loss, 1)
        explicit = by_psi.replace(sp.Function("psi"), lambda level: sp.sqrt(2 * level))
        assert sp.simplify(explicit - paper.PAPER_SQUARED[train]) == 0
        order = paper.PAPER_SQUARED[train].subs(quiet).subs(sigma_A, 1 / paper.condition_number)
        assert sp.simplify(order - paper.PAPER_ORDER[train]) == 0
        assert formula(f"width.paper.{train}").expr == paper.paper_bound(train)
        assert sp.degree(paper.PAPER_ORDER[train], n) == (3 if power == 4 else 2)


# --- losses and spectrum -----------------------------------------------------------------------------------------
def test_largest_loss_on_the_ball() -> None:
    """h'(r)/r is monotone in the direction that the rule needs, so equal or single residuals are the worst case."""
    checked = 0
    for loss in LOSSES.values():
        if largest_loss(loss) is None:
            continue
        ratio = sp.diff(loss.entry, error) / error
        values = {p.symbol: sp.Integer(3) for p in loss.parameters}
        samples = [sp.N(ratio.subs(values).subs(error, sp.Rational(i, 3)), 20) for i in range(1, 40)]
        if loss.rule in ("concave", "linear"):
            assert all(a >= b - sp.Float("1e-15") for a, b in itertools.pairwise(samples))
        if loss.rule == "convex":
            assert all(a <= b for a, b in itertools.pairwise(samples))
        checked += 1
    assert checked >= 5


def test_demand_is_psi_of_the_largest_loss() -> None:
    import mpmath

    for loss in LOSSES.values():
        level, required = largest_loss(loss), desingularized_requirement(loss)
        if level is None or required is None or required.from_zero:
            continue
        values = {s: sp.Integer(3) for s in level.free_symbols | (loss.psi.free_symbols - {e})}
        exact = loss.psi.subs(e, level).subs(values)
        known: dict[sp.Symbol, sp.Expr] = dict(values)
        for symbol, expr in required.steps:
            known[symbol] = expr.subs(known)
        ours = known[required.steps[-1][0]]
        with mpmath.workdps(30):
            assert abs(sp.N(ours - exact, 25)) < 1e-18


@proves("width.logit.*")
def test_logit_demand() -> None:
    """√(2f/μ) with the true μ is at most the bound, for random data in [η, 1−η] and predictions in the ball."""
    import numpy as np

    theory = LOSSES["logit-cross-entropy"]
    ask = desingularized_requirement(theory)
    assert ask is not None and ask.from_zero
    random = np.random.default_rng(5)
    from dipproofs.theory.losses.base import m as observations
    from dipproofs.theory.symbols import loss_0
    from dipproofs.theory.width.logit import LEVEL, REQUIRED, margin
    from dipproofs.theory.width.symbols import residual

    level = sp.lambdify((observations, margin, residual), LEVEL, "numpy")
    required = sp.lambdify((margin, loss_0), REQUIRED, "numpy")
    for _ in range(300):
        m, eta = int(random.integers(1, 12)), float(random.uniform(0.02, 0.5))
        y = random.uniform(eta, 1 - eta, m)
        v = random.standard_normal(m) * random.uniform(0.01, 20)
        loss = np.logaddexp(0, v) - y * v + y * np.log(y) + (1 - y) * np.log(1 - y)
        top = level(m, eta, float(np.linalg.norm(v)))
        assert loss.sum() <= top * (1 + 1e-12) + 1e-12
        s = np.linspace(1e-9, 1 - 1e-9, 20001)
        for value in (eta, float(y[0])):
            divergence = value * np.log(value / s) + (1 - value) * np.log((1 - value) / (1 - s))
            inside = divergence <= top
            mu = np.min((s[inside] - value) ** 2 / np.maximum(2 * divergence[inside], 1e-300), initial=np.inf)
            mu = min(mu, value * (1 - value))
            assert np.sqrt(2 * top / mu) <= required(eta, top) * (1 + 1e-3)


def test_impossible_losses() -> None:
    assert "1/2" in (impossible_reason(LOSSES["cross-entropy"]) or "")
    background = LOSSES["poisson"].parameters[0].symbol
    assert "1/2" in (impossible_reason(LOSSES["poisson"], {background: sp.Integer(0)}) or "")
    assert "not derived" in (impossible_reason(LOSSES["poisson"], {background: sp.Integer(1)}) or "")
    assert impossible_reason(LOSSES["huber"]) is None


@proves("width.spectrum.*")
def test_spectrum() -> None:
    for size, kappa in itertools.product((2, 3, 5, 8), (sp.Integer(1), sp.Rational(7, 2), sp.Integer(100))):
        sizes = {spectrum.rank: size, spectrum.kappa: kappa}
        values = [spectrum.VALUE.subs({**sizes, spectrum.place: i}) for i in range(size)]
        assert values[0] == 1 and values[-1] == 1 / kappa
        for power, expr in ((2, spectrum.FROBENIUS2), (4, spectrum.SCHATTEN4)):
            assert sp.simplify(expr.subs(sizes) - sum(v**power for v in values)) == 0
