"""Pixels that were not seen: biharmonic inpainting, its PSNR, and the table of the experiment `image`."""

from __future__ import annotations

import numpy as np
import pytest

from dipproofs.experiments import unseen


def test_biharmonic_keeps_what_was_seen_and_solves_the_equation_elsewhere() -> None:
    rng = np.random.default_rng(0)
    image, seen = rng.uniform(size=(9, 7)), rng.uniform(size=(9, 7)) < 0.5
    found = unseen.biharmonic(image, seen)
    assert np.array_equal(found[seen], image[seen])

    def laplacian(z: np.ndarray) -> np.ndarray:
        wide = np.pad(z, 1, mode="edge")
        return wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2] - 4 * z

    defect = laplacian(laplacian(found))
    assert np.abs(defect[~seen]).max() < 1e-10 < np.abs(defect[seen]).max()


def test_psnr_counts_the_chosen_pixels_only() -> None:
    truth, where = np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([[False, False], [True, True]])
    image = truth + np.array([[9.0, 9.0], [0.2, -0.2]])
    assert unseen.psnr(image, truth, where) == pytest.approx(20.0)


def test_the_cells_name_both_networks_and_the_table_shows_them() -> None:
    cells = unseen.cells(True, 0)
    assert [cell["model"] for cell in cells] == ["two-layer", "skip"]
    row = {
        "kind": "inpainting", "side": 12, "parameters": 9, "iterations": 5, "data_error": 1e-3, "existence": "proved",
        "convergence": "undecided", "distance": 0.5, "psnr": 17.52, "biharmonic": 20.96,
    }  # fmt: skip
    text = unseen.result([row | {"model": "skip"}, row | {"model": "two-layer", "distance": None}])
    assert "| skip | 9 | 5 | 1.0e-03 | proved (0.5) | undecided | 17.5 dB |" in text and "21.0 dB" in text
    assert unseen.result([]) == ""
