"""Check what a certificate of gradient descent says besides: its curve and its floating-point iterates."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flint import arb

from dipproofs.certificate.read import is_count, is_number
from dipproofs.theory import symbols as s
from dipproofs.verify.arithmetic.expressions import evaluate, exact, upper
from dipproofs.verify.audit import Audit
from dipproofs.verify.methods.floating_point import check_floating_point
from dipproofs.verify.methods.forecast import Curve


class GradientAudit(Audit):
    """The examination of a certificate of gradient descent, with the curve that it states."""

    @cached_property
    def curve(self) -> Curve | None:
        """The curve, made again; None where the record has none.

        Raises:
            ValueError: a curve that does not apply.
        """
        stated = self.record["guarantees"].get("forecast")
        if not isinstance(stated, dict):
            return None
        constant = self.record["schedule"].get("kind") == "constant"
        if not (self.form == "residual" and constant and self.operator.image is None and self.loss.squared):
            raise ValueError(
                "found a forecast, expected none: it is for the residual form, a constant step and Im A = R^m"
            )
        state = self.instance.state()
        env = {**self.env, s.S: upper(self.claims["S"].upper), s.F_inf: self.path[0]}
        return Curve(state.gram, state.residual, env, stated.get("length"))

    def reached(self, count: int, target: arb) -> bool:
        """Whether the loss is surely at most ``target`` after that many further steps."""
        if super().reached(count, target):
            return True
        if self.curve is None:
            return False
        return bool(exact(self.curve.after(count)) ** 2 * exact(self.loss.c) <= target)

    @property
    def guarantee_checks(self) -> dict[str, Any]:
        """Checks by name of a guarantee."""
        return {**super().guarantee_checks, "forecast": _forecast, "floating_point": check_floating_point}


def _forecast(audit: GradientAudit, name: str, value: Any) -> None:
    if not isinstance(value, dict) or audit.curve is None:
        raise ValueError("expected iterations and curves")
    at, proved = value.get("iterations"), value.get("proved")
    if not (isinstance(at, list) and isinstance(proved, list) and len(at) == len(proved) and at):
        raise ValueError("expected as many numbers of the proved curve as iterations")
    for iteration, bound in zip(at, proved, strict=True):
        if not (is_count(iteration) and iteration < audit.curve.count and is_number(bound)):
            raise ValueError(f"found iteration {iteration!r} with bound {bound!r}, expected numbers within the curve")
        truth = audit.curve.after(iteration)
        if not truth <= bound:
            audit.find(f"{name}.proved: found {bound} at iteration {iteration}, expected at least {truth}")
    shown = evaluate(s.psi_0, audit.env).str(6)
    audit.row(name, _Stated(proved[0]), shown, True, "")


class _Stated:
    evidence = "proved"

    def __init__(self, first: float) -> None:
        self.first = first

    def __str__(self) -> str:
        return f"R ≤ {self.first:.10g} at first"
