"""Statements that hold only if the descent goes on as the hypotheses say: no better evidence than the verdict.

`record.Certificate` weakens them when it is made (`certificate.weaken`), so that no other place has to think of it;
`verify` refuses a record in which they are better. The names are paths below ``guarantees``.
"""

from __future__ import annotations

#: What is said of the limit and of the rate.
IF_CONVERGENT = (
    "distance_to_limit", "log_contraction_per_step", "rate_exponent",
    "recovery.at_limit", "recovery.true_error_at_limit", "recovery.sharp.at_limit",
)  # fmt: skip
#: What is said of the iterate at which ψ(f) is below the noise level; it may be the certified one itself.
ONCE_STOPPED = (
    "recovery.at_early_stopping", "recovery.sharp.at_early_stopping", "recovery.early_stopping.data_error",
    "recovery.early_stopping.data_error_unprojected", "recovery.early_stopping.evidence",
)  # fmt: skip
#: Parts of ``recovery`` that need the loss's assumptions, at this iterate as well.
NEEDS_LOSS = ("data", "noise", "distance", "at_limit", "at_early_stopping", "sharp", "true_error_at_limit")
#: Sentences, and what is put before them.
SENTENCES, CONDITION = ("recovery.limit",), "if the hypotheses hold, "
