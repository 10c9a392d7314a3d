"""The hook that checks annotated shapes sees right arrays through and wrong ones."""

from __future__ import annotations

import numpy as np
import pytest
from array_shapes import checked
from jaxtyping import Float

import dipproofs as dp
from conftest import CHECKED_SHAPES

HINTS = {"v": Float[np.ndarray, " m"], "y": Float[np.ndarray, " m"], "return": Float[np.ndarray, ""]}


def test_arrays_that_users_meet_have_annotated_shapes() -> None:
    wanted = ("TwoLayer.V", "TwoLayer.output", "InverseProblem.y", "InverseProblem.signal", "Operator.to_dense")
    assert {*wanted, "History.loss", "Loss.gradient", "Certificate.reconstruction"} <= set(CHECKED_SHAPES)
    assert len(CHECKED_SHAPES) > 20


@pytest.mark.parametrize(
    ("v", "y", "message"),
    [(np.ones(3), np.ones(2), "y"), (np.ones((3, 1)), np.ones(3), "v"), (np.ones(3, int), np.ones(3), "v")],
)
def test_wrong_arrays_are_seen(v: np.ndarray, y: np.ndarray, message: str) -> None:
    function = checked(lambda v, y: np.asarray(v @ y), HINTS)
    assert function(np.ones(2), np.ones(2)) == 2
    with pytest.raises(TypeError, match=rf"\({message}\): found .*expected"):
        function(v, y)


def test_a_wrong_result_is_seen() -> None:
    with pytest.raises(TypeError, match=r"-> ?: found float64 of shape \(3,\), expected"):
        checked(lambda v, y: v + y, HINTS)(np.ones(3), np.ones(3))


def test_users_meet_our_messages_first() -> None:
    with pytest.raises(dp.InputError, match="expected"):
        dp.TwoLayer(np.ones(1), np.ones((4, 2)), np.ones((3, 4)))
    with pytest.raises(dp.InputError, match="expected 2"):
        dp.InverseProblem(np.eye(2), np.ones(3))
