"""The losses under their name of version 0.1; they are in `dipproofs.losses`."""

from __future__ import annotations

from dipproofs.losses import *  # noqa: F403
