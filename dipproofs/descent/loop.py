"""The jitted inner loop: some hundred steps of gradient descent, recording scalars only."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

RUNNING, REACHED, NOT_FINITE = 0, 1, 2


class Carry(NamedTuple):
    """What goes from one chunk to the next."""

    tau: Any
    state: Any
    path_length: Any
    squared_distance: Any
    status: Any


class Data(NamedTuple):
    """Everything traced that stays fixed: operator arrays, data, network constants, basis, offset, start."""

    operator: Any
    y: Any
    fixed: Any
    basis: Any
    offset: Any
    V_0: Any


def _forward(operator: Any, network: Any, data: Data, state: Any) -> tuple[Any, Any, Any]:
    h, cache = network.forward(data.fixed, state)
    signal = h if data.basis is None else jnp.matmul(data.basis, h, precision="highest")
    return operator.apply(data.operator, signal + data.offset), h, cache


def _gradient(operator: Any, network: Any, loss: Any, data: Data, state: Any, cache: Any, v: Any) -> Any:
    z = operator.adjoint(data.operator, loss.gradient(jnp, v, data.y))
    if data.basis is not None:
        z = jnp.matmul(z, data.basis, precision="highest")
    return network.gradient(data.fixed, state, cache, z)


@partial(
    jax.jit,
    static_argnames=("operator", "network", "loss", "schedule", "capacity", "track_distance", "backtracking"),
)
def advance(
    operator: Any,
    network: Any,
    loss: Any,
    schedule: Any,
    capacity: int,
    track_distance: bool,
    backtracking: bool,
    data: Data,
    carry: Carry,
    gamma_0: Any,
    tolerance: Any,
    steps: Any,
) -> tuple[Carry, Any]:
    """Do up to ``steps`` ≤ ``capacity`` steps; stop early at the tolerance or at a non-finite loss.

    Returns:
        The carry and the records (loss, gradient norm, path length, distance), (4, capacity); the first
        ``tau_after − tau_before`` columns are filled, one more if the loop stopped early.
    """
    dtype = carry.path_length.dtype

    def body(loop: Any) -> Any:
        i, tau, state, path, squared_distance, _, records = loop
        v, h, cache = _forward(operator, network, data, state)
        value = loss.value(jnp, v, data.y).astype(dtype)
        outer, step_b, squared = _gradient(operator, network, loss, data, state, cache, v)
        norm = jnp.sqrt(jnp.asarray(squared, dtype))
        distance = jnp.sqrt(jnp.maximum(squared_distance, 0.0))
        records = jax.lax.dynamic_update_slice(
            records, jnp.stack([value, norm, path, distance])[:, None], (jnp.zeros((), i.dtype), i)
        )
        finite = jnp.isfinite(value) & jnp.isfinite(norm)
        status = jnp.where(finite, jnp.where(value <= tolerance, REACHED, RUNNING), NOT_FINITE)
        gamma = gamma_0 * jnp.asarray(schedule.factor(tau.astype(dtype)), dtype)
        if backtracking:
            gamma = _backtrack(operator, network, loss, data, state, cache, (outer, step_b), norm, value, gamma)
        gamma = jnp.where(status == RUNNING, gamma, 0.0)
        moved = network.move(state, cache, (outer, step_b), gamma)
        if track_distance:
            along = network.progress(data.fixed, state, data.V_0, h, cache, (outer, step_b)).astype(dtype)
            change = gamma * (gamma * norm * norm - 2 * along)
            squared_distance = squared_distance + jnp.where(status == RUNNING, change, 0.0)
        # a step of size 0 times a non-finite gradient would spoil the iterate that is to be reported
        state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, state)
        running = (status == RUNNING).astype(i.dtype)
        path = path + jnp.where(status == RUNNING, gamma * norm, 0.0)
        return i + running, tau + running, state, path, squared_distance, status, records

    def condition(loop: Any) -> Any:
        i, _, _, _, _, status, _ = loop
        return (i < steps) & (status == RUNNING)

    i = jnp.zeros((), carry.tau.dtype)
    records = jnp.zeros((4, capacity), dtype)
    start = (
        i, carry.tau, carry.state, carry.path_length, carry.squared_distance, jnp.asarray(RUNNING), records,
    )  # fmt: skip
    i, tau, state, path, squared_distance, status, records = jax.lax.while_loop(condition, body, start)
    return Carry(tau, state, path, squared_distance, status), records


def _backtrack(
    operator: Any,
    network: Any,
    loss: Any,
    data: Data,
    state: Any,
    cache: Any,
    gradient: Any,
    norm: Any,
    value: Any,
    gamma: Any,
) -> Any:
    def too_long(trial: Any) -> Any:
        moved = network.move(state, cache, gradient, trial)
        v, _, _ = _forward(operator, network, data, moved)
        new = loss.value(jnp, v, data.y)
        # `not <=` so that a NaN (outside the domain of the loss) shortens the step too
        return ~(new <= value - trial * norm**2 / 2) & (trial > gamma * 1e-12)

    return jax.lax.while_loop(too_long, lambda trial: trial / 2, gamma)


@partial(jax.jit, static_argnames=("operator", "network", "iterations"))
def norm_estimate(operator: Any, network: Any, iterations: int, data: Data, state: Any, start: Any) -> tuple[Any, Any]:
    """Estimate ‖M(θ)‖² by power iteration on M Mᵀ: a lower bound up to rounding, never an upper one."""

    def product(w: Any) -> Any:
        z = operator.adjoint(data.operator, w)
        if data.basis is not None:
            z = z @ data.basis
        z = network.normal_product(data.fixed, state, z)
        if data.basis is not None:
            z = data.basis @ z
        return operator.apply(data.operator, z)

    def body(_: Any, pair: Any) -> Any:
        w, _ = pair
        image = product(w)
        size = jnp.sqrt(image @ image)
        return image / jnp.where(size > 0, size, 1), size

    w, size = jax.lax.fori_loop(0, iterations, body, (start, jnp.zeros((), start.dtype)))
    return size, w


@partial(jax.jit, static_argnames=("network",))
def distance(network: Any, fixed: Any, state: Any, V_0: Any) -> Any:
    """Give ‖θ − θ_0‖."""
    return network.distance(fixed, state, V_0)
