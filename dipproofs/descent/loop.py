"""The jitted inner loop: some hundred iterations of any method on any program, recording scalars only."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

RUNNING, REACHED, NOT_FINITE, RISEN = 0, 1, 2, 3
#: Rows of the records: f, ‖∇f‖, path length, ‖θ − θ_0‖, step size.
ROWS = 5
#: A trial step this much shorter than the first is not shortened any more: floats see no decrease.
_SHORTEST = 1e-12


class Carry(NamedTuple):
    """What goes from one chunk to the next; ``reference`` is the loss that the next one is compared with."""

    tau: Any
    theta: Any
    state: Any
    path_length: Any
    squared_distance: Any
    reference: Any
    status: Any


class Data(NamedTuple):
    """Everything traced that stays fixed: operator arrays, data, the program's constants, the start."""

    operator: Any
    y: Any
    constants: Any
    theta_0: Any


class Limits(NamedTuple):
    """When a chunk ends: after ``steps`` iterations, at a loss ≤ ``tolerance``, or at one that rose.

    A loss counts as risen above ``rise`` times the reference and above ``floor``.
    """

    steps: Any
    tolerance: Any
    rise: Any
    floor: Any


class Static(NamedTuple):
    """The compiled part, hashable: kernels of operator and network, loss, schedule, method class, flags."""

    operator: Any
    network: Any
    loss: Any
    schedule: Any
    method: Any
    capacity: int
    track_distance: bool


def _forward(static: Static, data: Data, theta: Any) -> tuple[Any, Any]:
    signal, cache = static.network.output(data.constants, theta)
    return static.operator.apply(data.operator, signal), cache


@partial(jax.jit, static_argnames=("static",))
def advance(
    static: Static, data: Data, carry: Carry, gamma_0: Any, coefficients: Any, limits: Limits
) -> tuple[Carry, Any]:
    """Do up to ``limits.steps`` ≤ ``capacity`` iterations.

    Returns:
        The carry and the records, (5, capacity); the first ``tau_after − tau_before`` columns are filled, one more if
        the loop stopped early.
    """
    network, loss, dtype = static.network, static.loss, carry.path_length.dtype
    along_gradient = network.cheap_progress and static.method.in_span and static.method.monotone

    def body(loop: Any) -> Any:
        i, carry, records = loop
        tau, theta, state, path, squared_distance, reference, before = carry
        v, cache = _forward(static, data, theta)
        value = loss.value(jnp, v, data.y).astype(dtype)
        z = static.operator.adjoint(data.operator, loss.gradient(jnp, v, data.y))
        factors, squared = network.gradient(data.constants, theta, cache, z)
        norm = jnp.sqrt(jnp.asarray(squared, dtype))
        if static.track_distance and not along_gradient:
            squared_distance = network.squared_norm(
                data.constants, jax.tree.map(lambda a, b: a - b, theta, data.theta_0)
            ).astype(dtype)
        distance = jnp.sqrt(jnp.maximum(squared_distance, 0.0))
        finite = jnp.isfinite(value) & jnp.isfinite(norm)
        risen = (value > limits.rise * reference) & (value > limits.floor)
        status = jnp.where(
            finite, jnp.where(value <= limits.tolerance, REACHED, jnp.where(risen, RISEN, RUNNING)), NOT_FINITE
        ).astype(before.dtype)
        running = status == RUNNING
        gamma = gamma_0 * jnp.asarray(static.schedule.factor(tau.astype(dtype)), dtype)
        if static.schedule.searches:
            search = static.schedule
            gamma = _backtrack(
                static, data, theta, cache, factors, squared, value, gamma, search.decrease, search.shrink
            )
        gamma = jnp.where(running, gamma, 0.0)
        update = static.method.update(partial(network.expand, cache, factors), state, gamma, coefficients)
        # a step of size 0 times a non-finite gradient would spoil the iterate that is to be reported
        theta_next = jax.tree.map(lambda old, move: jnp.where(finite, old + move, old), theta, update.displacement)
        state_next = jax.tree.map(lambda old, new: jnp.where(running, new, old), state, update.state)
        if along_gradient:
            length = gamma * norm
            if static.track_distance:
                along = network.progress(data.constants, theta, data.theta_0, cache, factors).astype(dtype)
                squared_distance = squared_distance + jnp.where(running, gamma * (gamma * norm * norm - 2 * along), 0.0)
        else:
            length = jnp.sqrt(network.squared_norm(data.constants, update.displacement).astype(dtype))
        records = jax.lax.dynamic_update_slice(
            records, jnp.stack([value, norm, path, distance, gamma])[:, None], (jnp.zeros((), i.dtype), i)
        )
        one = running.astype(i.dtype)
        path = path + jnp.where(running, length, 0.0)
        reference = jnp.where(running & static.method.monotone, value, reference)
        return i + one, Carry(tau + one, theta_next, state_next, path, squared_distance, reference, status), records

    def condition(loop: Any) -> Any:
        i, carry, _ = loop
        return (i < limits.steps) & (carry.status == RUNNING)

    records = jnp.zeros((ROWS, static.capacity), dtype)
    start = (jnp.zeros((), carry.tau.dtype), carry._replace(status=jnp.full_like(carry.status, RUNNING)), records)
    _, carry, records = jax.lax.while_loop(condition, body, start)
    return carry, records


def _backtrack(
    static: Static,
    data: Data,
    theta: Any,
    cache: Any,
    factors: Any,
    squared: Any,
    value: Any,
    gamma: Any,
    decrease: float,
    shrink: float,
) -> Any:
    """Shorten γ until f decreases by at least ``decrease``·γ‖∇f‖² (docs/theory-methods.md §9)."""

    def too_long(trial: Any) -> Any:
        moved = jax.tree.map(lambda a, b: a + b, theta, static.network.expand(cache, factors, -trial))
        v, _ = _forward(static, data, moved)
        new = static.loss.value(jnp, v, data.y)
        # `not <=` so that a NaN (outside the domain of the loss) shortens the step too
        return ~(new <= value - decrease * trial * squared) & (trial > gamma * _SHORTEST)

    return jax.lax.while_loop(too_long, lambda trial: shrink * trial, gamma)


@partial(jax.jit, static_argnames=("static",))
def step_that_falls(static: Static, data: Data, theta: Any, gamma: Any) -> Any:
    """Halve γ until f decreases by γ‖∇f‖²/2 along the negative gradient."""
    v, cache = _forward(static, data, theta)
    z = static.operator.adjoint(data.operator, static.loss.gradient(jnp, v, data.y))
    factors, squared = static.network.gradient(data.constants, theta, cache, z)
    value = static.loss.value(jnp, v, data.y)
    return _backtrack(static, data, theta, cache, factors, squared, value, gamma, 0.5, 0.5)


@partial(jax.jit, static_argnames=("static", "curved"))
def norm_estimate(static: Static, iterations: Any, curved: bool, data: Data, theta: Any, start: Any) -> tuple[Any, Any]:
    """Estimate by power iteration the largest eigenvalue of MMᵀ, or ``curved`` of MMᵀ∇²L(v): a lower bound."""
    product, hessian = _normal_map(static, data, theta)

    def body(_: Any, pair: Any) -> Any:
        w, _ = pair
        curved_w = hessian(w) if curved else w
        image = product(curved_w)
        size = _length(image)
        # ⟨Hw, KHw⟩/⟨w, Hw⟩ grows towards the eigenvalue in every iteration, ‖KHw‖/‖w‖ need not
        quotient = (curved_w @ image) / (w @ curved_w) if curved else size
        return image / jnp.where(size > 0, size, 1), quotient

    w, size = jax.lax.fori_loop(0, iterations, body, (start, jnp.zeros((), start.dtype)))
    return size, w


def _length(vector: Any) -> Any:
    """Give ‖vector‖, also where its square leaves the number format: ‖M‖² may be as small as 1e-300."""
    squared, largest, limits = vector @ vector, jnp.max(jnp.abs(vector)), jnp.finfo(vector.dtype)
    scaled = vector / jnp.where(largest > 0, largest, 1)
    inside = (squared > limits.tiny) & (squared < limits.max)
    return jnp.where(inside, jnp.sqrt(squared), largest * jnp.sqrt(scaled @ scaled))


@partial(jax.jit, static_argnames=("static",))
def normal_matrix(static: Static, data: Data, theta: Any) -> Any:
    """Give MMᵀ, (m, m), column by column."""
    product, _ = _normal_map(static, data, theta)
    return jax.lax.map(product, jnp.eye(data.y.shape[0], dtype=data.y.dtype))


@partial(jax.jit, static_argnames=("static",))
def normal_product(static: Static, data: Data, theta: Any, w: Any) -> Any:
    """Give MMᵀw."""
    return _normal_map(static, data, theta)[0](w)


def _normal_map(static: Static, data: Data, theta: Any) -> tuple[Any, Any]:
    """The maps w ↦ MMᵀw and w ↦ ∇²L(v)w at θ."""
    v, _ = _forward(static, data, theta)

    def product(w: Any) -> Any:
        z = static.operator.adjoint(data.operator, w)
        return static.operator.apply(data.operator, static.network.normal_product(data.constants, theta, z))

    def hessian(w: Any) -> Any:
        return jax.jvp(lambda at: static.loss.gradient(jnp, at, data.y), (v,), (w,))[1]

    return product, hessian


@partial(jax.jit, static_argnames=("static",))
def distance(static: Static, data: Data, theta: Any) -> Any:
    """Give ‖θ − θ_0‖."""
    difference = jax.tree.map(lambda a, b: a - b, theta, data.theta_0)
    return jnp.sqrt(static.network.squared_norm(data.constants, difference))
