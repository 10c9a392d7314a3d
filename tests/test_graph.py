"""The graph format: evaluation, adjoints, JAX, files, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from checks.random_graphs import random_graph
from dipproofs.errors import InputError
from dipproofs.graph import OPERATIONS, Graph, GraphBuilder, Node, evaluate, forward, load, save, vjp
from dipproofs.graph.lower_jax import lower
from dipproofs.graph.reference import graph_format_reference

SEEDS = range(40)


def test_the_random_graphs_hold_every_operation() -> None:
    ops = Counter(node.op for seed in SEEDS for node in random_graph(seed)[0].nodes)
    assert set(ops) == set(OPERATIONS)
    graphs = [random_graph(seed)[0] for seed in SEEDS]
    readers = [Counter(i for node in graph.nodes for i in set(node.inputs)) for graph in graphs]
    assert sum(any(read[leaf] > 1 for leaf in graph.leaves.values()) for graph, read in zip(graphs, readers)) >= 3
    assert sum(max(read.values()) > 1 for read in readers) >= 20
    assert not {"piecewise", "maximum"} & {n.op for s in SEEDS for n in random_graph(s, kinks=False)[0].nodes}


def _both(graph: Graph, parameters: Any, rows: Any) -> Any:
    value, pull = jax.vjp(lower(graph), parameters)
    return value, jax.vmap(lambda row: pull(row)[0])(rows)


@pytest.mark.parametrize("seed", range(10))
def test_numpy_agrees_with_jax(seed: int) -> None:
    graph, parameters = random_graph(seed)
    rows = np.random.default_rng(seed).standard_normal((3, *graph.output_shape))
    value, back = evaluate(graph, parameters), vjp(graph, parameters, rows)
    assert np.isfinite(value).all() and sum(np.abs(b).sum() for b in back.values()) > 1e-6
    with jax.enable_x64(True):
        other, pulled = jax.jit(lambda p, r: _both(graph, p, r))(parameters, rows)
    scale = 1 + max(np.abs(v).max() for v in forward(graph, parameters))
    np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-11 * scale)
    for name in parameters:
        expected = np.asarray(pulled[name])
        np.testing.assert_allclose(back[name], expected, rtol=1e-8, atol=1e-9 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("seed", SEEDS)
def test_adjoints_agree_with_differences(seed: int) -> None:
    graph, parameters = random_graph(seed, kinks=False)
    rng = np.random.default_rng(seed)
    direction = {name: rng.standard_normal(value.shape) for name, value in parameters.items()}
    rows = rng.standard_normal((2, *graph.output_shape))
    back = vjp(graph, parameters, rows)

    def at(h: float) -> np.ndarray:
        return evaluate(graph, {k: v + h * direction[k] for k, v in parameters.items()})

    h = 1e-4
    slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    pairing = sum((back[k] * direction[k]).reshape(2, -1).sum(1) for k in parameters)
    scale = sum(np.abs(back[k] * direction[k]).sum() for k in parameters)
    np.testing.assert_allclose(rows @ slope, pairing, atol=1e-7 * (1 + scale))


@pytest.mark.parametrize("seed", range(4))
def test_files_give_the_graph_back(seed: int, tmp_path: Path) -> None:
    graph, parameters = random_graph(seed)
    path = save(tmp_path / "network.json", graph, parameters)
    again, values = load(path)
    assert again.fingerprint == graph.fingerprint and again.to_json() == graph.to_json()
    assert np.array_equal(evaluate(again, values), evaluate(graph, parameters))
    before = path.read_bytes(), path.with_suffix(".npz").read_bytes()
    save(path, again, values)
    assert before == (path.read_bytes(), path.with_suffix(".npz").read_bytes())
    assert Graph.from_json(json.loads(json.dumps(graph.to_json())), graph.constants).fingerprint == graph.fingerprint


def _small() -> Graph:
    b = GraphBuilder()
    w = b.parameter("w", (2, 1, 3, 3))
    y = b.conv(b.constant(np.arange(25.0).reshape(1, 5, 5)), w, padding=[(1, 1), (1, 1)])
    return b.graph(b.contract(b.entrywise(y, "silu"), np.ones((1, 5)), 2))


def test_arrays_are_owned_and_read_only() -> None:
    given = np.ones(3)
    graph = Graph((Node("constant", (), (3,), {"name": "c"}),), {}, {"c": given}, 0)
    given[0] = 5.0
    assert evaluate(graph, {})[0] == 1.0
    with pytest.raises(ValueError):
        graph.constants["c"][0] = 2.0


def _change(record: dict, place: int, **entries: object) -> dict:
    node = {**record["nodes"][place], **entries}
    return {**record, "nodes": [*record["nodes"][:place], node, *record["nodes"][place + 1 :]]}


CONV = {"stride": [1, 1], "padding": [[1, 1], [1, 1]], "dilation": [1, 1], "groups": 1, "transposed": False}
BAD = {
    "version": lambda r: {**r, "version": 2},
    "true": lambda r: {**r, "version": True},
    "key": lambda r: {**r, "extra": 1},
    "output": lambda r: {**r, "output": 5},
    "nodes": lambda r: {**r, "nodes": []},
    "op": lambda r: _change(r, 2, op="tanh"),
    "op type": lambda r: _change(r, 2, op=["conv"]),
    "forward": lambda r: _change(r, 2, inputs=[0, 3]),
    "negative": lambda r: _change(r, 2, inputs=[0, -1]),
    "float place": lambda r: _change(r, 2, inputs=[0, 1.0]),
    "bool place": lambda r: _change(r, 2, inputs=[0, True]),
    "shape": lambda r: _change(r, 2, shape=[2, 5, 4]),
    "huge": lambda r: _change(r, 2, shape=[2**40, 5, 5]),
    "float shape": lambda r: _change(r, 2, shape=[2.0, 5, 5]),
    "missing": lambda r: _change(r, 2, attributes={}),
    "groups": lambda r: _change(r, 2, attributes={**CONV, "groups": 2}),
    "stride": lambda r: _change(r, 2, attributes={**CONV, "stride": [0, 1]}),
    "axes": lambda r: _change(r, 2, attributes={**CONV, "stride": [1]}),
    "unknown": lambda r: _change(r, 2, attributes={**CONV, "bias": 1}),
    "function": lambda r: _change(r, 3, attributes={"function": "softplus2"}),
    "constant": lambda r: _change(r, 4, attributes={"matrix": "c9", "axis": 2}),
    "axis": lambda r: _change(r, 4, attributes={"matrix": "c1", "axis": 3}),
    "parameter": lambda r: _change(r, 0, attributes={"name": "v"}),
    "twice": lambda r: _change(r, 1, op="parameter", attributes={"name": "w"}, shape=[2, 1, 3, 3]),
    "name": lambda r: {**r, "parameters": {"../w": [2, 1, 3, 3]}},
    "lost": lambda r: {**r, "constants": {"c0": r["constants"]["c0"]}},
    "dtype": lambda r: {**r, "constants": {**r["constants"], "c0": {"shape": [1, 5, 5], "dtype": "int64"}}},
    "text": lambda r: "graph",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_records_are_refused_in_one_line(case: str) -> None:
    graph = _small()
    Graph.from_json(graph.to_json(), graph.constants)
    with pytest.raises(InputError) as caught:
        Graph.from_json(BAD[case](graph.to_json()), graph.constants)
    assert "\n" not in str(caught.value) and "expected" in str(caught.value)


@pytest.mark.parametrize(
    "node",
    [
        Node("gather", (0,), (2,), {"indices": "low"}),
        Node("gather", (0,), (2,), {"indices": "high"}),
        Node("gather", (0,), (2,), {"indices": "real"}),
        Node("sum", (0,), (), {"axes": [0, 0]}),
        Node("sum", (0,), (3,), {"axes": [1]}),
        Node("normalise", (0,), (3,), {"axes": [0], "epsilon": 0.0, "centre": True}),
        Node("normalise", (0,), (3,), {"axes": [0], "epsilon": float("nan"), "centre": True}),
        Node("scale", (0,), (3,), {"factor": float("inf")}),
        Node("scale", (0,), (3,), {"factor": "real"}),
        Node("add", (0, 0), (3,), {"signs": [1]}),
        Node("add", (0, 0), (3,), {"signs": [1, 2]}),
        Node("piecewise", (0,), (3,), {"knots": [1.0, 0.0], "slopes": [0.0, 1.0, 2.0], "value": 0.0}),
        Node("piecewise", (0,), (3,), {"knots": [0.0], "slopes": [0.0], "value": 0.0}),
        Node("matmul", (0, 0), (3,)),
        Node("product", (0,), (3,)),
    ],
    ids=str,
)
def test_bad_nodes_are_refused(node: Node) -> None:
    constants = {"low": np.array([0, -2]), "high": np.array([0, 3]), "real": np.array([0.0, 1.0])}
    with pytest.raises(InputError, match="graph node 1"):
        Graph((Node("parameter", (), (3,), {"name": "w"}), node), {"w": (3,)}, constants, 1)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "network.json", _small())
    text = path.read_text()
    for broken in (text[:-5], text.replace("network.npz", "../network.npz"), "[]", text.replace("[3, 3]", "[3, NaN]")):
        path.write_text(broken if broken != text else "{")
        with pytest.raises(InputError):
            load(path)
    path.write_text(text)
    np.savez(path.with_suffix(".npz"), **{"constant/c0": np.array([object()])})
    with pytest.raises(InputError, match="plain arrays"):
        load(path)
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "nothing.json")


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[1] / "docs" / "reference" / "graph-format.md"
    assert page.read_text(encoding="utf-8") == graph_format_reference()
    assert all(f"### `{name}`" in graph_format_reference() for name in OPERATIONS)
