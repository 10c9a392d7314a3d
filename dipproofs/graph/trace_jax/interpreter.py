"""Walk through a jaxpr: calls are inlined, what does not depend on parameters is computed, the rest becomes nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from dipproofs.graph.trace_jax import entrywise, index_rules, linear_rules, window_rules
from dipproofs.graph.trace_jax.known import computed
from dipproofs.graph.trace_jax.named_calls import log_sum_exp, named_call
from dipproofs.graph.tracing.algebra import Lazy, Poison, Tracer, Value

#: Primitives that hold a function to be inlined, and where they keep it.
CALLS = (
    *("jit", "pjit", "closed_call", "core_call", "xla_call", "core_closed_call", "remat", "remat2", "checkpoint"),
    *("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_lin", "custom_vmap_call"),
)
BODIES = ("jaxpr", "call_jaxpr", "fun_jaxpr", "call")
LONGEST_SCAN = 64
RANDOM = ("random_", "threefry", "rng_")
RULES: dict[str, Callable[..., Any]] = {
    **entrywise.RULES,
    **index_rules.RULES,
    **linear_rules.RULES,
    **window_rules.RULES,
}
#: What to do instead, for primitives that people meet.
CURES = {
    "while": "a loop whose length depends on data has no graph; use a Python loop or lax.scan",
    "cond": "a branch that depends on parameters has no graph; use jnp.where of continuous pieces",
    "sort": "sorting is not covered; use sums or maxima",
    "fft": "a Fourier transform of trained values is not covered; use convolutions or jnp.fft of constants only",
    "argmax": "indices that depend on parameters have no gradient",
    "gather": "indices that depend on parameters have no graph; use constant indices",
    "dynamic_slice": "positions that depend on parameters have no graph; use constant ones",
}


class Interpreter:
    """Evaluates jaxprs on traced values.

    Args:
        tracer: where nodes are added.
        literal: what a number written in the program stands for.
    """

    traced: ClassVar[type] = Lazy

    def __init__(self, tracer: Tracer, literal: Callable[[Any], Any] = np.asarray) -> None:
        self.tracer, self.literal = tracer, literal

    def run(self, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Any]) -> list[Value]:
        """Return the outputs for inputs that are arrays or traced values."""
        known: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *inputs]))

        def read(atom: Any) -> Any:
            return self.literal(atom.val) if hasattr(atom, "val") else known[atom]

        done = 0
        for place, equation in enumerate(jaxpr.eqns):
            if place < done:
                continue
            values = [read(atom) for atom in equation.invars]
            meant = log_sum_exp(self.tracer, jaxpr, place, values[0]) if values else None
            if meant is not None:
                done, known[meant[1]] = place + meant[0], meant[2]
                continue
            results = self._equation(equation, values)
            known.update(zip(equation.outvars, results))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        name, outputs = equation.primitive.name, len(equation.outvars)
        if name.startswith(RANDOM):
            reason = f"from_jax: found {name}, expected no random numbers; draw noise and masks once, outside of apply"
            return [Poison(f"{reason}, and switch dropout off")] * outputs
        bad = next((v for v in values if isinstance(v, Poison)), None)
        if bad is not None:
            return [bad] * outputs
        if name in CALLS:
            body = next(equation.params[key] for key in BODIES if key in equation.params)
            jaxpr, consts = (body.jaxpr, body.consts) if hasattr(body, "consts") else (body, ())
            meant = named_call(self.tracer, str(equation.params.get("name")), jaxpr, values)
            if meant is not None:
                return meant
            return self.run(jaxpr, consts, values)
        if name == "cond" and not isinstance(values[0], self.traced):
            branch = equation.params["branches"][int(np.clip(np.asarray(values[0]), 0, None))]
            return self.run(branch.jaxpr, branch.consts, values[1:])
        if not any(isinstance(v, self.traced) for v in values):
            return computed(equation, values)
        if name == "scan":
            return self._scan(equation, values)
        return self.apply(equation, values)

    def apply(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        """Do one equation of which a value is traced."""
        name, outputs = equation.primitive.name, len(equation.outvars)
        rule = RULES.get(name)
        if rule is None:
            cure = CURES.get(name, "write it with operations of docs/reference/graph-format.md")
            return [Poison(f"from_jax: found the primitive {name}, which has no graph operation; {cure}")] * outputs
        result = rule(self.tracer, equation, values)
        return result if isinstance(result, list) else [result]

    def _scan(self, equation: Any, values: list[Any]) -> list[Any]:
        params = equation.params
        length, body = params["length"], params["jaxpr"]
        if length > LONGEST_SCAN:
            reason = f"from_jax: found scan of length {length}, expected at most {LONGEST_SCAN}; write fewer steps"
            return [Poison(reason)] * len(equation.outvars)
        fixed, count = _scan_counts(params)
        carried = fixed + count
        carry, gathered = list(values[fixed:carried]), []
        order = range(length - 1, -1, -1) if params["reverse"] else range(length)
        for step in order:
            slices = [self.slice(v, step) for v in values[carried:]]
            results = self.run(body.jaxpr, body.consts, [*values[:fixed], *carry, *slices])
            carry = results[:count]
            gathered.append(results[count:])
        if params["reverse"]:
            gathered.reverse()
        return [*carry, *(self.stack(list(parts)) for parts in zip(*gathered))]

    def slice(self, value: Any, step: int) -> Any:
        """One entry along the first axis."""
        return self.tracer.move(value, lambda index: index[step])

    def stack(self, values: list[Any]) -> Any:
        """Values side by side along a new first axis."""
        return index_rules.stacked(self.tracer, values)


def _scan_counts(params: Any) -> tuple[int, int]:
    """How many inputs of a scan stay fixed and how many are carried; JAX names them anew since 0.12."""
    if "ft_in" not in params:
        return params["num_consts"], params["num_carry"]
    fixed, carried, _ = params["ft_in"].unpack()
    return len(list(fixed)), len(list(carried))
