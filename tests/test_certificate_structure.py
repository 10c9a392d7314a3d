"""Operators with structure in certificates: stored without a matrix, read and verified again, refused when spoiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from verify_cases import set_at, tampered

import dipproofs as dp
from dipproofs.certificate.read import read
from dipproofs.certificate.structure import dense_matrix
from dipproofs.certificate.write import save
from dipproofs.operators import Operator
from dipproofs.operators.structure import (
    BlockDiagonal,
    Circulant,
    Dense,
    Diagonal,
    Product,
    Selection,
    Separable,
    Sparse,
    Stack,
)

RNG = np.random.default_rng(0)
KERNEL = np.array([[1.0, 0.2, 0.1, 0.2], [0.2, 0.05, 0.0, 0.05]])
STRUCTURES: dict[str, Any] = {
    "mask": Selection(np.array([1, 2, 6]), 8),
    "diagonal": Diagonal(np.linspace(1, 2, 8)),
    "circulant": Circulant(KERNEL),
    "separable": Separable(np.eye(2) + 0.1, np.eye(4) + 0.3 * RNG.random((4, 4))),
    "sparse": Sparse(sp.csr_array(np.eye(6, 8) * 1.5 + np.eye(6, 8, 1) / 3)),
    "block-diagonal": BlockDiagonal((Circulant(KERNEL[:1]), Selection(np.array([2, 0]), 4))),
    "product": Product(Selection(np.array([7, 0, 3]), 8), Circulant(KERNEL)),
    "stack": Stack((Product(Dense(np.eye(2) + 0.1), Selection(np.array([3, 5]), 8)), Selection(np.array([0]), 8))),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, structure in STRUCTURES.items():
        operator = Operator(structure)
        problem = dp.InverseProblem(operator, operator.matvec(RNG.random(8)))
        network = dp.TwoLayer.init(n=8, width=256, input_dimension=5, seed=3)
        certificate = dp.certify(problem, network, max_iterations=400)
        assert certificate.proved, name
        found[name] = save(certificate, tmp_path_factory.mktemp(name))
    return found


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_meaning_of_a_structure_is_its_matrix(name: str) -> None:
    structure = STRUCTURES[name]
    described = json.loads(json.dumps(structure.describe()))
    np.testing.assert_array_equal(dense_matrix(described, structure.arrays()), structure.dense())


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_certificate_stores_structure_and_verifies(name: str, saved: dict[str, Path]) -> None:
    path = saved[name]
    for file in ("arrays.npz", "arrays-final.npz"):
        with np.load(path.parent / file) as arrays:
            assert "A" not in arrays and any(key.startswith("operator/") for key in arrays)
    assert json.loads(path.read_text())["operator"]["kind"] == name
    np.testing.assert_array_equal(read(path).arrays["A"], STRUCTURES[name].dense())
    assert dp.verify(path).valid


def replaced(name: str, array: Any) -> Any:
    return lambda arrays: arrays.update({name: np.asarray(array)})


#: What is changed in the record, and what among the arrays.
SPOILED: dict[str, tuple[Any, Any]] = {
    "other indices": (None, replaced("operator/indices", [1, 2, 5])),
    "repeated indices": (None, replaced("operator/indices", [1, 2, 2])),
    "outside": (None, replaced("operator/indices", [1, 2, 8])),
    "negative": (None, replaced("operator/indices", [1, 2, -2])),
    "another kind": (set_at("operator", "kind", value="diagonal"), None),
    "no kind": (set_at("operator", value=[]), None),
    "no structure": (lambda record: record.pop("operator"), None),
    "huge": (set_at("operator", "columns", value=10**9), None),
    "a matrix beside": (None, replaced("A", np.eye(3, 8))),
    "another array": (None, replaced("operator/kernel", np.ones((2, 2)))),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_structure_is_found(what: str, saved: dict[str, Path], tmp_path: Path) -> None:
    change, arrays = SPOILED[what]
    folder = saved["mask"].parent
    unchanged = dp.verify(tampered(folder, tmp_path))
    assert unchanged.valid, unchanged.findings
    result = dp.verify(tampered(folder, tmp_path, change, arrays))
    assert not result.valid and result.findings


@pytest.mark.parametrize(
    ("described", "arrays", "found"),
    [
        ({"left": {"kind": "dense"}, "right": {"kind": "dense"}},
         {"left/A": np.eye(2), "right/A": np.eye(2)}, "no factor"),
        ({"left": {"kind": "dense"}, "right": {"kind": "mask", "columns": 3}},
         {"left/A": np.eye(2), "right/indices": np.array([1, 1])}, "repeat"),
        ({"left": {"kind": "diagonal"}, "right": {"kind": "dense"}},
         {"left/entries": np.ones(3), "right/A": np.eye(2)}, "3 columns and 2 rows"),
        ({"left": {"kind": "diagonal"}, "right": {"kind": "dense"}},
         {"left/entries": np.full(2, 1e200), "right/A": 1e200 * np.eye(2)}, "not finite"),
        ({"left": {"kind": "diagonal"}}, {"left/entries": np.ones(2)}, "operator.kind"),
        ({"left": {"kind": "mask", "columns": 2}, "right": {"kind": "dense"}},
         {"left/indices": np.array([2]), "right/A": np.eye(2)}, "outside"),
        ({"left": {"kind": "diagonal"}, "right": {"kind": "dense"}}, {"middle/A": np.eye(2)}, "no factor"),
    ],
)  # fmt: skip
def test_a_spoiled_product_is_refused(described: Any, arrays: Any, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        dense_matrix({"kind": "product", **described}, arrays)


def test_a_stack_of_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        dense_matrix({"kind": "stack", "blocks": [{"kind": "dense"}] * 2}, {"0/A": np.eye(2), "1/A": np.eye(3)})


def test_a_sparse_matrix_with_an_entry_twice_is_refused() -> None:
    arrays = {"data": np.ones(2), "indices": np.array([1, 1]), "indptr": np.array([0, 2])}
    with pytest.raises(ValueError, match="twice"):
        dense_matrix({"kind": "sparse", "columns": 3}, arrays)
    with pytest.raises(ValueError, match="row ends"):
        dense_matrix({"kind": "sparse", "columns": 3}, arrays | {"indptr": np.array([0, 3])})
