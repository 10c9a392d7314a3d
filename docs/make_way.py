"""Follow the parameters of a network from a problem file to the verdict, and write their way into architecture.md.

`python docs/make_way.py` runs a small problem under a profiler that sees which file hands a network on to which; the
ways are the shortest chains of hand-overs through the stations below. `tests/test_docs_way.py` keeps the page right.
"""

from __future__ import annotations

import ast
import sys
from collections import deque
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import dipproofs
from dipproofs.certify import api
from dipproofs.networks import GraphNetwork, TwoLayer
from dipproofs.problems import load_problem

ROOT = Path(dipproofs.__file__).parent
PAGE = Path(__file__).parent / "architecture.md"
MARKS = ("<!-- way: written by docs/make_way.py -->\n", "<!-- end of way -->\n")
#: From the file into the run; and what the run returns, to where the network gives the numbers of the verdict.
WAYS = {
    "to the run": ("problems/problem_file.py", "descent/engine.py"),
    "to the verdict": ("descent/run.py", "certify/at_iterate.py", "networks/{kind}/quantities.py"),
}
LONGEST = 8  # files, in both together
PROBLEM = """
[operator]
kind = "gaussian"
rows = 2
columns = 4
[network]
kind = "{kind}"
{options}
[signal]
kind = "gaussian"
shape = [2, 2]
[descent]
max_iterations = 3
"""
KINDS = {"two_layer": ("two-layer", "width = 8\ninput_dimension = 2"), "graph_network": ("mlp", "width = 2\ndepth = 1")}
Edge = tuple[str, str]


def hand_overs(file: Path) -> set[Edge]:
    """Return (from, to) for every file of the package that hands a network to another one, as argument or result."""
    found = {("problems/problem_file.py", "certify/api.py")}  # by the caller, here: `hand_overs` itself

    def profile(frame: FrameType, event: str, result: Any) -> None:
        if event not in ("call", "return") or (there := _place(frame)) is None:
            return
        held = list(frame.f_locals.values()) if event == "call" else [result]
        if any(map(_holds, held)) and (caller := _calling(frame)) not in (None, there):
            found.add((str(caller), there) if event == "call" else (there, str(caller)))

    sys.setprofile(profile)
    try:
        built = load_problem(file).build()
        api.certify(built.problem, built.network, built.loss, max_iterations=built.descent.max_iterations)
    finally:
        sys.setprofile(None)
    return found


def _holds(value: Any) -> bool:
    """Whether a value is a network, or an object that carries one."""
    kinds = (TwoLayer, GraphNetwork)
    return isinstance(value, kinds) or any(isinstance(x, kinds) for x in list(getattr(value, "__dict__", {}).values()))


def _place(frame: FrameType) -> str | None:
    return _relative(frame.f_code.co_filename)


@cache
def _relative(file: str) -> str | None:
    inside = file.startswith(f"{ROOT}/") and not file.endswith("/errors.py")  # which wraps functions of other files
    return file.removeprefix(f"{ROOT}/") if inside else None


def _calling(frame: FrameType) -> str | None:
    back = frame.f_back
    while back is not None and _place(back) is None:
        back = back.f_back
    return None if back is None else _place(back)


def way(edges: set[Edge], stations: tuple[str, ...]) -> list[str]:
    """Return the shortest chain of hand-overs through the stations, in their order; each file once."""
    chain = [stations[0]]
    for start, end in pairwise(stations):
        chain += _shortest(edges, start, end, set(chain))[1:]
    return chain


def _shortest(edges: set[Edge], start: str, end: str, seen: set[str]) -> list[str]:
    paths = deque([[start]])
    visited = seen | {start}
    while paths:
        path = paths.popleft()
        if path[-1] == end:
            return path
        for there in sorted(b for a, b in edges if a == path[-1] and b not in visited):
            visited.add(there)
            paths.append([*path, there])
    raise ValueError(f"no way from {start} to {end}")


def lines(folder: Path) -> Iterator[str]:
    """Yield the section: for each kind of network a table of the files and what they are about."""
    for title, (kind, options) in KINDS.items():
        file = folder / f"{title}.toml"
        file.write_text(PROBLEM.format(kind=kind, options=options), encoding="utf-8")
        yield f'With `kind = "{kind}"`:\n\n| | file | about |\n|---|---|---|\n'
        edges = hand_overs(file)
        for name, stations in WAYS.items():
            for place in way(edges, tuple(s.format(kind=title) for s in stations)):
                text = ast.get_docstring(ast.parse((ROOT / place).read_text(encoding="utf-8"))) or ""
                yield f"| {name} | `{place}` | {' '.join(text.split(chr(10) * 2)[0].split())} |\n"
        yield "\n"


def page(text: str, folder: Path) -> str:
    """Return the page with the section written again."""
    before, rest = text.split(MARKS[0])
    return before + MARKS[0] + "\n" + "".join(lines(folder)) + MARKS[1] + rest.split(MARKS[1])[1]


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as made:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), Path(made)), encoding="utf-8")
