"""Whatever a problem file or its arrays hold, the answer is a problem or one line of `InputError`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dipproofs.errors import InputError
from dipproofs.operators.options import DeterminedOptions
from dipproofs.problems import OPERATORS, SIGNALS, ProblemSpec, load_problem
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.problem_file import SECTIONS

KEYS = {
    "operator": ["kind", *sorted({k for cls in OPERATORS.values() for k in cls.__dataclass_fields__})],
    "signal": ["kind", *sorted({k for cls in SIGNALS.values() for k in cls.__dataclass_fields__})],
    "network": ["kind", *sorted({k for cls in NETWORKS.values() for k in cls.__dataclass_fields__})],
    "noise": ["level", "seed", "norm"],
    "loss": ["kind", "scale", "delta", "p", "background"],
    "descent": ["step", "schedule", "max_iterations", "tolerance", "power", "horizon", "stop", "dtype"],
    "certificate": ["form", "arithmetic", "distance"],
}
WORDS = [
    *OPERATORS,
    *SIGNALS,
    *NETWORKS,
    "camera",
    "relu",
    "tanh",
    "huber",
    "auto",
    "half",
    "",
    "a\nb",
    "é",
    "../x.npz",
]
VALUES = st.one_of(
    st.integers(-3, 12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from(WORDS),
    st.text(max_size=5),
    st.lists(st.integers(-1, 5), max_size=3),
    st.lists(st.floats(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(OPERATORS)))
    made: dict[str, Any] = {"operator": {"kind": kind}}
    for _ in range(draw(st.integers(0, 4))):
        section = draw(st.sampled_from([*SECTIONS, "operator", "signal", "wrong"]))
        key = draw(st.sampled_from(KEYS.get(section, ["kind"])) | st.text(max_size=4))
        made.setdefault(section, {})[key] = draw(VALUES)
    return made


@settings(max_examples=300, deadline=None)
@given(tables())
def test_any_tables_are_read_or_refused_in_one_line(made: dict[str, Any]) -> None:
    try:
        spec = ProblemSpec.from_dict(made)
    except InputError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("problem: ")
    else:
        assert ProblemSpec.from_dict(spec.to_json()) == spec


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(set(OPERATORS) - {"file"})),
    rows=st.integers(1, 9) | st.floats(0.01, 1.0),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    signal=st.sampled_from(["gaussian", "image"]),
    level=st.sampled_from([0.0, 1e-300, 0.1, 10.0, 1e200]),
)
def test_any_small_problem_is_built_or_refused_in_one_line(
    kind: str, rows: float, shape: list[int], signal: str, level: float
) -> None:
    made: dict[str, Any] = {
        "operator": {"kind": kind} | ({"rows": rows} if "rows" in OPERATORS[kind].__dataclass_fields__ else {}),
        "signal": {"kind": signal, "shape": shape} | ({"name": "moon"} if signal == "image" else {}),
        "noise": {"level": level},
    }
    try:
        problem = ProblemSpec.from_dict(made).build_problem()
    except InputError as error:
        assert "\n" not in str(error)
        return
    m, n = problem.shape
    assert n == int(np.prod(shape))
    assert problem.operator.to_dense().shape == (m, n)
    assert np.isfinite(problem.y).all()


def test_most_small_problems_are_built() -> None:
    for kind in sorted(set(OPERATORS) - {"file"}):
        free = "rows" in OPERATORS[kind].__dataclass_fields__ and not issubclass(OPERATORS[kind], DeterminedOptions)
        rows = {"rows": 3} if free else {}
        made = {"operator": {"kind": kind} | rows, "signal": {"kind": "gaussian", "shape": [3, 4]}}
        assert ProblemSpec.from_dict(made).build_problem().shape[1] == 12


@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_array_files(tmp_path: Path, compressed: bool, data: st.DataObject) -> None:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, A=np.arange(1.0, 7.0).reshape(2, 3), y=np.ones(2))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))]
    (tmp_path / "arrays.npz").write_bytes(bytes(content))
    (tmp_path / "p.toml").write_text('operator = {kind = "file", path = "arrays.npz"}\n')
    try:
        problem = load_problem(tmp_path / "p.toml").build_problem()
    except InputError as error:
        assert "\n" not in str(error)
        assert "arrays.npz" in str(error)
    else:
        assert np.isfinite(problem.operator.to_dense()).all()
