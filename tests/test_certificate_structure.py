"""Operators with structure in certificates: stored without a matrix, read and verified again, refused when spoiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

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


def rewrite(path: Path, folder: Path, change: Any) -> Path:
    """Copy a certificate with another record, and other arrays under the right digest."""
    import hashlib

    record = json.loads(path.read_text())
    for where, file in ((record, "arrays.npz"), (record["final"], "arrays-final.npz")):
        with np.load(path.parent / file) as stored:
            arrays = dict(stored)
        change(where, arrays)
        np.savez(folder / file, **arrays)
        where["arrays"]["sha256"] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    (folder / "certificate.json").write_text(json.dumps(record))
    return folder / "certificate.json"


def other_indices(record: Any, arrays: Any) -> None:
    arrays["operator/indices"] = np.array([1, 2, 5])


def repeated_indices(record: Any, arrays: Any) -> None:
    arrays["operator/indices"] = np.array([1, 2, 2])


def outside(record: Any, arrays: Any) -> None:
    arrays["operator/indices"] = np.array([1, 2, 8])


def negative(record: Any, arrays: Any) -> None:
    arrays["operator/indices"] = np.array([1, 2, -2])


def another_kind(record: Any, arrays: Any) -> None:
    record["operator"]["kind"] = "diagonal"


def no_kind(record: Any, arrays: Any) -> None:
    record["operator"] = []


def no_structure(record: Any, arrays: Any) -> None:
    del record["operator"]


def huge(record: Any, arrays: Any) -> None:
    record["operator"]["columns"] = 10**9


def a_matrix_beside(record: Any, arrays: Any) -> None:
    arrays["A"] = np.eye(3, 8)


def another_array(record: Any, arrays: Any) -> None:
    arrays["operator/kernel"] = np.ones((2, 2))


@pytest.mark.parametrize(
    "change",
    [other_indices, repeated_indices, outside, negative, another_kind, no_kind, no_structure, huge, a_matrix_beside,
     another_array],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_a_spoiled_structure_is_found(change: Any, saved: dict[str, Path], tmp_path: Path) -> None:
    unchanged = dp.verify(rewrite(saved["mask"], tmp_path, lambda record, arrays: None))
    assert unchanged.valid, unchanged.findings
    result = dp.verify(rewrite(saved["mask"], tmp_path, change))
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
