"""Follow a certified run independently and compare what is claimed with what happens (evidence: estimated).

The reference is the method in NumPy with the transposed dense matrix, on the two-layer network or the certificate's own
computation graph: no JAX, no adjoint of the operator, no step size, momentum or state but the certificate's. Rounding
is allowed for by a bound derived from the sizes of the numbers (graphs: by how far the output moves with the last
digits); a comparison that only this allowance saves is made again in extended precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate
from dipproofs.descent import Backtracking
from dipproofs.enclosures import Bound
from dipproofs.networks.record import record_of
from dipproofs.testing.graph_model import GraphModel
from dipproofs.testing.models import Arrays, Model, length
from dipproofs.testing.stepping import method_of, stepping
from dipproofs.testing.two_layer.model import TwoLayerModel
from dipproofs.theory.methods import METHODS

#: No run is followed for longer.
MOST_STEPS = 1500
#: Entries of the Jacobian up to which an exact fit is looked for.
_LARGEST_JACOBIAN = 2_000_000
#: Below so many allowances the loss says nothing more in that precision.
_FLOOR = 1e3


@dataclass(frozen=True)
class Point:
    """One iterate of the reference.

    Args:
        signal: (n,) x. prediction: (m,) A x. loss: L_y(A x). residual: ‖A x − Πy‖ or ‖A x − y‖.
        path: Σγ‖∇f‖ from the certified iterate on. distance: ‖θ − θ_t‖.
        slack: allowance for the residual; loss_slack: for the loss.
    """

    signal: np.ndarray
    prediction: np.ndarray
    loss: float
    residual: float
    path: float
    distance: float
    slack: float
    loss_slack: float


class Reference:
    """The method of a certificate on its network, from the certified iterate on, in the given number format.

    Args:
        certificate: whose arrays are the start. problem, loss: as certified.
        schedule: step sizes. dtype: float64 or longdouble.
    """

    def __init__(self, certificate: Certificate, problem: Any, loss: Any, schedule: Any, dtype: Any) -> None:
        self.certificate, self.loss, self.schedule, self.dtype = certificate, loss, schedule, dtype
        self.A = problem.operator.to_dense().astype(dtype)
        self.y = target_data(problem, certificate, loss).astype(dtype)
        self.model = model_of(certificate, dtype, MOST_STEPS, sum(self.A.shape))
        self.gamma = _step_of(certificate) / (schedule.supremum(certificate.iteration) or 1.0)

    def points(self) -> Iterator[Point]:
        """Yield the certified iterate and those after it."""
        theta, start = self.model.start, self.model.start
        move = stepping(self.certificate, start)
        path, slack = self.dtype(0), 0.0
        for step in range(self.model.most_steps + 1):
            x, known = self.model.signal(theta)
            v = self.A @ x
            value, slope = self.loss.value(np, v, self.y), self.loss.gradient(np, v, self.y)
            # what rounding adds here; a descent does not enlarge what was added before
            slack += self._rounding(theta, known)
            moved = length({name: theta[name] - start[name] for name in theta})
            yield Point(
                x, v, float(value), float(np.linalg.norm((v - self.y).astype(np.float64))), float(path), float(moved),
                slack, float(np.linalg.norm(slope.astype(np.float64))) * slack + self._curvature() * slack**2,
            )  # fmt: skip
            gamma = self.dtype(self.gamma) * self.dtype(self.schedule.factor(self.certificate.iteration + step))
            displacement = move(self.model.pull(theta, known, self.A.T @ slope), gamma)
            path = path + length(displacement)
            theta = {name: theta[name] + displacement[name] for name in theta}

    def nearest_fit(self) -> float:
        """‖M⁺r‖ at the certified iterate: how far an exact fit is, up to the curvature."""
        theta = self.model.start
        x, known = self.model.signal(theta)
        rows = [self.model.pull(theta, known, row) for row in self.A]
        M = np.array([np.concatenate([row[name].ravel() for name in theta]) for row in rows], np.float64)
        residual = (self.A @ x - self.y).astype(np.float64)
        return float(np.linalg.norm(np.linalg.lstsq(M, residual, rcond=1e-12)[0]))

    def _rounding(self, theta: Arrays, known: Any) -> float:
        """Bound of the rounding error of one evaluation of A g: γ_K |A||terms| with K the lengths of all sums."""
        size, terms = self.model.sizes(theta, known)
        size = np.abs(self.A) @ size + np.abs(self.y)
        return float(terms * np.finfo(self.dtype).eps * np.linalg.norm(size.astype(np.float64)))

    def _curvature(self) -> float:
        lipschitz = self.certificate.quantities.get("loss_curvature")
        return 1.0 if lipschitz is None or not math.isfinite(lipschitz.upper) else lipschitz.upper


def model_of(certificate: Certificate, dtype: Any, most_steps: int, sums: int) -> Model:
    """Return the network of a certificate, at its iterate.

    Args:
        certificate: of a two-layer network or a graph. dtype: of a two-layer network; a graph has float64.
        most_steps: to follow. sums: terms in the sums of the operator.
    """
    if "graph" in certificate.network:
        return GraphModel(certificate, most_steps)
    return TwoLayerModel(certificate.arrays, certificate.network, dtype, most_steps, sums)


def _step_of(certificate: Certificate) -> float:
    gamma = certificate.quantities.get("gamma")
    if gamma is None or certificate.method.get("kind") == "adam":
        return float(certificate.method["step"])
    return float(gamma.mid)


def followable(certificate: Certificate, schedule: Any) -> bool:
    """Whether the reference can follow: steps known beforehand, and parameters in the certificate."""
    known = record_of(certificate.network).trained(certificate.network, certificate.arrays)
    return bool(known) and certificate.method.get("kind") in METHODS and not isinstance(schedule, Backtracking)


def target_data(problem: Any, certificate: Certificate, loss: Any) -> np.ndarray:
    """Return what the loss is taken to: y, or for the squared loss the part Πy of it that A can produce."""
    y = np.asarray(problem.y, np.float64)
    if not loss.projects_data:
        return y
    A = np.asarray(problem.operator.to_dense(), np.float64)
    shift = A @ np.full(A.shape[1], float(certificate.network.get("output_offset", 0.0)))
    AB = A @ np.asarray(certificate.arrays["B"], np.float64) if "B" in certificate.arrays else A
    U, size, _ = np.linalg.svd(AB, full_matrices=False)  # least squares would lose as many digits as κ(A) has
    U = U[:, size > np.finfo(np.float64).eps * max(AB.shape) * size[0]]
    return np.asarray(shift + U @ (U.T @ (y - shift)))


def violations(certificate: Certificate, problem: Any, loss: Any, schedule: Any, run: Any) -> list[str]:
    """Return what was claimed and did not happen; empty if everything did.

    Args:
        certificate: a proved one. problem, loss, schedule: as certified. run: the run it belongs to.
    """
    if not followable(certificate, schedule):
        return from_history(certificate, run)
    found: list[str] = []
    for dtype in (np.float64, np.longdouble):
        reference = Reference(certificate, problem, loss, schedule, dtype)
        found, doubtful = compare(reference, problem, run)
        if not found and not doubtful:
            break
    return found


def compare(reference: Reference, problem: Any, run: Any) -> tuple[list[str], bool]:
    """Compare every claim with the reference; also say whether only the allowance for rounding saved a comparison."""
    cert = reference.certificate
    claims, facts = _Claims(), cert.guarantees
    gamma, start = cert.quantities.get("gamma"), cert.iteration
    kind = method_of(cert)
    run = run if kind == cert.method.get("kind") else None  # another method's, of which nothing is claimed
    bound_S, F_inf = cert.quantities.get("S"), cert.quantities.get("F_inf")
    if kind == "adam":  # existence and a horizon are claimed; the path is that of gradient descent
        gamma = bound_S = F_inf = None
    envelope, horizon, factor = _method_sentence(cert)
    before: Point | None = None
    first: Point | None = None
    last: Point | None = None
    linear = facts.log_contraction_per_step is not None and cert.loss.get("kind") == "squared"
    counts = {float(target): steps for target, steps in facts.iterations_to_loss.items() if steps is not None}
    for step, point in enumerate(reference.points()):
        where = f"at iteration {start + step}"
        if not math.isfinite(point.loss):
            claims.broken(f"{where}: the loss is {point.loss}")
            break
        first = point if first is None else first
        if before is not None and kind == "gradient-descent":
            claims.at_most(point.loss, before.loss, point.loss_slack + before.loss_slack, f"{where}: the loss rose")
        if linear and facts.log_contraction_per_step is not None:
            scale = first.residual if envelope is None else envelope.upper
            limit = scale * math.exp(step * facts.log_contraction_per_step.upper)
            claims.at_most(point.residual, limit, point.slack + first.slack, f"{where}: residual above its rate")
        if step == horizon:
            limit = first.residual * factor.upper
            claims.at_most(point.residual, limit, point.slack + first.slack, f"{where}: residual above the horizon's")
        if bound_S is not None:
            claims.at_most(point.path, bound_S.upper, _size(point), f"{where}: path longer than S")
        for target, steps in counts.items():
            if step == steps:
                claims.at_most(point.loss, target, point.loss_slack, f"{where}: loss above {target:g}")
        _against_run(claims, run, start + step, point)
        before = last = point
        if point.residual < _FLOOR * point.slack or point.loss < _FLOOR * point.loss_slack:
            break
    if first is None or last is None:
        return claims.found, claims.doubtful
    if facts.distance_to_limit is not None and F_inf is not None and F_inf.lower > 0:
        rest = _psi(reference, last) / F_inf.lower
        if kind != "gradient-descent" and bound_S is not None:
            rest = max(bound_S.upper - last.path, 0.0)
        claims.at_most(last.distance, facts.distance_to_limit.upper + rest, _size(last), "the limit is farther away")
    _signal(claims, cert, problem, first)
    _kurdyka(claims, reference, first, last)
    _adjoint(claims, problem)
    _existence(claims, reference)
    if run is not None and gamma is not None:
        largest = max((g for since, g in run.steps if since >= start), default=run.steps[-1][1])
        claims.at_most(largest * reference.schedule.supremum(start), gamma.upper, 0.0, "the run's step exceeds γ")
    return claims.found, claims.doubtful


def _method_sentence(cert: Certificate) -> tuple[Bound | None, int | None, Bound]:
    """Return the envelope of the residual (with momentum), and Adam's horizon with its factor."""
    envelope, told = cert.guarantees.extra.get("residual_envelope"), cert.method.get("horizon") or {}
    factor = told.get("residual_factor")
    if told.get("verdict") != "proved" or factor is None:
        return envelope if isinstance(envelope, Bound) else None, None, Bound.exact(1)
    return None, int(told["iterations"]), factor if isinstance(factor, Bound) else Bound.from_json(factor)


def _existence(claims: _Claims, reference: Reference) -> None:
    """An exact fit has to be as near as claimed: one Gauss–Newton step is not much longer."""
    cert, distance = reference.certificate, reference.certificate.guarantees.distance_to_limit
    parameters = sum(array.size for array in reference.model.start.values())
    if distance is None or reference.A.shape[0] * parameters > _LARGEST_JACOBIAN or cert.loss.get("kind") != "squared":
        return
    nearest = reference.nearest_fit()
    claims.at_most(nearest, 1.5 * distance.upper, 1e-13, "an exact fit is farther away, by a Gauss–Newton step")


class _Claims:
    """Comparisons: which failed, and whether the allowance saved one."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.doubtful = False

    def at_most(self, value: float, bound: float, allowance: float, what: str) -> None:
        if value <= bound:
            return
        if value <= bound + allowance:
            self.doubtful = True
        elif len(self.found) < 5:
            self.found.append(f"{what}: found {value:.6g}, claimed at most {bound:.6g}")

    def broken(self, what: str) -> None:
        self.found.append(what)


def _size(point: Point) -> float:
    return 1e-12 * (1 + point.path + point.distance)


def _against_run(claims: _Claims, run: Any, iteration: int, point: Point) -> None:
    """The run itself has to be this descent: same losses."""
    if run is None or iteration >= run.history.loss.size:
        return
    eps = float(np.finfo(run.network.dtype).eps)
    seen = float(run.history.loss[iteration])
    coarse = eps / float(np.finfo(np.float64).eps)
    allowed = 1e4 * eps * point.loss + 1e2 * coarse * point.loss_slack + (coarse * point.slack) ** 2
    if coarse > 1 and point.residual < _FLOOR * coarse * point.slack:
        return
    claims.at_most(abs(seen - point.loss), 0.0, allowed, f"at iteration {iteration}: the run's loss is another")
    if abs(seen - point.loss) <= allowed:
        claims.doubtful = False


def _psi(reference: Reference, point: Point) -> float:
    loss = reference.loss
    if not point.loss > 0:
        return 0.0
    constants = loss.constants(np.asarray(reference.y, np.float64), Bound.exact(max(point.loss, 1e-290)))
    value = float(loss.psi_at(point.loss, constants).upper())
    return value + reference_slope(reference, point) * point.loss_slack


def reference_slope(reference: Reference, point: Point) -> float:
    """ψ'(f) at a point, by a difference quotient of the loss's ψ."""
    loss, f = reference.loss, point.loss
    constants = loss.constants(np.asarray(reference.y, np.float64), Bound.exact(f * (1 + 2e-5)))
    width = 1e-5
    high, low = (float(loss.psi_at(f * (1 + sign * width), constants).mid()) for sign in (1, -1))
    return (high - low) / (2 * width * f)


def _kurdyka(claims: _Claims, reference: Reference, *points: Point) -> None:
    """ψ'(L)‖∇L‖ ≥ 1, which everything rests on."""
    for point in points:
        if not point.loss > _FLOOR * point.loss_slack:
            continue
        slope = reference.loss.gradient(np, point.prediction.astype(np.float64), reference.y.astype(np.float64))
        left = reference_slope(reference, point) * float(np.linalg.norm(slope))
        claims.at_most(1.0, left, 1e-4, f"ψ'(L)‖∇L‖ at loss {point.loss:.3g}: the KL inequality fails, with 1")


def _adjoint(claims: _Claims, problem: Any) -> None:
    """⟨A x, w⟩ = ⟨x, Aᵀw⟩ for the two functions that the descent uses."""
    import jax.numpy as jnp

    operator = problem.operator
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(operator.shape[1]), rng.standard_normal(operator.shape[0])
    dtype = operator.arrays[0].dtype if operator.arrays and operator.arrays[0].dtype.kind == "f" else np.float64
    image = np.asarray(operator.matvec(jnp.asarray(x, dtype)), np.float64)
    back = np.asarray(operator.adjoint(jnp.asarray(w, dtype)), np.float64)
    left, right = float(image @ w), float(x @ back)
    size = float(np.linalg.norm(image) * np.linalg.norm(w) + np.linalg.norm(x) * np.linalg.norm(back))
    claims.at_most(abs(left - right), 0.0, 1e-5 * size, f"⟨A x, w⟩ = {left:.6g} but ⟨x, Aᵀw⟩ = {right:.6g}: differ by")
    claims.doubtful = False


def _signal(claims: _Claims, cert: Certificate, problem: Any, point: Point) -> None:
    """The error of the reconstruction has to stay below every bound that is proved."""
    entry = cert.guarantees.extra.get("recovery") or {}
    if problem.x_true is None:
        return
    error = float(np.linalg.norm(point.signal.astype(np.float64) - np.asarray(problem.x_true, np.float64)))
    sharp = entry.get("sharp") or {}
    for name, bound in (("recovery bound", cert.guarantees.recovery_error), ("sharper bound", sharp.get("error"))):
        if isinstance(bound, Bound):
            claims.at_most(error, bound.upper, 1e-9 * (1 + error), f"the error of the signal exceeds its {name}")


def from_history(certificate: Certificate, run: Any) -> list[str]:
    """Compare the claims with the run's own record; for methods and networks that the reference does not know."""
    claims, start = _Claims(), certificate.iteration
    if run is None:
        return []
    loss, path = run.history.loss[start:], run.history.path_length[start:]
    eps = 1e4 * float(np.finfo(run.network.dtype).eps)
    S = certificate.quantities.get("S")
    kind = certificate.method.get("kind", "gradient-descent")
    for step, (value, done) in enumerate(zip(loss, path)):
        where = f"at iteration {start + step}"
        if step and kind == "gradient-descent" and value > eps:
            claims.at_most(value, loss[step - 1], eps * value, f"{where}: the loss rose")
        if S is not None:
            claims.at_most(done - path[0], S.upper, eps * (1 + done), f"{where}: path longer than S")
    for target, steps in certificate.guarantees.iterations_to_loss.items():
        if steps is not None and steps < loss.size:
            claims.at_most(loss[steps], float(target), eps * float(target), f"loss above {target} after {steps} steps")
    return claims.found
