"""The operators under their name of version 0.1; they are in `dipproofs.operators`."""

from __future__ import annotations

from dipproofs.operators import *  # noqa: F403
