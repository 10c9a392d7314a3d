"""Check `guarantees.floating_point`: error of a step and floor, computed again (docs/theory-methods.md §4, §4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flint import arb

from dipproofs.certificate.read import Claim, is_count, is_number
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures import two_layer_rounding as rounding
from dipproofs.theory.methods import INEXACT_GRADIENT
from dipproofs.theory.methods import inexact_gradient as inexact
from dipproofs.theory.methods import symbols as m
from dipproofs.verify.arithmetic.expressions import decide, evaluate, exact, upper
from dipproofs.verify.audit import Audit
from dipproofs.verify.networks.two_layer_rounding import sizes

Env = dict[Any, arb]
#: Bounds that the record states, and the symbols of what they bound.
_STATED = {
    "absolute": inexact.error_absolute, "relative": inexact.error_relative, "path": m.path, "residual": inexact.floor,
}  # fmt: skip


def check_floating_point(audit: Audit, name: str, value: Any) -> None:
    """Recompute everything that the entry states; it may not claim to be proved.

    Raises:
        ValueError: an entry that is not of the format, or where the theorem does not apply.
    """
    if not isinstance(value, dict):
        raise ValueError("expected an object")
    if value.get("evidence") != "assumed" or value.get("assumptions") != list(rounding.ASSUMPTIONS):
        raise ValueError("expected evidence 'assumed' with the assumptions of the theory, word by word")
    network, schedule = audit.record["network"], audit.record["schedule"].get("kind")
    applies = network["kind"] == "two-layer" and audit.operator.B is None and audit.operator.image is None
    if not (applies and audit.loss.squared and schedule == "constant" and value.get("arithmetic") == "float64"):
        raise ValueError("found one, expected none: it is for two-layer networks, squared loss, a constant step")
    env = _theorem(audit, value)
    for key, symbol in _STATED.items():
        _at_least(audit, f"{name}.{key}", value.get(key), env[symbol])
    _at_least(audit, f"{name}.loss", value.get("loss"), exact(audit.loss.c) * env[inexact.floor] ** 2)
    failing = [c.id for c in INEXACT_GRADIENT.conditions if decide(c.relation, env) is not True]
    if failing or not env[m.contraction] < 1:
        audit.find(f"{name}: found one, expected none: {', '.join(failing) or 'contraction'} is not proved")
        return
    count, kept = value.get("iterations"), value.get("kept")
    fall = (env[s.psi_0] / env[inexact.floor]).log() / -env[m.contraction].log()
    if not (is_count(count) and fall <= count):
        audit.find(f"{name}.iterations: found {count!r}, expected at least {float(upper(fall)):.6g}")
    if not (is_count(kept) and kept <= evaluate(inexact.steps_below, env)):
        audit.find(f"{name}.kept: found {kept!r}, expected fewer")


def _theorem(audit: Audit, value: Mapping[str, Any]) -> Env:
    """The constants of the theorem about inexact gradients, where the program stands."""
    given = {}
    for key in ("rho", "slack", "elementary_error", "travelled"):
        if not (is_number(value.get(key)) and value[key] >= 0):
            raise ValueError(f"{key}: found {value.get(key)!r}, expected a number ≥ 0")
        given[key] = exact(value[key])
    env = sizes(audit) | {rounding.elementary: given["elementary_error"], rounding.travelled: given["travelled"]}
    env |= {symbol: evaluate(number, {}) for symbol, number in rounding.FLOAT64.items()}
    constants = dict(rounding.CONSTANTS)
    radius = upper(given["rho"] + evaluate(constants[rounding.start_away], env))
    ball = dict(audit.env) | {s.rho: radius}
    for symbol, expr in audit.theorem.architecture.constants:
        ball[symbol] = evaluate(expr, ball)
    env |= {s.rho: radius} | {symbol: upper(ball[symbol]) for symbol in (s.norm_AJ_ball, s.lipschitz_AJ)}
    for symbol, expr in rounding.CONSTANTS:
        env[symbol] = upper(evaluate(expr, env))
    start = {s.psi_0: rounding.start_residual, s.sigma_AJ: rounding.start_injectivity}
    env |= {symbol: evaluate(expr, env) for symbol, expr in start.items()}
    env |= {s.rho: given["rho"], inexact.slack: given["slack"]}
    for symbol, expr in INEXACT_GRADIENT.constants:
        env[symbol] = evaluate(expr, env)
    return env


def _at_least(audit: Audit, name: str, value: Any, truth: arb) -> None:
    claim = Claim.parse(value)
    if claim.evidence != "assumed":
        raise ValueError(f"{name}: found evidence {claim.evidence!r}, expected 'assumed'")
    audit.row(name, claim, truth.str(10), bool(truth <= claim.upper), f"at least {truth.str(10)}")
