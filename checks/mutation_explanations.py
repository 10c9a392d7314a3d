"""Why a change that no check notices is no defect, for every survivor met so far."""

from __future__ import annotations

import re
from typing import Any

#: (file, part of the source line, pattern of the change, reason); the longest part that fits decides.
EXPLANATIONS: list[tuple[str, str, str, str]] = []

_MORE = r"^(\d+) → (\d+)$"


def explanation(entry: dict[str, Any]) -> str:
    """The explanation of a survivor, or "" when there is none."""
    found = [
        (len(part), why)
        for file, part, change, why in EXPLANATIONS
        if entry["file"].startswith(file) and part in entry["source"] and re.search(change, entry["change"])
    ]
    return max(found, default=(0, ""))[1]
