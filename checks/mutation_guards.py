"""Which fast checks guard which source file; `checks.mutation` runs them on every altered version of it.

The slow ones (`test_enclosures`, `test_criteria`, the properties of descents) are left out: what they notice besides is
not counted.
"""

from __future__ import annotations

BOUND = ["test_intervals", "test_rigor_scalars", "test_reasons_reviewed", "tests/test_rigor_bound.py"]
SYMBOLIC = ["test_rigor_scalars", "test_reasons_reviewed", "tests/test_rigor_evaluate.py", "test_two_arithmetics"]
MATRICES = [
    "test_rigor_constants",
    "test_rigor_exact",
    "test_reasons_reviewed",
    "test_small_contracts",
    "tests/test_rigor_matrix.py",
]
CRITERIA = ["test_criteria_tight", "test_small_contracts", "test_reasons_reviewed"]
BASE = ["test_base_quantities", "test_criteria_tight", "test_reasons_reviewed"]
LOSSES = ["test_losses_numerics", "test_losses", "test_reasons_reviewed", "test_printed_bounds"]
ACTIVATIONS = ["test_activations", "test_printed_bounds"]
WIDTH = [
    "test_width",
    "test_losses_numerics",
    "test_small_contracts",
    "test_reasons_reviewed",
    "test_width_formulas",
    "test_printed_bounds",
    "test_width_split",
    "test_width_by_quadrature",
    "test_width_smallest",
]

#: Source file or room (first match decides), and the checks that guard it.
GUARDS: list[tuple[str, list[str]]] = [
    ("theory/forms.py", ["test_forms", "test_conditions"]),
    ("theory/profiles.py", ["test_profiles", "test_conditions"]),
    ("theory/conditions.py", ["test_conditions", "test_residual_form"]),
    ("theory/twolayer.py", ["test_two_layer"]),
    ("theory/recovery.py", ["test_recovery"]),
    ("theory/theorem.py", ["test_theorem"]),
    ("theory/schedules.py", ["test_schedules"]),
    ("theory/symbols.py", []),  # names
    ("theory/core.py", []),  # the register
    ("theory/__init__.py", []),
    ("theory/losses/page.py", []),  # prose for the manual
    ("theory/losses/text.py", []),
    ("theory/losses/custom.py", ["tests/test_losses_custom.py", *LOSSES]),
    ("theory/losses/", LOSSES),
    ("theory/activations/", ACTIVATIONS),
    ("theory/gaussian_moments.py", ACTIVATIONS),
    ("theory/width/events.py", ["test_width_events", *WIDTH]),
    ("theory/width/", WIDTH),
    ("certify/decide.py", CRITERIA),
    ("certify/constants.py", CRITERIA),
    ("certify/search.py", CRITERIA),
    ("certify/refute.py", CRITERIA),
    ("certify/guarantees.py", CRITERIA),
    ("certify/quantities.py", BASE),
    ("certify/blocks.py", BASE),
    ("certify/operator_bounds.py", BASE),
    ("networks/enclosure.py", BASE),
    ("descent/schedule.py", CRITERIA),
    ("descent/stepsize.py", CRITERIA),
    ("rigor/evidence.py", BOUND),
    ("rigor/bound.py", BOUND),
    ("rigor/ends.py", BOUND),
    ("rigor/functions.py", SYMBOLIC),
    ("rigor/evaluate.py", SYMBOLIC),
    ("rigor/decide.py", SYMBOLIC),
    ("rigor/elementwise.py", ["test_rigor_constants", "test_rigor_scalars"]),
    ("rigor/floats.py", CRITERIA),
    ("rigor/rounding.py", [*MATRICES, "test_rigor_scalars", "tests/test_rigor_bound.py"]),
    ("rigor/threads.py", []),  # which threads compute, not what
    ("rigor/", MATRICES),
]


def guards_of(file: str) -> list[str]:
    """The checks of a source file (path inside the package), the quickest first; [] if it is not in the list."""
    return next((guards for prefix, guards in GUARDS if file.startswith(prefix)), [])
