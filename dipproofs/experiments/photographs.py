"""Problems with photographs for the experiments: inpainting and blur, with noise of a relative level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.arguments.setting import Setting
from dipproofs.networks import TwoLayer
from dipproofs.operators.blur import BlurOperator
from dipproofs.operators.inpainting import InpaintingOperator
from dipproofs.problems import InverseProblem, photograph
from dipproofs.problems.bases import make_basis
from dipproofs.problems.noise import draw_noise

NAME = "camera"


def photograph_problem(operator: str, side: int, noise: float, seed: int, **options: Any) -> InverseProblem:
    """Make a problem with a side × side photograph.

    Args:
        operator: "blur" (option sigma, in pixels) or "inpainting" (option rows, a fraction).
        side: height and width. noise: ‖ε‖/‖Ax̄‖. seed: of mask and noise.
    """
    setting = Setting(Path(), (side, side))
    kinds: dict[str, Any] = {"blur": BlurOperator, "inpainting": InpaintingOperator}
    if operator == "inpainting":
        options = {"seed": seed, **options}
    A = kinds[operator](**options).build(setting)
    x_true = photograph(NAME, (side, side)).ravel()
    clean = np.asarray(A.to_dense() @ x_true)
    error = draw_noise(clean, noise, seed + 1)
    return InverseProblem(A, clean + error, x_true, error, image_shape=(side, side))


def generator(side: int, width: int, atoms: int | None, seed: int, train: str = "both") -> TwoLayer:
    """Make a two-layer generator of images, or a synthesis generator with the lowest DCT frequencies."""
    if atoms is None:
        return TwoLayer.init(side * side, width, 8, train=train, seed=seed)
    return TwoLayer.init(atoms, width, 8, train=train, seed=seed, basis=make_basis("dct", (side, side), atoms))


def upper(bound: Any) -> float | None:
    """Return the upper end of a bound, None for None."""
    return None if bound is None else float(bound.upper)
