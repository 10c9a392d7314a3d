"""The reference page of the graph format, written from the operations themselves.

`docs/reference/graph-format.md` is the output of `graph_format_reference()`; a test keeps the two equal.
"""

from __future__ import annotations

import inspect

from dipproofs.graph.operations import OPERATIONS, Operation
from dipproofs.theory.elementary import DOMAINS, ELEMENTARY, PIECEWISE

_INTRODUCTION = """# Graph format

A network is data: nodes in topological order, each an operation applied to earlier nodes, with named parameters and
named constants. Its meaning is real arithmetic on the stored numbers; certificates are about that function. There is
no batch dimension unless it is an ordinary axis of length 1.

This page is written by `dipproofs.graph.reference.graph_format_reference()`.

## Files

`network.save("network.json")` writes two files, the same bytes for the same graph: the JSON, and beside it
`network.npz` with the arrays `constant/NAME` (float64, or integers where they are indices) and `theta/NAME` (the
parameters, float32 or float64). Nothing is pickled; sizes are checked before anything is allocated. The JSON has the
keys

| key | holds |
|---|---|
| `version` | 1 |
| `nodes` | a list; each node has `op`, `inputs` (places of earlier nodes), `shape`, perhaps `attributes` |
| `parameters` | shapes by name, parts joined by `/`; each has exactly one `parameter` node, which several may read |
| `constants` | shape and dtype by name |
| `output` | the place of the node that is the result, the image in row order |
| `arrays` | name of the `.npz` file (in certificates the arrays are in `arrays.npz`) |

A graph is checked in one pass when it is made: known operations, earlier inputs, attributes, and that every shape is
what the operation gives.

## From JAX and torch

`dp.from_jax(apply, params)` reads a jaxpr, `dp.from_torch(module, z)` the ATen program of a module. Calls are
inlined, what does not depend on parameters is computed, entries that only move become `gather`, chains of entrywise
operations are recognised by their values at several hundred points, and so are normalisations and softmax. What has
no operation below is refused with its name. Afterwards outputs and gradients are compared with the user's function in
float64 at three sets of parameters, and a difference beyond rounding (1e-8 of the largest entry, torch 1e-7) is
refused: no certificate speaks of another function. A JAX program that only runs in float32 is read as one of real
numbers, its constants as the decimals that they were written as.

## Operations
"""


def graph_format_reference() -> str:
    """Return the page as Markdown.

    Example:
        >>> "### `conv`" in graph_format_reference()
        True
    """
    parts = [_INTRODUCTION, *(_operation(operation) for operation in OPERATIONS.values()), _functions(), _pieces()]
    return "\n".join(parts)


def _operation(operation: Operation) -> str:
    text = inspect.cleandoc(type(operation).__doc__ or "")
    body, _, rest = text.partition("\nAttributes:\n")
    rows = [line.strip().partition(": ") for line in _joined(rest)]
    table = "".join(f"| `{key}` | {operation.attributes[key].expected} | {meaning} |\n" for key, _, meaning in rows)
    head = f"\n| attribute | expected | meaning |\n|---|---|---|\n{table}" if table else ""
    return f"### `{operation.name}`\n\n{body.strip()}\n{head}"


def _joined(text: str) -> list[str]:
    """The entries of an Attributes section, continued lines joined."""
    entries: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        elif line.strip():
            entries.append(line)
    return entries


def _functions() -> str:
    rows = [f"| `{f.name}` | `{f.phi}` | {DOMAINS[f.domain]} |" for f in ELEMENTARY.values()]
    return "\n".join(["## Functions of `entrywise`\n", "| name | φ(x) | domain |", "|---|---|---|", *rows, ""])


def _pieces() -> str:
    rows = [
        f"| `{name}` | {_list(f.knots)} | {_list(f.slopes)} | {f.value:g} |" for name, f in sorted(PIECEWISE.items())
    ]
    head = "## Activations as `piecewise`\n\nThese names are accepted by the networks of the library.\n"
    return "\n".join([head, "| name | knots | slopes | value at the first knot |", "|---|---|---|---|", *rows, ""])


def _list(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{n:g}" for n in numbers)
