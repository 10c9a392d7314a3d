"""Losses as software: digits near 0, enclosures, records, messages, rates."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dipproofs.losses as losses
from checks.balls import exact, loss_and_gradient
from dipproofs.enclosures import Bound, Evidence, IntervalMatrix, enclose
from dipproofs.errors import InputError
from dipproofs.losses import Loss, envelope, iterations_to, make_loss
from dipproofs.theory import LOSSES
from dipproofs.theory.losses.record import loss_of_record, scale_of_record
from dipproofs.theory.symbols import e, loss_curvature, loss_gradient

ALL = [
    make_loss("squared"),
    make_loss("squared", scale="half-mean"),
    make_loss("log-cosh"),
    make_loss("huber", delta=0.5),
    make_loss("lp", p=4.0, scale=0.75),
    make_loss("norm-power", p=2.0),
    make_loss("norm-power", p=3.0),
    make_loss("cross-entropy"),
    make_loss("poisson", scale="mean"),
    make_loss("poisson", background=0.3),
    make_loss("logit-cross-entropy"),
]
NAMES = [str(loss) for loss in ALL]
DATA = np.array([0.81, 0.5, 0.13, 0.37, 0.62, 0.9])


def centre(loss: Loss, data: np.ndarray) -> np.ndarray:
    """Floats near the minimiser."""
    if loss.kind == "logit-cross-entropy":
        return np.log(data) - np.log1p(-data)
    return data - loss.parameters.get("background", 0.0)


def near(loss: Loss, size: float) -> np.ndarray:
    """A prediction at about this distance, inside the domain."""
    return centre(loss, DATA) + size * np.array([1.0, -0.7, 0.3, -0.9, 0.5, -0.2])


# --- floating point ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ALL, ids=NAMES)
@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-5, 1e-2, 0.09])
def test_no_digits_are_lost_near_zero(loss: Loss, size: float) -> None:
    """Value and gradient agree with 400-bit values to 13 digits, down to residuals of 1e-12."""
    prediction = near(loss, size)
    with flint.ctx.workprec(400):
        value, gradient = loss_and_gradient(loss, exact(prediction), exact(DATA))
        floats = loss.value(np, prediction, DATA), loss.gradient(np, prediction, DATA)
        background = 1e-15 * 20 / size if loss.parameters.get("background") else 0.0  # v + b rounds
        assert abs(flint.arb(float(floats[0])) / value - 1) < 2e-13 + background
        for mine, theirs in zip(floats[1].tolist(), gradient.entries()):
            assert abs(flint.arb(mine) - theirs) <= (2e-13 + background) * abs(theirs)


@pytest.mark.parametrize("loss", ALL, ids=NAMES)
def test_jax_agrees_with_numpy(loss: Loss) -> None:
    """The same functions in JAX, jitted, with strict promotion; the gradient is the derivative."""

    @partial(jax.jit, static_argnames="loss")
    def both(loss: Loss, v: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        value, slope = jax.value_and_grad(lambda w: loss.value(jnp, w, y))(v)
        return value, slope, loss.gradient(jnp, v, y), loss.in_domain(jnp, v)

    prediction = near(loss, 0.05)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        value, slope, gradient, inside = both(loss, jnp.asarray(prediction), jnp.asarray(DATA))
        assert value.dtype == gradient.dtype == jnp.float64
        single = both(loss, jnp.asarray(prediction, jnp.float32), jnp.asarray(DATA, jnp.float32))
        assert single[0].dtype == single[2].dtype == jnp.float32
    np.testing.assert_allclose(value, loss.value(np, prediction, DATA), rtol=1e-11)
    np.testing.assert_allclose(gradient, loss.gradient(np, prediction, DATA), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(single[2], gradient, rtol=2e-4, atol=1e-5)
    assert bool(inside)


@pytest.mark.parametrize("kind", ["log-cosh", "logit-cross-entropy", "huber"])
def test_huge_predictions_do_not_overflow(kind: str) -> None:
    """Losses that grow linearly stay finite far away, without warnings."""
    loss = make_loss(kind, **({"delta": 1.0} if kind == "huber" else {}))
    far = np.array([1e6, -1e6, 1e6, -1e6, 3.0, -800.0])
    assert 1e5 < loss.value(np, far, DATA) < 1e7
    assert np.isfinite(loss.gradient(np, far, DATA)).all()


def test_domain_is_left_visibly() -> None:
    """Outside the domain the value is inf and `in_domain` is false, also for NaN."""
    for kind, outside in (("cross-entropy", 1.0), ("cross-entropy", -0.1), ("poisson", 0.0)):
        loss, prediction = make_loss(kind), DATA.copy()
        assert bool(loss.in_domain(np, prediction))
        prediction[2] = outside
        assert not bool(loss.in_domain(np, prediction))
        assert loss.value(np, prediction, DATA) == math.inf
    assert not bool(make_loss("squared").in_domain(np, np.array([math.nan])))
    assert bool(make_loss("poisson", background=0.3).in_domain(np, np.array([-0.2])))


# --- enclosures -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ALL, ids=NAMES)
@pytest.mark.parametrize("size", [1e-12, 1e-4, 0.09])
def test_enclosed_value(loss: Loss, size: float) -> None:
    """The enclosure contains the exact value and is tight; with radii it contains every member."""
    prediction = near(loss, size)
    point = loss.enclose(prediction, DATA)
    with flint.ctx.workprec(400):
        value, _ = loss_and_gradient(loss, exact(prediction), exact(DATA))
        assert flint.arb(point.lower) <= value <= flint.arb(point.upper)
    assert point.relative_width < 1e-14
    radius = size / 8
    wide = loss.enclose(IntervalMatrix(prediction, np.full(6, radius)), DATA)
    assert wide.evidence is Evidence.PROVED
    rng = np.random.default_rng(0)
    for _ in range(20):
        member = prediction + radius * rng.uniform(-0.999, 0.999, size=6)
        inside = loss.enclose(member, DATA)
        assert wide.lower <= inside.lower <= inside.upper <= wide.upper
    assert wide.upper < 6 * point.upper


def test_enclosed_value_around_the_minimum_and_outside() -> None:
    """An interval around the minimiser has lower end 0; one that leaves the domain has upper end inf."""
    for loss in ALL:
        wide = loss.enclose(IntervalMatrix(centre(loss, DATA), np.full(6, 1e-3)), DATA)
        assert wide.lower == 0 < wide.upper
    gone = make_loss("poisson").enclose(IntervalMatrix(DATA, np.full(6, 1.0)), DATA)
    assert gone.lower == 0 and gone.upper == math.inf


@pytest.mark.parametrize("loss", ALL, ids=NAMES)
def test_constants_enclose_and_shrink(loss: Loss) -> None:
    """All symbols are enclosed tightly; G and Λ grow with the level; psi by formula and by method agree."""
    start = loss.enclose(near(loss, 0.05), DATA)
    known, lower = loss.constants(DATA, start), loss.constants(DATA, Bound(start.lower / 100, start.upper / 100))
    assert all(bound.evidence is Evidence.PROVED and bound.relative_width < 1e-9 for bound in known.values())
    for symbol in (loss_gradient, loss_curvature):
        assert lower[symbol].upper <= known[symbol].upper * (1 + 1e-12)
    assert loss.psi.free_symbols <= {*known, e}
    by_formula, by_method = enclose(loss.psi, {**known, e: start}), loss.psi_bound(start, known)
    assert by_formula.lower <= by_method.upper and by_method.lower <= by_formula.upper
    assert by_method.relative_width < 1e-9
    back = loss.Psi_inv_bound(loss.Psi_bound(start, known), known)
    assert back.lower <= start.lower * (1 + 1e-9) and back.upper >= start.upper * (1 - 1e-9)
    assert back.relative_width < 1e-7
    unknown = loss.constants(DATA, Bound(0.0, math.inf))
    assert unknown[loss_gradient].upper == unknown[loss_curvature].upper == math.inf
    nothing = loss.constants(DATA, Bound.exact(0))
    assert 0 <= nothing[loss_gradient].upper < 1e-15


@pytest.mark.parametrize("loss", [*ALL, Loss.custom("sqrt(1 + r**2) - 1")], ids=[*NAMES, "custom"])
@pytest.mark.parametrize("level", [1e-300, 1e-40, 1e-3, 30.0])
def test_extreme_losses(loss: Loss, level: float) -> None:
    """ψ, Ψ and Ψ⁻¹ stay tight from the smallest to large losses."""
    at = Bound.exact(level)
    known = loss.constants(DATA, at)
    psi, Psi = loss.psi_bound(at, known), loss.Psi_bound(at, known)
    back = loss.Psi_inv_bound(Psi, known)
    assert psi.relative_width < 1e-9 and Psi.is_finite
    assert back.lower <= level <= back.upper and back.relative_width < 1e-4


def test_estimated_losses_give_estimated_constants() -> None:
    """Evidence travels."""
    known = make_loss("poisson").constants(DATA, Bound.estimated(0.01))
    assert known[loss_gradient].evidence is Evidence.ESTIMATED


# --- rates -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ALL, ids=NAMES)
def test_iterations_and_envelope(loss: Loss) -> None:
    """τ iterations suffice, a hundredth fewer do not; the envelope is decreasing and below f_0."""
    start = loss.enclose(near(loss, 0.05), DATA)
    known, exponent = loss.constants(DATA, start), Bound.exact(0.013)
    target = start.upper / 50
    count = iterations_to(loss, start, target, exponent, known)
    assert count is not None and count > 10
    curve = envelope(loss, start, exponent, [0, count // 2, int(count * 0.99) - 1, count, 3 * count], known)
    assert (np.diff(curve) < 0).all() and curve[0] <= start.upper
    assert curve[3] <= target * (1 + 1e-9) and curve[2] > target
    assert iterations_to(loss, start, start.upper, exponent, known) == 0
    assert iterations_to(loss, start, target, Bound(0.0, 1.0), known) is None
    assert iterations_to(loss, start, 0.0, exponent, known) is None


@settings(deadline=None, max_examples=30)
@given(st.floats(2.1, 6.0), st.floats(1e-6, 10.0), st.floats(1e-6, 0.5))
def test_sublinear_rate_is_exact(p: float, level: float, exponent: float) -> None:
    """For ℓ_p the envelope is the solution of f' = −P-rate: compared with its closed form."""
    loss, data = make_loss("lp", p=p), np.zeros(3)
    known = loss.constants(data, Bound.exact(level))
    steps = 1000
    (bound,) = envelope(loss, Bound.exact(level), Bound.exact(exponent), [steps], known)
    ratio = (p - 2) / p
    closed = 3 / p * ((p * level / 3) ** -ratio + (p - 2) * exponent * steps) ** (-1 / ratio)
    assert bound == pytest.approx(min(closed, level), rel=1e-9)


# --- records ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ALL, ids=NAMES)
def test_records(loss: Loss) -> None:
    """A loss is made again from its record, equal and with equal hash; the verifier reads the same record."""
    record = loss.to_json()
    again = Loss.from_json({**record, "convention": loss.convention, "assumed": []})
    assert again == loss and hash(again) == hash(loss)
    theory, parameters = loss_of_record(record)
    assert theory is loss.theory and parameters == {k: Fraction(x) for k, x in loss.parameters.items()}
    assert scale_of_record(record, 6) == losses.base.resolve_scale(loss.scale, 6)
    assert loss.kind in str(loss) and loss.domain


def test_facts_by_loss() -> None:
    """What consumers switch on."""
    squared = make_loss("squared", scale="sum")
    assert squared.residual_scale == 2.0 and squared.projects_data and squared.argmin_is_y
    assert make_loss("squared", scale="mean").residual_scale is None
    assert make_loss("squared", scale="mean").residual_scale_for(4) == Fraction(1, 2)
    assert make_loss("huber", delta=1).residual_scale is None and not make_loss("huber", delta=1).projects_data
    assert not make_loss("logit-cross-entropy").argmin_is_y
    assert not make_loss("poisson", background=1).argmin_is_y and make_loss("poisson").argmin_is_y
    for kind in LOSSES:
        loss = make_loss(kind, **{"huber": {"delta": 1}, "lp": {"p": 3}, "norm-power": {"p": 2}}.get(kind, {}))
        assert loss.concave_psi and loss.convex and not loss.assumed


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("lp", {"p": 2}, r"loss\.p: found 2, expected a finite number > 2 .*squared"),
        ("lp", {"p": 1.5}, r"loss\.p: found 1\.5, expected a finite number > 2"),
        ("lp", {}, r"loss\.p: missing, expected a finite number > 2"),
        ("norm-power", {"p": 1.9}, r"loss\.p: found 1\.9, expected a finite number ≥ 2"),
        ("huber", {"delta": 0}, r"loss\.delta: found 0, expected a finite number > 0"),
        ("huber", {"delta": math.nan}, r"loss\.delta: found nan"),
        ("huber", {"delta": True}, r"loss\.delta: found True"),
        ("poisson", {"background": -1}, r"loss\.background: found -1, expected a finite number ≥ 0"),
        ("squared", {"scale": 0}, r"loss\.scale: found 0, expected a finite number > 0 or one of sum, half"),
        ("squared", {"scale": "third"}, r"loss\.scale: found 'third'"),
        ("squared", {"scale": math.inf}, r"loss\.scale: found inf"),
        ("squared", {"delta": 1}, r"loss\.delta: unknown key for loss squared; expected scale"),
        ("poison", {}, r"loss\.kind: found 'poison'.*did you mean poisson"),
    ],
)
def test_bad_parameters(kind: str, options: dict[str, object], message: str) -> None:
    """One line: what was found, what is expected."""
    with pytest.raises(InputError, match=message) as caught:
        make_loss(kind, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "bad", "advice"),
    [
        ("cross-entropy", 1.0, "saturated"),
        ("cross-entropy", 0.0, "saturated"),
        ("logit-cross-entropy", -0.2, "saturated"),
        ("poisson", 0.0, "zero counts"),
        ("poisson", math.nan, "zero counts"),
        ("squared", math.inf, "check the data"),
    ],
)
def test_bad_data(kind: str, bad: float, advice: str) -> None:
    """Data outside the range are refused with advice."""
    data = DATA.copy()
    data[4] = bad
    with pytest.raises(InputError, match=rf"y: found 1 of 6 entries .*first y\[4\].*{advice}") as caught:
        make_loss(kind).validate_data(data)
    assert "\n" not in str(caught.value)
    make_loss(kind).validate_data(DATA)


def test_bad_start() -> None:
    """A start outside the domain is refused with advice."""
    with pytest.raises(InputError, match=r"start: found 2 of 3 entries .*offset"):
        make_loss("cross-entropy").refuse_start(np.array([0.5, -0.1, 1.2]))
    with pytest.raises(InputError, match=r"start: found 1 of 2 .*background"):
        make_loss("poisson").refuse_start(np.array([0.5, -0.1]))
    make_loss("poisson", background=0.2).refuse_start(np.array([0.5, -0.1]))


def test_the_manual_prints_the_table_of_the_theory() -> None:
    """The page on losses contains exactly the table that the expressions give."""
    docs = Path(__file__).resolve().parent.parent / "docs"
    sys.path.insert(0, str(docs / "_ext"))
    from formula_tables import losses_page

    pages = [*docs.glob("**/losses.md"), *docs.glob("*.md")]
    assert any(losses_page() in page.read_text(encoding="utf-8") for page in pages)
