"""Many runs of small networks in one jitted call (squared loss); scalars and last iterates come back.

The loss sees θ only through A g, so a run is carried by U = A V (m × k) and the shift b of W along u:
v = Uφ(a)/√k, and a step moves V along Aᵀ∇L φ(a)ᵀ, so U along A Aᵀ∇L φ(a)ᵀ. The last V is recovered
through V − V_0 = A⁺(U − U_0). Seeds go through `lax.map` over a `while_loop`: a vmapped loop would wait for
its slowest lane (``benchmarks/sweep.py`` measures both). Widths and observations are padded with zeros to a
few sizes, and the train mode is an argument, so that a whole grid needs few compilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dipproofs.networks import TwoLayer

#: γ = SAFETY/‖M‖², as in `dipproofs.descent.stepsize`.
SAFETY = 0.9
_TOO_LONG, _TOO_SHORT, _RISE = 1.05, 0.7, 1.001
_FIRST, _LATER = 40, 12
#: Widths are padded to the next of these (then to multiples of the last), observations to multiples of _ROWS.
_WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024)
_ROWS = 4
#: Partial sums of a row, so that the compiler can vectorise them.
_STRIPE = 8


class Lanes(NamedTuple):
    """Arrays of s runs, stacked along the first axis.

    Args:
        G: (m, m) A Aᵀ. y: (m,). U: (m, k) A V. a_0: (k,) W u. mask: (k,) 1 for hidden units, 0 for padding.
        root: √k of the true width. norm_u_squared: ‖u‖². inner, outer: 1 if W (V) is trained, else 0.
        gamma: step, where it is given.
    """

    G: Any
    y: Any
    U: Any
    a_0: Any
    mask: Any
    root: Any
    norm_u_squared: Any
    inner: Any
    outer: Any
    gamma: Any


@dataclass(frozen=True, eq=False)
class BatchRun:
    """What s runs leave behind.

    Args:
        reached: (s,) whether the loss fell to the tolerance.
        iterations: (s,) steps done.
        loss_first, loss: (s,) at the start and at the last iterate.
        gamma: (s,) the last step size.
        path_length: (s,) Σγ‖∇f‖.
        rises: (s,) number of steps at which the loss rose.
        networks: networks at the last iterates, if they were asked for.
    """

    reached: np.ndarray
    iterations: np.ndarray
    loss_first: np.ndarray
    loss: np.ndarray
    gamma: np.ndarray
    path_length: np.ndarray
    rises: np.ndarray
    networks: tuple[TwoLayer, ...] = ()


def run_batch(
    problems: Sequence[Any],
    networks: Sequence[TwoLayer],
    step: str | float | Sequence[float] = "auto",
    max_iterations: int = 20000,
    tolerance: float = 1e-7,
    *,
    ends: bool = False,
) -> BatchRun:
    """Run gradient descent on ½‖A g(u,θ) − y‖² for many networks, of any widths and train modes.

    Args:
        problems: s inverse problems with the same shape (m, n).
        networks: s networks of the same activation, without basis.
        step: "auto" (0.9/‖M‖², estimated again at iterations 0, 1, 2, 4, …), or γ, one or one per run.
        max_iterations, tolerance: when a run ends.
        ends: also return the networks at the last iterates (needs A of full row rank).

    Returns:
        A `BatchRun`; evidence: estimated.
    """
    import jax.numpy as jnp

    lanes, dense = stack(problems, networks, step)
    out = _jitted()(
        networks[0].activation, isinstance(step, str),
        Lanes(*(jnp.asarray(part) for part in lanes)), jnp.asarray(float(tolerance)), jnp.asarray(int(max_iterations)),
    )  # fmt: skip
    tau, loss, first, gamma, path, rises, U, b = (np.asarray(part) for part in out)
    last = tuple(_end(A, net, U[i], b[i]) for i, (A, net) in enumerate(zip(dense, networks))) if ends else ()
    return BatchRun(loss <= tolerance, tau, first, loss, gamma, path, rises, last)


def stack(
    problems: Sequence[Any], networks: Sequence[TwoLayer], step: str | float | Sequence[float]
) -> tuple[Lanes, list[np.ndarray]]:
    """Return the padded arrays of the runs, and the dense operators."""
    dense = [np.asarray(problem.operator.to_dense(), np.float64) for problem in problems]
    gamma = np.broadcast_to(np.asarray(0.0 if isinstance(step, str) else step, np.float64), (len(dense),))
    widest = max(net.width for net in networks)
    k = next((size for size in _WIDTHS if size >= widest), -(-widest // _WIDTHS[-1]) * _WIDTHS[-1])
    m = -(-max(A.shape[0] for A in dense) // _ROWS) * _ROWS
    lanes = Lanes(
        np.stack([_padded(A @ A.T, m, m) for A in dense]),
        np.stack([_padded(np.asarray(problem.y, np.float64), m) for problem in problems]),
        np.stack([_padded(A @ net.V, m, k) for A, net in zip(dense, networks)]),
        np.stack([_padded(net.constants.a_0, k) for net in networks]),
        np.stack([_padded(np.ones(net.width), k) for net in networks]),
        np.array([math.sqrt(net.width) for net in networks]),
        np.array([float(net.constants.norm_u_squared) for net in networks]),
        np.array([float(net.train != "outer") for net in networks]),
        np.array([float(net.train != "inner") for net in networks]),
        gamma,
    )
    return lanes, dense


def _padded(array: np.ndarray, *shape: int) -> np.ndarray:
    return np.pad(np.asarray(array, np.float64), [(0, size - old) for size, old in zip(shape, array.shape)])


def _end(A: np.ndarray, network: TwoLayer, U: np.ndarray, b: np.ndarray) -> TwoLayer:
    U, b = U[: A.shape[0], : network.width], b[: network.width]
    V = network.V
    if network.train != "inner":
        V = V + np.linalg.lstsq(A, U - A @ V, rcond=None)[0]
    W = network.W if network.train == "outer" else network.W + np.outer(b, network.u)
    return replace(network, V=V, W=W)


_COMPILED: dict[str, Any] = {}


def _jitted() -> Any:
    """The jitted function, made once per process; JAX is imported on first use only."""
    if not _COMPILED:
        import jax

        _COMPILED["run"] = partial(jax.jit, static_argnums=(0, 1))(_lanes)
    return _COMPILED["run"]


def _lanes(activation: str, auto: bool, lanes: Lanes, tolerance: Any, steps: Any) -> Any:
    import jax

    return jax.lax.map(lambda lane: one_lane(activation, auto, lane, tolerance, steps), lanes)


def one_lane(activation: str, auto: bool, lane: Lanes, tolerance: Any, steps: Any) -> Any:
    """Run one seed (traced); see `run_batch`."""
    import jax
    import jax.numpy as jnp

    from dipproofs.networks.activation import jax_activation

    phi_of = jax_activation(activation)
    m, k = lane.U.shape
    root, outer = lane.root, lane.outer
    gradient_scale = lane.inner * lane.norm_u_squared

    def hidden(b: Any) -> Any:
        phi, dphi = phi_of(lane.a_0 + b * lane.norm_u_squared)
        return phi * lane.mask, dphi * lane.mask

    def residual(U: Any, phi: Any) -> Any:
        return _times(U, phi) / root - lane.y

    def size_of(U: Any, b: Any, w: Any, count: int) -> Any:
        phi, dphi = hidden(b)

        def product(_: Any, pair: Any) -> Any:
            image = _times(U, dphi**2 * _transposed(U, pair[0])) * (gradient_scale / root**2)
            image = image + _times(lane.G, pair[0]) * (outer * (phi @ phi) / root**2)
            norm = jnp.sqrt(image @ image)
            return image / jnp.where(norm > 0, norm, 1), norm

        return jax.lax.fori_loop(0, count, product, (w, jnp.zeros(())))

    def estimate(count: int, control: Any, U: Any, b: Any, tau: Any) -> Any:
        gamma, cap, w, _ = control
        w, size = size_of(U, b, w, count)
        best = jnp.minimum(jnp.where(size > 0, SAFETY / size, 1.0), cap)
        change = (gamma > _TOO_LONG * best) | (gamma < _TOO_SHORT * best)
        return jnp.where(change, best, gamma), cap, w, jnp.maximum(1, 2 * tau)

    def body(loop: Any) -> Any:
        tau, U, b, value, r, phi, dphi, path, rises, control = loop
        if auto:
            control = jax.lax.cond(tau >= control[3], lambda: estimate(_LATER, control, U, b, tau), lambda: control)
        gamma = control[0]
        Gr = _times(lane.G, r) / root
        step_b = dphi * _transposed(U, r / root)
        squared = outer * (r @ Gr) / root * (phi @ phi) + gradient_scale * (step_b @ step_b)
        b = b - (gamma * lane.inner) * step_b
        U = U - (gamma * outer * Gr)[:, None] * phi[None, :]
        phi, dphi = hidden(b)
        r = residual(U, phi)
        new = (r @ r) / 2
        rise = new > _RISE * value
        if auto:
            g, cap, w, check = control
            control = jnp.where(rise, g / 2, g), jnp.where(rise, jnp.minimum(cap, g), cap), w, check
        path = path + gamma * jnp.sqrt(jnp.maximum(squared, 0.0))
        return tau + 1, U, b, new, r, phi, dphi, path, rises + (new > value), control

    def running(loop: Any) -> Any:
        return (loop[0] < steps) & (loop[3] > tolerance) & jnp.isfinite(loop[3])

    b = jnp.zeros(k)
    phi, dphi = hidden(b)
    r = residual(lane.U, phi)
    first = (r @ r) / 2
    control: Any = (lane.gamma, jnp.asarray(jnp.inf), jnp.cos(jnp.arange(m, dtype=float)), jnp.asarray(1))
    if auto:
        control = estimate(_FIRST, control, lane.U, b, jnp.asarray(0))
    start = (jnp.asarray(0), lane.U, b, first, r, phi, dphi, jnp.zeros(()), jnp.asarray(0), control)
    tau, U, b, value, _, _, _, path, rises, control = jax.lax.while_loop(running, body, start)
    return tau, value, first, control[0], path, rises, U, b


def _times(matrix: Any, vector: Any) -> Any:
    product = matrix * vector[None, :]
    rows, columns = product.shape
    if columns % _STRIPE or columns == _STRIPE:
        return product.sum(axis=1)
    return product.reshape(rows, columns // _STRIPE, _STRIPE).sum(axis=1).sum(axis=1)


def _transposed(matrix: Any, vector: Any) -> Any:
    return (matrix * vector[:, None]).sum(axis=0)
