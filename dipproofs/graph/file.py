"""Graphs on disk: JSON for the structure, npz for the numbers; never pickles."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.errors import InputError, one_line
from dipproofs.graph.format import LARGEST_ARRAY, LARGEST_GRAPH, NAME, VERSION, Graph
from dipproofs.graph.node import Node

#: Prefixes of the keys in the npz file.
CONSTANT, THETA = "constant/", "theta/"
LARGEST_JSON = 2**28


def save(path: str | Path, graph: Graph, parameters: Mapping[str, np.ndarray] | None = None) -> Path:
    """Write a graph, and values of its parameters if given; the same graph gives the same bytes.

    Args:
        path: of the JSON file; the arrays go beside it, to the same name with ``.npz``.
        graph: the graph.
        parameters: values by name.

    Returns:
        The path of the JSON file.
    """
    place = Path(path)
    place = place if place.suffix else place.with_suffix(".json")
    arrays = {CONSTANT + name: array for name, array in graph.constants.items()}
    arrays |= {THETA + name: np.asarray(value) for name, value in (parameters or {}).items()}
    beside = place.with_suffix(".npz")
    beside.write_bytes(npz_bytes(arrays))
    place.write_text(dumps({**graph.to_json(), "arrays": beside.name}), encoding="utf-8")
    return place


def load(path: str | Path) -> tuple[Graph, dict[str, np.ndarray]]:
    """Read a graph and the parameters stored with it (an empty dictionary if there are none).

    Raises:
        InputError: missing or damaged files, pickles, sizes beyond the limits, another version.
    """
    place = Path(path)
    record = _read_json(place)
    name = record.pop("arrays", None)
    if not isinstance(name, str) or Path(name).name != name:
        raise InputError(f"{place.name}: arrays: found {name!r}, expected the name of an .npz file beside it")
    arrays = read_npz(place.parent / name)
    constants = {key.removeprefix(CONSTANT): v for key, v in arrays.items() if key.startswith(CONSTANT)}
    theta = {key.removeprefix(THETA): v for key, v in arrays.items() if key.startswith(THETA)}
    graph = read_graph(record, constants, place.name)
    return graph, theta


def read_graph(value: Any, constants: Mapping[str, np.ndarray], label: str = "graph") -> Graph:
    """Make a graph from its JSON value; see `Graph.from_json`."""
    keys = ("version", "nodes", "parameters", "constants", "output")
    if not isinstance(value, dict) or set(value) != set(keys):
        found = ", ".join(map(str, value)) if isinstance(value, dict) else type(value).__name__
        raise InputError(f"{label}: found {found[:200] or 'no keys'}, expected {', '.join(keys)}")
    if type(value["version"]) is not int or value["version"] != VERSION:
        raise InputError(f"{label}: version: found {value['version']!r}, expected {VERSION}; update dipproofs")
    listed = value["nodes"]
    if not isinstance(listed, list) or len(listed) > LARGEST_GRAPH:
        raise InputError(f"{label}: nodes: expected a list of at most {LARGEST_GRAPH} nodes")
    for key in ("parameters", "constants"):
        if not isinstance(value[key], dict):
            raise InputError(f"{label}: {key}: found {type(value[key]).__name__}, expected a table of names")
    if set(value["constants"]) != set(constants):
        odd = sorted(set(value["constants"]) ^ set(constants))[0]
        raise InputError(f"{label}: constant {odd}: found in only one of graph and arrays, expected in both")
    for name, entry in value["constants"].items():
        array = np.asarray(constants[name])
        if entry != {"shape": list(array.shape), "dtype": str(array.dtype)}:
            raise InputError(f"{label}: constant {name}: found {array.dtype} {array.shape}, expected {entry}")
    return Graph(
        tuple(_node(entry, f"{label}: node {place}") for place, entry in enumerate(listed)),
        value["parameters"],
        constants,
        value["output"],
    )


def _node(entry: Any, label: str) -> Node:
    if not isinstance(entry, dict) or not {"op", "inputs", "shape"} <= set(entry) <= {
        "op",
        "inputs",
        "shape",
        "attributes",
    }:
        raise InputError(f"{label}: expected the keys op, inputs, shape and perhaps attributes")
    attributes = entry.get("attributes", {})
    good = isinstance(entry["op"], str) and isinstance(attributes, dict)
    if not (good and isinstance(entry["inputs"], list) and isinstance(entry["shape"], list)):
        raise InputError(f"{label}: expected op a text, inputs and shape lists, attributes a table")
    return Node(entry["op"], tuple(entry["inputs"]), tuple(entry["shape"]), attributes)


def dumps(record: Mapping[str, Any]) -> str:
    """Return the JSON text, one node a line."""
    rest = {key: value for key, value in record.items() if key != "nodes"}
    nodes = ",\n  ".join(json.dumps(node, allow_nan=False) for node in record["nodes"])
    return json.dumps(rest, allow_nan=False)[:-1] + f',\n "nodes": [\n  {nodes}\n ]}}\n'


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return an npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(sorted(arrays.items()))
    np.savez(buffer, allow_pickle=False, **named)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read named arrays without pickles; sizes are checked before anything is allocated.

    Raises:
        InputError: one line.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size > 8 * LARGEST_ARRAY + 4096:
                    raise InputError(f"{path.name}: {member.filename}: found {member.file_size} bytes, too large")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path.name}: no such file, expected an .npz file") from None
    except Exception as error:  # damaged archives raise many kinds
        reason = one_line(error, 120)
        raise InputError(f"{path.name}: not an .npz file of plain arrays ({reason}); write it again") from None
    bad = next((key for key in arrays if not NAME.fullmatch(key)), None)
    if bad is not None:
        raise InputError(f"{path.name}: found the key {bad!r}, expected names joined by /")
    return arrays


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise InputError(f"{path.name}: found {path.stat().st_size} bytes, expected at most {LARGEST_JSON}")
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path.name}: no such file, expected a graph written by save") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name}: not a JSON file ({one_line(error, 120)})") from None
    if not isinstance(record, dict):
        raise InputError(f"{path.name}: found {type(record).__name__}, expected a graph written by save")
    return record


def _refuse(word: str) -> Any:
    raise ValueError(f"found {word}, expected finite numbers")
