"""How much the checks do: the environment variable `DIPPROOFS_CHECKS=thorough` asks for 20 times more of everything."""

from __future__ import annotations

import os

VARIABLE = "DIPPROOFS_CHECKS"
THOROUGH = os.environ.get(VARIABLE) == "thorough"
#: Examples of a property by default, and how many times more `thorough` tries.
EXAMPLES, MORE = 25, 20
#: Number of seeds and draws, relative to the default.
TIMES = MORE if THOROUGH else 1
