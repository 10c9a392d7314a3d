"""Half of a photograph: pixels that were not seen, by networks and by biharmonic inpainting.

Problem: a photograph, half of its pixels seen. Two-layer generator by gradient descent; skip network by Adam, then a
Gauss–Newton polish. Compared: PSNR on the pixels that were not seen, of the networks at the end of their run and of the
biharmonic function through the seen pixels. Proved: the claims named; observed: PSNR. Nothing is proved about unseen
pixels. Source: docs/theory-graphs.md §4, §7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from dipproofs.experiments.measured import chosen
from dipproofs.experiments.photographs import generator, photograph_problem

MODELS = ("two-layer", "skip")
KIND = "inpainting"


def cells(quick: bool, seed: int) -> list[dict[str, Any]]:
    """Return a cell for each network."""
    side, width, iterations = (12, 144, 40) if quick else (24, 576, 600)
    return [
        {"kind": KIND, "model": model, "side": side, "width": width, "seed": seed, "max_iterations": iterations}
        for model in MODELS
    ]


def biharmonic(image: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Fill in the pixels that were not seen: Δ²x = 0 there, with the seen ones as they are.

    Args:
        image: (h, w), read where seen. seen: (h, w) booleans, some True.

    Notes:
        Δ is the five-point Laplacian, mirrored at the border; one sparse system. Floats, evidence observed.

    Example:
        >>> seen = np.ones((5, 5), dtype=bool)
        >>> seen[2, 2] = False
        >>> bool(np.isclose(biharmonic(np.ones((5, 5)) * seen, seen)[2, 2], 1.0))
        True
    """

    def second(n: int) -> Any:
        matrix = sparse.diags_array([np.ones(n - 1), np.full(n, -2.0), np.ones(n - 1)], offsets=[-1, 0, 1]).tolil()
        matrix[0, 0] = matrix[n - 1, n - 1] = -1.0
        return matrix.tocsr()

    h, w = image.shape
    laplacian = sparse.kron(second(h), sparse.eye_array(w)) + sparse.kron(sparse.eye_array(h), second(w))
    square = (laplacian @ laplacian).tocsr()
    known = seen.ravel()
    found = image.ravel().astype(float)
    found[~known] = spsolve(square[~known][:, ~known].tocsc(), -square[~known][:, known] @ found[known])
    return found.reshape(h, w)


def psnr(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB on some pixels; the peak is the range of the truth."""
    error = np.sqrt(np.mean((image - truth).ravel()[mask.ravel()] ** 2))
    return float(20 * math.log10((truth.max() - truth.min()) / error))


def run_cell(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Train one network, certify, and fill in the unseen pixels."""
    from dipproofs.certify.api import certify
    from dipproofs.networks import Skip

    side = cell["side"]
    problem = photograph_problem("inpainting", side, 0.0, cell["seed"], rows=side * side // 2)
    if cell["model"] == "skip":
        network: Any = Skip.init((side, side), scales=1 if side < 16 else 2, skip_channels=1)
        options: dict[str, Any] = {"method": "adam", "step": 5e-3, "polish": "gauss-newton"}
    else:
        network, options = generator(side, cell["width"], None, cell["seed"] + 7), {"tolerance": 1e-10}
    found = certify(problem, network, max_iterations=cell["max_iterations"], keep_interrupted=False, **options)
    assert problem.x_true is not None
    truth = np.asarray(problem.x_true).reshape(side, side)
    seen = (np.abs(problem.operator.to_dense()).sum(axis=0) > 0).reshape(side, side)
    image = np.asarray(found.run.network.output()).reshape(side, side)
    claims = found.claims
    radius = claims.existence.radius
    return [
        {
            "kind": KIND, "model": cell["model"], "side": side, "parameters": _size(network),
            "iterations": found.run.iterations, "existence": str(claims.existence.verdict),
            "convergence": str(claims.convergence.verdict),
            "distance": None if radius is None else float(radius["upper"]),
            "data_error": float(np.linalg.norm((image - truth)[seen]) / np.linalg.norm(truth[seen])),
            "psnr": psnr(image, truth, ~seen), "biharmonic": psnr(biharmonic(truth * seen, seen), truth, ~seen),
        }
    ]  # fmt: skip


def _size(network: Any) -> int:
    return sum(int(value.size) for value in network.parameters().values())


def result(rows: Sequence[dict[str, Any]]) -> str:
    """Give one line for each network and one for biharmonic inpainting."""
    some = chosen(rows, kind=KIND)
    if not some:
        return ""
    parts = [
        f"Half of the pixels of the photograph ({some[0]['side']} × {some[0]['side']}), no noise:", "",
        "| generator | parameters | iterations | data error at the end | existence of an exact fit (within) | "
        "convergence | PSNR on unseen pixels |", "|" + "---|" * 7,
    ]  # fmt: skip
    for r in some:
        within = "" if r["distance"] is None else f" ({r['distance']:.2g})"
        fitted = f"{r['existence']}{within}"
        parts.append(
            f"| {r['model']} | {r['parameters']} | {r['iterations']} | {r['data_error']:.1e} | {fitted} | "
            f"{r['convergence']} | {r['psnr']:.1f} dB |"
        )
    parts.append(f"| biharmonic inpainting, no network | – | – | 0 | – | – | {some[0]['biharmonic']:.1f} dB |")
    return "\n".join(parts)
