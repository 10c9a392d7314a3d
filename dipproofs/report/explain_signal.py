"""What `dipproofs explain` says about the signal: the recovery bound and early stopping (docs/theory.md §7)."""

from __future__ import annotations

from dipproofs.theory import formula
from dipproofs.theory.core import Formula

_RECOVERY = """The limit of the descent is a least-squares solution, x_∞ = o1 + B(AB)⁺(y−oA1). How far an iterate is
from the true signal x̄ is bounded by three parts: the loss that is left, the noise, and what the generator cannot
represent.
Needs: A injective on Im B (on R^n without atoms), and a loss that is minimal exactly at y. With rank A < n and a fully
expressive generator no such bound exists; use a synthesis generator with at most m atoms."""

_STOPPING = """If ‖Πε‖ ≤ δ and ψ(f_τ) ≤ δ, the prediction is within 2δ of the clean data: ‖y_τ−Πȳ‖ ≤ 2δ. A certificate
gives the iteration τ* from which that is so; stop = "guaranteed" ends a run at the first iterate where it is proved.
δ is ‖Πε‖ if x̄ is known (proved), else ‖ε‖ as stated (assumed) or as estimated from the data."""

#: Title, text, ids of formulas, proof idea.
SIGNAL_TOPICS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "recovery": (
        "recovery of the signal",
        _RECOVERY,
        (
            *(f"recovery.{key}" for key in ("error", "data", "noise", "distance", "at_limit")),
            *("recovery.sharp.error", "recovery.leakage_bound"),
        ),
        "E = Q(AQ)⁺A projects onto Im B, so x_τ−x̄ = E(x_τ−x̄) − (I−E)x̄_⊥, and ‖I−E‖ = ‖E‖ ≤ ‖A‖/σ.",
    ),
    "early-stopping": (
        "early stopping",
        _STOPPING,
        tuple(
            f"recovery.{key}"
            for key in ("early_stopping", "early_stopping_residual", "data_error", "data_error_unprojected")
        ),
        "‖y_τ−Πȳ‖ ≤ ‖y_τ−Πy‖ + ‖Πε‖ ≤ ψ(f_τ) + ‖Πε‖, and ψ(f_τ) falls at the guaranteed rate.",
    ),
}


def items_of(name: str) -> list[Formula]:
    """Return the formulas of a topic.

    Example:
        >>> items_of("early-stopping")[2].id
        'recovery.data_error'
    """
    return [formula(id) for id in SIGNAL_TOPICS[name][2]]
