"""A user's own losses: derived from a profile, or asserted and attacked first."""

from __future__ import annotations

import math
from functools import cache

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import dipproofs as dp
from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, compile_arb
from dipproofs.errors import InputError
from dipproofs.losses import Loss, envelope, iterations_to, make_loss
from dipproofs.losses.analytic import holomorphic, integral
from dipproofs.losses.falsification import Search, adversarial_patterns
from dipproofs.losses.inversion import DecreasingPrimitive, invert_increasing
from dipproofs.losses.signs import defined_on, nonnegative_on, range_on
from dipproofs.theory.losses.base import mu, r
from dipproofs.theory.losses.record import potential_of_record
from dipproofs.theory.losses.text import read_formula
from dipproofs.theory.symbols import loss_curvature, loss_gradient
from dipproofs.verify.arithmetic.expressions import compiled
from dipproofs.verify.profiles import Profile

DATA = np.array([0.3, -0.6, 0.1, 2.0])
SHIFT = np.array([0.1, -0.4, 0.9, 0.02])
SAME = [
    ("r**2/2", make_loss("squared"), "linear"),
    ("log(cosh(r))", make_loss("log-cosh"), "concave"),
    ("r**4/4", make_loss("lp", p=4), "convex"),
    ("Piecewise((r**2/2, r < 1/2), (r/2 - 1/8, True))", make_loss("huber", delta=0.5), "concave"),
]
OTHERS = [
    ("sqrt(1 + r**2) - 1", "concave"),
    ("r - log(1 + r)", "concave"),
    ("cosh(r) - 1", "convex"),
    ("r**2/2 + r**4", "convex"),
    ("r**2/2 + sin(r)**2/20", "mixed"),
]


@cache
def known_profile(profile: str) -> Loss:
    """A loss of several tests: deciding its shape takes longer than what they ask of it."""
    return Loss.custom(profile)


@pytest.mark.parametrize(("profile", "known", "shape"), SAME, ids=[p for p, _, _ in SAME])
def test_a_profile_gives_what_the_table_gives(profile: str, known: Loss, shape: str) -> None:
    """ψ, Ψ⁻¹∘Ψ, G, Λ and the envelope of a profile agree with the built-in loss of the same formula."""
    loss = known_profile(profile)
    assert loss.shape == shape and loss.assumed == () and loss.concave_psi and loss.convex
    for size in (1e-9, 1e-3, 1.0):
        start = loss.enclose(DATA + size * SHIFT, DATA)
        assert start.relative_width < 1e-14
        mine, theirs = loss.constants(DATA, start), known.constants(DATA, start)
        for symbol in (loss_gradient, loss_curvature):
            assert mine[symbol].upper == pytest.approx(theirs[symbol].upper, rel=1e-12)
        assert mine[loss_gradient].evidence is Evidence.PROVED
        assert loss.psi_bound(start, mine).upper == pytest.approx(known.psi_bound(start, theirs).upper, rel=1e-12)
        exponent, target = Bound.exact(0.01), start.upper / 100
        count = iterations_to(loss, start, target, exponent, mine)
        assert count == pytest.approx(iterations_to(known, start, target, exponent, theirs), rel=1e-9, abs=1)
        steps = [0, 10, count, 2 * count]
        np.testing.assert_allclose(
            envelope(loss, start, exponent, steps, mine), envelope(known, start, exponent, steps, theirs), rtol=1e-8
        )
    v = DATA + SHIFT
    assert loss.value(np, v, DATA) == pytest.approx(known.value(np, v, DATA), rel=1e-12)
    np.testing.assert_allclose(loss.gradient(np, v, DATA), known.gradient(np, v, DATA), rtol=1e-12)


@pytest.mark.parametrize(("profile", "shape"), OTHERS)
def test_derived_bounds_hold_under_attack(profile: str, shape: str) -> None:
    """KL, G and Λ of a derived loss survive the search; 0.9ψ, 0.9G do not where the rule is sharp."""
    loss = Loss.custom(profile, scale=0.5)
    assert loss.shape == shape

    def both(v: np.ndarray) -> tuple[float, np.ndarray]:
        return float(loss.value(np, v, DATA)), loss.gradient(np, v, DATA)

    def slope(level: float) -> float:
        known = loss.constants(DATA, Bound.exact(level))
        low, high = (loss.psi_bound(Bound.exact(level * x), known) for x in (1.0, 1.0 + 1e-5))
        return (high.lower - low.upper) / (1e-5 * level)  # ψ is concave: at most ψ'

    search = Search(both, DATA, 1e-6, 5.0, 1e-4)
    few = Search(both, DATA, 1e-4, 1.0, 1e-4)
    assert few.refute(lambda d, level, g: slope(level) * g * (1 + 2e-5)) is None
    if shape != "mixed":
        assert few.refute(lambda d, level, g: 0.9 * slope(level) * g) is not None

    def steepest(level: float) -> float:
        return loss.constants(DATA, Bound.exact(level))[loss_gradient].upper

    assert search.refute(lambda d, level, g: steepest(level) / g) is None
    if shape != "mixed":
        assert search.refute(lambda d, level, g: 0.9 * steepest(level) / g) is not None


def test_mixed_profiles_use_strong_convexity() -> None:
    """Neither monotone h'': μ and Λ are the range of h'' on the sublevel bracket."""
    loss = Loss.custom("r**2/2 + sin(r)**2/20")
    known = loss.constants(DATA, Bound.exact(0.3))
    reach = np.linspace(0, 0.744, 1000)
    second = 1 + np.cos(2 * reach) / 10
    assert known[mu].lower <= second.min() and known[mu].lower == pytest.approx(second.min(), abs=5e-3)
    assert known[loss_curvature].upper == pytest.approx(1.1, abs=1e-3)


@pytest.mark.parametrize(
    ("profile", "options", "message"),
    [
        ("r", {}, r"found h'\(0\) = 1, expected 0"),
        ("r**2 + 1", {}, r"found h\(0\) = 1, expected 0"),
        ("log(1 + r**2)", {}, r"h'' is negative somewhere on \]0, 64\], expected a convex profile"),
        ("r**3 - r**2", {}, r"h'' is negative somewhere"),
        ("r**1.5", {}, r"h'' is not shown to be finite"),
        ("1/(1 - r)**2 - 1 - 2*r", {}, r"not shown to be finite on \[0, 64\].*smaller radius"),
        ("Piecewise((r**2/2, r < 1), (r**2/4, True))", {}, r"pieces that do not join"),
        ("Piecewise((0, r < 1), ((r - 1)**2/2, True))", {}, r"found h\(0\.5\) = 0, expected h\(r\) > 0"),
        (
            "Piecewise((r**2/2, r < 2), (2 + 2*(r - 2) + (r - 2)**2, r < 1), (1 + 3*(r - 1)**2/2, True))",
            {},
            r"found the conditions r < 2, r < 1, True",
        ),
        ("abs(r)", {}, r"found the function 'abs'"),
        ("r**2 + x", {}, r"found the name 'x', expected one of pi, E, r"),
        ("r**", {}, r"expected a formula"),
        ("__import__('os').system('true')", {}, r"found .*expected"),
        ("5", {}, r"found the constant 5"),
        ("r**2", {"radius": -1}, r"loss\.radius: found -1"),
        (sp.Symbol("a") + sp.Symbol("b"), {}, r"expected a SymPy expression in one symbol"),
        (sp.Max(sp.Symbol("a") - 1, 0) ** 3, {}, r"found Max, expected a smooth formula"),
        ("r**2", {"psi": "sqrt(e)"}, r"found a profile together with psi"),
    ],
)
def test_bad_profiles(profile: object, options: dict[str, object], message: str) -> None:
    """One line each."""
    with pytest.raises(InputError, match=message) as caught:
        Loss.custom(profile, **options)
    assert "\n" not in str(caught.value)


def test_radius_limits_the_sublevel_set() -> None:
    """Cauchy's loss is convex for r < 1 only: small losses are certified, large ones refused with advice."""
    loss = Loss.custom("log(1 + r**2)/2", radius=0.9)
    assert loss.shape == "concave"
    assert loss.constants(DATA, Bound.exact(0.1))[loss_curvature].upper == 1
    with pytest.raises(InputError, match=r"loss\.radius: found residuals .*larger radius"):
        loss.constants(DATA, Bound.exact(0.9))
    with pytest.raises(InputError, match=r"loss\.radius: found residuals beyond 0\.9"):
        loss.constants(DATA, Bound.exact(1e9))


def test_records_of_profiles() -> None:
    """A profile is written as text and read back; the verifier decides its shape itself."""
    for profile in [p for p, _, _ in SAME] + [p for p, _ in OTHERS]:
        loss = Loss.custom(profile, scale="mean")
        again = Loss.from_json({**loss.to_json(), "convention": loss.convention, "assumed": []})
        assert again == loss and hash(again) == hash(loss)
        assert potential_of_record(loss.to_json()).shape in (loss.shape, None)
    assert make_loss("custom", profile="r**2").shape == "linear"
    with pytest.raises(InputError, match=r"loss\.profile: missing"):
        make_loss("custom")


@settings(deadline=None, max_examples=40)
@given(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(1e-6, 3))
def test_two_term_profiles(a: float, b: float, level: float) -> None:
    """For a·r²/2 + b·r⁴/4 the enclosed inverse solves the quadratic."""
    x = sp.Symbol("x")
    loss = Loss.custom(a * x**2 / 2 + b * x**4 / 4)
    known = loss.constants(DATA, Bound.exact(level))
    each = level / DATA.size
    root = math.sqrt((-a + math.sqrt(a * a + 4 * b * each)) / b)
    assert loss.psi_bound(Bound.exact(level), known).upper == pytest.approx(
        math.sqrt(DATA.size) * root, rel=1e-6 if a * a > 1e4 * b * each else 1e-9
    )


# --- asserted losses ---------------------------------------------------------------------------------------
def half_square(v: jax.Array, y: jax.Array) -> jax.Array:
    """½‖v − y‖² in JAX."""
    return 0.5 * jnp.sum((v - y) ** 2)


def test_a_true_psi_survives_and_stays_assumed() -> None:
    """Everything derived from an asserted ψ has evidence `assumed`."""
    with jax.enable_x64(True):
        loss = Loss.custom(value=half_square, psi="sqrt(2*e)", curvature=1, scale=3, convex=True)
        loss.validate_data(DATA)
        assert len(loss.assumed) == 5 and loss.concave_psi and loss.convex and loss.argmin_is_y
        start = loss.enclose(IntervalMatrix(DATA + SHIFT, np.full(4, 1e-12)), DATA)
        assert start.evidence is Evidence.ASSUMED and start.contains(1.5 * float(SHIFT @ SHIFT))
        np.testing.assert_allclose(loss.gradient(np, DATA + SHIFT, DATA), 3 * SHIFT, rtol=1e-12)
        squared = make_loss("squared", scale=1.5)
        known, theirs = loss.constants(DATA, start), squared.constants(DATA, start)
        assert all(bound.evidence is Evidence.ASSUMED for bound in known.values())
        psi = loss.psi_bound(start, known)
        assert psi.evidence is Evidence.ASSUMED
        assert psi.upper == pytest.approx(squared.psi_bound(start, theirs).upper)
        exponent = Bound.exact(0.01)
        assert iterations_to(loss, start, 1e-9, exponent, known) == iterations_to(
            squared, start, 1e-9, exponent, theirs
        )
        back = loss.Psi_inv_bound(loss.Psi_bound(start, known), known)
        assert back.upper == pytest.approx(start.upper, rel=1e-9)
        beyond = loss.Psi_inv_bound(Bound.exact(1e6), known)
        assert beyond.lower == 0 and beyond.upper < 1e-300


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (
            {"psi": "0.9*sqrt(2*e)", "curvature": 1},
            r"loss\.psi: found ψ'\(L\)‖∇L‖ = 0\.9 at .*psi is refuted; multiply it by 1\.12",
        ),
        ({"psi": "e**0.75", "curvature": 1}, r"loss\.psi: found .*refuted"),
        ({"psi": "sqrt(2*e)", "curvature": 0.9}, r"loss\.(gradient_bound|curvature): found .*refuted"),
        ({"psi": "sqrt(2*e)", "curvature": 1, "gradient_bound": "f"}, r"loss\.gradient_bound: found .*refuted"),
    ],
)
def test_false_claims_are_refuted(claim: dict[str, object], message: str) -> None:
    """The search finds what is wrong and says it in one line."""
    with jax.enable_x64(True):
        loss = Loss.custom(value=half_square, **claim)
        with pytest.raises(InputError, match=message) as caught:
            loss.validate_data(DATA)
        assert "\n" not in str(caught.value)


def test_unusable_claims() -> None:
    """Missing or impossible claims."""
    for options, message in (
        ({"psi": "sqrt(e)", "curvature": 1}, r"loss\.value: missing"),
        ({"value": half_square, "curvature": 1}, r"loss\.psi: missing"),
        ({"value": half_square, "psi": "sqrt(e)"}, r"loss\.curvature: missing"),
        ({"value": 3, "psi": "sqrt(e)", "curvature": 1}, r"loss\.value: found 3"),
        ({"value": half_square, "psi": "-e", "curvature": 1}, r"loss\.psi: found .*expected an increasing"),
        ({"value": half_square, "psi": "1 + e", "curvature": 1}, r"loss\.psi: found .*ψ\(0\) = 0"),
    ):
        with pytest.raises(InputError, match=message):
            Loss.custom(**options)
    limited = Loss.custom(value=half_square, psi="sqrt(2*e)", curvature=1, level=0.5)
    with pytest.raises(InputError, match=r"loss\.level: found a loss of 0\.7"):
        limited.constants(DATA, Bound.exact(0.7))


# --- tools ---------------------------------------------------------------------------------------------------
def test_what_cannot_be_enclosed_stays_unknown() -> None:
    """A failed inversion or an undefined point never becomes a number."""
    x = sp.Symbol("x", real=True)
    primitive = DecreasingPrimitive([(sp.oo, sp.exp(x))], x)
    with flint.ctx.workprec(128):
        for u in ("-3.7", "-1", "0.2", "5.5"):
            assert primitive(flint.arb(u)).overlaps(1 - flint.arb(u).exp())
        assert primitive(flint.arb.nan()).is_nan() and primitive(flint.arb.pos_inf()).is_nan()
        assert primitive.inverse(flint.arb(2)).is_nan(), "T stays below 1"
        assert primitive.inverse(flint.arb("-2")).overlaps(flint.arb(3).log())
        pole = DecreasingPrimitive([(sp.oo, 1 / (x + 2) ** 2)], x)
        assert pole(flint.arb(-3)).is_nan(), "the interval contains a pole"
        assert invert_increasing(lambda s: s**2, flint.arb(9), 1.0, 2.0).is_nan(), "no root up to 2"
        assert invert_increasing(lambda s: s**2, flint.arb(9), 1.0, 5.0).overlaps(flint.arb(3))


def test_signs_by_subdivision() -> None:
    """Proved, refuted and undecided signs; ranges."""
    x = sp.Symbol("x", positive=True)
    assert nonnegative_on(1 - sp.cos(x), x, 6.0) in (True, None)
    assert nonnegative_on(sp.exp(x) - 1 - x, x, 20.0) is True
    assert nonnegative_on(sp.exp(x) - 1 - sp.Rational(11, 10) * x, x, 20.0) is False
    assert not defined_on(1 / (x - 1), x, 3.0) and defined_on(1 / (x + 1), x, 3.0)

    values = range_on(sp.cos(x), x, flint.arb(2))
    assert values.lower == pytest.approx(math.cos(2), abs=1e-4) and values.upper == pytest.approx(1, abs=1e-4)
    for function, primitive in (
        (sp.asinh(x), x * sp.asinh(x) - sp.sqrt(1 + x**2)),
        (sp.atan(3 * x), x * sp.atan(3 * x) - sp.log(1 + 9 * x**2) / 6),
        (sp.sqrt(x), sp.Rational(2, 3) * x ** sp.Rational(3, 2)),
        (x**x, None),
    ):
        value = integral(holomorphic(function, x), flint.arb("0.01"), flint.arb(9))
        if primitive is not None:
            ends = [compile_arb((x,), primitive)(flint.arb(t)) for t in ("0.01", "9")]
            assert value.overlaps(ends[1] - ends[0]) and value.rad() < 1e-9
    area = integral(holomorphic(1 / sp.tanh(x), x), flint.arb(1), flint.arb(3))
    assert area.overlaps((flint.arb(3).sinh() / flint.arb(1).sinh()).log())


def test_formulas_are_read_not_run() -> None:
    """Exact decimals; nothing but arithmetic."""
    x = sp.Symbol("x")
    assert read_formula("0.1*x**2 + 1e-3", {"x": x}) == x**2 / 10 + sp.Rational(1, 1000)
    assert read_formula("0.0*x + 0e5 + x*(1e-40)**64", {"x": x}) == x * sp.Rational(1, 10**2560)
    for text in (
        "x.y",
        "lambda: 1",
        "[1]",
        "x if x else 1",
        "exp(x, y=1)",
        "x**10000",
        "'a'",
        "True",
        "1j",
        "x" * 3000,
        "1e999999999",
        "x + 1e-4400",
        "1e-999999999*x",
        "x*(1e-100)**64",
        "x + " + "9" * 400,
    ):
        with pytest.raises(ValueError, match="found"):
            read_formula(text, {"x": x})


def test_patterns_are_varied() -> None:
    """Adversarial patterns work for one observation and for many."""
    for m in (1, 2, 50):
        patterns = list(adversarial_patterns(m, np.random.default_rng(1)))
        assert len(patterns) >= 20 and all(np.isfinite(q).all() and q.shape == (m,) for q in patterns)


@pytest.mark.parametrize(
    ("profile", "radius", "shape"),
    [
        ("1 - cos(r)", 1.5, "concave"),
        ("r**2/2 - r**4/100", 2.0, "concave"),
        ("log(1 + r**2)", 0.9, "concave"),
        ("cosh(r) - 1 - r**4/1000", 1.0, "convex"),
    ],
)
def test_the_verifier_decides_by_subdivision_what_symbols_do_not(profile: str, radius: float, shape: str) -> None:
    """Neither h'' ≥ 0 nor its monotony holds beyond the radius."""
    found = Profile({"kind": "custom", "profile": profile, "radius": radius})
    assert found.theory.rule == shape == Loss.custom(profile=profile, radius=radius).shape
    value = compiled(found.facts.h)({r: arb("0.4")})
    assert found.inverse(value).contains(arb("0.4")) and found.inverse(value).rad() < 1e-12


@pytest.mark.parametrize(("profile", "radius"), [("1 - cos(r)", 1.6), ("log(1 + r**2)", 1.1), ("r**2 - r**4/6", 1.1)])
def test_the_verifier_refuses_a_radius_up_to_which_the_profile_is_not_convex(profile: str, radius: float) -> None:
    with pytest.raises(ValueError, match=r"loss.profile"):
        Profile({"kind": "custom", "profile": profile, "radius": radius})
    with pytest.raises(InputError):
        Loss.custom(profile=profile, radius=radius)


def test_a_certificate_of_such_a_profile_is_verified() -> None:
    network = dp.TwoLayer.init(n=2, width=96, input_dimension=2)
    problem = dp.InverseProblem(np.eye(2), network.output() + 0.2)
    cert = dp.certify(problem, network, Loss.custom(profile="1 - cos(r)", radius=1.5), max_iterations=30)
    checked = dp.verify(cert)
    assert cert.proved and checked.valid, checked.findings
