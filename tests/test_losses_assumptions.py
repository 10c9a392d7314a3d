"""(A1) and the minimiser's uniqueness: explicit hypotheses, decided, and checked again by the verifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from helpers import changed

import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.enclosures import Bound, IntervalMatrix
from dipproofs.errors import InputError
from dipproofs.losses import Loss, make_loss
from dipproofs.theory.losses import LOSSES
from dipproofs.theory.losses.assumptions import reason
from dipproofs.theory.losses.base import r, v
from dipproofs.theory.losses.base import y as y_symbol
from dipproofs.verify import verify

PARAMETERS = {"huber": {"delta": 0.5}, "lp": {"p": 3.0}, "norm-power": {"p": 3.0}}


def _posed(residual: np.ndarray, width: int = 400) -> tuple[dp.InverseProblem, dp.TwoLayer]:
    """A = I, and data that the start misses by ``residual``."""
    net = dp.TwoLayer.init(n=residual.size, width=width, input_dimension=2)
    data = net.output() - residual
    return dp.InverseProblem(np.eye(residual.size), data, x_true=data), net


def _hypotheses(certificate: dp.Certificate) -> dict[str, str]:
    return {h.id: str(h.verdict) for h in certificate.hypotheses}


@pytest.mark.parametrize("kind", LOSSES)
def test_registered_losses_grow_beyond_every_level_and_vanish_once(kind: str) -> None:
    """The reason of `theory.losses.assumptions`: h rises on both sides of its zero, ever further."""
    theory = LOSSES[kind]
    assert reason(kind)
    exact = {q.symbol: sp.Rational(str(PARAMETERS.get(kind, {}).get(q.name, 0.5))) for q in theory.parameters}
    exact |= {y_symbol: sp.Rational(1, 3)}
    entry = theory.entry.subs(exact)
    if theory.structure != "entrywise":
        at, ends = sp.Integer(0), [lambda k: sp.Integer(10) ** k]
        variable = r
    else:
        at, variable = theory.argmin.subs(exact), v
        low, high = (sp.sympify(end).subs(exact) for end in theory.domain)
        ends = [
            lambda k, low=low: -(sp.Integer(10) ** k) if low == -sp.oo else low + sp.Integer(10) ** (-(k**2)),
            lambda k, high=high: sp.Integer(10) ** k if high == sp.oo else high - sp.Integer(10) ** (-(k**2)),
        ]
    assert abs(float(sp.N(entry.subs(variable, at)))) < 1e-12
    for end in ends:
        heights = [float(sp.N(entry.subs(variable, end(k)), 60)) for k in (1, 2, 4, 6)]
        assert 0 < heights[0] < heights[1] < heights[2] < heights[3] and heights[3] > 4 * heights[0]


def test_nothing_is_concluded_beyond_the_radius() -> None:
    """Residuals where h is small again, but beyond its radius: both are undecided, and no bound is stated."""
    loss, inside = Loss.custom("1 - cos(r)", radius=1.5), np.array([0.05, 0.03])
    problem, net = _posed(2 * np.pi + inside)
    certificate = dp.certify(problem, net, loss=loss, tolerance=1e-14)
    assert str(certificate.verdict) == "undecided"
    assert (_hypotheses(certificate)["compact"], _hypotheses(certificate)["minimiser"]) == ("undecided", "undecided")
    assert certificate.guarantees.recovery_error is None and "radius = 1.5" in certificate.hypotheses[-1].reason
    entry = certificate.guarantees.extra["recovery"]
    assert entry["true_error"].lower > 8 and entry["at_limit"] is None and entry["data"] is None
    problem, net = _posed(inside)
    good = dp.certify(problem, net, loss=loss, tolerance=1e-14)
    assert good.proved and _hypotheses(good)["minimiser"] == "proved"
    margin = next(h.margin for h in good.hypotheses if h.id == "compact")
    assert 0 < margin.lower <= 1.5


def test_a_valley_beyond_the_radius_does_not_count_as_convergence() -> None:
    """A C¹ profile that is convex up to its radius only, with a local minimum > 0 far out."""
    edge, curvature = sp.Rational(338, 100), 100
    height, slope = -(edge**2) / 2 + 2 * edge - 1, 2 - edge
    third = height + slope * (r - edge) + sp.Rational(curvature, 2) * (r - edge) ** 2
    h = sp.Piecewise((r**2 / 2, r < 1), (-(r**2) / 2 + 2 * r - 1, r < edge), (third, True))
    bottom = float(edge - slope / curvature)
    problem, net = _posed(bottom + np.array([1e-3, 2e-3]))
    certificate = dp.certify(problem, net, loss=Loss.custom(h, radius=0.95), step=0.005, max_iterations=50)
    assert not certificate.proved and not certificate.guarantees.iterations_to_loss


def test_the_level_may_not_reach_the_radius() -> None:
    loss = Loss.custom("r**2/2", radius=1.0)
    with pytest.raises(InputError, match=r"loss\.radius"):
        loss.constants(np.zeros(1), Bound.exact(0.5))
    assert loss.constants(np.zeros(1), Bound.exact(0.4999))


@pytest.mark.parametrize("width", [0.0, 1e-3])
def test_enclosed_residuals_count_with_their_radius(width: float) -> None:
    """The far end of an enclosed residual decides."""
    loss = Loss.custom("r**2/2", radius=1.0)
    found = loss.assumptions(IntervalMatrix(np.array([0.9995]), np.array([width])), np.zeros(1), Bound.exact(0.4))
    assert [str(h.verdict) for h in found] == (["proved"] * 2 if width == 0 else ["undecided"] * 2)


def test_asserted_losses_list_both_assumptions() -> None:
    """A loss whose other assertions are true and whose minimiser is not unique: undecided, and said why."""
    problem, net = _posed(np.array([2 * np.pi + 0.05]))
    loss = Loss.custom(
        value=lambda v, y: (1 - jnp.cos(v - y)).sum(), psi="2*sqrt(e)", curvature=1, gradient_bound=1, level=1.0
    )
    certificate = dp.certify(problem, net, loss=loss, max_iterations=50)
    assert {"compact": "undecided", "minimiser": "undecided"}.items() <= _hypotheses(certificate).items()
    assert any("only minimiser" in said for said in loss.assumed) and any("compact" in said for said in loss.assumed)
    assert certificate.loss["assumed"] == list(loss.assumed)


def test_the_verifier_decides_both_again(tmp_path: Path) -> None:
    """A radius that the stored residuals exceed, is found."""
    problem, net = _posed(np.array([0.5, -0.3]))
    assert verify(save(dp.certify(problem, net, loss=Loss.custom("cosh(r) - 1", radius=3.0)), tmp_path)).valid

    def narrow(record: dict[str, Any]) -> None:
        for where in (record, record["final"]):
            where["loss"]["radius"] = 1e-12

    assert any("loss" in finding for finding in verify(changed(tmp_path, narrow)).findings)


def test_the_verifier_refuses_a_false_minimiser(tmp_path: Path) -> None:
    """A squared loss keeps its verdicts; stating them refuted is found to be wrong."""
    problem, net = _posed(np.array([0.5, -0.3]))
    save(dp.certify(problem, net, loss=make_loss("squared")), tmp_path)

    def refute(record: dict[str, Any]) -> None:
        next(entry for entry in record["hypotheses"] if entry["id"] == "minimiser")["verdict"] = "refuted"

    assert any("minimiser" in finding for finding in verify(changed(tmp_path, refute)).findings)
