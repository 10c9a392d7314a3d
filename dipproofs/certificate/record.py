"""The certificate: a frozen record of what was decided, from which every report is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dipproofs.certificate.claims import GRADIENT_DESCENT, Claims, claims_of, derive
from dipproofs.certificate.format import CHECK_FORMAT, FORMAT, VERSION
from dipproofs.certificate.weaken import weakened
from dipproofs.enclosures import Bound, Evidence, Verdict

if TYPE_CHECKING:
    from jaxtyping import Inexact


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis and what was decided about it.

    Args:
        id: short name, e.g. "H", "step", "rank".
        statement: the formula or sentence that was decided.
        verdict: proved, refuted or undecided.
        margin: enclosure of (left side − right side), relative to the right side where it is positive.
        reason: why, and what to do next; "" when proved.
    """

    id: str
    statement: str
    verdict: Verdict
    margin: Bound | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the contract's dictionary."""
        return {
            "id": self.id,
            "statement": self.statement,
            "verdict": str(self.verdict),
            "margin": None if self.margin is None else self.margin.to_json(),
            "reason": self.reason,
        }


#: Guarantees in the order of files; the constructor's is that of version 0.1.
_IN_FILES = (
    *("distance_to_limit", "log_contraction_per_step", "rate_exponent", "iterations_to_loss"),
    *("early_stopping_iteration", "recovery_error"),
)


@dataclass(frozen=True)
class Guarantees:
    """What follows once every hypothesis is proved (counted from the certified iterate).

    Args:
        distance_to_limit: ‖θ_t − θ_∞‖.
        log_contraction_per_step: bound of ln(ψ(f_{τ+1})/ψ(f_τ)); for the squared loss of the residual
            norm; None when the rate is not linear.
        iterations_to_loss: number of further iterations after which the loss is surely below the key.
        rate_exponent: increase of Ψ(f) by a step of the largest size (forms paper, integral, concave).
        early_stopping_iteration: iterations after which ‖y_τ − Πȳ‖ ≤ 2‖Πε‖ is guaranteed.
        recovery_error: bound of ‖x_τ − x̄‖ at the certified iterate.
        extra: further guarantees by name, e.g. the three parts of the recovery bound.
    """

    distance_to_limit: Bound | None = None
    log_contraction_per_step: Bound | None = None
    iterations_to_loss: Mapping[str, int | None] = field(default_factory=dict)
    rate_exponent: Bound | None = None
    early_stopping_iteration: int | None = None
    recovery_error: Bound | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def conditional_on(self, evidence: Evidence, stopped: Evidence) -> Guarantees:
        """Return them with what holds only if the descent converges (is stopped) weakened to the given evidence."""
        named = self._named()
        found = weakened({**named, **self.extra}, evidence, stopped)
        return Guarantees(**{name: found.pop(name) for name in named}, extra=found)

    def _named(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _IN_FILES}

    def to_json(self) -> dict[str, Any]:
        """Return the contract's dictionary."""

        def one(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {key: one(entry) for key, entry in value.items()}
            return value.to_json() if isinstance(value, Bound) else value

        return {name: one(value) for name, value in (self._named() | dict(self.extra)).items()}


@dataclass(frozen=True, repr=False, eq=False)
class Certificate:
    """What is proved about a descent from one iterate on.

    Args:
        verdict: proved only if every hypothesis is.
        form: descent form that was used ("paper", "integral", "concave", "residual").
        profile: injectivity profile that was used.
        iteration: index of the certified iterate θ_t in the run.
        quantities: enclosures by JSON name (docs/theory.md §1, §3), at θ_0 := θ_t.
        hypotheses: every hypothesis with its verdict.
        guarantees: conclusions; empty unless the verdict is proved (or estimated arithmetic was asked for).
        arrays: the exact arrays the certificate is about (A, y, u, W, V; B; x_true).
        loss, network, schedule: what else is needed to check it again, as JSON values.
        provenance: versions, device, dtype, problem.
        arithmetic: "proved" or "estimated".
        run: the run it belongs to (None for a certificate of a single iterate).
        final: the certificate at the last iterate of the same run; of a run, there always is one.
        method: its kind and its parameters; with momentum those of the proof and the size of the state as well; with
            "claims": "existence" hypotheses and verdict are about the point only.
        polish: what was done after the run, or None.
    """

    verdict: Verdict
    form: str
    profile: str
    iteration: int
    quantities: Mapping[str, Bound | None]
    hypotheses: tuple[Hypothesis, ...]
    guarantees: Guarantees
    arrays: Mapping[str, np.ndarray]
    loss: Mapping[str, Any]
    network: Mapping[str, Any]
    schedule: Mapping[str, Any]
    provenance: Mapping[str, Any]
    arithmetic: str = "proved"
    run: Any = None
    final: Certificate | None = None
    method: Mapping[str, Any] = field(default_factory=lambda: {"kind": GRADIENT_DESCENT})
    polish: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Give conditional statements the evidence of their condition.

        Raises:
            ValueError: a proved verdict whose hypotheses are not all proved.
        """
        if self.proved and any(h.verdict is not Verdict.PROVED for h in self.hypotheses):
            raise ValueError("found the verdict proved with a hypothesis that is not, expected the weaker of them")
        if not self.proved:
            known = [bound.evidence for bound in self.quantities.values() if bound is not None]
            weak = Evidence.weakest([Evidence.ASSUMED, *known])
            psi = self.quantities.get("psi_0")
            here = self.guarantees.early_stopping_iteration == 0 and psi is not None and self._loss_is_known
            stopped = psi.evidence if here and psi is not None else weak
            object.__setattr__(self, "guarantees", self.guarantees.conditional_on(weak, stopped))

    @property
    def _loss_is_known(self) -> bool:
        """Whether what ψ needs is proved: (A1)–(A4) and the minimiser."""
        needed = {"loss", "compact", "minimiser"}
        return needed <= {h.id for h in self.hypotheses if h.verdict is Verdict.PROVED}

    @property
    def point_only(self) -> bool:
        """Whether hypotheses and verdict are about the point: the method has no theorem here."""
        return self.method.get("claims") == "existence"

    @property
    def asked(self) -> str:
        """The claim that verdict and exit status are about, where it is not the run's convergence; else ""."""
        return "existence" if self.point_only else ""

    @property
    def later(self) -> Certificate | None:
        """The certificate at the last iterate, unless this is the one."""
        return None if self.final is None or self.final.arrays is self.arrays else self.final

    @property
    def end(self) -> Certificate | None:
        """The certificate at the run's last iterate, unless this is the one; None where the point was polished."""
        return self.later if self.polish is None else None

    @property
    def proved(self) -> bool:
        """Whether the verdict is proved."""
        return self.verdict is Verdict.PROVED

    @cached_property
    def claims(self) -> Claims:
        """What is claimed: existence of an exact fit, convergence, the signal."""
        return claims_of(self.to_json())

    def save(self, directory: str | Path, *, report: bool = False) -> Path:
        """Write ``certificate.json`` and its arrays (and ``report.html``) into a directory, whole or not at all.

        Args:
            directory: made if it is missing. report: also write the report.

        Returns:
            Path of ``certificate.json``.

        Raises:
            InputError: the directory cannot be written.
        """
        from dipproofs.certificate.write import save

        page = None
        if report:
            from dipproofs.report import certificate_html

            page = certificate_html(self)
        return save(self, directory, report=page)

    def __repr__(self) -> str:
        return f"Certificate({self.verdict}, form={self.form}, profile={self.profile}, iteration={self.iteration})"

    def __str__(self) -> str:
        # printing shows the table: the one place where a record looks up at the subpackage that renders it
        from dipproofs.report import render_certificate, to_text

        return to_text(render_certificate(self))

    def _repr_html_(self) -> str:
        from html import escape

        from dipproofs.report import certificate_html

        page = escape(certificate_html(self), quote=True)
        return f'<iframe title="certificate" srcdoc="{page}" style="width:100%;height:44rem;border:0"></iframe>'

    @property
    def reconstruction(self) -> Inexact[np.ndarray, "..."]:
        """g(u, θ) at the last iterate, in the shape of the signal (evidence: estimated)."""
        from dipproofs.report.facts import shaped

        return shaped(self)

    def plot(self, what: str | None = None) -> Any:
        """Draw the certificate.

        Args:
            what: "images" (truth, data, reconstruction, error), "loss" or "path"; by default images for pictures,
                else the loss.

        Returns:
            A matplotlib figure.

        Raises:
            InputError: another word, or something that this certificate does not have.
        """
        from dipproofs.report.plots import certificate_figure

        return certificate_figure(self, what)

    def to_json(self) -> dict[str, Any]:
        """Return the contract's dictionary, without the entry ``arrays`` (`save` adds it)."""
        record: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "verdict": str(self.verdict),
            "arithmetic": self.arithmetic,
            "form": self.form,
            "profile": self.profile,
            "iteration": self.iteration,
            "quantities": {k: None if b is None else b.to_json() for k, b in self.quantities.items()},
            "hypotheses": [h.to_json() for h in self.hypotheses],
            "guarantees": self.guarantees.to_json(),
            "loss": dict(self.loss),
            "network": dict(self.network),
            "schedule": dict(self.schedule),
            "provenance": dict(self.provenance),
            "method": dict(self.method),
        }
        if self.polish is not None:
            record["polish"] = dict(self.polish)
        if self.run is not None:
            record["run"] = self.run.to_json()
        if self.later is not None:
            record["final"] = self.later.to_json()
            del record["final"]["claims"]  # the whole record states them, once
        record["claims"] = derive(record)
        return record


@dataclass(frozen=True, repr=False, eq=False)
class Check:
    """The conditions of every form at initialisation, without a descent.

    Args:
        forms: certificate by form.
        widths: for each form, the smallest width found at which it holds, or None with a reason.
        provenance: as in `Certificate`.
    """

    forms: Mapping[str, Certificate]
    widths: Mapping[str, Any]
    provenance: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Check({', '.join(f'{name}: {c.verdict}' for name, c in self.forms.items())})"

    def __str__(self) -> str:
        from dipproofs.report import render_check, to_text

        return to_text(render_check(self))

    @property
    def proved(self) -> bool:
        """Whether at least one form is proved at initialisation."""
        return any(c.proved for c in self.forms.values())

    def to_json(self) -> dict[str, Any]:
        """Return the contract's dictionary."""
        return {
            "format": CHECK_FORMAT,
            "version": VERSION,
            "verdict": "proved" if self.proved else _strongest_failure(self.forms),
            "forms": {name: c.to_json() for name, c in self.forms.items()},
            "widths": dict(self.widths),
            "provenance": dict(self.provenance),
        }


def _strongest_failure(forms: Mapping[str, Certificate]) -> str:
    verdicts = {c.verdict for c in forms.values()}
    return str(Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.REFUTED)
