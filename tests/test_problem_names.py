"""Names that a problem file accepts are the names that the subpackages behind it know."""

from __future__ import annotations

from dipproofs.descent.schedule import SCHEDULES as KNOWN_SCHEDULES
from dipproofs.networks.two_layer.network import OUTER_LAWS as KNOWN_OUTER_LAWS
from dipproofs.problems.run_options import SCALES, SCHEDULES
from dipproofs.problems.two_layer_options import OUTER_LAWS, TRAIN
from dipproofs.theory.architectures.two_layer import TRAIN_MODES
from dipproofs.theory.losses import SCALES as KNOWN_SCALES


def test_names_agree() -> None:
    assert set(SCHEDULES) == set(KNOWN_SCHEDULES)
    assert set(OUTER_LAWS) == set(KNOWN_OUTER_LAWS)
    assert set(TRAIN) == set(TRAIN_MODES)
    assert set(SCALES) == set(KNOWN_SCALES)
