"""The computation graph: a small frozen data format with documented semantics; no JAX, no torch at import."""

from __future__ import annotations

from dipproofs.graph.build import GraphBuilder
from dipproofs.graph.evaluate import evaluate, forward, reverse, vjp
from dipproofs.graph.file import load, save
from dipproofs.graph.format import Graph
from dipproofs.graph.node import Node
from dipproofs.graph.operations import OPERATIONS

__all__ = ["OPERATIONS", "Graph", "GraphBuilder", "Node", "evaluate", "forward", "load", "reverse", "save", "vjp"]
