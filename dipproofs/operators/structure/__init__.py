"""Operators with structure: what their norms, ranks and products are read from without a matrix."""

from dipproofs.operators.structure.base import Dense, Spectrum, Structure
from dipproofs.operators.structure.block_diagonal import BlockDiagonal
from dipproofs.operators.structure.circulant import Circulant
from dipproofs.operators.structure.diagonal import Diagonal
from dipproofs.operators.structure.product import Product
from dipproofs.operators.structure.selection import Selection
from dipproofs.operators.structure.separable import Separable
from dipproofs.operators.structure.sparse import Sparse
from dipproofs.operators.structure.stack import Stack

__all__ = [
    "BlockDiagonal",
    "Circulant",
    "Dense",
    "Diagonal",
    "Product",
    "Selection",
    "Separable",
    "Sparse",
    "Spectrum",
    "Stack",
    "Structure",
]
