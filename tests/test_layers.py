"""Subpackages import downwards only; two-layer words stay in the two-layer parts: both read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import dipproofs

ROOT = Path(dipproofs.__file__).parent
#: From the ground up; what stands together does not import each other.
LAYERS = (
    ("errors", "precision", "compilation_cache", "collector", "stubs"),
    ("theory", "arguments", "sweeps"),
    ("enclosures",),
    ("certificate", "graph"),
    ("operators", "losses"),
    ("problems",),
    ("networks", "descent"),
    ("recovery",),
    ("certify",),
    ("report",),
    ("experiments", "tables", "testing"),
    ("command", "cli"),
    ("__main__",),
)
HEIGHT = {package: height for height, packages in enumerate(LAYERS) for package in packages}
#: What the second opinion may import.
OF_VERIFY = {"errors", "theory", "graph", "certificate", "verify"}
#: Parameters, constants and options of the two-layer network.
WORDS = {"W", "V", "u", "TwoLayer", "TwoLayerKernel", "step_b", "c_0", "c_A0", "train", "norm_u", "input_dimension"}
LETTERS = {"W", "V", "u"}  # as attributes and keys; as names they may be anything
#: What registers a mathematical symbol: its letter may be any.
DECLARED = {"symbol", "quantity"}
#: What is about two-layer networks: their parts, their options, tables and experiments on their width.
ABOUT = (
    "networks/two_layer",
    "problems/two_layer_options",
    "testing/two_layer",
    "theory/architectures/two_layer",
    "theory/width",
    "verify/networks/two_layer",
    *(f"tables/{name}" for name in ("cells", "figures", "instance_runs", "instance_table", "paper_order", "width")),
    *(
        f"experiments/{name}"
        for name in (
            "batch", "certified", "conditioning", "conservatism", "descent", "initialisation", "instances", "measured",
            "overparametrization", "photographs", "rates",
        )
    ),
)  # fmt: skip


def package(module: str) -> str:
    """The subpackage of a module of the package."""
    return module.split(".")[1] if "." in module else "__init__"


@cache
def files() -> tuple[tuple[str, ast.Module], ...]:
    """Every file of the package, by its path without the suffix."""
    return tuple(
        (path.relative_to(ROOT).with_suffix("").as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.rglob("*.py"))
    )


@cache
def modules() -> frozenset[str]:
    """Names of all modules."""
    return frozenset(f"dipproofs.{name.removesuffix('/__init__').replace('/', '.')}" for name, _ in files())


def imports(tree: ast.Module) -> Iterator[str]:
    """Modules of the package that a file imports when it is loaded; of packages, those that it names."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dipproofs."):
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from parts & modules() or {node.module}
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dipproofs."))


def climbs(trees: Iterable[tuple[str, ast.Module]]) -> set[tuple[str, str]]:
    """(file, subpackage) for every import of a subpackage that is not below."""
    found = set()
    for name, tree in trees:
        here = name.split("/")[0]
        if here in ("__init__", "verify"):
            continue
        for there in map(package, imports(tree)):
            if there != here and not (there in HEIGHT and HEIGHT[there] < HEIGHT[here]):
                found.add((name, there))
    return found


def test_every_package_has_its_layer() -> None:
    packages = {name.split("/")[0] for name, _ in files()} - {"__init__", "verify"}
    assert packages == set(HEIGHT)


def test_imports_go_down() -> None:
    found = climbs(files())
    assert not found, f"these imports climb: {sorted(found)}"


@pytest.mark.parametrize(
    ("file", "line", "climbing"),
    [
        ("theory/core", "from dipproofs.enclosures import Bound", "enclosures"),
        ("theory/core", "import dipproofs.certify.api", "certify"),
        ("operators/blur", "from dipproofs.losses import Loss", "losses"),
        ("descent/run", "from dipproofs.networks import TwoLayer", "networks"),
        ("certify/api", "from dipproofs.verify import verify", "verify"),
        ("certify/api", "from dipproofs.enclosures import Bound", None),
        ("certify/api", "from dipproofs.certify.search import search", None),
    ],
)
def test_an_import_that_climbs_is_noticed(file: str, line: str, climbing: str | None) -> None:
    assert climbs([(file, ast.parse(line))]) == ({(file, climbing)} if climbing else set())


def test_the_second_opinion_shares_no_numerics() -> None:
    found = {
        (name, there)
        for name, tree in files()
        if name.startswith("verify/")
        for there in map(package, imports(tree))
        if there not in OF_VERIFY
    }
    assert not found
    assert not [
        name for name, tree in files() if not name.startswith("verify/") and "verify" in map(package, imports(tree))
    ]


def test_no_circle() -> None:
    names = {
        f"dipproofs.{name.removesuffix('/__init__').replace('/', '.')}": set(imports(tree)) for name, tree in files()
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module in done or module not in names:
            return
        for there in names[module]:
            visit(there, (*path, module))
        done.add(module)

    for module in names:
        visit(module, ())
    assert len(done) > 200


def words(tree: ast.Module) -> Iterator[str]:
    """Two-layer words among the names, attributes and string keys; imports, exports, declared symbols aside."""
    aside = {id(part) for node in ast.walk(tree) for part in _exported(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in WORDS - LETTERS and id(node) not in aside:
            yield node.id
        elif isinstance(node, ast.Attribute) and node.attr in WORDS:
            yield node.attr
        elif isinstance(node, ast.Constant) and node.value in WORDS and id(node) not in aside:
            yield str(node.value)


def _exported(node: ast.AST) -> Iterable[ast.AST]:
    """The strings of ``__all__``, and a symbol's letter and names where it is declared with a meaning of its own."""
    if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
        return ast.walk(node.value)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in DECLARED:
        return [*node.targets, *node.value.args[:2]]
    return ()


def outside() -> list[tuple[str, ast.Module]]:
    """Files that know no two-layer network."""
    return [(name, tree) for name, tree in files() if not name.startswith(ABOUT) and name != "__init__"]


def test_two_layer_words_stay_at_home() -> None:
    found = {name: sorted(here) for name, tree in outside() if (here := set(words(tree)))}
    assert not found, f"two-layer words in {found}: ask the network through its interface"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("shape = network.V.shape", "V"),
        ("W = arrays['W']", "W"),
        ("if isinstance(network, TwoLayer): pass", "TwoLayer"),
        ("train = options['mode']", "train"),
        ("W = symbol('W', 'value of the Lyapunov function')", None),
        ("norm_u = quantity('norm_u', 'norm of the input')", None),
        ("kept = record.quantity('norm_u')", "norm_u"),
        ("__all__ = ['TwoLayer']", None),
    ],
)
def test_a_two_layer_word_is_noticed(line: str, word: str | None) -> None:
    assert list(words(ast.parse(line))) == ([word] if word else [])


def test_what_is_about_two_layer_networks_has_their_words() -> None:
    for place in ABOUT:
        assert any(True for name, tree in files() if name.startswith(place) for _ in words(tree)), place
